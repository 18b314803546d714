import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

interface Shown {
  /** What lies on top, to be put at the end of what it belongs to. */
  dialog: ComponentChildren;
  show: (dialog: ComponentChildren) => void;
  close: () => void;
}

/** A place for one dialog at a time. */
export function useDialog(): Shown {
  const shown = useSignal<ComponentChildren>(undefined);
  return {
    dialog: shown.value,
    show: (dialog) => (shown.value = dialog),
    close: () => (shown.value = undefined),
  };
}
