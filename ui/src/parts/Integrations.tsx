import { status } from "../data";
import * as format from "../format";
import { MARKS, label } from "../health";
import { quoted } from "../query";
import { toPage, toSearch } from "../state";
import type { Integration, Status, Webhook } from "../types";
import { Age } from "./Age";
import { Box } from "./Box";
import { Budgets } from "./Budgets";
import { LastError } from "./LastError";
import { Columns } from "./List";
import { Mark } from "./Mark";
import { Coded, Empty } from "./Notice";

export function Integrations() {
  return (
    <Box title={<a href={toPage("integrations")}>Integrations</a>} note={summary} answer={status.value} lines={4}>
      {(data) => (
        <>
          {data.integrations.length === 0 ? (
            <Empty title="Nothing is connected yet.">
              <p>
                <Coded text="Add an `[[integration]]` to weir.toml and try it with `weir check`; `weir demo` shows how it looks with data." />
              </p>
            </Empty>
          ) : (
            <Table status={data} />
          )}
          {data.budgets && <Budgets budgets={data.budgets} />}
          <p class="log-line">
            {format.count(data.accepted)} raw records kept, {format.bytes(data.log_bytes)} on disk
            {data.quarantined > 0 && <strong>, {format.count(data.quarantined)} generations set aside: run weir doctor</strong>}
          </p>
        </>
      )}
    </Box>
  );
}

function summary(data: Status): string {
  const ill = data.integrations.filter((one) => !["healthy", "unknown"].includes(label(one))).length;
  if (data.integrations.length === 0) return "";
  return ill === 0 ? "all well" : `${ill} of ${data.integrations.length} need${ill === 1 ? "s" : ""} attention`;
}

function Table({ status: { integrations, webhooks } }: { status: Status }) {
  return (
    <table class="list integrations">
      <caption class="hidden">Integrations and their health</caption>
      <Columns of={["Name", ["Collected", "number"], ["Records", "number"], ["Rejected", "number"]]} />
      <tbody>
        {integrations.map((one) => (
          <Rows key={one.name} one={one} webhook={webhooks?.find((hook) => hook.integration === one.name)} />
        ))}
      </tbody>
    </table>
  );
}

function Rows({ one, webhook }: { one: Integration; webhook: Webhook | undefined }) {
  const noted = one.last_error ?? webhook;
  const word = label(one);
  return (
    <>
      <tr class={noted ? "noted" : ""}>
        <th scope="row">
          <span class="with-mark">
            <Mark state={one.state === "collecting" ? one.state : MARKS[word]} silent />
            <span class="name">{one.name}</span>
            <span class={`state-word ${MARKS[word]}`}>{word}</span>
          </span>
        </th>
        <td class="number">{format.ago(one.cursor_age_ms)}</td>
        <td class="number">
          <a href={toSearch(`integration:${quoted(one.name)}`)} title="What became of them">
            {format.compact(one.records)}
          </a>
        </td>
        <td class={`number ${one.rejected > 0 ? "attention" : ""}`}>
          <a href={toPage("integrations", { of: one.name })} title="Which, and why">
            {format.compact(one.rejected)}
          </a>
        </td>
      </tr>
      {noted && (
        <tr class="remark">
          <td colSpan={4}>
            {one.last_error && <LastError text={one.last_error} />}
            {webhook && <Hook hook={webhook} />}
          </td>
        </tr>
      )}
    </>
  );
}

function Hook({ hook }: { hook: Webhook }) {
  return (
    <p>
      Webhooks: {format.count(hook.taken)} taken{hook.last_at && <>, last <Age at={hook.last_at} /></>}
      {hook.refused > 0 && (
        <span class="attention">
          , {format.count(hook.refused)} refused{hook.last_refusal && `: ${hook.last_refusal}`}
        </span>
      )}
    </p>
  );
}
