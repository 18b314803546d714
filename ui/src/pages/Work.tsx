import { useSignal } from "@preact/signals";
import { BarChart } from "../chart/BarChart";
import { Figure } from "../chart/Figure";
import { Legend, type Series, TimeChart } from "../chart/TimeChart";
import { scoped } from "../data";
import * as format from "../format";
import { WORK } from "../metrics";
import { EntityList } from "../parts/EntityList";
import { Coded, Empty, Pending, Trouble } from "../parts/Notice";
import { Numbers } from "../parts/Numbers";
import { PageHead } from "../parts/PageHead";
import { Scroll } from "../parts/Scroll";
import { Sprints } from "../parts/Sprints";
import { filled } from "../span";
import { param, show, toEntity, view } from "../state";
import type { Alignment, Hygiene, HygieneCategory, MetricAnswer, Statuses, WorkItem, WorkItems } from "../types";
import { useGet } from "../useResource";

const ITEMS_SHOWN = 15;
const OFFENDERS_SHOWN = 40;

export function WorkPage() {
  return (
    <>
      <PageHead title="Work" />
      <Numbers label="Flow of work" metrics={WORK} />
      <div class="columns even">
        <Flow />
        <InStatus />
      </div>
      <Items />
      <Sprints />
      <div class="columns even">
        <Kept />
        <Aligned />
      </div>
    </>
  );
}

/** What came in, what was done, and what was under way. */
function Flow() {
  const asked = scoped.value && { ...scoped.value, by: "week" };
  const created = useGet<MetricAnswer>("/v1/metrics/work-items-created", asked).value;
  const done = useGet<MetricAnswer>("/v1/metrics/throughput", asked).value;
  const open = useGet<MetricAnswer>("/v1/metrics/open-items", asked).value;
  const answers = [created, done, open].flatMap((answer) => answer.data ?? []);
  const at = filled(answers.flatMap((answer) => answer.points.flatMap((point) => point.at ?? [])), "week");
  const of = (answer: MetricAnswer | undefined, gap: number | undefined): (number | undefined)[] => at.map((day) => answer?.points.find((point) => point.at === day)?.n ?? gap);
  const series: Series[] = [
    { name: "created", tone: "water", values: of(created.data, 0) },
    { name: "done", tone: "good", values: of(done.data, 0) },
    { name: "open at the end", tone: "deep", values: of(open.data, undefined) },
  ];
  const problem = created.problem ?? done.problem;
  return (
    <section class="panel-box">
      {problem && <Trouble problem={problem} />}
      {answers.length < 3 && !problem && <Pending lines={6} />}
      {answers.length === 3 && (
        <Figure title="Created and done, by week" file="flow" rows={[["week of", ...series.map((one) => one.name)], ...at.map((day, index) => [day, ...series.map((one) => one.values[index])])]}>
          <Legend series={series} />
          {at.length === 0 ? <Empty title="No work item in this window." /> : <TimeChart label="Created and done, by week" kind="line" shape="level" at={at} series={series} />}
        </Figure>
      )}
    </section>
  );
}

function InStatus() {
  const { data, problem } = useGet<Statuses>("/v1/work/statuses", scoped.value).value;
  const rows = Object.entries(data?.statuses ?? {}).sort(([, a], [, b]) => (b.mean ?? 0) * b.n - (a.mean ?? 0) * a.n);
  return (
    <section class="panel-box">
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={6} />}
      {data && (
        <Figure
          title="Where the time of finished items went"
          note={`median of ${format.count(data.n)} items${data.unknown > 0 ? `, ${format.count(data.unknown)} with a time of unknown status` : ""}`}
          file="time-in-status"
          rows={[["status", "n", "median ms", "p90 ms"], ...rows.map(([status, spread]) => [status, spread.n, spread.p50, spread.p90])]}
        >
          {rows.length === 0 && <Empty title="Nothing was finished in this window." />}
          <BarChart label="Median time in status" bars={rows.slice(0, 12).map(([status, spread]) => ({ name: status, value: spread.p50, text: format.duration(spread.p50) }))} />
        </Figure>
      )}
    </section>
  );
}

/** Items in progress, or all open ones, the oldest first. */
function Items() {
  const open = param("items") === "open";
  const { team, project } = view.value;
  const { data, problem } = useGet<WorkItems>("/v1/work/items", { begun: open ? undefined : "true", team, project, limit: 200 }).value;
  const shown = useSignal(ITEMS_SHOWN);
  const most = Math.max(...(data?.items ?? []).map((item) => item.age_ms), 1);
  return (
    <section class="panel-box" aria-labelledby="items">
      <div class="head">
        <h2 id="items">{open ? "Open" : "In progress"}</h2>
        {data && (
          <p class="note">
            {format.count(data.n)} now{data.n > 0 && `, half of them for ${format.duration(data.age.p50)} or longer`}
            {data.unknown > 0 && `; of ${format.count(data.unknown)} it is unknown`}
          </p>
        )}
        <fieldset class="segments right">
          <legend class="hidden">Which items</legend>
          {(["", "open"] as const).map((which) => (
            <label key={which}>
              <input type="radio" name="items" checked={param("items") === which} onChange={() => show({ params: { items: which } })} />
              <span>{which === "" ? "In progress" : "All open"}</span>
            </label>
          ))}
        </fieldset>
      </div>
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={8} />}
      {data && data.n === 0 && (
        <Empty title={open ? "No item is open." : "Nothing is in progress."}>
          {!open && (
            <p>
              <Coded text="A status that means work is under way can be named so: `status` in `[work]` of weir.toml." />
            </p>
          )}
        </Empty>
      )}
      {data && data.items.length > 0 && (
        <Scroll label="Items">
          <table class="list items">
            <caption class="hidden">Items, the oldest first</caption>
            <thead>
              <tr>
                <th scope="col">Item</th>
                <th scope="col">Status</th>
                <th scope="col">Age</th>
                <th scope="col" class="number wide">
                  In status
                </th>
              </tr>
            </thead>
            <tbody>
              {data.items.slice(0, shown.value).map((item) => (
                <Item key={item.id} item={item} most={most} at={data.at} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {data && data.items.length > shown.value && (
        <button type="button" class="more" onClick={() => (shown.value += ITEMS_SHOWN)}>
          Show more of {format.count(data.items.length)}
        </button>
      )}
    </section>
  );
}

function Item({ item, most, at }: { item: WorkItem; most: number; at: string }) {
  return (
    <tr>
      <th scope="row">
        <a class="job" href={toEntity(item.id)}>
          <span class="name">
            {item.handle && <span class="run">{item.handle} </span>}
            {item.title ?? format.plainId(item.id)}
          </span>
        </a>
      </th>
      <td>{item.status ?? <span class="dim">unknown</span>}</td>
      <td class="age">
        <span class="age-bar" aria-hidden="true">
          <span style={{ width: `${(item.age_ms / most) * 100}%` }} />
        </span>
        {format.duration(item.age_ms)}
      </td>
      <td class="number wide">{item.since ? format.duration(Date.parse(at) - Date.parse(item.since)) : format.MISSING}</td>
    </tr>
  );
}

/** How well open items are kept, and which are not. */
function Kept() {
  const { team, project } = view.value;
  const { data, problem } = useGet<Hygiene>("/v1/work/hygiene", { team, project, limit: OFFENDERS_SHOWN }).value;
  const missed = (data?.categories ?? []).filter((check) => check.misses > 0).sort((a, b) => b.misses * b.weight - a.misses * a.weight);
  return (
    <section class="panel-box" aria-labelledby="hygiene">
      <div class="head">
        <h2 id="hygiene">Hygiene</h2>
        {data && <p class="note">of {format.count(data.n)} open items</p>}
        {data && data.score !== null && <p class="score">{format.digits(data.score)} of 100</p>}
      </div>
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={6} />}
      {data && data.n === 0 && <Empty title="No item is open." />}
      {data && data.n > 0 && missed.length === 0 && <Empty title="Nothing is amiss." />}
      {data && missed.map((check) => <Check key={check.name} check={check} n={data.n} />)}
    </section>
  );
}

function Check({ check, n }: { check: HygieneCategory; n: number }) {
  const open = useSignal(false);
  return (
    <details class="check-row" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>
        <span class="check-name">{format.words(check.name)}</span>
        <span class="gauge low" aria-hidden="true">
          <span style={{ width: `${(check.misses / n) * 100}%` }} />
        </span>
        <span class="number">
          {format.count(check.misses)} <span class="sub">weight {format.digits(check.weight)}</span>
        </span>
      </summary>
      {check.unknown > 0 && <p class="sub">Of {format.count(check.unknown)} it cannot be told.</p>}
      {open.value && <EntityList label={`Items that miss ${format.words(check.name)}`} ids={check.items} />}
      {check.misses > check.items.length && <p class="sub">and {format.count(check.misses - check.items.length)} more</p>}
    </details>
  );
}

const EFFORTS: Record<string, string> = { count: "items", points: "points", time: "active time" };

/** What finished items went into. */
function Aligned() {
  const effort = param("effort") || "count";
  const { data, problem } = useGet<Alignment>("/v1/work/alignment", scoped.value && { ...scoped.value, effort, limit: 0 }).value;
  const parts = data ? [...data.categories, { ...data.remainder, name: "everything else" }] : [];
  const amount = (value: number): string => (effort === "time" ? format.duration(value) : format.digits(value));
  return (
    <section class="panel-box" aria-labelledby="alignment">
      <div class="head">
        <h2 id="alignment">What it went into</h2>
        <label class="choice right">
          <span class="hidden">Measured in</span>
          <select value={effort} onChange={(event) => show({ params: { effort: event.currentTarget.value === "count" ? "" : event.currentTarget.value } })}>
            {Object.entries(EFFORTS).map(([value, label]) => (
              <option key={value} value={value}>
                by {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={4} />}
      {data && data.categories.length === 0 && (
        <Empty title="No categories are named.">
          <p>
            <Coded text="An `[[alignment]]` in weir.toml gives finished items a category, by a search." />
          </p>
        </Empty>
      )}
      {data && data.categories.length > 0 && (
        <Figure
          title={`${format.count(data.n)} finished items`}
          note={data.unknown > 0 ? `the ${EFFORTS[effort]} of ${format.count(data.unknown)} are unknown` : undefined}
          file="alignment"
          rows={[["category", "items", effort, "share"], ...parts.map((part) => [part.name, part.n, part.effort, part.share])]}
        >
          <BarChart
            label="What finished items went into"
            bars={parts.map((part, index) => ({
              name: part.name ?? "",
              value: part.effort,
              text: `${part.share === null ? format.MISSING : format.percent(part.share)} %, ${amount(part.effort)}`,
              tone: index < data.categories.length ? "water" : "dim",
            }))}
          />
        </Figure>
      )}
    </section>
  );
}
