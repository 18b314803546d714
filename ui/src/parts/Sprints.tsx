import { Figure } from "../chart/Figure";
import * as format from "../format";
import { toEntity } from "../state";
import type { Spread, Sprint, SprintsAnswer } from "../types";
import { useGet } from "../useResource";
import { Empty, Pending, Trouble } from "./Notice";
import { Scroll } from "./Scroll";

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
  const { data, problem } = useGet<SprintsAnswer>("/v1/work/sprints", { limit: SHOWN }).value;
  const begun = (data?.sprints ?? []).filter((sprint) => sprint.commit !== undefined);
  return (
    <section class="panel-box" aria-labelledby="sprints">
      <div class="head">
        <h2 id="sprints">Sprints</h2>
        {data && begun.length > 0 && <p class="note">{velocity(data.over)}</p>}
      </div>
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={5} />}
      {data && data.sprints.length === 0 && (
        <Empty title="No sprint is known.">
          <p>They come with boards of Jira and Azure Boards.</p>
        </Empty>
      )}
      {begun.length > 0 && <Table sprints={begun} />}
    </section>
  );
}

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
      <Scroll label="Sprints">
        <table class="list sprints">
          <thead>
            <tr>
              <th scope="col">Sprint</th>
              <th scope="col">Points</th>
              <th scope="col" class="number">
                Commit
              </th>
              <th scope="col" class="number">
                Delivered
              </th>
              <th scope="col" class="number">
                Kept
              </th>
              <th scope="col" class="number">
                Creep
              </th>
              <th scope="col" class="number">
                Churn
              </th>
            </tr>
          </thead>
          <tbody>
            {sprints.map((sprint) => (
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
                  {(sprint.unestimated?.length ?? 0) > 0 && <span class="sub"> {format.count(sprint.unestimated?.length ?? 0)} unestimated</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Figure>
  );
}

const points = (value: number | undefined): string => (value === undefined ? format.MISSING : format.digits(value));
const ratio = (value: number | null | undefined): string => (value === null || value === undefined ? "unknown" : `${format.percent(value)} %`);
