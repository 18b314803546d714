import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import * as format from "../format";
import { Scroll } from "../parts/Scroll";
import { type Cell, saveCsv, savePng } from "./export";

/** Rows of its table that are shown. */
const ROWS_SHOWN = 400;

interface Props {
  title: string;
  note?: ComponentChildren;
  /** Name of files that are saved from it. */
  file: string;
  /** What it shows as a table, the names of the columns first. */
  rows: readonly (readonly Cell[])[];
  /** Whether it is drawn, and can be saved as a picture. */
  drawn?: boolean;
  children: ComponentChildren;
}

/** A chart with its title, and the ways to take it along: as a table, as CSV, as a picture. */
export function Figure({ title, note, file, rows, drawn = true, children }: Props) {
  const figure = useRef<HTMLElement>(null);
  const asTable = useSignal(false);
  const picture = (): void => {
    const svg = figure.current?.querySelector<SVGSVGElement>("svg.plot");
    if (svg) void savePng(file, svg);
  };
  return (
    <figure class="figure" ref={figure} aria-label={title}>
      <figcaption class="head">
        <h3>{title}</h3>
        {note && <p class="note">{note}</p>}
        <span class="takes">
          <button type="button" class="quiet" aria-pressed={asTable.value} onClick={() => (asTable.value = !asTable.value)}>
            Table
          </button>
          <button type="button" class="quiet" onClick={() => saveCsv(file, rows)}>
            CSV
          </button>
          {drawn && !asTable.value && (
            <button type="button" class="quiet" onClick={picture}>
              PNG
            </button>
          )}
        </span>
      </figcaption>
      {asTable.value ? <Table title={title} rows={rows} /> : children}
    </figure>
  );
}

function Table({ title, rows: [names = [], ...rows] }: { title: string; rows: readonly (readonly Cell[])[] }) {
  return (
    <Scroll label={`${title} as a table`}>
      <table class="list">
        <thead>
          <tr>
            {names.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS_SHOWN).map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} class={typeof cell === "number" ? "number" : ""}>
                  {typeof cell === "number" ? format.digits(cell) : (cell ?? format.MISSING)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > ROWS_SHOWN && <p class="sub">and {format.count(rows.length - ROWS_SHOWN)} more in the CSV</p>}
    </Scroll>
  );
}
