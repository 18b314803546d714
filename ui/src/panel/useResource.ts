import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type Resource, resource } from "../resource";

/** A resource that lives as long as its component. `question` may change; an undefined one is not asked. */
export function useResource<Q, T>(question: Q | undefined, load: (question: Q, abort: AbortSignal) => Promise<T>): Resource<T> {
  const key = JSON.stringify(question);
  const { asked, answer } = useMemo(() => {
    const asked = signal(question);
    return { asked, answer: resource(asked, load) };
  }, []);
  useEffect(() => {
    asked.value = question;
  }, [key]);
  useEffect(() => answer.stop, []);
  return answer;
}
