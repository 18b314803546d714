// A resource is the last answer to a question. It is asked while somebody looks, again when the question changes or the
// host has news, and keeps showing the old answer until the new one is there, so that nothing flickers.

import { type ReadonlySignal, effect, signal } from "@preact/signals";
import { Problem } from "./api";

/** Counts the refreshes; a new value makes every resource ask again. */
export const beat = signal(0);
/** Questions that wait for an answer. */
export const waiting = signal(0);
/** When the host answered last. */
export const answeredAt = signal<number | undefined>(undefined);

export interface Answer<T> {
  data?: T;
  problem?: Problem;
  /** The answer is to an earlier question. */
  stale: boolean;
}

export type Resource<T> = ReadonlySignal<Answer<T>>;

/**
 * Asks `load` as long as the answer is looked at. A question that is undefined is not asked. What is `steady` does not
 * change with data, and is not asked again when the host has news.
 */
export function resource<Q, T>(question: ReadonlySignal<Q | undefined>, load: (question: Q, abort: AbortSignal) => Promise<T>, steady = false): Resource<T> {
  let stop: (() => void) | undefined;
  let asked = "";
  let shown = "";
  const answer = signal<Answer<T>>(
    { stale: true },
    {
      watched: () => (stop = effect(ask)),
      unwatched: () => stop?.(),
    },
  );

  function ask(): (() => void) | undefined {
    if (!steady) void beat.value;
    const now = question.value;
    if (now === undefined) return undefined;
    const abort = new AbortController();
    const key = JSON.stringify(now);
    if (key !== asked && asked !== "") answer.value = { ...answer.peek(), stale: true };
    asked = key;
    waiting.value = waiting.peek() + 1;
    load(now, abort.signal)
      .then((data) => {
        answeredAt.value = Date.now();
        const text = JSON.stringify(data);
        if (abort.signal.aborted || (text === shown && settled(answer.peek()))) return;
        shown = text;
        answer.value = { data, stale: false };
      })
      .catch((error: unknown) => {
        if (abort.signal.aborted) return;
        // What was shown stays, next to the problem; as stale, when it answers an earlier question.
        answer.value = { ...answer.peek(), problem: asProblem(error) };
      })
      .finally(() => {
        waiting.value = waiting.peek() - 1;
      });
    return () => abort.abort();
  }

  return answer;
}

function settled<T>(answer: Answer<T>): boolean {
  return !answer.stale && answer.problem === undefined;
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem("The answer could not be read", String(error), "Reload the page; if it stays, `weir doctor` tells more.", 200);
}
