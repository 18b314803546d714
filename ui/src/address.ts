// Addresses of the app, after `#`: a page, whose data, and what the page itself keeps. Pure.

export const PAGES = ["overview", "search", "delivery", "builds", "work", "propels", "integrations", "dashboards", "admin", "welcome"] as const;
export type Page = (typeof PAGES)[number];

/** Lengths of the window in days; 0 is all there is. */
export const WINDOWS = [30, 90, 180, 0] as const;
const WINDOW_DEFAULT = 90;
const SHARED = ["team", "project", "window", "open"];

export interface View {
  page: Page;
  team: string;
  project: string;
  days: number;
  /** What the side panel shows: `metric:NAME`, `entity:ID`, `run:ID`; empty when it is closed. */
  open: string;
  /** What the page keeps, by name. */
  params: Readonly<Record<string, readonly string[]>>;
}

export type Changes = Partial<Omit<View, "params">> & { params?: Readonly<Record<string, string | readonly string[]>> };

/** Reads the address: `#/builds?team=web&job=api`. What it does not know is left out. */
export function parse(hash: string): View {
  const [path = "", query = ""] = hash.startsWith("#/") ? hash.slice(2).split(/\?(.*)/s) : ["", hash.replace(/^#/, "")];
  const search = new URLSearchParams(query);
  const days = Number(search.get("window") ?? WINDOW_DEFAULT);
  const own = [...new Set(search.keys())].filter((name) => !SHARED.includes(name));
  return {
    page: PAGES.find((page) => page === path) ?? "overview",
    team: search.get("team") ?? "",
    project: search.get("project") ?? "",
    days: WINDOWS.some((known) => known === days) ? days : WINDOW_DEFAULT,
    open: search.get("open") ?? "",
    params: Object.fromEntries(own.map((name) => [name, search.getAll(name)])),
  };
}

/** The view with changes. Another page begins without what the last one kept. */
export function changed(from: View, { params, ...changes }: Changes): View {
  const kept = changes.page !== undefined && changes.page !== from.page ? {} : from.params;
  const set = Object.entries(params ?? {}).map(([name, value]) => [name, [value].flat().filter(Boolean)] as const);
  const all = Object.entries({ ...kept, ...Object.fromEntries(set) }).filter(([, values]) => values.length > 0);
  return { ...from, ...changes, params: Object.fromEntries(all) };
}

/** The address of a view; what is the default is left out. */
export function written(view: View): string {
  const search = new URLSearchParams();
  if (view.team) search.set("team", view.team);
  if (view.project) search.set("project", view.project);
  if (view.days !== WINDOW_DEFAULT) search.set("window", String(view.days));
  for (const [name, values] of Object.entries(view.params)) values.forEach((value) => search.append(name, value));
  if (view.open) search.set("open", view.open);
  return `#/${view.page === "overview" ? "" : view.page}${search.size > 0 ? `?${search}` : ""}`;
}
