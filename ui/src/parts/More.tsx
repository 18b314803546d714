import type { Signal } from "@preact/signals";
import * as format from "../format";

/** Shows one more page of what is there already. */
export function More({ shown, page, of }: { shown: Signal<number>; page: number; of: number }) {
  if (of <= shown.value) return null;
  return (
    <button type="button" class="more" onClick={() => (shown.value += page)}>
      Show more of {format.count(of)}
    </button>
  );
}
