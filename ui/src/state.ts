// What is shown. It is kept in the address, so that it can be shared, and gone back from.

import { signal } from "@preact/signals";
import { type Changes, type Page, type View, changed, parse, written } from "./address";

export const view = signal<View>(parse(location.hash));

/** The address with these changes. */
export const address = (changes: Changes): string => written(changed(view.value, changes));

/** Address that opens something in the side panel. */
export const toMetric = (name: string): string => address({ open: `metric:${name}` });
export const toEntity = (id: string): string => address({ open: `entity:${id}` });
export const toRun = (id: string): string => address({ open: `run:${id}` });
/** Address of a page; the side panel closes. */
export const toPage = (page: Page, params: Changes["params"] = {}): string => address({ page, params, open: "" });
export const toSearch = (q: string): string => toPage("search", { q });

/** What the page keeps under a name. */
export const param = (name: string): string => view.value.params[name]?.[0] ?? "";
export const params = (name: string): readonly string[] => view.value.params[name] ?? [];

/** Changes what is shown without a new step in the history. */
export function show(changes: Changes): void {
  const next = changed(view.peek(), changes);
  history.replaceState(history.state, "", written(next));
  view.value = next;
}

/** Shows something else as a step that can be gone back from. */
export function go(changes: Changes): void {
  location.hash = address(changes);
}

/** Picks one of several values, or drops it when it is picked. */
export function toggle(name: string, value: string): void {
  const values = params(name);
  show({ params: { [name]: values.includes(value) ? values.filter((other) => other !== value) : [...values, value] } });
}

/** Back to what was shown before, when that was this page; otherwise the side panel is closed. */
export function back(): void {
  if (history.state === INSIDE) history.back();
  else go({ open: "" });
}

// Steps of the history are marked: the one the page was entered by, and those that lie within it.
const ENTRY = "entry";
const INSIDE = "inside";
if (history.state === null) history.replaceState(ENTRY, "");

addEventListener("hashchange", () => {
  if (history.state === null) history.replaceState(INSIDE, "");
  view.value = parse(location.hash);
});
