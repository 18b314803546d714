import * as format from "../format";
import { now } from "../time";
import type { Budget } from "../types";

/** Rate budgets of the tools: how much may still be asked. */
export function Budgets({ budgets }: { budgets: Budget[] }) {
  const counted = budgets.filter((budget) => budget.remaining !== null && budget.remaining !== undefined && budget.limit);
  if (counted.length === 0) return null;
  return (
    <ul class="budgets" aria-label="Rate budgets">
      {counted.map((budget) => (
        <Row key={budget.origin + (budget.resource ?? "")} budget={budget} />
      ))}
    </ul>
  );
}

function Row({ budget }: { budget: Budget }) {
  const limit = budget.limit ?? 0;
  const left = budget.remaining ?? 0;
  const reset = Date.parse(budget.reset_at ?? "") - now.value;
  return (
    <li>
      <span class="origin">
        {budget.origin.replace(/^https?:\/\//, "")}
        {budget.resource && <span class="sub"> {budget.resource}</span>}
      </span>
      <span class={`gauge ${left < limit / 10 ? "low" : ""}`} aria-hidden="true">
        <span style={{ width: `${Math.min((left / limit) * 100, 100)}%` }} />
      </span>
      <span class="left">
        {format.count(left)} of {format.count(limit)} left
        {reset > 0 && <span class="sub">, full in {format.duration(Math.ceil(reset / 60_000) * 60_000)}</span>}
      </span>
    </li>
  );
}
