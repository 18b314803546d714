// What the page shows is in the address after `#`, so that it can be shared, and gone back from.

import { computed, signal } from "@preact/signals";

/** Fields builds are narrowed by. */
export const FACETS = ["result", "branch", "job", "trigger"] as const;
export type Facet = (typeof FACETS)[number];

/** Lengths of the window in days; 0 is all there is. */
export const WINDOWS = [30, 90, 180, 0] as const;
const WINDOW_DEFAULT = 90;

export interface View {
  team: string;
  project: string;
  days: number;
  query: string;
  picked: Record<Facet, string[]>;
  /** What the side panel shows: `metric:NAME`, `entity:ID`; empty when it is closed. */
  open: string;
}

export const view = signal<View>(parse(location.hash));
export const isNarrowed = computed(() => view.value.query !== "" || FACETS.some((facet) => view.value.picked[facet].length > 0));

function parse(hash: string): View {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const days = Number(params.get("window") ?? WINDOW_DEFAULT);
  return {
    team: params.get("team") ?? "",
    project: params.get("project") ?? "",
    days: WINDOWS.some((known) => known === days) ? days : WINDOW_DEFAULT,
    query: params.get("q") ?? "",
    picked: {
      result: params.getAll("result"),
      branch: params.getAll("branch"),
      job: params.getAll("job"),
      trigger: params.getAll("trigger"),
    },
    open: params.get("open") ?? "",
  };
}

/** The address of the page with these changes; what is the default is left out. */
export function address(changes: Partial<View>): string {
  const next = { ...view.value, ...changes };
  const params = new URLSearchParams();
  if (next.team) params.set("team", next.team);
  if (next.project) params.set("project", next.project);
  if (next.days !== WINDOW_DEFAULT) params.set("window", String(next.days));
  if (next.query) params.set("q", next.query);
  for (const facet of FACETS) next.picked[facet].forEach((value) => params.append(facet, value));
  if (next.open) params.set("open", next.open);
  return `#${params}`;
}

/** Address that opens a metric or an entity in the side panel. */
export const toMetric = (name: string): string => address({ open: `metric:${name}` });
export const toEntity = (id: string): string => address({ open: `entity:${id}` });

/** Changes what is shown without a new step in the history. */
export function show(changes: Partial<View>): void {
  history.replaceState(history.state, "", address(changes));
  view.value = { ...view.value, ...changes };
}

/** Shows something else as a step that can be gone back from. */
export function go(changes: Partial<View>): void {
  location.hash = address(changes);
}

/** Picks a value of a facet, or drops it when it is picked. */
export function toggle(facet: Facet, value: string): void {
  const values = view.value.picked[facet];
  const next = values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
  show({ picked: { ...view.value.picked, [facet]: next } });
}

/** Drops the search and all picked values. */
export function clear(): void {
  show({ query: "", picked: { result: [], branch: [], job: [], trigger: [] } });
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
