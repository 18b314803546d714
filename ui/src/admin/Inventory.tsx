import * as format from "../format";
import { List } from "../parts/List";
import type { Counted, Inventory } from "../types";

/** How many, or else how much. */
export const amount = ({ items, bytes }: Counted): string => (items == null ? format.bytes(bytes) : format.count(items));

/** Parts of a whole, each with how many or how much it is. */
export function Parts({ of }: { of: readonly Counted[] }) {
  return (
    <ul class="sub">
      {of.map((part) => (
        <li key={part.name}>
          {part.name}: {amount(part)}
        </li>
      ))}
    </ul>
  );
}

/** What there is of an account, by class, and what would stay. */
export function Inventoried({ inventory: { classes, stays, projects } }: { inventory: Inventory }) {
  return (
    <>
      <List label="What would go" columns={["What would go", ["How many", "number"], ["Size", "number"]]} rows={classes}>
        {(one) => (
          <tr key={one.class}>
            <th scope="row">
              {one.detail && one.detail.length > 0 ? (
                <details>
                  <summary>{one.class}</summary>
                  <Parts of={one.detail} />
                </details>
              ) : (
                one.class
              )}
            </th>
            <td class="number">{format.count(one.items)}</td>
            <td class="number">{format.bytes(one.bytes)}</td>
          </tr>
        )}
      </List>
      {projects.length > 0 && <p class="sub">Of the projects {projects.join(", ")}.</p>}
      {stays.length > 0 && (
        <>
          <h3>What stays</h3>
          <ul class="sub">
            {stays.map((one) => (
              <li key={one.what}>
                {one.what}: {one.why}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
