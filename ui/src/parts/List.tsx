import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import * as format from "../format";
import { More } from "./More";
import { Scroll } from "./Scroll";

/** Rows that are drawn at first, and each time more are asked for: what it costs does not grow with how many there are. */
const PAGE = 50;

/** A column: its name, and how it looks; `hidden` is for the ear alone. */
export type Column = string | readonly [name: string, look: string];

/** The column of what can be done with a row. */
export const DO: Column = ["Do", "hidden"];

interface Props<R> {
  label: string;
  columns: readonly Column[];
  rows: readonly R[];
  look?: string;
  page?: number;
  /** What a row is found by, where there can be many. */
  says?: (row: R) => string;
  /** The line of a row. */
  children: (row: R) => ComponentChildren;
}

/** Rows with the names of their columns above them, a page at a time; many can be searched. */
export function List<R>({ label, columns, rows, look = "", page = PAGE, says, children }: Props<R>) {
  const shown = useSignal(page);
  const sought = useSignal("");
  const word = sought.value.toLowerCase();
  const found = says && word ? rows.filter((row) => says(row).toLowerCase().includes(word)) : rows;
  return (
    <>
      {says && rows.length > page && <Find among={label} sought={sought} n={found.length} />}
      <Scroll label={label}>
        <table class={`list ${look}`}>
          <Columns of={columns} />
          <tbody>{found.slice(0, shown.value).map(children)}</tbody>
        </table>
      </Scroll>
      <More shown={shown} page={page} of={found.length} />
    </>
  );
}

function Find({ among, sought, n }: { among: string; sought: Signal<string>; n: number }) {
  return (
    <p class="inline">
      <input class="text-input" type="search" aria-label={`Find among: ${among}`} placeholder="Find" value={sought.value} onInput={(event) => (sought.value = event.currentTarget.value.trim())} />
      <span class="sub" role="status">
        {sought.value && `${format.count(n)} found`}
      </span>
    </p>
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
