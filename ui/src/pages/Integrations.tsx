import { useSignal } from "@preact/signals";
import { send } from "../api";
import { plugins, status } from "../data";
import * as format from "../format";
import { MARKS, label } from "../health";
import { Act } from "../parts/Act";
import { Age } from "../parts/Age";
import { Answered } from "../parts/Answered";
import { Box } from "../parts/Box";
import { Budgets } from "../parts/Budgets";
import { Choice } from "../parts/Choice";
import { Entries } from "../parts/Entries";
import { Fact } from "../parts/Fact";
import { LastError } from "../parts/LastError";
import { List } from "../parts/List";
import { Mark } from "../parts/Mark";
import { Coded, Empty } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { Said } from "../parts/Said";
import { quoted } from "../query";
import { may } from "../session";
import { param, show, toSearch } from "../state";
import type { Integration, Outcome, Plugin, Run, Status, Webhook } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";

export function IntegrationsPage() {
  const answer = status.value;
  const { data } = answer;
  return (
    <>
      <PageHead title="Integrations" note={data && kept(data)} />
      <Answered answer={answer} lines={8}>
        {Health}
      </Answered>
      <div class="columns even">
        {may("raw") && <Outcomes names={data?.integrations.map((one) => one.name) ?? []} />}
        <div class="column">
          {data?.budgets && data.budgets.length > 0 && (
            <section class="panel-box" aria-labelledby="quotas">
              <div class="head">
                <h2 id="quotas">Quotas</h2>
                <p class="note">what tools still allow</p>
              </div>
              <Budgets budgets={data.budgets} />
            </section>
          )}
          <Plugins />
        </div>
      </div>
    </>
  );
}

function Health(data: Status) {
  return (
    <>
      {data.rebuilding && (
        <div class="notice">
          <p class="notice-title">Everything derived is being built anew: record {format.count(data.rebuilding.processed)} of {format.count(data.accepted)}.</p>
          <p>
            {format.count(data.rebuilding.records_per_second)} records a second
            {data.rebuilding.remaining_ms != null && `, about ${format.duration(data.rebuilding.remaining_ms)} left`}. What is shown stays as it is until then.
          </p>
        </div>
      )}
      {data.integrations.length === 0 && (
        <Empty title="Nothing is connected yet.">
          <p>
            <Coded text="Add an `[[integration]]` to weir.toml and try it with `weir check`; `weir init` writes a first one." />
          </p>
        </Empty>
      )}
      {data.integrations.length > 0 && (
        <ul class="boxes">
          {data.integrations.map((one) => (
            <Connected key={one.name} one={one} webhook={data.webhooks?.find((hook) => hook.integration === one.name)} />
          ))}
        </ul>
      )}
    </>
  );
}

function kept(data: Status): string {
  const behind = data.accepted - data.processed;
  const parts = [`${format.count(data.accepted)} raw records, ${format.bytes(data.log_bytes)}`];
  if (behind > 0) parts.push(`${format.count(behind)} to be processed`);
  if (data.quarantined > 0) parts.push(`${format.count(data.quarantined)} generations set aside: run weir doctor`);
  return parts.join(", ");
}

function Connected({ one, webhook }: { one: Integration; webhook: Webhook | undefined }) {
  const action = useAction();
  const collect = (full: boolean): void =>
    action.run(async () => {
      const run = await send<Run>("POST", `/v1/integrations/${encodeURIComponent(one.name)}/collect${full ? "?full=true" : ""}`);
      return `${format.count(run.records)} records of ${format.count(run.pages ?? 0)} pages came.`;
    });
  const word = label(one);
  const run = one.last_run;
  return (
    <li class="panel-box box">
      <div class="head">
        <h2 class="with-mark">
          <Mark state={MARKS[word]} silent />
          {one.name}
        </h2>
        <span class={`health ${MARKS[word]}`}>{word}</span>
        {one.state === "collecting" && <span class="sub">collecting now</span>}
        {may("collect") && (
          <span class="takes">
            <Act does={action.busy.value ? "Collecting…" : "Collect now"} to={`from ${one.name}`} action={action} run={() => collect(false)} />
            <Act does="In full" to={`from ${one.name}`} title="Reads everything again, and withdraws what is gone" action={action} run={() => collect(true)} />
          </span>
        )}
      </div>
      <dl class="facts">
        <Fact name="All read">{format.ago(one.cursor_age_ms)}</Fact>
        <Fact name="Records">
          <a href={toSearch(`integration:${quoted(one.name)}`)} title="What became of them">
            {format.count(one.records)}
          </a>
        </Fact>
        <Fact name="Rejected">
          {one.rejected > 0 ? (
            <button type="button" class="link attention" onClick={() => show({ params: { of: one.name } })}>
              {format.count(one.rejected)}
            </button>
          ) : (
            "0"
          )}
        </Fact>
        {run && <Fact name="Last run">{ran(run)}</Fact>}
        {webhook && (
          <Fact name="Webhooks">
            {format.count(webhook.taken)} taken
            {webhook.last_at && (
              <>
                , <Age at={webhook.last_at} />
              </>
            )}
            {webhook.refused > 0 && (
              <span class="attention">
                , {format.count(webhook.refused)} refused{webhook.last_refusal && `: ${webhook.last_refusal}`}
              </span>
            )}
          </Fact>
        )}
      </dl>
      {run?.failures && run.failures.length > 0 ? (
        <ul class="failures" aria-label="Datasets that could not be read to their end">
          {run.failures.map((failure) => (
            <li key={failure.dataset}>
              <p class="sub">
                {failure.dataset}
                {failure.blame && `, ${BLAMES[failure.blame] ?? failure.blame}`}
                {failure.retry !== undefined && (failure.retry ? ", is tried again" : ", is not tried again by itself")}
              </p>
              <LastError text={failure.error} />
            </li>
          ))}
        </ul>
      ) : (
        one.last_error && <LastError text={one.last_error} />
      )}
      <Said action={action} />
    </li>
  );
}

const BLAMES: Record<string, string> = { config: "the configuration", upstream: "the tool", plugin: "the plugin", host: "this host" };

function ran(run: Run): string {
  const took = run.finished_at ? `in ${format.duration(Date.parse(run.finished_at) - Date.parse(run.started_at))}` : "under way";
  const gone = run.withdrawn ? `, ${format.count(run.withdrawn)} withdrawn` : "";
  return `${format.count(run.records)} records ${took}${run.full ? ", in full" : ""}${gone}`;
}

/** Records of which nothing, or not all, could be made. */
function Outcomes({ names }: { names: string[] }) {
  const of = param("of");
  const ignored = useSignal(false);
  const answer = useGet<{ outcomes: Outcome[] }>("/v1/outcomes", { integration: of, limit: 500 }).value;
  const which = <Choice label="Of which integration" value={of} options={[["", "all integrations"], ...names.map((name) => [name, name] as const)]} pick={(of) => show({ params: { of } })} />;
  return (
    <Box title="Rejected, or taken in part" tools={which} answer={answer}>
      {({ outcomes: all }) => {
        const shown = all.filter((one) => ignored.value || one.outcome !== "ignored");
        const left = all.length - shown.length;
        return (
          <>
            {shown.length === 0 && <Empty title="All records were understood." />}
            <Entries rows={shown}>
              {(one) => (
                <li key={one.seq} class="hit-row">
                  <p class="hit-head">
                    <span class={`tag ${one.outcome === "rejected" ? "stopped" : ""}`}>{one.outcome}</span>
                    <code class="key-text">{one.key}</code>
                    <span class="when">
                      {one.stream}, record {format.count(one.seq)}
                    </span>
                  </p>
                  <p class="sub">{why(one)}</p>
                </li>
              )}
            </Entries>
            {(left > 0 || ignored.value) && (
              <label class="check">
                <input type="checkbox" checked={ignored.value} onChange={() => (ignored.value = !ignored.value)} /> also those ignored on purpose
                {left > 0 && ` (${format.count(left)} of the newest ${format.count(all.length)})`}
              </label>
            )}
          </>
        );
      }}
    </Box>
  );
}

function why({ reason, diagnostics = [] }: Outcome): string {
  const told = diagnostics.map(({ place, code, found }) => [place, code, found && `found ${found}`].filter(Boolean).join(" "));
  return [reason, ...told].filter(Boolean).join("; ") || format.MISSING;
}

function Plugins() {
  return (
    <Box title="Plugins" note={({ plugins }) => `${format.count(plugins.length)} installed; a connection must be granted to each`} answer={plugins.value} lines={4}>
      {({ plugins }) =>
        plugins.length === 0 ? (
          <Empty title="None is installed.">
            <p>
              <Coded text="`weir plugin list` shows which there are; `plugins` in `[host]` of weir.toml names a folder of them." />
            </p>
          </Empty>
        ) : (
          <List label="Plugins" columns={["Name", "Version", "From", "Asks for", "Digest"]} rows={plugins} says={(plugin) => plugin.id}>
            {(plugin) => (
              <tr key={plugin.id} title={plugin.path}>
                <th scope="row">{plugin.id}</th>
                <td>{plugin.error ? <span class="attention">{plugin.error}</span> : (plugin.version ?? format.MISSING)}</td>
                <td>{from(plugin)}</td>
                <td class="sub">{asks(plugin)}</td>
                <td>{plugin.digest && <code title={plugin.digest}>{format.short(plugin.digest)}</code>}</td>
              </tr>
            )}
          </List>
        )
      }
    </Box>
  );
}

function from({ comes_with_weir, signers }: Plugin): string {
  if (comes_with_weir) return "Weir";
  return signers.length > 0 ? `signed by ${signers.join(", ")}` : "unsigned";
}

function asks({ methods = [], hosts = [], events = [], datasets = [] }: Plugin): string {
  const parts = [methods.join(", "), hosts.join(", "), events.length > 0 && `events ${events.join(", ")}`, datasets.length > 0 && `${format.count(datasets.length)} datasets`];
  return parts.filter(Boolean).join("; ") || format.MISSING;
}
