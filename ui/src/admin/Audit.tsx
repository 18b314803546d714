import { useSignal } from "@preact/signals";
import { type Params, get } from "../api";
import { saveCsv, saveText } from "../chart/export";
import * as format from "../format";
import { Act } from "../parts/Act";
import { Box } from "../parts/Box";
import { Choice } from "../parts/Choice";
import { Coded, Empty } from "../parts/Notice";
import { Said } from "../parts/Said";
import { address, param, params, show } from "../state";
import type { AuditEntry, AuditVerdict, Json } from "../types";
import { useAction } from "../useAction";
import { useResource } from "../useResource";

const PAGE = 50;
/** Most entries of one answer. */
const ANSWER_MOST = 1_000;
/** Most entries of a CSV. */
const CSV_MOST = 100_000;
const PATH = "/v1/audit";
/** What actions begin with. */
const ACTIONS = ["session", "user", "key", "request", "raw", "export", "erasure", "retention", "decommission", "audit", "configuration", "host", "integration", "replay", "propel"];
const FILTERS = ["q", "action", "actor", "since", "until"] as const;
const COLUMNS = ["sequence", "at", "account", "action", "outcome", "actor", "from", "subject", "before", "after", "erased", "hash"] as const;

interface Page {
  entries: AuditEntry[];
  next: string | null;
}

/** What was done, by whom, newest first. */
export function Audit() {
  const wanted = useSignal(PAGE);
  const filters = asked();
  const answer = useResource({ filters, wanted: wanted.value }, ({ filters, wanted }, abort) => entries(filters, wanted, abort)).value;
  const action = useAction();
  const take = (): void =>
    action.run(async () => {
      const { entries: all, next } = await entries(filters, CSV_MOST);
      saveCsv("audit", [COLUMNS, ...all.map((entry) => COLUMNS.map((name) => cell(entry[name])))]);
      return `${format.count(all.length)} entries are saved${next ? "; older ones are left out" : ""}.`;
    });
  const isNarrowed = FILTERS.some((name) => params(name).length > 0);
  const tools = (
    <>
      {isNarrowed && <Act does="Clear" to="all filters" run={() => show({ params: Object.fromEntries(FILTERS.map((name) => [name, ""])) })} />}
      <button type="button" class="button" disabled={action.busy.value} onClick={take}>
        CSV<span class="hidden"> of all that fits</span>
      </button>
    </>
  );
  return (
    <>
      <Verify />
      <Box title="Audit log" note={<Coded text="`weir audit export` takes all of it, with what proves that it is whole" />} tools={tools} above={<Filters />} answer={answer}>
        {({ entries, next }) => (
          <>
            <Said action={action} />
            {entries.length === 0 && (
              <Empty title="Nothing of the kind was done."><p>{isNarrowed ? "An actor is written whole, such as user:ana, and capital letters count." : "Whoever logs in, lets somebody in, makes a key or erases something stands here then."}</p></Empty>
            )}
            <ul class="hits entries">
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

/** What the address asks for. Days are those of the reader, both of them included. */
function asked(): Params {
  const at = (name: string, days: number): string | undefined => {
    const day = new Date(`${param(name)}T00:00:00`);
    day.setDate(day.getDate() + days);
    return Number.isNaN(day.getTime()) ? undefined : day.toISOString();
  };
  return { q: param("q"), action: param("action"), actor: param("actor"), from: at("since", 0), to: at("until", 1) };
}

function Filters() {
  const action = param("action");
  const actions = [...new Set([action, ...ACTIONS])].filter(Boolean);
  const set = (name: string, value: string): void => show({ params: { [name]: value.trim() } });
  const line = (name: string, label: string, type: "search" | "date") => (
    <label>
      <span class={type === "date" ? "sub" : "hidden"}>{label} </span>
      <input class="text-input" type={type as "text"} value={param(name)} placeholder={label} onChange={(event) => set(name, event.currentTarget.value)} />
    </label>
  );
  return (
    <div class="filters" role="search" aria-label="Audit log">
      {line("q", "any text", "search")}
      <Choice label="Action" value={action} options={[["", "any action"], ...actions.map((name) => [name, name] as const)]} pick={(value) => set("action", value)} />
      {line("actor", "actor, such as user:ana", "search")}
      {line("since", "from", "date")}
      {line("until", "to", "date")}
    </div>
  );
}

/** The newest entries that fit, as many as are wanted. */
async function entries(filters: Params, wanted: number, abort?: AbortSignal): Promise<Page> {
  const all: AuditEntry[] = [];
  let before: string | undefined;
  for (;;) {
    const page = await get<Page>(PATH, { ...filters, before, limit: Math.min(wanted - all.length, ANSWER_MOST) }, abort);
    all.push(...page.entries);
    before = page.next ?? undefined;
    if (before === undefined || page.entries.length === 0 || all.length >= wanted) return { entries: all, next: page.next };
  }
}

function cell(value: AuditEntry[keyof AuditEntry]): string | number | null | undefined {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : typeof value === "boolean" ? String(value) : value;
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
        {entry.erased ? "who and what was erased; the chain holds" : <Who entry={entry} />} · entry {format.count(entry.sequence)} · <code title={entry.hash}>{format.short(entry.hash)}</code>
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

function Who({ entry: { actor, from } }: { entry: AuditEntry }) {
  return (
    <>
      {actor ? (
        <a href={address({ params: { actor } })} title="Only what they did">
          {actor}
        </a>
      ) : from ? (
        "somebody"
      ) : (
        "the host"
      )}
      {from && ` from ${from}`}
    </>
  );
}

const text = (value: Json | undefined): string => (value === undefined || value === null ? format.MISSING : JSON.stringify(value, null, 2));

/** Whether the log is whole: every entry is chained to the one before, and the chain is signed. */
function Verify() {
  const action = useAction();
  const verdict = useSignal<AuditVerdict | undefined>(undefined);
  const run = (): void =>
    action.run(async () => {
      verdict.value = await get<AuditVerdict>(`${PATH}/verify`, {});
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
      {found && <Verdict found={found} />}
      <Said action={action} />
    </section>
  );
}

function Verdict({ found }: { found: AuditVerdict }) {
  return (
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
      <p class="inline">
        <Act does="Keep it" to="as a file" run={() => saveText("audit-verdict.json", JSON.stringify(found, null, 2))} />
        <span class="sub">
          <Coded text="Kept elsewhere, its checkpoint shows if the log was written anew: `weir audit verify --checkpoint FILE`." />
        </span>
      </p>
    </div>
  );
}
