import { measures, scoped } from "../data";
import * as format from "../format";
import type { Measure } from "../measure";
import { type Metric, written } from "../metrics";
import { toMetric } from "../state";
import type { MetricAnswer } from "../types";
import { useGet } from "../useResource";
import { Band } from "./Band";
import { Change } from "./Change";
import { Coded } from "./Notice";
import { Spark } from "./Spark";

export function MetricCard({ metric, compared }: { metric: Metric; compared: string }) {
  const { data, problem, stale } = measures[metric.name]?.value ?? { stale: true };
  return (
    <li class={`card ${stale && data ? "stale" : ""}`}>
      <h3>{metric.label}</h3>
      {data ? <Filled metric={metric} measure={data} compared={compared} /> : <p class="value none">{problem ? "no answer" : " "}</p>}
      {problem && !problem.unreachable && (
        <p class="card-problem" role="alert">
          <Coded text={`${problem.message}. ${problem.hint}`} />
        </p>
      )}
    </li>
  );
}

function Filled({ metric, measure, compared }: { metric: Metric; measure: Measure; compared: string }) {
  if (measure.value === undefined) {
    return (
      <>
        <p class="value none">
          <a href={toMetric(metric.name)}>{measure.unknown > 0 ? "unknown" : "no data"}</a>
        </p>
        <p class="card-empty">
          {measure.unknown > 0 ? `${format.count(measure.unknown)} samples, none with a known value.` : <Coded text={metric.empty} />}
        </p>
        <Foot measure={measure} />
      </>
    );
  }
  const [value, unit] = written(metric, measure.value);
  return (
    <>
      <p class="value">
        <a href={toMetric(metric.name)} title="Shows what is behind this number">
          {value}
          <span class="unit"> {unit}</span>
        </a>
      </p>
      <p class="reading">
        <Change metric={metric} change={measure.change} />
        <Band metric={metric} level={measure.level} />
      </p>
      {compared && <Compared key={compared} metric={metric} definition={compared} />}
      <Spark metric={metric} weeks={measure.weeks} />
      <Foot measure={measure} />
    </>
  );
}

/** The number as another system would show it. */
function Compared({ metric, definition }: { metric: Metric; definition: string }) {
  const asked = metric.bands && scoped.value && { ...scoped.value, definition };
  const { data, problem } = useGet<MetricAnswer>(`/v1/metrics/${metric.name}`, asked || undefined).value;
  const text = problem || !metric.bands ? "has no such number" : data?.compat ? other(data.compat) : "…";
  return (
    <p class="compared" title={problem?.hint}>
      {definition} {text}
    </p>
  );
}

function other({ value, unit }: NonNullable<MetricAnswer["compat"]>): string {
  if (value === null) return "shows none";
  if (unit === "ms") return format.scaled(value).join(" ");
  if (unit === "ratio") return `${format.percent(value)} %`;
  return `${format.digits(value)} ${format.words(unit)}`;
}

function Foot({ measure }: { measure: Measure }) {
  return (
    <p class="card-foot">
      <span>
        n {format.compact(measure.n)}
        {measure.unknown > 0 && `, ${format.compact(measure.unknown)} unknown`}
      </span>
      <span class="definition" title={`Definition ${measure.definition}`}>
        {measure.definition}
      </span>
    </p>
  );
}
