// The questions several parts of the app ask, as resources. Components only read these.

import { computed } from "@preact/signals";
import { get, locked } from "./api";
import { type Measure, type Scope, measure } from "./measure";
import { METRICS } from "./metrics";
import { type Resource, resource } from "./resource";
import { asked, may } from "./session";
import { span } from "./span";
import { view } from "./state";
import { today } from "./time";
import type { Definition, Plugin, SavedSearches, SearchAnswer, Status } from "./types";

/** Asked when it is known who looks. */
const ONCE = computed(() => (asked.value && !locked.value ? "all" : undefined));

/** Teams and projects to choose from. */
export const choices = resource(ONCE, async (_, abort) => {
  const answer = await get<SearchAnswer>("/v1/search", { limit: 0, facets: "team,project" }, abort);
  return { team: answer.facets["team"] ?? [], project: answer.facets["project"] ?? [] };
});

/** When the newest data of delivery is of: the window ends there when nothing happened since. */
const newest = resource(ONCE, async (_, abort) => {
  const answer = await get<SearchAnswer>("/v1/search", { kind: "build,deployment,change,work-item", limit: 1 }, abort);
  return { at: answer.hits[0]?.updated, freshAt: answer.fresh_at ?? undefined };
});

/** When the newest record that was processed was taken. */
export const freshAt = computed(() => newest.value.data?.freshAt);

/** The window that is shown. Undefined until it is known where it ends. */
export const period = computed(() => {
  const answer = newest.value;
  if (answer.data === undefined && answer.problem === undefined) return undefined;
  const at = Date.parse(answer.data?.at ?? "");
  return span(view.value.days, Number.isNaN(at) ? undefined : at, today.value);
});

/** Whose numbers are shown, and of when. */
export const scope = computed<Scope | undefined>(() => {
  const { team, project } = view.value;
  return period.value && { span: period.value, team, project };
});

/** The same as parameters of the API. */
export const scoped = computed(() => {
  const now = scope.value;
  return now && { from: now.span.from, to: now.span.to, team: now.team, project: now.project };
});

export const measures: Record<string, Resource<Measure>> = Object.fromEntries(
  METRICS.map((metric) => [metric.name, resource(scope, (now, abort) => measure(metric, now, abort))]),
);

export const definitions = resource(ONCE, async (_, abort) => {
  const answer = await get<{ metrics: Definition[] }>("/v1/metrics", {}, abort);
  return answer.metrics;
}, true);

export const status = resource(
  computed(() => (may("status") ? ONCE.value : undefined)),
  (_, abort) => get<Status>("/v1/status", {}, abort),
);

export const savedSearches = resource(ONCE, (_, abort) => get<SavedSearches>("/v1/searches", {}, abort), true);

export const plugins = resource(ONCE, (_, abort) => get<{ plugins: Plugin[] }>("/v1/plugins", {}, abort), true);
