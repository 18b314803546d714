// Jobs, from the newest builds and from counts over all of the window.

import { computed } from "@preact/signals";
import { get } from "./api";
import { period } from "./data";
import { within } from "./query";
import { resource } from "./resource";
import { view } from "./state";
import { JUDGED, type Streak, streak } from "./streak";
import type { GroupRow, Hit, SearchAnswer } from "./types";

/** Builds that strips and streaks are made of: one answer. */
const NEWEST = 1_000;
const STRIP = 24;
const FIELDS = "job,branch,result,state,number,duration,started,finished,updated";

export interface Job {
  name: string;
  n: number;
  /** Share of successes among builds that judge the code; undefined where there is none. */
  success: number | undefined;
  p50: number | undefined;
  p90: number | undefined;
  /** The branch built most, and its newest builds, the oldest first. */
  branch: string | undefined;
  strip: Hit[];
  streak: Streak | undefined;
}

export const jobs = resource(
  computed(() => period.value && { q: within(view.value, period.value) }),
  async ({ q }, abort): Promise<Job[]> => {
    const ask = (more: Record<string, string | number>): Promise<SearchAnswer> => get("/v1/search", { q, kind: "build", ...more }, abort);
    const [newest, counts, results] = await Promise.all([
      ask({ limit: NEWEST, fields: FIELDS }),
      ask({ limit: 0, group: "job", stats: "count,p50:duration,p90:duration", groups: 200 }),
      ask({ limit: 0, group: "job,result", stats: "count", groups: 1_000 }),
    ]);
    const hits = Map.groupBy(newest.hits, (hit) => hit.job ?? "");
    const ends = Map.groupBy(results.groups?.rows ?? [], (row) => row.key["job"] ?? "");
    return (counts.groups?.rows ?? []).flatMap((row) => (row.key["job"] ? [job(row.key["job"], row, hits.get(row.key["job"]) ?? [], ends.get(row.key["job"]) ?? [])] : []));
  },
);

function job(name: string, row: GroupRow, hits: Hit[], results: GroupRow[]): Job {
  const judged = results.filter((one) => (one.key["result"] ?? "") in JUDGED);
  const n = judged.reduce((sum, one) => sum + one.count, 0);
  const green = judged.find((one) => one.key["result"] === "success")?.count ?? 0;
  const byBranch = [...Map.groupBy(hits, (hit) => hit.branch ?? "")].sort(([, a], [, b]) => b.length - a.length);
  const [branch, builds] = byBranch[0] ?? ["", []];
  const times = row["duration"] as { p50?: number; p90?: number } | undefined;
  return {
    name,
    n: row.count,
    success: n === 0 ? undefined : green / n,
    p50: times?.p50,
    p90: times?.p90,
    branch: branch || undefined,
    strip: builds.slice(0, STRIP).reverse(),
    streak: streak(builds),
  };
}
