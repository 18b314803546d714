import { useSignal } from "@preact/signals";
import { redBuilds } from "../builds";
import * as format from "../format";
import { toEntity } from "../state";
import type { RedBuild } from "../types";
import { Age } from "./Age";
import { Box } from "./Box";
import { JobName } from "./JobName";
import { Mark } from "./Mark";
import { Empty } from "./Notice";
import { Rest } from "./Rest";
import { SuspectList, Verdict } from "./Suspects";
import { ToolLink } from "./ToolLink";

const SUSPECTS_SHOWN = 3;

/** The newest builds that broke their branch; `most` of them at first. */
export function RedBuilds({ most = 5 }: { most?: number }) {
  const all = useSignal(false);
  return (
    <Box title="Red builds" note="and who to ask" answer={redBuilds.value} lines={6}>
      {(reds) => (
        <>
          {reds.length === 0 && (
            <Empty title="No build is red.">
              <p>The first red build after a green one shows up here, with the commits that came in between.</p>
            </Empty>
          )}
          <ul class="reds">
            {(all.value ? reds : reds.slice(0, most)).map((red) => (
              <Red key={red.suspects.build} red={red} />
            ))}
          </ul>
          <Rest all={all} n={reds.length - most} of="red builds" />
        </>
      )}
    </Box>
  );
}

function Red({ red: { build, suspects } }: { red: RedBuild }) {
  const job = build.job ?? build.title ?? format.plainId(suspects.build);
  return (
    <li class="red">
      <div class="red-head">
        <Mark state={build.result ?? "failure"} />
        <a class="job" href={toEntity(suspects.build)}>
          <JobName name={job} />
          {build.number !== undefined && <span class="run">#{build.number}</span>}
        </a>
        <span class="when">
          <Age at={build.finished ?? build.started ?? build.updated} />
        </span>
        <ToolLink url={build.url} name={`${job} ${build.number ?? ""}`} />
      </div>
      <p class="red-note">
        {build.branch && <span class="tag">{build.branch}</span>} <Verdict suspects={suspects} />
      </p>
      <SuspectList commits={suspects.commits.slice(0, SUSPECTS_SHOWN)} />
      {suspects.commits.length > SUSPECTS_SHOWN && (
        <a class="rest" href={toEntity(suspects.build)}>
          {suspects.commits.length - SUSPECTS_SHOWN} more
        </a>
      )}
    </li>
  );
}
