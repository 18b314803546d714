import type { Metric } from "../metrics";
import { MetricCard } from "./MetricCard";

/** Cards of metrics, side by side. `compared` names another system's definition to show beside them. */
export function Numbers({ label, metrics, compared = "" }: { label: string; metrics: Metric[]; compared?: string }) {
  return (
    <ul class="cards" aria-label={label}>
      {metrics.map((metric) => (
        <MetricCard key={metric.name} metric={metric} compared={compared} />
      ))}
    </ul>
  );
}
