import { get } from "../api";
import { Figure } from "../chart/Figure";
import { type Dot, Scatter } from "../chart/Scatter";
import { Legend, type Series, TimeChart } from "../chart/TimeChart";
import { measures, period, scoped } from "../data";
import * as format from "../format";
import { DELIVERY, DORA, type Metric, SEGMENTS, metricNamed, valueOf } from "../metrics";
import { Age } from "../parts/Age";
import { Answered } from "../parts/Answered";
import { Box } from "../parts/Box";
import { Choice } from "../parts/Choice";
import { EntityList } from "../parts/EntityList";
import { Mark, isState } from "../parts/Mark";
import { Coded, Empty, Pending, Trouble } from "../parts/Notice";
import { Numbers } from "../parts/Numbers";
import { PageHead } from "../parts/PageHead";
import { within } from "../query";
import { filled, monday } from "../span";
import { param, show, toEntity, toMetric, toPage, view } from "../state";
import type { Hit, MetricAnswer, Point, Sample, SearchAnswer } from "../types";
import { useGet, useResource } from "../useResource";

const LEAD = "change-lead-time";
/** Times of a change that can be looked at one by one. */
const TIMES = [DORA[0], DELIVERY[0], ...SEGMENTS].filter((metric) => metric !== undefined);
const OUTLIERS_SHOWN = 8;
/** Most samples of one answer. */
const SAMPLES_MOST = 1_000;
const DEPLOYMENTS_SHOWN = 10;

export function DeliveryPage() {
  return (
    <>
      <PageHead title="Delivery" />
      <Numbers label="Ways of changes" metrics={DELIVERY} />
      <Way />
      <div class="columns even">
        <LeadTime />
        <Deployments />
      </div>
      <Changes />
      <Newest />
    </>
  );
}

/** The parts of the lead time side by side, as long as their means, which add up. */
function Way() {
  const { data } = measures[LEAD]?.value ?? {};
  const answer = useGet<MetricAnswer>(`/v1/metrics/${LEAD}`, scoped.value && { ...scoped.value, by: "month" }).value;
  const note = data?.value !== undefined && `half of ${format.count(data.n)} changes within ${format.duration(data.value)}; widths are means`;
  return (
    <Box title="From the first commit to production" note={note} answer={answer}>
      {({ segments }) => {
        const parts = SEGMENTS.flatMap((segment) => {
          const total = segments?.[segment.name.slice(LEAD.length + 1)];
          return total && total.n > 0 ? [{ segment, total }] : [];
        });
        return parts.length > 0 ? (
          <WayParts parts={parts} />
        ) : (
          <Empty title="No change reached production in this window.">
            <p>
              <Coded text={metricNamed(LEAD)?.empty ?? ""} />
            </p>
          </Empty>
        );
      }}
    </Box>
  );
}

function WayParts({ parts }: { parts: { segment: Metric; total: Point }[] }) {
  const whole = parts.reduce((sum, part) => sum + (part.total.mean ?? 0), 0);
  return (
    <>
      <p class="way" aria-hidden="true">
        {parts.map(({ segment, total }, index) => (
          <span key={segment.name} class={`tone-${index}`} style={{ flexGrow: (total.mean ?? 0) / whole }} title={`${segment.label}, mean ${format.duration(total.mean)}`} />
        ))}
      </p>
      <ol class="way-parts">
        {parts.map(({ segment, total }, index) => (
          <li key={segment.name}>
            <a href={toMetric(segment.name)}>
              <i class={`key tone-${index}`} />
              {segment.label}
            </a>
            <span>
              <strong>{format.scaled(valueOf(segment, total) ?? 0).join(" ")}</strong> <span class="sub">median</span>
            </span>
            <span class="sub">
              {format.scaled(total.p90 ?? 0).join(" ")}, 9 of 10{total.unknown > 0 && `; ${format.count(total.unknown)} unknown`}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

function LeadTime() {
  const answer = useGet<MetricAnswer>(`/v1/metrics/${LEAD}`, scoped.value && { ...scoped.value, by: "week" }).value;
  return (
    <section class="panel-box">
      <Answered answer={answer} lines={6}>
        {({ points }) => {
          const at = filled(points.flatMap((point) => point.at ?? []), "week");
          const of = new Map(points.map((point) => [point.at, point]));
          const series: Series[] = [
            { name: "median", tone: "deep", values: at.map((day) => of.get(day)?.p50) },
            { name: "9 of 10", tone: "water", values: at.map((day) => of.get(day)?.p90) },
          ];
          return (
            <Figure title="Lead time by week" file="lead-time" rows={[["week of", "median ms", "p90 ms", "n"], ...at.map((day) => [day, of.get(day)?.p50, of.get(day)?.p90, of.get(day)?.n ?? 0])]}>
              <Legend series={series} />
              <TimeChart label="Lead time by week" kind="line" shape="time" at={at} series={series} remark={(index) => `n ${format.count(of.get(at[index])?.n ?? 0)}`} />
            </Figure>
          );
        }}
      </Answered>
    </section>
  );
}

function Deployments() {
  const answer = useGet<MetricAnswer>("/v1/metrics/change-fail-rate", scoped.value && { ...scoped.value, by: "day" }).value;
  return (
    <section class="panel-box">
      <Answered answer={answer} lines={6}>
        {({ points }) => {
          const weeks = byWeek(points);
          const at = filled([...weeks.keys()], "week");
          const of = (day: string): Week => weeks.get(day) ?? { n: 0, failed: 0 };
          const series: Series[] = [
            { name: "good", tone: "water", values: at.map((day) => of(day).n - of(day).failed) },
            { name: "failed", tone: "bad", values: at.map((day) => of(day).failed) },
          ];
          return (
            <Figure title="Deployments by week" file="deployments" rows={[["week of", "deployments", "failed"], ...at.map((day) => [day, of(day).n, of(day).failed])]}>
              <Legend series={series} />
              <TimeChart label="Deployments by week" kind="columns" shape="level" at={at} series={series} />
            </Figure>
          );
        }}
      </Answered>
    </section>
  );
}

interface Week {
  n: number;
  failed: number;
}

function byWeek(days: Point[]): Map<string, Week> {
  const weeks = new Map<string, Week>();
  for (const day of days) {
    const at = monday(day.at ?? "");
    const week = weeks.get(at) ?? { n: 0, failed: 0 };
    weeks.set(at, { n: week.n + day.n + day.unknown, failed: week.failed + Math.round((day.mean ?? 0) * day.n) });
  }
  return weeks;
}

/** Every change as a dot, and those that took longest. */
function Changes() {
  const metric = TIMES.find((each) => each.name === param("time")) ?? metricNamed(LEAD);
  return (
    <section class="panel-box" aria-labelledby="changes">
      <div class="head">
        <h2 id="changes">Every change</h2>
        <Choice label="Time that is shown" value={metric?.name ?? ""} options={TIMES.map((each) => [each.name, each.name.includes(".") ? `of it: ${each.label}` : each.label])} pick={(time) => show({ params: { time } })} />
      </div>
      {metric && <Dots key={metric.name} metric={metric} />}
    </section>
  );
}

function Dots({ metric }: { metric: Metric }) {
  const { data, problem } = useResource(scoped.value, async (params, abort) => {
    const { samples } = await get<{ samples: Sample[] }>(`/v1/metrics/${metric.name}/samples`, params, abort);
    return samples;
  }).value;
  const known = (data ?? []).flatMap((sample) => (typeof sample.value === "number" ? [{ ...sample, value: sample.value }] : []));
  const sorted = known.map((sample) => sample.value).sort((a, b) => a - b);
  const quantile = (share: number): number => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0;
  const limit = quantile(0.95);
  const dots: Dot[] = known.map((sample) => ({
    id: sample.entity,
    at: Date.parse(sample.at),
    value: sample.value,
    outlier: sample.value > limit,
    label: format.plainId(sample.entity),
  }));
  const slowest = [...known].sort((a, b) => b.value - a.value).slice(0, OUTLIERS_SHOWN);
  const unknown = (data?.length ?? 0) - known.length;
  const { from, to } = period.value ?? {};
  const first = from ? Date.parse(from) : Math.min(...dots.map((dot) => dot.at));
  const last = to ? Date.parse(to) : Math.max(...dots.map((dot) => dot.at));
  if (problem) return <Trouble problem={problem} />;
  if (!data) return <Pending lines={8} />;
  if (known.length === 0) {
    return (
      <Empty title="No change got so far in this window.">
        {unknown > 0 && <p>{format.count(unknown)} have not come to an end, or it is not known.</p>}
      </Empty>
    );
  }
  const note = [`${format.count(known.length)} dots`, unknown > 0 && `${format.count(unknown)} unknown are left out`, data.length === SAMPLES_MOST && "older ones are left out"];
  return (
    <>
      <Figure title={metric.label} note={note.filter(Boolean).join(", ")} file={metric.name} rows={[["entity", "at", "ms", "project", "team"], ...known.map((one) => [one.entity, one.at, one.value, one.project, one.teams?.[0]])]}>
        <Scatter label={metric.label} dots={dots} from={first} to={last} p50={quantile(0.5)} p90={quantile(0.9)} />
      </Figure>
      <h3 class="below">The slowest</h3>
      <EntityList label="The slowest changes" ids={[...new Set(slowest.map((one) => one.entity))]} aside={(id) => format.duration(slowest.find((one) => one.entity === id)?.value)} />
    </>
  );
}

function Newest() {
  const q = period.value && within(view.value, period.value);
  const answer = useGet<SearchAnswer>("/v1/search", q === undefined ? undefined : { q, kind: "deployment", limit: DEPLOYMENTS_SHOWN }).value;
  const note = <a href={toPage("search", { kind: "deployment" })}>all {answer.data && format.count(answer.data.total)}</a>;
  return (
    <Box title="Newest deployments" note={note} answer={answer} lines={6}>
      {({ hits }) =>
        hits.length === 0 ? (
          <Empty title="Nothing was deployed in this window.">
            <p>
              <Coded text="Connect what deploys, or report it from any pipeline with `weir emit deployment`." />
            </p>
          </Empty>
        ) : (
          <ul class="hits">
            {hits.map((hit) => (
              <Deployed key={hit.id} hit={hit} />
            ))}
          </ul>
        )
      }
    </Box>
  );
}

function Deployed({ hit }: { hit: Hit }) {
  const state = hit.result ?? hit.state ?? "unknown";
  return (
    <li class="hit-row">
      <p class="hit-head">
        {isState(state) && <Mark state={state} />}
        <a href={toEntity(hit.id)}>{hit.title ?? format.plainId(hit.id)}</a>
        {hit.type === "rollback" && <span class="tag">rollback</span>}
        <span class="when">
          <Age at={hit.finished ?? hit.updated} />
        </span>
      </p>
      <p class="sub">{[[hit.service ?? []].flat().join(", ") || hit.project, hit.environment, [hit.person ?? []].flat()[0]].filter(Boolean).join(" · ")}</p>
    </li>
  );
}
