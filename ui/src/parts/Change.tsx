import { digits, percent } from "../format";
import type { Metric } from "../metrics";

/** How the later half of the window differs from the earlier one. */
export function Change({ metric, change }: { metric: Metric; change: number | undefined }) {
  if (change === undefined) return null;
  const share = metric.shape === "share";
  const small = Math.abs(change) < (share ? 0.001 : 0.01);
  if (small) return <span class="change even">steady</span>;
  const better = change > 0 === (metric.better === "up");
  const size = share ? `${percent(Math.abs(change))} pt` : change > 2 ? `${digits(change + 1)}×` : `${percent(Math.abs(change))} %`;
  const words = `${better ? "better" : "worse"} than in the first half of the window`;
  return (
    <span class={`change ${better ? "better" : "worse"}`} title={`The later half: ${words}`}>
      <span aria-hidden="true">{change > 0 ? "▲" : "▼"} </span>
      <span class="hidden">{change > 0 ? "up " : "down "}</span>
      {size}
      <span class="hidden"> {words}</span>
    </span>
  );
}
