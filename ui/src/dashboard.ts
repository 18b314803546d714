// Dashboards: a name and figures, all of it in the address. Pure.

import type { Counting } from "./parts/Groups";

/** A metric by its name, or a search that is counted. */
export type Panel = { metric: string } | ({ title: string; q: string; kind: string } & Counting);

const COUNTING = ["group", "then", "by", "over", "stats"] as const;

/** A panel as it stands in the address. */
export function writtenPanel(panel: Panel): string {
  const entries = Object.entries(panel).filter(([, value]) => value !== "");
  return new URLSearchParams(entries).toString();
}

/** Reads a panel; undefined when it says nothing. */
export function readPanel(text: string): Panel | undefined {
  const params = new URLSearchParams(text);
  const of = (name: string): string => params.get(name) ?? "";
  if (of("metric")) return { metric: of("metric") };
  if (!of("group") && !of("by")) return undefined;
  const [group, then, by, over, stats] = COUNTING.map(of) as [string, string, string, string, string];
  return { title: of("title"), q: of("q"), kind: of("kind"), group, then, by, over: over || "updated", stats: stats || "count" };
}
