import * as format from "../format";
import type { Week } from "../measure";
import { type Metric, written } from "../metrics";

/** The weeks of a metric as a table that is also a bar chart. */
export function Weeks({ metric, weeks }: { metric: Metric; weeks: Week[] }) {
  const known = weeks.filter((week) => week.n > 0);
  if (known.length === 0) return null;
  const most = Math.max(...known.map((week) => week.value ?? 0)) || 1;
  return (
    <details class="weeks">
      <summary>By week</summary>
      <table class="list">
        <caption class="hidden">{metric.label} by week, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Week of</th>
            <th scope="col" class="number">
              Value
            </th>
            <th scope="col">
              <span class="hidden">Bar</span>
            </th>
            <th scope="col" class="number">
              n
            </th>
          </tr>
        </thead>
        <tbody>
          {[...known].reverse().map((week) => (
            <tr key={week.at}>
              <th scope="row">{format.date(week.at)}</th>
              <td class="number">{text(metric, week)}</td>
              <td aria-hidden="true">
                <span class="week-bar" style={{ width: `${((week.value ?? 0) / most) * 100}%` }} />
              </td>
              <td class="number">{format.count(week.n)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function text(metric: Metric, week: Week): string {
  if (week.value === undefined) return format.MISSING;
  return written(metric, week.value).join(" ");
}
