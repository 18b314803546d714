import type { ComponentChildren } from "preact";
import { period } from "../data";
import * as format from "../format";

/** The name of a page, what it is about, and what can be set for all of it. */
export function PageHead({ title, note, children }: { title: string; note?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <div class="page-head">
      <h1>{title}</h1>
      <p class="note">{note ?? <Window />}</p>
      {children && <div class="page-tools">{children}</div>}
    </div>
  );
}

/** The days that are shown. */
export function Window() {
  const shown = period.value;
  if (!shown) return null;
  if (!shown.from || !shown.to) return <>all there is</>;
  // `to` is the day after the last.
  const last = new Date(Date.parse(shown.to) - 1).toISOString().slice(0, 10);
  return (
    <>
      {format.date(shown.from)} to {format.date(last)}
      {shown.past && ", where the data ends"}
    </>
  );
}
