import { params } from "../state";
import type { FacetCount } from "../types";
import { FacetColumn } from "./FacetColumn";

/** What hits can be narrowed by, side by side with them; folded where there is little room. */
export function Facets({ names, counts }: { names: readonly string[]; counts: Record<string, FacetCount[]> | undefined }) {
  const wide = matchMedia("(min-width: 700px)").matches;
  const picked = names.reduce((sum, name) => sum + params(name).length, 0);
  const none = counts !== undefined && names.every((name) => (counts[name] ?? []).length === 0);
  if (none && picked === 0) return null;
  return (
    <details class="facets" open={wide || picked > 0}>
      <summary>Filters{picked > 0 ? `, ${picked} set` : ""}</summary>
      <div class="facet-columns">
        {names.map((name) => (
          <FacetColumn key={name} name={name} counts={counts?.[name] ?? []} />
        ))}
      </div>
    </details>
  );
}
