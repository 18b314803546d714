import { Figure } from "../chart/Figure";
import { RunChart, toneOf } from "../chart/RunChart";
import * as format from "../format";
import { type Job, jobs } from "../jobs";
import { all, oneOf, within } from "../query";
import { period } from "../data";
import { address, params, toEntity, view } from "../state";
import type { Streak } from "../streak";
import type { Hit, SearchAnswer } from "../types";
import { useGet } from "../useResource";
import { Answered } from "./Answered";
import { Box } from "./Box";
import { JobName } from "./JobName";
import { type Column, List } from "./List";
import { Empty } from "./Notice";

const SHOWN = 10;
/** Builds of a history. */
const HISTORY = 120;

/** Every job with how it has been lately; those that are red first. */
export function Jobs() {
  return (
    <Box title="Jobs" note={told} answer={jobs.value} lines={8}>
      {(jobs) => {
        const sorted = [...jobs].sort((a, b) => Number(isRed(b)) - Number(isRed(a)) || b.n - a.n);
        return sorted.length === 0 ? <Empty title="No job was built in this window." /> : <Table jobs={sorted} />;
      }}
    </Box>
  );
}

const isRed = (job: Job): boolean => job.streak?.red ?? false;

function told(jobs: Job[]): string {
  const red = jobs.filter(isRed).length;
  if (jobs.length === 0) return "";
  return red === 0 ? "all green where they are built most" : `${red} of ${format.count(jobs.length)} red`;
}

const COLUMNS: Column[] = ["Job", "Newest builds", "Now", ["Success", "number"], ["Median", "number"], ["9 of 10", "number wide"], ["Builds", "number wide"]];

function Table({ jobs }: { jobs: Job[] }) {
  return (
    <List label="Jobs, red ones first" look="jobs" columns={COLUMNS} rows={jobs} page={SHOWN}>
      {(job) => (
        <tr key={job.name}>
          <th scope="row">
            <a class="job" href={address({ params: { job: job.name } })}>
              <JobName name={job.name} />
            </a>
            {job.branch && <span class="sub">{job.branch}</span>}
          </th>
          <td>
            <Strip builds={job.strip} />
          </td>
          <td class="streak">
            <Now streak={job.streak} />
          </td>
          <td class="number">{job.success === undefined ? format.MISSING : `${format.percent(job.success)} %`}</td>
          <td class="number">{format.duration(job.p50)}</td>
          <td class="number wide">{format.duration(job.p90)}</td>
          <td class="number wide">{format.count(job.n)}</td>
        </tr>
      )}
    </List>
  );
}

function Now({ streak }: { streak: Streak | undefined }) {
  if (!streak) return <span class="dim">{format.MISSING}</span>;
  const n = `${streak.atLeast ? "≥ " : ""}${format.count(streak.n)}`;
  return <span class={streak.red ? "red-now" : "green-now"}>{streak.red ? `✕ red, ${n} in a row` : `✓ green, ${n} in a row`}</span>;
}

/** The newest builds as bars. The history of the job has them for the keyboard. */
function Strip({ builds }: { builds: Hit[] }) {
  const most = Math.max(...builds.map((build) => build.duration ?? 0), 1);
  const words = builds.map((build) => build.result ?? build.state ?? "unknown");
  const green = words.filter((word) => word === "success").length;
  return (
    <span class="strip">
      <span class="hidden">
        {green} of {builds.length} green, the last {words.at(-1) ?? "unknown"}
      </span>
      {builds.map((build) => (
        <a
          key={build.id}
          class={toneOf(build)}
          href={toEntity(build.id)}
          tabIndex={-1}
          aria-hidden="true"
          title={`#${build.number ?? ""} ${build.result ?? build.state}, ${format.duration(build.duration)}`}
          style={{ height: `${25 + 75 * ((build.duration ?? 0) / most)}%` }}
        />
      ))}
    </span>
  );
}

/** The history of the one job that is picked. */
export function JobHistory() {
  const [job, ...others] = params("job");
  if (!job || others.length > 0) return null;
  return <History key={job} job={job} />;
}

function History({ job }: { job: string }) {
  const branches = params("branch");
  const q = period.value && all(oneOf("job", [job]), oneOf("branch", branches), within(view.value, period.value));
  const answer = useGet<SearchAnswer>("/v1/search", q === undefined ? undefined : { q, kind: "build", limit: HISTORY }).value;
  return (
    <section class="panel-box" aria-label={`History of ${job}`}>
      <Answered answer={answer} lines={6}>
        {({ hits, total }) => {
          const runs = [...hits].reverse();
          const rows = [["id", "number", "branch", "result", "ms", "finished"], ...runs.map((run) => [run.id, run.number, run.branch, run.result ?? run.state, run.duration, run.finished])];
          const note = `${branches.length > 0 ? branches.join(", ") : "all branches"}, the newest ${format.count(runs.length)} of ${format.count(total)}`;
          return (
            <Figure title={job} note={note} file="history" rows={rows}>
              <RunChart label={`Builds of ${job}`} runs={runs} />
            </Figure>
          );
        }}
      </Answered>
    </section>
  );
}
