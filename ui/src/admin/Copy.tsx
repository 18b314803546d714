import * as format from "../format";
import type { Copied } from "../types";

/** One backup or export, as the audit log tells of it. */
export function Copy({ of: { outcome, to, at, records, files, by } }: { of: Copied }) {
  const said = [records != null && `${format.count(records)} records`, files != null && `${format.count(files)} files`, by && `by ${by}`];
  return (
    <li class="hit-row">
      <p class="hit-head">
        {outcome !== "done" && <span class="tag stopped">{format.words(outcome)}</span>}
        <code>{to ?? "somewhere"}</code>
        <span class="when">{format.exact(at)}</span>
      </p>
      <p class="sub">{said.filter(Boolean).join(", ")}</p>
    </li>
  );
}
