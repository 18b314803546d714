import { useSignal } from "@preact/signals";
import * as format from "../format";
import { params, toggle } from "../state";
import type { FacetCount } from "../types";
import { JobName } from "./JobName";
import { Mark, isState } from "./Mark";
import { Rest } from "./Rest";

const SHOWN = 6;
/** Fields whose values are told apart by their last parts, and by how many. */
const PATHS: Record<string, number> = { job: 2, project: 1, repository: 1 };

/** The values of a field with their counts. Picked ones are kept in the address under `name`. */
export function FacetColumn({ name, label = name, counts }: { name: string; label?: string; counts: readonly FacetCount[] }) {
  const all = useSignal(false);
  const picked = params(name);
  // What is picked stays in sight, also when nothing is left of it.
  const gone = picked.filter((value) => !counts.some((count) => count.value === value));
  const rows = [...gone.map((value) => ({ value, count: 0 })), ...counts];
  if (rows.length === 0) return null;
  const shown = all.value ? rows : rows.filter((row, index) => index < SHOWN || picked.includes(row.value));
  const most = Math.max(...rows.map((row) => row.count), 1);
  return (
    <div class="facet" role="group" aria-labelledby={`facet-${name}`}>
      <h3 id={`facet-${name}`}>{format.words(label)}</h3>
      <ul>
        {shown.map((row) => (
          <li key={row.value}>
            <Value name={name} row={row} share={row.count / most} picked={picked.includes(row.value)} />
          </li>
        ))}
      </ul>
      <Rest all={all} n={rows.length - SHOWN} of={`values of ${label}`} look="quiet" />
    </div>
  );
}

function Value(props: { name: string; row: FacetCount; share: number; picked: boolean }) {
  const { name, row, share, picked } = props;
  return (
    <button type="button" class="facet-value" aria-pressed={picked} onClick={() => toggle(name, row.value)} title={row.value}>
      <span class="facet-bar" style={{ width: `${Math.max(share * 100, 1)}%` }} />
      {(name === "result" || name === "state") && isState(row.value) && <Mark state={row.value} silent />}
      <span class="facet-name">{name in PATHS ? <JobName name={row.value} last={PATHS[name] ?? 1} /> : row.value}</span>
      <span class="facet-count">{format.compact(row.count)}</span>
    </button>
  );
}
