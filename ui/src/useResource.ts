import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type Params, get } from "./api";
import { type Resource, resource } from "./resource";

/** A resource that lives as long as its component. `question` may change; an undefined one is not asked. What is `steady` is asked once. */
export function useResource<Q, T>(question: Q | undefined, load: (question: Q, abort: AbortSignal) => Promise<T>, steady = false): Resource<T> {
  const key = JSON.stringify(question);
  const { asked, answer } = useMemo(() => {
    const asked = signal(question);
    return { asked, answer: resource(asked, load, steady) };
  }, []);
  useEffect(() => {
    asked.value = question;
  }, [key]);
  return answer;
}

/** The answer of one path, asked again with other parameters when they change. Undefined ones: not yet asked. */
export function useGet<T>(path: string, params: Params | undefined): Resource<T> {
  return useResource(params && { path, params }, ({ path, params }, abort) => get<T>(path, params, abort));
}

/** The same, but asked once: what holds for one use, or costs the host a look at everything it has. */
export function useOnce<T>(path: string, params: Params = {}): Resource<T> {
  return useResource({ path, params }, ({ path, params }, abort) => get<T>(path, params, abort), true);
}
