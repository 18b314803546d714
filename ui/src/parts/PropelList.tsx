import { useSignal } from "@preact/signals";
import { send } from "../api";
import * as format from "../format";
import { may } from "../session";
import { param, show } from "../state";
import type { Propel, ImaginedRun, PropelRun } from "../types";
import { useAction } from "../useAction";
import { useDialog } from "../useDialog";
import { useGet } from "../useResource";
import { Act } from "./Act";
import { Age } from "./Age";
import { Box } from "./Box";
import { Dialog } from "./Dialog";
import { Form } from "./Form";
import { FormEnd } from "./FormEnd";
import { LastError } from "./LastError";
import { DO, List } from "./List";
import { Mark } from "./Mark";
import { Coded, Empty } from "./Notice";

/** Every propel with its health, what starts it, and the ways to start it by hand. */
export function PropelList() {
  const answer = useGet<{ propels: Propel[] }>("/v1/propels", {}).value;
  const { dialog, show, close } = useDialog();
  return (
    <Box title="Rules and plugins" note={({ propels }) => propels.length > 0 && summary(propels)} answer={answer}>
      {({ propels }) => (
        <>
          {propels.length === 0 ? (
            <Empty title="Nothing reacts yet.">
              <p>
                <Coded text="A `[[rule]]` in weir.toml reacts to events, to the time, or decides at a gate; docs/PROPELS.md has examples." />
              </p>
            </Empty>
          ) : (
            <List label="Propels and their health" look="propels" columns={["Name", "Starts", ["Runs", "number"], ["Mean", "number wide"], ...(may("propel") ? [DO] : [])]} rows={propels} says={(propel) => `${propel.name} ${propel.engine} ${propel.state}`}>
              {(propel) => <Row key={propel.name} propel={propel} ask={(dry) => show(<Start propel={propel.name} dry={dry} close={close} />)} />}
            </List>
          )}
          {dialog}
        </>
      )}
    </Box>
  );
}

function summary(propels: Propel[]): string {
  const ill = propels.filter((propel) => propel.state !== "healthy").length;
  return ill === 0 ? "all well" : `${ill} of ${propels.length} need${ill === 1 ? "s" : ""} attention`;
}

function Row({ propel, ask }: { propel: Propel; ask: (dry: boolean) => void }) {
  const picked = param("propel") === propel.name;
  return (
    <tr class={picked ? "picked" : ""}>
      <th scope="row">
        <span class="with-mark">
          <Mark state={propel.resting_until ? "resting" : propel.state} />
          <button type="button" class="link" aria-pressed={picked} title="Only its runs" onClick={() => show({ params: { propel: picked ? "" : propel.name } })}>
            {propel.name}
          </button>
          <span class="sub">{propel.engine}</span>
          {propel.dry_run && <span class="tag">dry</span>}
        </span>
        {propel.last_error && propel.state !== "healthy" && <LastError text={propel.last_error} />}
        {propel.resting_until && (
          <p class="sub">
            rests until <Age at={propel.resting_until} /> after {format.count(propel.failures)} failures in a row; its events wait
          </p>
        )}
      </th>
      <td>
        {propel.on.length > 0 && <>on {propel.on.join(", ")} </>}
        {propel.gates.length > 0 && <>at the gate {propel.gates.join(", ")} </>}
        {propel.next_at && <>next {format.exact(propel.next_at)} </>}
        {propel.on.length + propel.gates.length === 0 && !propel.next_at && <span class="dim">by hand</span>}
      </td>
      <td class="number">{format.count(propel.runs)}</td>
      <td class="number wide">{propel.runs > 0 ? format.duration(propel.took_ms / propel.runs) : format.MISSING}</td>
      {may("propel") && (
        <td class="acts">
          <Act does="Try dry" to={propel.name} run={() => ask(true)} />
          <Act does="Run" to={propel.name} run={() => ask(false)} />
        </td>
      )}
    </tr>
  );
}

/** Starts a propel by hand, or shows what it would do. */
function Start({ propel, dry, close }: { propel: string; dry: boolean; close: () => void }) {
  const entity = useSignal("");
  const input = useSignal("{}");
  const since = useSignal("");
  const imagined = useSignal<ImaginedRun[] | undefined>(undefined);
  const action = useAction();
  const path = `/v1/propels/${encodeURIComponent(propel)}`;
  const start = async (): Promise<string> => {
    const said = { ...(JSON.parse(input.value || "{}") as object), ...(entity.value ? { entity: entity.value } : {}) };
    if (!dry) {
      const run = await send<PropelRun>("POST", `${path}/run`, said);
      return `Started as run ${run.id}.`;
    }
    const body = since.value ? { since: new Date(since.value).toISOString() } : { input: said };
    const { runs } = await send<{ runs: ImaginedRun[] }>("POST", `${path}/dry-run`, body);
    imagined.value = runs;
    return runs.length === 0 ? "Nothing would have happened." : `${format.count(runs.length)} runs, nothing sent.`;
  };
  return (
    <Dialog title={dry ? `What ${propel} would do` : `Run ${propel}`} close={close}>
      <Form submit={() => action.run(start)}>
        {dry && (
          <label>
            With the events since <span class="sub">or, when empty, with what is said below</span>
            <input class="text-input" type="date" value={since.value} onInput={(event) => (since.value = event.currentTarget.value)} />
          </label>
        )}
        <label>
          About the entity <span class="sub">its id; may stay empty</span>
          <input class="text-input" value={entity.value} placeholder="build:ci:api#12" onInput={(event) => (entity.value = event.currentTarget.value)} />
        </label>
        <label>
          Input <span class="sub">JSON</span>
          <textarea class="text-input code" rows={4} value={input.value} spellcheck={false} onInput={(event) => (input.value = event.currentTarget.value)} />
        </label>
        <FormEnd action={action} does={dry ? "Try" : "Run"} close={close} />
      </Form>
      {imagined.value?.map((run) => <Imagined key={run.id} run={run} />)}
    </Dialog>
  );
}

function Imagined({ run }: { run: ImaginedRun }) {
  return (
    <div class="imagined">
      <p class="with-mark">
        <Mark state={run.state} /> {run.kind} {run.entity && <span class="sub">{run.entity}</span>}
      </p>
      {run.reason && <p class="sub">{run.reason}</p>}
      {run.actions.map((action, index) => (
        <div key={action.id}>
          <p class="sub">{action.what}</p>
          {run.bodies[index] && <pre class="body">{run.bodies[index]}</pre>}
        </div>
      ))}
    </div>
  );
}
