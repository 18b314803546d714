import { send } from "../api";
import * as format from "../format";
import { Age } from "../parts/Age";
import { Answered } from "../parts/Answered";
import { LastError } from "../parts/LastError";
import { Mark } from "../parts/Mark";
import { Coded } from "../parts/Notice";
import { Said } from "../parts/Said";
import { go, toEntity } from "../state";
import { may } from "../session";
import type { PropelRun } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";
import { Fields } from "./Document";

/** One run of a propel: what started it, what it asked for, and what became of that. */
export function RunView({ id }: { id: string }) {
  const path = `/v1/propels/runs/${encodeURIComponent(id)}`;
  const answer = useGet<PropelRun>(path, {}).value;
  const { data } = answer;
  const action = useAction();
  const repeat = async (): Promise<string> => {
    const run = await send<PropelRun>("POST", `${path}/repeat`);
    go({ open: `run:${run.id}` });
    return "";
  };
  const cancel = async (): Promise<string> => {
    await send("POST", `${path}/cancel`);
    return "Taken back.";
  };
  return (
    <div class="panel-body">
      <p class="kicker">Run</p>
      <h2 id="panel-title" tabIndex={-1} class="with-mark">
        {data && <Mark state={data.state} />}
        <span>{data ? `${data.propel}, ${data.state}` : "Run"}</span>
      </h2>
      <p class="id">{id}</p>
      <Answered answer={answer} lines={8}>
        {(data) => (
          <>
            <p class="note">
              <Coded text={data.kind} />, started <Age at={data.at} />
              {data.finished_at && `, over after ${format.duration(Date.parse(data.finished_at) - Date.parse(data.at))}`}
              {data.attempts > 0 && `, ${format.count(data.attempts)} ${data.attempts === 1 ? "try" : "tries"}, the last took ${format.duration(data.took_ms)}`}
              {data.due_at && data.state === "waiting" && `, next try ${format.exact(data.due_at)}`}
            </p>
            {data.reason && <LastError text={data.reason} />}
            <p class="inline" hidden={!may("propel")}>
              <button type="button" class="button" disabled={action.busy.value} onClick={() => action.run(repeat)}>
                Repeat
              </button>
              {data.state === "waiting" && (
                <button type="button" class="button" disabled={action.busy.value} onClick={() => action.run(cancel)}>
                  Take back
                </button>
              )}
            </p>
            <Said action={action} />
            {data.decision && (
              <p>
                Decided: <strong>{data.decision.decision}</strong>
                {data.decision.reason && `, ${data.decision.reason}`}
              </p>
            )}
            <Actions run={data} />
            {data.log && data.log.length > 0 && (
              <section aria-labelledby="log" class="raw">
                <h3 id="log">What it logged</h3>
                <pre tabIndex={0} aria-labelledby="log">
                  {data.log.join("\n")}
                </pre>
              </section>
            )}
            {data.entity && (
              <section aria-labelledby="about">
                <h3 id="about">About</h3>
                <a href={toEntity(data.entity)}>{data.entity}</a>
              </section>
            )}
            <section aria-labelledby="cause">
              <h3 id="cause">What started it</h3>
              {typeof data.cause === "string" ? <p>{format.words(data.cause)}</p> : <Fields of={data.cause} />}
            </section>
          </>
        )}
      </Answered>
    </div>
  );
}

function Actions({ run }: { run: PropelRun }) {
  if (run.actions.length === 0) return null;
  return (
    <section aria-labelledby="actions">
      <h3 id="actions">What it asked for</h3>
      <ul class="links">
        {run.actions.map(({ id, what, result }) => (
          <li key={id} class="with-mark">
            <Mark state={result === undefined || result === null ? "waiting" : result.done ? "done" : "failed"} />
            <span>{what}</span>
            <span class="sub">
              {result ? (
                <>
                  {result.detail}, <Age at={result.at} />
                </>
              ) : (
                "waits to be sent"
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
