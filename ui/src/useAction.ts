import { type Signal, useSignal } from "@preact/signals";
import { Problem } from "./api";
import { refresh } from "./live";

export interface Action {
  busy: Signal<boolean>;
  problem: Signal<Problem | undefined>;
  /** What to say when it went well. */
  said: Signal<string>;
  /** Does it, unless it is being done; everything shown is asked again. */
  run: (what: () => Promise<string>) => void;
}

/** Something a person asks the host to do. */
export function useAction(): Action {
  const busy = useSignal(false);
  const problem = useSignal<Problem | undefined>(undefined);
  const said = useSignal("");
  const run = (what: () => Promise<string>): void => {
    if (busy.peek()) return;
    busy.value = true;
    problem.value = undefined;
    said.value = "";
    what()
      .then((text) => {
        said.value = text;
        refresh();
      })
      .catch((error: unknown) => {
        problem.value = error instanceof Problem ? error : new Problem("It was not done", String(error), "", 0);
      })
      .finally(() => (busy.value = false));
  };
  return { busy, problem, said, run };
}
