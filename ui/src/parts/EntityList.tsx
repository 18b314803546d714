import type { ComponentChildren } from "preact";
import * as format from "../format";
import { toEntity } from "../state";
import { useTitles } from "../titles";

/** Entities by their ids, with their titles, and what `aside` says of each. */
export function EntityList({ label, ids, aside }: { label: string; ids: readonly string[]; aside?: (id: string, index: number) => ComponentChildren }) {
  const known = useTitles(ids);
  return (
    <ul class="hits" aria-label={label}>
      {ids.map((id, index) => {
        const hit = known[id];
        return (
          <li key={id} class="hit-row">
            <p class="hit-head">
              <a href={toEntity(id)}>{hit?.title ?? format.plainId(id)}</a>
              <span class="when">{aside?.(id, index)}</span>
            </p>
            <p class="sub">{[hit?.title && format.plainId(id), hit?.status ?? hit?.state, [hit?.person ?? []].flat()[0]].filter(Boolean).join(" · ")}</p>
          </li>
        );
      })}
    </ul>
  );
}
