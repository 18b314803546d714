import { useComputed, useSignal } from "@preact/signals";
import { get } from "../api";
import { definitions, measures, scope } from "../data";
import * as format from "../format";
import type { Measure } from "../measure";
import { type Metric, type Shape, metricNamed, written } from "../metrics";
import { Band } from "../parts/Band";
import { Change } from "../parts/Change";
import { Coded, Empty, Pending, Trouble } from "../parts/Notice";
import { Spark } from "../parts/Spark";
import type { Sample } from "../types";
import { Samples } from "./Samples";
import { Weeks } from "./Weeks";
import { useResource } from "./useResource";

const STATISTIC: Record<Shape, string> = { time: "Median of", share: "Share among", rate: "Mean rate of" };

export function MetricView({ name }: { name: string }) {
  const metric = metricNamed(name);
  if (!metric) {
    return (
      <div class="panel-body">
        <h2 id="panel-title" tabIndex={-1}>{name}</h2>
        <Empty title="This page shows no such metric.">
          <p>
            <Coded text={`The command line may: \`weir metrics ${name}\`.`} />
          </p>
        </Empty>
      </div>
    );
  }
  return <Known metric={metric} />;
}

function Known({ metric }: { metric: Metric }) {
  const measure = measures[metric.name]?.value.data;
  const summary = useComputed(() => definitions.value.data?.find((each) => each.name === metric.name)?.summary);
  return (
    <div class="panel-body">
      <p class="kicker">Metric</p>
      <h2 id="panel-title" tabIndex={-1}>{metric.label}</h2>
      {summary.value && <p class="summary">{summary}</p>}
      {measure && (
        <>
          <p class="value">
            {measure.value === undefined ? "no data" : written(metric, measure.value).join(" ")}
            <Change metric={metric} change={measure.change} />
            <Band metric={metric} level={measure.level} />
          </p>
          <p class="note">
            {behind(metric, measure)}
            {metric.bands && ` Bands after DevLake's benchmarks of 2023: ${metric.bands}, else low.`}
          </p>
          <Spark metric={metric} weeks={measure.weeks} />
          <Weeks metric={metric} weeks={measure.weeks} />
        </>
      )}
      <Behind metric={metric} />
    </div>
  );
}

function Behind({ metric }: { metric: Metric }) {
  const unknownOnly = useSignal(false);
  const now = scope.value;
  const question = now && { from: now.span.from, to: now.span.to, team: now.team, project: now.project };
  const { data, problem } = useResource(question, async (params, abort) => {
    const answer = await get<{ samples: Sample[] }>(`/v1/metrics/${metric.name}/samples`, params, abort);
    return answer.samples.sort((a, b) => (a.at < b.at ? 1 : -1));
  }).value;
  const unknown = data?.filter((sample) => isUnknown(sample)).length ?? 0;
  const shown = unknownOnly.value ? data?.filter(isUnknown) : data;
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
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={8} />}
      {shown && shown.length === 0 && (
        <Empty title="No sample in this window.">
          <p>
            <Coded text={metric.empty} />
          </p>
        </Empty>
      )}
      {shown && shown.length > 0 && <Samples metric={metric} samples={shown} />}
    </section>
  );
}

function behind(metric: Metric, { n, unknown, definition }: Measure): string {
  const left = unknown > 0 ? ` ${format.count(unknown)} more have no known value and are left out.` : "";
  return `${STATISTIC[metric.shape]} ${format.count(n)} ${n === 1 ? "sample" : "samples"}, as ${definition} defines it.${left}`;
}

const isUnknown = (sample: Sample): boolean => sample.value === null || sample.value === undefined;
