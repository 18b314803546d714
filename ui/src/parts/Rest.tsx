import type { Signal } from "@preact/signals";

/** Shows the rest of a list that is cut short, and takes it away again. */
export function Rest({ all, n, of, look = "more" }: { all: Signal<boolean>; n: number; of: string; look?: "more" | "quiet" }) {
  if (n <= 0) return null;
  return (
    <button type="button" class={look} aria-expanded={all.value} onClick={() => (all.value = !all.value)}>
      {all.value ? "Fewer" : `${n} more`}
      <span class="hidden"> {of}</span>
    </button>
  );
}
