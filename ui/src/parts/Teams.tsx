import { period, scoped } from "../data";
import * as format from "../format";
import { DORA, type Metric, valueOf, written } from "../metrics";
import { within } from "../query";
import { address, view } from "../state";
import type { MetricAnswer, Point, SearchAnswer } from "../types";
import { useGet, useResource } from "../useResource";
import { get } from "../api";
import { Box } from "./Box";
import { List } from "./List";
import { Coded, Empty, Pending } from "./Notice";

type By = "team" | "project";

interface Compared {
  by: By;
  /** Names, those with most deployments first. */
  names: string[];
  /** By metric, then by name. */
  points: Record<string, Record<string, Point>>;
}

/** The five numbers of each team; of each project where there are no teams. */
export function Teams() {
  const answer = useResource(scoped.value, async (params, abort): Promise<Compared> => {
    const teams = params.team ? undefined : await compare("team", params, abort);
    return teams && teams.names.length > 1 ? teams : compare("project", params, abort);
  }).value;
  const title = `${answer.data?.by === "project" ? "Projects" : "Teams"} compared`;
  return (
    <Box title={title} note="the longer the bar, the better among them" answer={answer}>
      {(data) => (data.names.length === 0 ? <NoneCounts /> : <Table compared={data} />)}
    </Box>
  );
}

/** Nothing counts as a deployment: whether there are some, and how to say that they do. */
function NoneCounts() {
  const q = period.value && within(view.value, period.value);
  const { data } = useGet<SearchAnswer>("/v1/search", q === undefined ? undefined : { q, kind: "deployment", limit: 0, facets: "environment" }).value;
  const environments = data?.facets["environment"] ?? [];
  const [first] = environments;
  if (!data) return <Pending lines={2} />;
  if (!first) return <Empty title="Nothing was deployed in this window." />;
  return (
    <Empty title={`No deployment counts, of ${format.count(data.total)} in this window.`}>
      <p>They went to {environments.map(({ value, count }) => `${value} (${format.count(count)})`).join(", ")}.</p>
      <p>
        <Coded text={`Which of them count is said in weir.toml: \`deployments = ["environment:${first.value}"]\` in \`[metrics]\`.`} />
      </p>
    </Empty>
  );
}

async function compare(by: By, params: Record<string, string | undefined>, abort: AbortSignal): Promise<Compared> {
  const answers = await Promise.all(DORA.map((metric) => get<MetricAnswer>(`/v1/metrics/${metric.name}`, { ...params, by: "month", group: by }, abort)));
  const points = Object.fromEntries(answers.map((answer, index) => [DORA[index]?.name ?? "", answer.groups ?? {}]));
  const deployed = points["deployment-frequency"] ?? {};
  const names = Object.keys(deployed).sort((a, b) => (deployed[b]?.n ?? 0) - (deployed[a]?.n ?? 0) || (a < b ? -1 : 1));
  return { by, names, points };
}

function Table({ compared: { by, names, points } }: { compared: Compared }) {
  return (
    <List label={`DORA by ${by}`} look="compare" columns={[by === "team" ? "Team" : "Project", ...DORA.map((metric) => [metric.label, "number"] as const)]} rows={names}>
      {(name) => (
        <tr key={name}>
          <th scope="row">
            <a href={address({ [by]: name })} title={`Only ${name}`}>
              {name}
            </a>
          </th>
          {DORA.map((metric) => (
            <Cell key={metric.name} metric={metric} by={by} of={name} points={points[metric.name] ?? {}} />
          ))}
        </tr>
      )}
    </List>
  );
}

function Cell({ metric, by, of, points }: { metric: Metric; by: By; of: string; points: Record<string, Point> }) {
  const point = points[of];
  const value = point && valueOf(metric, point);
  if (point === undefined || value === undefined) return <td class="number dim">{point && point.unknown > 0 ? "unknown" : format.MISSING}</td>;
  const values = Object.values(points).flatMap((each) => valueOf(metric, each) ?? []);
  return (
    <td class="number" title={`n ${format.count(point.n)}, ${format.count(point.unknown)} unknown`}>
      <a href={address({ [by]: of, open: `metric:${metric.name}` })}>{inOneUnit(metric, value)}</a>
      <span class="merit" aria-hidden="true">
        <span style={{ width: `${merit(metric, value, values) * 100}%` }} />
      </span>
    </td>
  );
}

/** Frequencies side by side are all by the week. */
function inOneUnit(metric: Metric, value: number): string {
  return metric.shape === "rate" ? `${format.digits(value * 7)} a week` : written(metric, value).join(" ");
}

/** How good a value is among others: 1 is the best of them. */
function merit({ better }: Metric, value: number, among: number[]): number {
  const [least, most] = [Math.min(...among), Math.max(...among)];
  if (least === most) return 1;
  const share = (value - least) / (most - least);
  return 0.06 + 0.94 * (better === "up" ? share : 1 - share);
}
