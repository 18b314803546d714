// The questions about builds.

import { computed, effect, signal } from "@preact/signals";
import { Problem, get } from "./api";
import { period } from "./data";
import { all, oneOf, typed, within } from "./query";
import { resource } from "./resource";
import { param, params, show, view } from "./state";
import type { FacetCount, Hit, RedBuild, SearchAnswer } from "./types";

/** Fields builds are narrowed by. */
export const FACETS = ["result", "branch", "job", "trigger"] as const;
export type Facet = (typeof FACETS)[number];

/** Fewer on a phone, where more of the page comes after them. */
const PAGE = matchMedia("(max-width: 700px)").matches ? 10 : 25;
/** Most hits of one answer of the API. */
const MOST = 1_000;

export const isNarrowed = computed(() => param("q") !== "" || FACETS.some((facet) => params(facet).length > 0));

/** Drops the search and all picked values. */
export function clear(): void {
  show({ params: { q: "", result: "", branch: "", job: "", trigger: "" } });
}

const wanted = signal(PAGE);
/** The search for the builds of the view. */
const query = computed(() => period.value && all(typed(param("q")), within(view.value, period.value), ...FACETS.map((facet) => oneOf(facet, params(facet)))));

export const builds = resource(
  computed(() => (query.value === undefined ? undefined : { q: query.value, wanted: wanted.value })),
  async ({ q, wanted }, abort) => {
    try {
      return await pages(q, wanted, abort);
    } catch (error) {
      if (error instanceof Problem && error.status === 400) await judge(param("q"), abort);
      throw error;
    }
  },
);

/** Asks for what was typed alone, so that a mistake in it is told in its own words and places. */
async function judge(typed: string, abort: AbortSignal): Promise<void> {
  await get<SearchAnswer>("/v1/search", { q: typed, limit: 0 }, abort);
}

async function pages(q: string, wanted: number, abort: AbortSignal): Promise<Pick<SearchAnswer, "total" | "hits"> & { more: boolean }> {
  const hits: Hit[] = [];
  let cursor: string | undefined;
  for (;;) {
    const limit = Math.min(wanted - hits.length, MOST);
    const answer = await get<SearchAnswer>("/v1/search", { q, kind: "build", limit, cursor }, abort);
    hits.push(...answer.hits);
    cursor = answer.next ?? undefined;
    if (cursor === undefined || hits.length >= wanted) return { total: answer.total, hits, more: cursor !== undefined };
  }
}

/** Shows one more page. */
export function more(): void {
  wanted.value += PAGE;
}

// Another search starts from its first page.
effect(() => {
  void query.value;
  wanted.value = PAGE;
});

/** Counts by facet. A facet with picked values is counted without them, so that more can be picked. */
export const facets = resource(
  computed(() => {
    const q = query.value;
    return q === undefined ? undefined : { q, facets: FACETS.join(","), facets_over: "other-filters" };
  }),
  async (question, abort): Promise<Record<string, FacetCount[]>> => {
    const answer = await get<SearchAnswer>("/v1/search", { ...question, kind: "build", limit: 0 }, abort);
    return answer.facets;
  },
);

const RED_SHOWN = 10;
/** Most red builds of one answer. They are not narrowed by the host, so more are asked for when the page is. */
const RED_MOST = 100;

export const redBuilds = resource(
  computed(() => ({ team: view.value.team, project: view.value.project })),
  async ({ team, project }, abort) => {
    const limit = team || project ? RED_MOST : RED_SHOWN;
    const answer = await get<{ builds: RedBuild[] }>("/v1/red-builds", { limit }, abort);
    const fits = ({ build }: RedBuild): boolean => (!project || build.project === project) && (!team || [build.team].flat().includes(team));
    return answer.builds.filter(fits).slice(0, RED_SHOWN);
  },
);
