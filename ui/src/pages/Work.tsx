import { useSignal } from "@preact/signals";
import { get } from "../api";
import { BarChart } from "../chart/BarChart";
import { Figure } from "../chart/Figure";
import { Legend, type Series, TimeChart } from "../chart/TimeChart";
import { scoped } from "../data";
import * as format from "../format";
import { WORK } from "../metrics";
import { Answered } from "../parts/Answered";
import { Box } from "../parts/Box";
import { Choice } from "../parts/Choice";
import { EntityList } from "../parts/EntityList";
import { List } from "../parts/List";
import { Coded, Empty } from "../parts/Notice";
import { Numbers } from "../parts/Numbers";
import { PageHead } from "../parts/PageHead";
import { Segments } from "../parts/Segments";
import { Sprints } from "../parts/Sprints";
import { filled } from "../span";
import { param, show, toEntity, view } from "../state";
import type { Alignment, Hygiene, HygieneCategory, MetricAnswer, Statuses, WorkItem, WorkItems } from "../types";
import { useGet, useResource } from "../useResource";

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
  const answer = useResource(asked, async (params, abort) => {
    const [created, done, open] = await Promise.all(["work-items-created", "throughput", "open-items"].map((name) => get<MetricAnswer>(`/v1/metrics/${name}`, params, abort)));
    return { created, done, open };
  }).value;
  return (
    <section class="panel-box">
      <Answered answer={answer} lines={6}>
        {({ created, done, open }) => {
          const at = filled([created, done, open].flatMap((one) => one?.points.flatMap((point) => point.at ?? []) ?? []), "week");
          const of = (one: MetricAnswer | undefined, gap: number | undefined): (number | undefined)[] => at.map((day) => one?.points.find((point) => point.at === day)?.n ?? gap);
          const series: Series[] = [
            { name: "created", tone: "water", values: of(created, 0) },
            { name: "done", tone: "good", values: of(done, 0) },
            { name: "open at the end", tone: "deep", values: of(open, undefined) },
          ];
          const title = "Created and done, by week";
          return (
            <Figure title={title} file="flow" rows={[["week of", ...series.map((one) => one.name)], ...at.map((day, index) => [day, ...series.map((one) => one.values[index])])]}>
              <Legend series={series} />
              {at.length === 0 ? <Empty title="No work item in this window." /> : <TimeChart label={title} kind="line" shape="level" at={at} series={series} />}
            </Figure>
          );
        }}
      </Answered>
    </section>
  );
}

function InStatus() {
  const answer = useGet<Statuses>("/v1/work/statuses", scoped.value).value;
  return (
    <section class="panel-box">
      <Answered answer={answer} lines={6}>
        {({ statuses, n, unknown }) => {
          const rows = Object.entries(statuses).sort(([, a], [, b]) => (b.mean ?? 0) * b.n - (a.mean ?? 0) * a.n);
          const note = `median of ${format.count(n)} items${unknown > 0 ? `, ${format.count(unknown)} with a time of unknown status` : ""}`;
          const table = [["status", "n", "median ms", "p90 ms"], ...rows.map(([status, spread]) => [status, spread.n, spread.p50, spread.p90])];
          return (
            <Figure title="Where the time of finished items went" note={note} file="time-in-status" rows={table}>
              {rows.length === 0 && <Empty title="Nothing was finished in this window." />}
              <BarChart label="Median time in status" bars={rows.slice(0, 12).map(([status, spread]) => ({ name: status, value: spread.p50, text: format.duration(spread.p50) }))} />
            </Figure>
          );
        }}
      </Answered>
    </section>
  );
}

/** Items in progress, or all open ones, the oldest first. */
function Items() {
  const open = param("items") === "open";
  const { team, project } = view.value;
  const answer = useGet<WorkItems>("/v1/work/items", { begun: open ? undefined : "true", team, project, limit: 200 }).value;
  const which = <Segments legend="Which items" name="items" value={open ? "open" : ""} options={[["", "In progress"], ["open", "All open"]]} pick={(items) => show({ params: { items } })} />;
  return (
    <Box title={open ? "Open" : "In progress"} note={ages} tools={which} answer={answer} lines={8}>
      {({ n, items, at }) => {
        const most = Math.max(...items.map((item) => item.age_ms), 1);
        return (
          <>
            {n === 0 && (
              <Empty title={open ? "No item is open." : "Nothing is in progress."}>
                {!open && (
                  <p>
                    <Coded text="A status that means work is under way can be named so: `status` in `[work]` of weir.toml." />
                  </p>
                )}
              </Empty>
            )}
            {items.length > 0 && (
              <List label="Items, the oldest first" look="items" columns={["Item", "Status", "Age", ["In status", "number wide"]]} rows={items} page={ITEMS_SHOWN}>
                {(item) => <Item key={item.id} item={item} most={most} at={at} />}
              </List>
            )}
          </>
        );
      }}
    </Box>
  );
}

function ages({ n, age, unknown }: WorkItems): string {
  const half = n > 0 ? `, half of them for ${format.duration(age.p50)} or longer` : "";
  return `${format.count(n)} now${half}${unknown > 0 ? `; of ${format.count(unknown)} it is unknown` : ""}`;
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
  const answer = useGet<Hygiene>("/v1/work/hygiene", { team, project, limit: OFFENDERS_SHOWN }).value;
  const note = ({ n, score }: Hygiene) => (
    <>
      of {format.count(n)} open items {score !== null && <strong class="score">{format.digits(score)} of 100</strong>}
    </>
  );
  return (
    <Box title="Hygiene" note={note} answer={answer} lines={6}>
      {({ n, categories }) => {
        const missed = categories.filter((check) => check.misses > 0).sort((a, b) => b.misses * b.weight - a.misses * a.weight);
        return (
          <>
            {n === 0 && <Empty title="No item is open." />}
            {n > 0 && missed.length === 0 && <Empty title="Nothing is amiss." />}
            {n > 0 && missed.map((check) => <Check key={check.name} check={check} n={n} />)}
          </>
        );
      }}
    </Box>
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
  const answer = useGet<Alignment>("/v1/work/alignment", scoped.value && { ...scoped.value, effort, limit: 0 }).value;
  const amount = (value: number): string => (effort === "time" ? format.duration(value) : format.digits(value));
  const by = <Choice label="Measured in" value={effort} options={Object.entries(EFFORTS).map(([value, label]) => [value, `by ${label}`])} pick={(effort) => show({ params: { effort: effort === "count" ? "" : effort } })} />;
  return (
    <Box title="What it went into" tools={by} answer={answer} lines={4}>
      {({ n, unknown, categories, remainder }) => {
        const parts = [...categories, { ...remainder, name: "everything else" }];
        if (categories.length === 0) {
          return (
            <Empty title="No categories are named.">
              <p>
                <Coded text="An `[[alignment]]` in weir.toml gives finished items a category, by a search." />
              </p>
            </Empty>
          );
        }
        return (
          <Figure
            title={`${format.count(n)} finished items`}
            note={unknown > 0 ? `the ${EFFORTS[effort]} of ${format.count(unknown)} are unknown` : undefined}
            file="alignment"
            rows={[["category", "items", effort, "share"], ...parts.map((part) => [part.name, part.n, part.effort, part.share])]}
          >
            <BarChart
              label="What finished items went into"
              bars={parts.map((part, index) => ({
                name: part.name ?? "",
                value: part.effort,
                text: `${part.share === null ? format.MISSING : format.percent(part.share)} %, ${amount(part.effort)}`,
                tone: index < categories.length ? "water" : "dim",
              }))}
            />
          </Figure>
        );
      }}
    </Box>
  );
}
