import { useSignal } from "@preact/signals";
import { get } from "../api";
import { saveCsv } from "../chart/export";
import * as format from "../format";
import { Empty } from "../parts/Notice";
import { Said } from "../parts/Said";
import { param, show } from "../state";
import type { AuditEntry, AuditVerdict, Json } from "../types";
import { useAction } from "../useAction";
import { useResource } from "../useResource";
import { Box } from "./Box";

const PAGE = 50;
const PATH = "/v1/audit";
const FIELDS = ["q", "action", "actor"] as const;

interface Page {
  entries: AuditEntry[];
  next: string | null;
}

/** What was done, by whom, newest first. */
export function Audit() {
  const wanted = useSignal(PAGE);
  const asked = { ...Object.fromEntries(FIELDS.map((name) => [name, param(name)])), wanted: wanted.value };
  const answer = useResource(asked, pages).value;
  const take = (): void => {
    const rows = answer.data?.entries.map((one) => [one.sequence, one.at, one.action, one.outcome, one.actor, one.from, one.subject, one.hash]) ?? [];
    saveCsv("audit", [["sequence", "at", "action", "outcome", "actor", "from", "subject", "hash"], ...rows]);
  };
  const tools = (
    <button type="button" class="button" onClick={take}>
      CSV<span class="hidden"> of what is shown of the audit log</span>
    </button>
  );
  return (
    <>
      <Verify />
      <Box title="Audit log" tools={tools} answer={answer}>
        {({ entries, next }) => (
          <>
            <div class="filters">
              {FIELDS.map((name) => (
                <label key={name}>
                  <span class="hidden">{name === "q" ? "any text" : name}</span>
                  <input class="text-input" type="search" value={param(name)} placeholder={name === "q" ? "any text" : `${name}${name === "action" ? ", such as key" : ""}`} onChange={(event) => show({ params: { [name]: event.currentTarget.value.trim() } })} />
                </label>
              ))}
            </div>
            {entries.length === 0 && <Empty title="Nothing of the kind was done." />}
            <ul class="hits">
              {entries.map((entry) => (
                <Row key={entry.sequence} entry={entry} />
              ))}
            </ul>
            {next && (
              <button type="button" class="more" onClick={() => (wanted.value += PAGE)}>
                Show more
              </button>
            )}
          </>
        )}
      </Box>
    </>
  );
}

async function pages({ wanted, ...filters }: { wanted: number }, abort: AbortSignal): Promise<Page> {
  const entries: AuditEntry[] = [];
  let before: string | undefined;
  for (;;) {
    const page = await get<Page>(PATH, { ...filters, before, limit: wanted - entries.length }, abort);
    entries.push(...page.entries);
    before = page.next ?? undefined;
    if (before === undefined || page.entries.length === 0 || entries.length >= wanted) return { entries, next: page.next };
  }
}

function Row({ entry }: { entry: AuditEntry }) {
  const more = [entry.before, entry.after].some((value) => value !== null && value !== undefined);
  return (
    <li class="hit-row">
      <p class="hit-head">
        <span class={`tag ${entry.outcome === "done" ? "" : "stopped"}`}>{entry.outcome}</span>
        <strong>{entry.action}</strong>
        {entry.subject && <span>{entry.subject}</span>}
        <span class="when">{format.exact(entry.at)}</span>
      </p>
      <p class="sub">
        {entry.erased ? "who and what was erased; the chain holds" : [entry.actor ?? (entry.from ? "somebody" : "the host"), entry.from && `from ${entry.from}`].filter(Boolean).join(" ")} · entry {format.count(entry.sequence)} · <code title={entry.hash}>{format.short(entry.hash)}</code>
      </p>
      {more && (
        <details>
          <summary class="sub">before and after</summary>
          <pre class="body" tabIndex={0} aria-label={`Before and after entry ${entry.sequence}`}>
            {text(entry.before)}
            {"\n→\n"}
            {text(entry.after)}
          </pre>
        </details>
      )}
    </li>
  );
}

const text = (value: Json | undefined): string => (value === undefined || value === null ? format.MISSING : JSON.stringify(value, null, 2));

/** Whether the log is whole: every entry is chained to the one before, and the chain is signed. */
function Verify() {
  const action = useAction();
  const verdict = useSignal<AuditVerdict | undefined>(undefined);
  const run = (): void =>
    action.run(async () => {
      verdict.value = await get<AuditVerdict>(`${PATH}/verify`, {}, new AbortController().signal);
      return "";
    });
  const found = verdict.value;
  return (
    <section class="panel-box" aria-labelledby="verify">
      <div class="head">
        <h2 id="verify">Is it whole?</h2>
        <p class="note">every entry is chained to the one before it, and the chain is signed</p>
        <span class="takes right">
          <button type="button" class="button" disabled={action.busy.value} onClick={run}>
            Verify the audit log
          </button>
        </span>
      </div>
      {found && (
        <div class={`notice ${found.whole ? "" : "trouble"}`} role="status">
          <p class="notice-title">{found.whole ? `Whole: ${format.count(found.entries)} entries.` : "It is not whole."}</p>
          {found.problems.map((one) => (
            <p key={one.where}>
              {one.where}: {one.what}
            </p>
          ))}
          <p>
            Signed up to entry {format.count(found.signed_up_to)}; checkpoints: {format.count(found.checkpoints)}; not signed yet: {format.count(found.unsigned)}; without their personal part, which was erased: {format.count(found.erased)}.
          </p>
          <p>
            Public key <code class="secret">{found.public_key}</code>
          </p>
        </div>
      )}
      <Said action={action} />
    </section>
  );
}
