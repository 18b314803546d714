import { Figure } from "../chart/Figure";
import { TimeChart } from "../chart/TimeChart";
import * as format from "../format";
import type { Measure, Week } from "../measure";
import type { Metric } from "../metrics";

const sampled = (week: Week | undefined): string | undefined => week && `n ${format.count(week.n)}`;

/** A metric by week. */
export function MetricFigure({ title, metric, measure: { weeks } }: { title: string; metric: Metric; measure: Measure }) {
  return (
    <Figure title={title} file={metric.name} rows={[["week of", metric.name, "n"], ...weeks.map((week) => [week.at, week.value, week.n])]}>
      <TimeChart
        label={`${metric.label} by week`}
        kind={metric.shape === "rate" ? "columns" : "line"}
        shape={metric.shape}
        height={150}
        at={weeks.map((week) => week.at)}
        series={[{ name: metric.label, tone: "water", values: weeks.map((week) => week.value) }]}
        remark={(index) => sampled(weeks[index])}
      />
    </Figure>
  );
}
