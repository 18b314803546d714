import type { Action } from "../useAction";
import { Said } from "./Said";

/** The end of a form in a dialog: what does it, the way out, and what became of it. */
export function FormEnd({ action, does, leave = "Close", ready = true, close }: { action: Action; does: string; leave?: string; ready?: boolean; close: () => void }) {
  return (
    <>
      <p class="inline">
        <button class="button main" disabled={action.busy.value || !ready}>
          {does}
        </button>
        <button type="button" class="button" onClick={close}>
          {leave}
        </button>
      </p>
      <Said action={action} />
    </>
  );
}
