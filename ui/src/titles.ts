// Titles of entities of which only ids are known.

import { get } from "./api";
import { oneOf } from "./query";
import type { Hit, SearchAnswer } from "./types";
import { useResource } from "./useResource";

/** Most ids of one question: a search is at most 8 KiB. */
const IDS_MOST = 60;

/** What is known of entities, by id; only of the first ones when there are many. */
export function useTitles(ids: readonly string[]): Record<string, Hit> {
  const asked = ids.slice(0, IDS_MOST);
  const { data } = useResource(asked.length > 0 ? asked : undefined, async (ids, abort) => {
    const answer = await get<SearchAnswer>("/v1/search", { q: oneOf("id", ids), limit: ids.length }, abort);
    return Object.fromEntries(answer.hits.map((hit) => [hit.id, hit]));
  }).value;
  return data ?? {};
}
