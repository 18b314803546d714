import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { More } from "./More";

const PAGE = 20;

/** What happened, one below the other, a page at a time. `look` is `entries` where nothing may be cut short. */
export function Entries<R>({ rows, look = "", children }: { rows: readonly R[]; look?: string; children: (row: R) => ComponentChildren }) {
  const shown = useSignal(PAGE);
  return (
    <>
      <ul class={`hits ${look}`}>{rows.slice(0, shown.value).map(children)}</ul>
      <More shown={shown} page={PAGE} of={rows.length} />
    </>
  );
}
