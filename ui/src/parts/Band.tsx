import type { Level, Metric } from "../metrics";

const STEPS: Record<Level, number> = { elite: 4, high: 3, medium: 2, low: 1 };

/** The benchmark band: as many strokes as it is good, and its word. */
export function Band({ metric, level }: { metric: Metric; level: Level | undefined }) {
  if (!level) return null;
  return (
    <span class={`band ${level}`} title={`DevLake benchmarks of 2023: ${metric.bands ?? ""}, else low`}>
      <svg viewBox="0 0 15 10" width="15" height="10" aria-hidden="true">
        {[0, 1, 2, 3].map((step) => (
          <rect key={step} class={step < STEPS[level] ? "on" : "off"} x={step * 4} y={7 - step * 2.2} width="2.6" height={3 + step * 2.2} rx="0.8" />
        ))}
      </svg>
      {level}
    </span>
  );
}
