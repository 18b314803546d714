import * as format from "../format";
import { param, show, toRun } from "../state";
import type { PropelRun } from "../types";
import { useGet } from "../useResource";
import { Age } from "./Age";
import { Box } from "./Box";
import { Chip } from "./Chip";
import { Entries } from "./Entries";
import { Mark } from "./Mark";
import { Empty } from "./Notice";
import { SearchLine } from "./SearchLine";

const MOST = 200;
const GATES = "kind:gate.asked";
const STATES = ["failed", "waiting", "done", "skipped", "cancelled"];

/** What propels did, newest first. */
export function Runs() {
  const [propel, q, state] = [param("propel"), param("q"), param("state")];
  const asked = { propel, q: [q, state && `state:${state}`].filter(Boolean).join(" AND "), limit: MOST };
  const answer = useGet<{ runs: PropelRun[] }>("/v1/propels/runs", asked).value;
  return (
    <Box title={`Runs${propel && ` of ${propel}`}`} note={({ runs }) => (runs.length === MOST ? `the newest ${MOST}` : format.count(runs.length))} answer={answer} lines={6} above={<Narrow q={q} state={state} />}>
      {({ runs }) => (
        <>
          {runs.length === 0 && (
            <Empty title={q || state || propel ? "No run fits." : "Nothing has run yet."}>
              {!q && !state && !propel && <p>A propel begins with what happens after it was configured.</p>}
            </Empty>
          )}
          <Entries rows={runs}>
            {(run) => (
              <li key={run.id} class="hit-row">
                <p class="hit-head">
                  <Mark state={run.state} />
                  <a href={toRun(run.id)}>
                    {run.propel} <span class="run">{run.kind}</span>
                  </a>
                  {run.decision && <span class={`tag ${run.decision.decision === "stop" ? "stopped" : ""}`}>{run.decision.decision}</span>}
                  <span class="when">
                    <Age at={run.at} />
                  </span>
                </p>
                <p class="sub">{[run.reason ?? run.decision?.reason, run.entity && format.plainId(run.entity), told(run)].filter(Boolean).join(" · ")}</p>
              </li>
            )}
          </Entries>
        </>
      )}
    </Box>
  );
}

function Narrow({ q, state }: { q: string; state: string }) {
  return (
    <>
      <SearchLine label="Search runs" placeholder="Search runs: kind:gate.asked AND created:>now-1d" value={q} search={(q) => show({ params: { q } })} />
      <ul class="chips" aria-label="State">
        {STATES.map((each) => (
          <Chip key={each} name={each} pressed={state === each} pick={(on) => show({ params: { state: on ? each : "" } })} />
        ))}
        <Chip name="decisions of gates" pressed={q === GATES} pick={(on) => show({ params: { q: on ? GATES : "" } })} />
      </ul>
    </>
  );
}

function told({ actions, attempts }: PropelRun): string {
  const failed = actions.filter((action) => action.result && !action.result.done).length;
  const parts = [actions.length > 0 && `${actions.length} action${actions.length > 1 ? "s" : ""}`, failed > 0 && `${failed} given up`, attempts > 1 && `${attempts} tries`];
  return parts.filter(Boolean).join(", ");
}
