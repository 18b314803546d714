// The list of builds: as many as were asked for, read again as a whole when the host has news.

import { computed, effect, signal } from "@preact/signals";
import { Problem, get } from "./api";
import { period } from "./data";
import { buildQuery } from "./query";
import { resource } from "./resource";
import { view } from "./state";
import type { Hit, SearchAnswer } from "./types";

/** Fewer on a phone, where more of the page comes after them. */
const PAGE = matchMedia("(max-width: 700px)").matches ? 10 : 25;
/** Most hits of one answer of the API. */
const MOST = 1_000;

const wanted = signal(PAGE);
const query = computed(() => period.value && buildQuery(view.value, period.value));

export const builds = resource(
  computed(() => (query.value === undefined ? undefined : { q: query.value, wanted: wanted.value })),
  async ({ q, wanted }, abort) => {
    try {
      return await pages(q, wanted, abort);
    } catch (error) {
      if (error instanceof Problem && error.status === 400) await judge(view.peek().query, abort);
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
