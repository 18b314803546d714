import * as format from "../format";
import { Scroll } from "../parts/Scroll";
import type { Counted, Inventory } from "../types";

/** How many, or else how much. */
export function amount({ items, bytes }: Counted): string {
  if (items !== null && items !== undefined) return format.count(items);
  return bytes === null || bytes === undefined ? format.MISSING : format.bytes(bytes);
}

/** What there is of an account, by class, and what would stay. */
export function Inventoried({ inventory: { classes, stays } }: { inventory: Inventory }) {
  return (
    <>
      <Scroll label="What would go">
        <table class="list">
          <thead>
            <tr>
              <th scope="col">What would go</th>
              <th scope="col" class="number">
                How many
              </th>
              <th scope="col" class="number">
                Size
              </th>
            </tr>
          </thead>
          <tbody>
            {classes.map((one) => (
              <tr key={one.class}>
                <th scope="row">
                  {one.detail && one.detail.length > 0 ? (
                    <details>
                      <summary>{one.class}</summary>
                      <ul class="sub">
                        {one.detail.map((part) => (
                          <li key={part.name}>
                            {part.name}: {amount(part)}
                          </li>
                        ))}
                      </ul>
                    </details>
                  ) : (
                    one.class
                  )}
                </th>
                <td class="number">{one.items === null || one.items === undefined ? format.MISSING : format.count(one.items)}</td>
                <td class="number">{one.bytes === null || one.bytes === undefined ? format.MISSING : format.bytes(one.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
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
