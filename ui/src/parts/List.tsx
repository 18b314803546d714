import type { ComponentChildren } from "preact";
import { Scroll } from "./Scroll";

/** A column: its name, and how it looks; `hidden` is for the ear alone. */
export type Column = string | readonly [name: string, look: string];

/** The column of what can be done with a row. */
export const DO: Column = ["Do", "hidden"];

interface Props<R> {
  label: string;
  columns: readonly Column[];
  rows: readonly R[];
  look?: string;
  /** The line of a row. */
  children: (row: R) => ComponentChildren;
}

/** Rows with the names of their columns above them. */
export function List<R>({ label, columns, rows, look = "", children }: Props<R>) {
  return (
    <Scroll label={label}>
      <table class={`list ${look}`}>
        <Columns of={columns} />
        <tbody>{rows.map(children)}</tbody>
      </table>
    </Scroll>
  );
}

export function Columns({ of }: { of: readonly Column[] }) {
  return (
    <thead>
      <tr>
        {of.map((column) => {
          const [name, look] = typeof column === "string" ? [column, ""] : column;
          return (
            <th key={name} scope="col" class={look === "hidden" ? "" : look}>
              {look === "hidden" ? <span class="hidden">{name}</span> : name}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
