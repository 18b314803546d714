import { Figure } from "../chart/Figure";
import * as format from "../format";
import { toEntity } from "../state";
import type { Spread, Sprint, SprintsAnswer } from "../types";
import { useGet } from "../useResource";
import { Box } from "./Box";
import { List } from "./List";
import { Empty } from "./Notice";

const SHOWN = 12;
const PARTS = [
  ["commit_done", "done as committed", "good"],
  ["creep_done", "added and done", "water"],
  ["commit_missed", "missed", "bad"],
  ["removed", "taken out", "warn"],
  ["creep_missed", "added and missed", "dim"],
] as const;

/** What was committed, what came on top, and what was done. */
export function Sprints() {
  const answer = useGet<SprintsAnswer>("/v1/work/sprints", { limit: SHOWN }).value;
  return (
    <Box title="Sprints" note={({ sprints, over }) => begun(sprints).length > 0 && velocity(over)} answer={answer}>
      {({ sprints }) => (
        <>
          {sprints.length === 0 && (
            <Empty title="No sprint is known.">
              <p>They come with boards of Jira and Azure Boards.</p>
            </Empty>
          )}
          {begun(sprints).length > 0 && <Table sprints={begun(sprints)} />}
        </>
      )}
    </Box>
  );
}

const begun = (sprints: Sprint[]): Sprint[] => sprints.filter((sprint) => sprint.commit !== undefined);

function velocity(over: Record<string, Spread>): string {
  const { delivered, churn } = over;
  if (!delivered || delivered.n === 0) return "none is over";
  const spread = delivered.deviation === undefined ? "" : ` ± ${format.digits(delivered.deviation)}`;
  const churned = churn?.mean === undefined ? "" : `, churn ${format.percent(churn.mean)} %`;
  return `velocity ${format.digits(delivered.mean ?? 0)}${spread} points over ${format.count(delivered.n)} closed${churned}`;
}

function Table({ sprints }: { sprints: Sprint[] }) {
  const most = Math.max(...sprints.map((sprint) => PARTS.reduce((sum, [name]) => sum + (sprint[name] ?? 0), 0)), 1);
  const rows = [
    ["sprint", "state", "commit", "delivered", "churn", ...PARTS.map(([name]) => name)],
    ...sprints.map((sprint) => [sprint.name ?? sprint.id, sprint.state, sprint.commit, sprint.delivered, sprint.churn, ...PARTS.map(([name]) => sprint[name])]),
  ];
  return (
    <Figure title="Points" file="sprints" rows={rows} drawn={false}>
      <ul class="legend">
        {PARTS.map(([name, label, tone]) => (
          <li key={name}>
            <i class={`key ${tone}`} />
            {label}
          </li>
        ))}
      </ul>
      <List label="Sprints" look="sprints" columns={["Sprint", "Points", ...["Commit", "Delivered", "Kept", "Creep", "Churn"].map((name) => [name, "number"] as const)]} rows={sprints}>
        {(sprint) => (
          <tr key={sprint.id}>
            <th scope="row">
              <a href={toEntity(sprint.id)}>{sprint.name ?? format.plainId(sprint.id)}</a>
              <span class="sub"> {sprint.state}</span>
            </th>
            <td>
              <span class="stacked" aria-hidden="true">
                {PARTS.map(([name, label, tone]) => (
                  <span key={name} class={tone} title={`${label} ${format.digits(sprint[name] ?? 0)}`} style={{ width: `${((sprint[name] ?? 0) / most) * 100}%` }} />
                ))}
              </span>
            </td>
            <td class="number">{points(sprint.commit)}</td>
            <td class="number">{points(sprint.delivered)}</td>
            <td class="number">{ratio(sprint.commit_done_ratio)}</td>
            <td class="number">{ratio(sprint.creep_ratio)}</td>
            <td class="number">
              {ratio(sprint.churn)}
              {(sprint.unestimated?.length ?? 0) > 0 && <span class="sub"> {format.count(sprint.unestimated?.length)} unestimated</span>}
            </td>
          </tr>
        )}
      </List>
    </Figure>
  );
}

const points = (value: number | undefined): string => (value === undefined ? format.MISSING : format.digits(value));
const ratio = (value: number | null | undefined): string => (value === null || value === undefined ? "unknown" : `${format.percent(value)} %`);
