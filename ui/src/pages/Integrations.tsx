import { useSignal } from "@preact/signals";
import { send } from "../api";
import { plugins, status } from "../data";
import * as format from "../format";
import { MARKS, label } from "../health";
import { Age } from "../parts/Age";
import { Budgets } from "../parts/Budgets";
import { LastError } from "../parts/LastError";
import { Mark } from "../parts/Mark";
import { Coded, Empty, Pending, Trouble } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { Said } from "../parts/Said";
import { Scroll } from "../parts/Scroll";
import { quoted } from "../query";
import { may } from "../session";
import { param, show, toSearch } from "../state";
import type { Integration, Outcome, Plugin, Run, Status, Webhook } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";

const OUTCOMES_SHOWN = 20;

export function IntegrationsPage() {
  const { data, problem } = status.value;
  return (
    <>
      <PageHead title="Integrations" note={data && kept(data)} />
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={8} />}
      {data?.rebuilding && (
        <div class="notice">
          <p class="notice-title">Everything derived is being built anew: record {format.count(data.rebuilding.processed)} of {format.count(data.accepted)}.</p>
          <p>
            {format.count(data.rebuilding.records_per_second)} records a second
            {data.rebuilding.remaining_ms != null && `, about ${format.duration(data.rebuilding.remaining_ms)} left`}. What is shown stays as it is until then.
          </p>
        </div>
      )}
      {data && data.integrations.length === 0 && (
        <Empty title="Nothing is connected yet.">
          <p>
            <Coded text="Add an `[[integration]]` to weir.toml and try it with `weir check`; `weir init` writes a first one." />
          </p>
        </Empty>
      )}
      {data && data.integrations.length > 0 && (
        <ul class="boxes">
          {data.integrations.map((one) => (
            <Box key={one.name} one={one} webhook={data.webhooks?.find((hook) => hook.integration === one.name)} />
          ))}
        </ul>
      )}
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

function kept(data: Status): string {
  const behind = data.accepted - data.processed;
  const parts = [`${format.count(data.accepted)} raw records, ${format.bytes(data.log_bytes)}`];
  if (behind > 0) parts.push(`${format.count(behind)} to be processed`);
  if (data.quarantined > 0) parts.push(`${format.count(data.quarantined)} generations set aside: run weir doctor`);
  return parts.join(", ");
}

function Box({ one, webhook }: { one: Integration; webhook: Webhook | undefined }) {
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
        <span class="takes" hidden={!may("collect")}>
          <button type="button" class="quiet" disabled={action.busy.value} onClick={() => collect(false)}>
            {action.busy.value ? "Collecting…" : "Collect now"}
            <span class="hidden"> from {one.name}</span>
          </button>
          <button type="button" class="quiet" disabled={action.busy.value} onClick={() => collect(true)} title="Reads everything again, and withdraws what is gone">
            In full<span class="hidden"> from {one.name}</span>
          </button>
        </span>
      </div>
      <dl class="facts">
        <Fact name="All read">{one.cursor_age_ms === null || one.cursor_age_ms === undefined ? format.MISSING : format.ago(one.cursor_age_ms)}</Fact>
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

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function ran(run: Run): string {
  const took = run.finished_at ? `in ${format.duration(Date.parse(run.finished_at) - Date.parse(run.started_at))}` : "under way";
  const gone = run.withdrawn ? `, ${format.count(run.withdrawn)} withdrawn` : "";
  return `${format.count(run.records)} records ${took}${run.full ? ", in full" : ""}${gone}`;
}

/** Records of which nothing, or not all, could be made. */
function Outcomes({ names }: { names: string[] }) {
  const of = param("of");
  const ignored = useSignal(false);
  const { data, problem } = useGet<{ outcomes: Outcome[] }>("/v1/outcomes", { integration: of, limit: 500 }).value;
  const all = data?.outcomes ?? [];
  const shown = all.filter((one) => ignored.value || one.outcome !== "ignored");
  const left = all.length - shown.length;
  return (
    <section class="panel-box" aria-labelledby="outcomes">
      <div class="head">
        <h2 id="outcomes">Rejected, or taken in part</h2>
        <label class="choice right">
          <span class="hidden">Of which integration</span>
          <select value={of} onChange={(event) => show({ params: { of: event.currentTarget.value } })}>
            <option value="">all integrations</option>
            {names.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={5} />}
      {data && shown.length === 0 && <Empty title="All records were understood." />}
      <ul class="hits">
        {shown.slice(0, OUTCOMES_SHOWN).map((one) => (
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
        ))}
      </ul>
      {shown.length > OUTCOMES_SHOWN && <p class="sub">and {format.count(shown.length - OUTCOMES_SHOWN)} more</p>}
      {(left > 0 || ignored.value) && (
        <label class="check">
          <input type="checkbox" checked={ignored.value} onChange={() => (ignored.value = !ignored.value)} /> also those ignored on purpose{left > 0 && ` (${format.count(left)} of the newest ${format.count(all.length)})`}
        </label>
      )}
    </section>
  );
}

function why({ reason, diagnostics = [] }: Outcome): string {
  const told = diagnostics.map(({ place, code, found }) => [place, code, found && `found ${found}`].filter(Boolean).join(" "));
  return [reason, ...told].filter(Boolean).join("; ") || format.MISSING;
}

function Plugins() {
  const { data, problem } = plugins.value;
  return (
    <section class="panel-box" aria-labelledby="plugins">
      <div class="head">
        <h2 id="plugins">Plugins</h2>
        {data && <p class="note">{format.count(data.plugins.length)} installed; a connection must be granted to each</p>}
      </div>
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={4} />}
      {data && data.plugins.length === 0 && <Empty title="None is installed." />}
      {data && data.plugins.length > 0 && (
        <Scroll label="Plugins">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Version</th>
                <th scope="col">Asks for</th>
                <th scope="col">Digest</th>
              </tr>
            </thead>
            <tbody>
              {data.plugins.map((plugin) => (
                <tr key={plugin.id} title={plugin.path}>
                  <th scope="row">{plugin.id}</th>
                  <td>{plugin.error ? <span class="attention">{plugin.error}</span> : (plugin.version ?? format.MISSING)}</td>
                  <td class="sub">{asks(plugin)}</td>
                  <td>{plugin.digest && <code title={plugin.digest}>{format.short(plugin.digest)}</code>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}

function asks({ methods = [], hosts = [], events = [], datasets = [] }: Plugin): string {
  const parts = [methods.join(", "), hosts.join(", "), events.length > 0 && `events ${events.join(", ")}`, datasets.length > 0 && `${format.count(datasets.length)} datasets`];
  return parts.filter(Boolean).join("; ") || format.MISSING;
}
