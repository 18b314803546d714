import { useSignal } from "@preact/signals";
import { get } from "../api";
import { saveCsv } from "../chart/export";
import { writtenPanel } from "../dashboard";
import { period, savedSearches } from "../data";
import * as format from "../format";
import { Act } from "../parts/Act";
import { Chip } from "../parts/Chip";
import { Facets } from "../parts/Facets";
import { Groups } from "../parts/Groups";
import { Hits } from "../parts/Hits";
import { Empty, Pending, Trouble } from "../parts/Notice";
import { PageHead, Window } from "../parts/PageHead";
import { QueryBox } from "../parts/QueryBox";
import { all, oneOf, typed, within } from "../query";
import { forget, keep, kept } from "../saved";
import { address, param, params, show, toPage, toggle, view } from "../state";
import type { FacetCount, Hit, SearchAnswer } from "../types";
import { useResource } from "../useResource";

const PAGE = 30;
/** Most hits of a CSV: one answer of the API. */
const CSV_MOST = 1_000;

/** What hits of a kind are narrowed by; the first holds for all of them. */
const FACETS: Record<string, readonly string[]> = {
  "": ["project", "team", "status", "result", "integration"],
  build: ["result", "job", "branch", "trigger", "project"],
  change: ["state", "project", "team", "person", "labels", "type"],
  commit: ["repository", "person", "team"],
  review: ["state", "project", "person", "team"],
  "work-item": ["status", "type", "priority", "project", "labels", "person"],
  deployment: ["environment", "service", "result", "project"],
  incident: ["status", "priority", "service", "labels"],
  "test-report": ["result", "job", "project"],
  artifact: ["type", "repository", "version"],
};
const ALL_FACETS = [...new Set(Object.values(FACETS).flat())];
const COLUMNS = ["id", "kind", "key", "title", "project", "team", "status", "state", "result", "person", "branch", "created", "updated", "duration", "url"] as const;

/** Names in a search that stand for values, which are asked for. */
const variables = (q: string): string[] => [...new Set([...q.matchAll(/\$([\w-]+)/g)].map(([, name]) => name ?? ""))];

export function SearchPage() {
  const limit = useSignal(PAGE);
  const q = param("q");
  const kinds = params("kind");
  const names = (kinds.length === 1 && FACETS[kinds[0] ?? ""]) || FACETS[""] || [];
  const picked = ALL_FACETS.map((name) => oneOf(name, params(name)));
  const beside = all(...picked, within(view.value, period.value));
  const values = Object.fromEntries(needed(q).map((name) => [`var.${name}`, param(`var.${name}`)]));
  const question = period.value && { q: all(typed(q), beside), kind: kinds.join(","), ...values };
  const { data, problem, stale } = useResource(question && { ...question, limit: limit.value }, async (params, abort) => {
    const facets = { facets: [...names, "kind"].join(","), facets_over: "other-filters", facet_limit: 60, highlight: "true" };
    return get<SearchAnswer>("/v1/search", { ...params, ...facets }, abort);
  }).value;
  return (
    <>
      <PageHead title="Search" note={data ? <Found total={data.total} /> : undefined}>
        <Take question={question} />
      </PageHead>
      <section class="panel-box" aria-label="Search">
        <QueryBox
          label="Search everything"
          placeholder="Words, or kind:change AND person:ana AND updated:>now-7d"
          value={q}
          within={beside}
          search={(q) => show({ params: { q } })}
          clear={q || kinds.length > 0 || picked.some(Boolean) ? clear : undefined}
        />
        <Variables names={needed(q)} />
        <Saved />
        <Kinds counts={data?.facets["kind"] ?? []} />
        <div class="builds-body">
          <Facets names={names} counts={data?.facets} />
          <div class={`results ${stale && data ? "stale" : ""}`}>
            {problem && <Trouble problem={problem} />}
            {!data && !problem && <Pending lines={12} />}
            {data && !problem && data.total === 0 && <Nothing meant={data.did_you_mean ?? []} q={q} />}
            {data && data.total > 0 && <Groups question={question} />}
            {data && data.total > 0 && (param("group") || param("by")) && <ToDashboard />}
            {data && data.hits.length > 0 && <Hits hits={data.hits} />}
            {data?.next && (
              <button type="button" class="more" onClick={() => (limit.value += PAGE)}>
                Show more
              </button>
            )}
          </div>
        </div>
      </section>
    </>
  );
}

function Found({ total }: { total: number }) {
  return (
    <>
      {format.count(total)} found, <Window />
    </>
  );
}

function clear(): void {
  show({ params: Object.fromEntries(["q", "kind", ...ALL_FACETS].map((name) => [name, ""])) });
}

/** Variables of what was typed, and of saved searches it names. */
function needed(q: string): string[] {
  const searches = savedSearches.value.data?.searches ?? [];
  const named = searches.filter((one) => q.includes(`saved:${one.name}`)).flatMap((one) => one.needs);
  const known = savedSearches.value.data?.variables ?? {};
  return [...new Set([...variables(q).filter((name) => !(name in known)), ...named])];
}

function Variables({ names }: { names: string[] }) {
  if (names.length === 0) return null;
  return (
    <div class="variables">
      {names.map((name) => (
        <label key={name}>
          <code>${name}</code>
          <input class="text-input" value={param(`var.${name}`)} placeholder="its value" onChange={(event) => show({ params: { [`var.${name}`]: event.currentTarget.value } })} />
        </label>
      ))}
    </div>
  );
}

function Kinds({ counts }: { counts: FacetCount[] }) {
  const picked = params("kind");
  const rows = [...picked.filter((kind) => !counts.some((one) => one.value === kind)).map((value) => ({ value, count: 0 })), ...counts];
  return (
    <ul class="chips" aria-label="Kinds">
      {rows.map(({ value, count }) => (
        <Chip
          key={value}
          name={
            <>
              {format.words(value)} <span class="sub">{format.compact(count)}</span>
            </>
          }
          pressed={picked.includes(value)}
          pick={() => toggle("kind", value)}
        />
      ))}
    </ul>
  );
}

/** Takes what is counted to a dashboard of its own; others can be put beside it there. */
function ToDashboard() {
  const own = ALL_FACETS.map((name) => oneOf(name, params(name)));
  const q = all(typed(param("q")), ...own);
  const counting = { group: param("group"), then: param("then"), by: param("by"), over: param("over"), stats: param("stats") };
  const panel = writtenPanel({ title: "", q, kind: params("kind").join(","), ...counting });
  return (
    <p class="note">
      <a href={toPage("dashboards", { panel })}>On a dashboard</a>
    </p>
  );
}

function Saved() {
  const { data } = savedSearches.value;
  const name = useSignal("");
  const host = data?.searches ?? [];
  const own = kept.value.filter((one) => one.address.startsWith("#/search"));
  const isEmpty = host.length === 0 && own.length === 0;
  return (
    <details class="saved">
      <summary>Saved searches{!isEmpty && ` (${host.length + own.length})`}</summary>
      <ul>
        {host.map((one) => (
          <li key={one.name}>
            <a href={toPage("search", { q: `saved:${one.name}` })}>{one.name}</a>
            <span class="sub">{one.description ?? one.q}</span>
          </li>
        ))}
        {own.map((one) => (
          <li key={one.name}>
            <a href={one.address}>{one.name}</a>
            <span class="sub">in this browser</span>
            <Act does="Forget" to={one.name} run={() => forget(one.name)} />
          </li>
        ))}
      </ul>
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.value.trim()) keep({ name: name.value.trim(), address: address({ open: "" }) });
          name.value = "";
        }}
      >
        <label>
          <span class="hidden">Name of this search</span>
          <input class="text-input" value={name.value} placeholder="Name of this search" onInput={(event) => (name.value = event.currentTarget.value)} />
        </label>
        <button class="button" disabled={name.value.trim() === ""}>
          Save what is shown
        </button>
      </form>
      <p class="sub">
        Kept in this browser. For everyone, and in rules: a <code>[[search]]</code> in weir.toml.
      </p>
    </details>
  );
}

function Nothing({ meant, q }: { meant: { written: string; meant: string }[]; q: string }) {
  const corrected = meant.reduce((text, one) => text.replace(one.written, one.meant), q);
  return (
    <Empty title="Nothing fits.">
      {meant.length > 0 && corrected !== q && (
        <p>
          Did you mean <a href={address({ params: { q: corrected } })}>{corrected}</a>?
        </p>
      )}
      {view.value.days !== 0 && (
        <p>
          Only this window was searched. <a href={address({ days: 0 })}>Search all there is</a>
        </p>
      )}
      {(view.value.team || view.value.project) && (
        <p>
          Only {[view.value.team, view.value.project].filter(Boolean).join(", ")}. <a href={address({ team: "", project: "" })}>Search everywhere</a>
        </p>
      )}
    </Empty>
  );
}

/** Takes the hits along, as many as one answer holds. */
function Take({ question }: { question: Record<string, string> | undefined }) {
  const busy = useSignal(false);
  const take = async (): Promise<void> => {
    busy.value = true;
    try {
      const { hits } = await get<SearchAnswer>("/v1/search", { ...question, limit: CSV_MOST });
      saveCsv("search", [COLUMNS, ...hits.map((hit) => COLUMNS.map((name) => cell(hit[name])))]);
    } finally {
      busy.value = false;
    }
  };
  return (
    <button type="button" class="button" disabled={busy.value || !question} onClick={() => void take()} title={`The newest ${format.count(CSV_MOST)} at most`}>
      Export CSV
    </button>
  );
}

function cell(value: Hit[keyof Hit]): string | number | undefined {
  if (Array.isArray(value)) return value.join(" ");
  return typeof value === "object" ? undefined : value;
}
