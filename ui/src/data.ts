// The questions the page asks, as resources. Components only read these.

import { computed } from "@preact/signals";
import { get } from "./api";
import { type Measure, type Scope, measure } from "./measure";
import { BUILDS, DORA } from "./metrics";
import { buildQuery } from "./query";
import { type Resource, resource } from "./resource";
import { span } from "./span";
import { FACETS, view } from "./state";
import { today } from "./time";
import type { Definition, FacetCount, RedBuild, SearchAnswer, Status } from "./types";

/** Teams and projects to choose from. */
export const choices = resource(computed(() => "all"), async (_, abort) => {
  const answer = await get<SearchAnswer>("/v1/search", { limit: 0, facets: "team,project" }, abort);
  return { team: answer.facets["team"] ?? [], project: answer.facets["project"] ?? [] };
});

/** When the newest data of delivery is of: the window ends there when nothing happened since. */
const newest = resource(computed(() => "all"), async (_, abort) => {
  const answer = await get<SearchAnswer>("/v1/search", { kind: "build,deployment,change", limit: 1 }, abort);
  return { at: answer.hits[0]?.updated };
});

/** The window that is shown. Undefined until it is known where it ends. */
export const period = computed(() => {
  const answer = newest.value;
  if (answer.data === undefined && answer.problem === undefined) return undefined;
  const at = Date.parse(answer.data?.at ?? "");
  return span(view.value.days, Number.isNaN(at) ? undefined : at, today.value);
});

export const scope = computed<Scope | undefined>(() => {
  const { team, project } = view.value;
  return period.value && { span: period.value, team, project };
});

export const measures: Record<string, Resource<Measure>> = Object.fromEntries(
  [...DORA, ...BUILDS].map((metric) => [metric.name, resource(scope, (now, abort) => measure(metric, now, abort))]),
);

export const definitions = resource(computed(() => "all"), async (_, abort) => {
  const answer = await get<{ metrics: Definition[] }>("/v1/metrics", {}, abort);
  return answer.metrics;
});

export const status = resource(computed(() => "all"), (_, abort) => get<Status>("/v1/status", {}, abort));

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

/** Counts by facet. A facet with picked values is counted without them, so that more can be picked. */
export const facets = resource(
  computed(() => {
    const now = period.value;
    if (!now) return undefined;
    return FACETS.map((facet) => ({ facet, q: buildQuery(view.value, now, facet) }));
  }),
  async (questions, abort) => {
    const counted: Record<string, FacetCount[]> = {};
    const queries = [...new Set(questions.map((question) => question.q))];
    await Promise.all(
      queries.map(async (q) => {
        const names = questions.filter((question) => question.q === q).map((question) => question.facet);
        const answer = await get<SearchAnswer>("/v1/search", { q, kind: "build", limit: 0, facets: names.join(",") }, abort);
        for (const name of names) counted[name] = answer.facets[name] ?? [];
      }),
    );
    return counted;
  },
);
