// The trend by week, drawn as a water level. A week without a sample is a gap, not 0.

import * as format from "../format";
import type { Week } from "../measure";
import { type Metric, written } from "../metrics";

const WIDTH = 100;
const HEIGHT = 36;
const TOP = 3;

export function Spark({ metric, weeks }: { metric: Metric; weeks: Week[] }) {
  const values = weeks.flatMap((week) => week.value ?? []);
  if (weeks.length < 2 || values.length === 0) return <div class="spark" />;
  const most = Math.max(...values) || 1;
  const x = (index: number): number => (index / (weeks.length - 1)) * WIDTH;
  const y = (value: number): number => HEIGHT - (value / most) * (HEIGHT - TOP);
  const runs = connected(weeks).map((run) => run.map(([index, value]) => [x(index), y(value)] as const));
  const last = weeks.findLastIndex((week) => week.value !== undefined);
  const lastValue = weeks[last]?.value ?? 0;
  return (
    <div class="spark" role="img" aria-label={described(metric, values)}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {runs.map((run, index) => (
          <g key={index}>
            <path class="spark-water" d={`${line(run)}V${HEIGHT}H${run[0]?.[0] ?? 0}z`} />
            <path class={`spark-line ${run.length === 1 ? "alone" : ""}`} d={run.length === 1 ? `${line(run)}h.01` : line(run)} />
          </g>
        ))}
      </svg>
      <span class="spark-end" style={{ left: `${x(last)}%`, top: `${(y(lastValue) / HEIGHT) * 100}%` }} />
      <div class="spark-weeks">
        {weeks.map((week) => (
          <span key={week.at} title={`Week of ${format.shortDate(week.at)}: ${read(metric, week)}`} />
        ))}
      </div>
    </div>
  );
}

type Spot = readonly [number, number];

function connected(weeks: Week[]): Spot[][] {
  const runs: Spot[][] = [];
  let open = false;
  weeks.forEach((week, index) => {
    if (week.value === undefined) {
      open = false;
      return;
    }
    if (!open) runs.push([]);
    runs.at(-1)?.push([index, week.value]);
    open = true;
  });
  return runs;
}

function line(run: Spot[]): string {
  return run.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
}

/** The number of a week in words. */
export function read(metric: Metric, week: Week): string {
  if (week.value === undefined) return "no sample";
  return `${written(metric, week.value).join(" ")}, n ${format.count(week.n)}`;
}

function described(metric: Metric, values: number[]): string {
  const text = (value: number): string => written(metric, value).join(" ");
  return `By week: from ${text(Math.min(...values))} to ${text(Math.max(...values))}, last ${text(values.at(-1) ?? 0)}`;
}
