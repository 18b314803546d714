import type { ComponentChildren } from "preact";

/** One of several that can be picked, in a list of such. */
export function Chip({ name, pressed, pick }: { name: ComponentChildren; pressed: boolean; pick: (on: boolean) => void }) {
  return (
    <li>
      <button type="button" class="chip" aria-pressed={pressed} onClick={() => pick(!pressed)}>
        {name}
      </button>
    </li>
  );
}
