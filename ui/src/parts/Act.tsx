import type { Action } from "../useAction";

interface Props {
  does: string;
  /** Which one it is about, for those who do not see where it stands. */
  to?: string;
  title?: string;
  /** Waits for it. */
  action?: Action;
  run: () => void;
}

/** Something small that can be done to one of many. */
export function Act({ does, to, title, action, run }: Props) {
  return (
    <button type="button" class="quiet" title={title} disabled={action?.busy.value ?? false} onClick={run}>
      {does}
      {to && <span class="hidden"> {to}</span>}
    </button>
  );
}
