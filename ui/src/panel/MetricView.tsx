import { useSignal } from "@preact/signals";
import { get } from "../api";
import { definitions, scope, scoped } from "../data";
import * as format from "../format";
import { type Measure, measure } from "../measure";
import { type Metric, SEGMENTS, type Shape, metricNamed, metricOf, valueOf, written } from "../metrics";
import { Answered } from "../parts/Answered";
import { Band } from "../parts/Band";
import { Change } from "../parts/Change";
import { MetricFigure } from "../parts/MetricFigure";
import { Coded, Empty, Pending, Trouble } from "../parts/Notice";
import { toMetric } from "../state";
import type { Definition, MetricAnswer, Point, Sample } from "../types";
import { useGet, useResource } from "../useResource";
import { Samples } from "./Samples";

const STATISTIC: Record<Shape, string> = {
  time: "Median of",
  ratio: "Median of",
  number: "Median of",
  share: "Share among",
  rate: "Mean rate of",
  level: "At the end of the window:",
};

export function MetricView({ name }: { name: string }) {
  const { data, problem } = definitions.value;
  const definition = data?.find((each) => each.name === name);
  const metric = metricNamed(name) ?? (definition && metricOf(definition));
  return (
    <div class="panel-body">
      <p class="kicker">Metric</p>
      <h2 id="panel-title" tabIndex={-1}>
        {metric?.label ?? name}
      </h2>
      {metric && <Known metric={metric} definition={definition} />}
      {!metric && problem && <Trouble problem={problem} />}
      {!metric && !problem && !data && <Pending lines={8} />}
      {!metric && data && (
        <Empty title="This host has no such metric.">
          <p>
            <Coded text="`weir metrics` lists those there are; a `[[metric]]` in weir.toml defines one." />
          </p>
        </Empty>
      )}
    </div>
  );
}

function Known({ metric, definition }: { metric: Metric; definition: Definition | undefined }) {
  const answer = useResource(scope.value, (now, abort) => measure(metric, now, abort)).value;
  return (
    <>
      {definition?.summary && <p class="summary">{definition.summary}</p>}
      <Answered answer={answer} lines={8}>
        {(measure) => <Numbers metric={metric} measure={measure} />}
      </Answered>
      {metric.shape === "level" ? <InProgress /> : <Behind metric={metric} />}
    </>
  );
}

function Numbers({ metric, measure }: { metric: Metric; measure: Measure }) {
  const segments = SEGMENTS.flatMap((segment) => {
    const total = measure.segments[segment.name.slice(metric.name.length + 1)];
    return total && segment.name.startsWith(`${metric.name}.`) ? [{ segment, total }] : [];
  });
  return (
    <>
      <p class="value">
        {measure.value === undefined ? "no data" : written(metric, measure.value).join(" ")}
        <Change metric={metric} change={measure.change} />
        <Band metric={metric} level={measure.level} />
      </p>
      <p class="note">
        {behind(metric, measure)}
        {measure.error && ` Off by at most ${format.percent(measure.error)} %, for so many values are not sorted one by one.`}
        {metric.bands && ` Bands after DevLake's benchmarks of 2023: ${metric.bands}, else low.`}
      </p>
      <MetricFigure title="By week" metric={metric} measure={measure} />
      {segments.length > 0 && <Segments parts={segments} />}
      <Unknown metric={metric} unknown={measure.unknown} />
    </>
  );
}

function Segments({ parts }: { parts: { segment: Metric; total: Point }[] }) {
  return (
    <section aria-labelledby="segments">
      <h3 id="segments">Its parts</h3>
      <ul class="links">
        {parts.map(({ segment, total }) => (
          <li key={segment.name}>
            <a href={toMetric(segment.name)}>{segment.label}</a>
            <span class="sub">
              median {format.duration(valueOf(segment, total))}, n {format.count(total.n)}, {format.count(total.unknown)} unknown
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Why values are unknown, and how long those have waited that have not come so far. */
function Unknown({ metric, unknown }: { metric: Metric; unknown: number }) {
  const asked = unknown > 0 && scoped.value ? { ...scoped.value, by: "month", reasons: "true" } : undefined;
  const { data } = useGet<MetricAnswer>(`/v1/metrics/${metric.name}`, asked).value;
  const reasons = Object.entries(data?.reasons ?? {}).sort(([, a], [, b]) => b - a);
  if (unknown === 0 || reasons.length === 0) return null;
  const { waiting } = data ?? {};
  return (
    <p class="note">
      Unknown: {reasons.map(([reason, n]) => `${format.count(n)} ${format.words(reason)}`).join(", ")}.
      {waiting && waiting.n > 0 && ` ${format.count(waiting.n)} have not come so far; half of them wait longer than ${format.duration(waiting.p50)}.`}
    </p>
  );
}

function InProgress() {
  return (
    <Empty title="A level counts what is there at an instant.">
      <p>The page Work lists the items, oldest first.</p>
    </Empty>
  );
}

function Behind({ metric }: { metric: Metric }) {
  const unknownOnly = useSignal(false);
  const answer = useResource(scoped.value, async (params, abort) => {
    const answer = await get<{ samples: Sample[] }>(`/v1/metrics/${metric.name}/samples`, params, abort);
    return answer.samples.sort((a, b) => (a.at < b.at ? 1 : -1));
  }).value;
  const unknown = answer.data?.filter(isUnknown).length ?? 0;
  return (
    <section aria-labelledby="behind">
      <div class="head">
        <h3 id="behind">Behind this number</h3>
        {unknown > 0 && (
          <label class="check">
            <input type="checkbox" checked={unknownOnly.value} onChange={() => (unknownOnly.value = !unknownOnly.value)} /> only the {format.count(unknown)}{" "}
            unknown
          </label>
        )}
      </div>
      <Answered answer={answer} lines={8}>
        {(data) => {
          const shown = unknownOnly.value ? data.filter(isUnknown) : data;
          return shown.length > 0 ? (
            <Samples metric={metric} samples={shown} />
          ) : (
            <Empty title="No sample in this window.">
              <p>
                <Coded text={metric.empty} />
              </p>
            </Empty>
          );
        }}
      </Answered>
    </section>
  );
}

function behind(metric: Metric, { n, unknown, definition, services, gapMax }: Measure): string {
  const left = unknown > 0 ? ` ${format.count(unknown)} more have no known value and are left out.` : "";
  const over = services ? ` Over ${format.count(services)} services together.` : "";
  const gap = gapMax ? ` The longest time without one was ${format.duration(gapMax)}.` : "";
  return `${STATISTIC[metric.shape]} ${format.count(n)} ${n === 1 ? "sample" : "samples"}, as ${definition} defines it.${left}${over}${gap}`;
}

const isUnknown = (sample: Sample): boolean => sample.value === null || sample.value === undefined;
