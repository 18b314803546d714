import { useSignal } from "@preact/signals";
import * as format from "../format";
import { param, show, toRun } from "../state";
import type { PropelRun } from "../types";
import { useGet } from "../useResource";
import { Age } from "./Age";
import { Mark } from "./Mark";
import { Empty, Pending, Trouble } from "./Notice";
import { SearchLine } from "./SearchLine";

const SHOWN = 20;
const MOST = 200;
const STATES = ["failed", "waiting", "done", "skipped", "cancelled"];

/** What propels did, newest first. */
export function Runs() {
  const [propel, q, state] = [param("propel"), param("q"), param("state")];
  const asked = { propel, q: [q, state && `state:${state}`].filter(Boolean).join(" AND "), limit: MOST };
  const { data, problem } = useGet<{ runs: PropelRun[] }>("/v1/propels/runs", asked).value;
  const shown = useSignal(SHOWN);
  const runs = data?.runs ?? [];
  return (
    <section class="panel-box" aria-labelledby="runs">
      <div class="head">
        <h2 id="runs">Runs{propel && ` of ${propel}`}</h2>
        {data && <p class="note">{runs.length === MOST ? `the newest ${MOST}` : format.count(runs.length)}</p>}
      </div>
      <SearchLine label="Search runs" placeholder="Search runs: kind:gate.asked AND created:>now-1d" value={q} search={(q) => show({ params: { q } })} />
      <ul class="chips" aria-label="State">
        {STATES.map((each) => (
          <li key={each}>
            <button type="button" class="chip" aria-pressed={state === each} onClick={() => show({ params: { state: state === each ? "" : each } })}>
              {each}
            </button>
          </li>
        ))}
        <li>
          <button type="button" class="chip" aria-pressed={q === "kind:gate.asked"} onClick={() => show({ params: { q: q === "kind:gate.asked" ? "" : "kind:gate.asked" } })}>
            decisions of gates
          </button>
        </li>
      </ul>
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={6} />}
      {data && runs.length === 0 && !problem && (
        <Empty title={q || state || propel ? "No run fits." : "Nothing has run yet."}>
          {!q && !state && !propel && <p>A propel begins with what happens after it was configured.</p>}
        </Empty>
      )}
      <ul class="hits">
        {runs.slice(0, shown.value).map((run) => (
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
        ))}
      </ul>
      {runs.length > shown.value && (
        <button type="button" class="more" onClick={() => (shown.value += SHOWN)}>
          Show more
        </button>
      )}
    </section>
  );
}

function told({ actions, attempts }: PropelRun): string {
  const failed = actions.filter((action) => action.result && !action.result.done).length;
  const parts = [actions.length > 0 && `${actions.length} action${actions.length > 1 ? "s" : ""}`, failed > 0 && `${failed} given up`, attempts > 1 && `${attempts} tries`];
  return parts.filter(Boolean).join(", ");
}
