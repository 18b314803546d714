import { useSignal } from "@preact/signals";
import { facets } from "../data";
import * as format from "../format";
import { FACETS, type Facet, toggle, view } from "../state";
import type { FacetCount } from "../types";
import { JobName } from "./JobName";
import { Mark } from "./Mark";

const SHOWN = 6;

export function Facets() {
  const counts = facets.value.data;
  const wide = matchMedia("(min-width: 700px)").matches;
  const none = counts !== undefined && FACETS.every((facet) => counts[facet]?.length === 0);
  const picked = FACETS.reduce((sum, facet) => sum + view.value.picked[facet].length, 0);
  if (none && picked === 0) return null;
  return (
    <details class="facets" open={wide || picked > 0}>
      <summary>Filters{picked > 0 ? `, ${picked} set` : ""}</summary>
      <div class="facet-columns">
        {FACETS.map((facet) => (
          <Column key={facet} facet={facet} counts={counts?.[facet] ?? []} />
        ))}
      </div>
    </details>
  );
}

function Column({ facet, counts }: { facet: Facet; counts: FacetCount[] }) {
  const all = useSignal(false);
  const picked = view.value.picked[facet];
  // What is picked stays in sight, also when nothing is left of it.
  const gone = picked.filter((value) => !counts.some((count) => count.value === value));
  const rows = [...gone.map((value) => ({ value, count: 0 })), ...counts];
  if (rows.length === 0) return null;
  const shown = all.value ? rows : rows.filter((row, index) => index < SHOWN || picked.includes(row.value));
  const most = Math.max(...rows.map((row) => row.count), 1);
  return (
    <div class="facet" role="group" aria-labelledby={`facet-${facet}`}>
      <h3 id={`facet-${facet}`}>{facet}</h3>
      <ul>
        {shown.map((row) => (
          <li key={row.value}>
            <Value facet={facet} row={row} share={row.count / most} picked={picked.includes(row.value)} />
          </li>
        ))}
      </ul>
      {rows.length > SHOWN && (
        <button type="button" class="quiet" aria-expanded={all.value} onClick={() => (all.value = !all.value)}>
          {all.value ? "Fewer" : `${rows.length - SHOWN} more`}
          <span class="hidden"> values of {facet}</span>
        </button>
      )}
    </div>
  );
}

function Value(props: { facet: Facet; row: FacetCount; share: number; picked: boolean }) {
  const { facet, row, share, picked } = props;
  return (
    <button type="button" class="facet-value" aria-pressed={picked} onClick={() => toggle(facet, row.value)} title={row.value}>
      <span class="facet-bar" style={{ width: `${Math.max(share * 100, 1)}%` }} />
      {facet === "result" && <Mark state={row.value} silent />}
      <span class="facet-name">{facet === "job" ? <JobName name={row.value} /> : row.value}</span>
      <span class="facet-count">{format.compact(row.count)}</span>
    </button>
  );
}
