import { useSignal } from "@preact/signals";
import { send } from "../api";
import * as format from "../format";
import { Dialog } from "../parts/Dialog";
import { Field, entered, names } from "../parts/Field";
import { Form } from "../parts/Form";
import { FormEnd } from "../parts/FormEnd";
import { Empty, Pending, Trouble } from "../parts/Notice";
import { Said } from "../parts/Said";
import type { Decommission, Inventory } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";
import { Box } from "./Box";
import { Inventoried } from "./Inventory";

const PATH = "/v1/decommissions";
/** The way to the end, in its order. */
const STEPS = ["requested", "validated", "scheduled", "disabled", "erasing", "verifying", "completed"];
/** States from which there is a way back. */
const REVOCABLE = new Set(["requested", "scheduled", "held"]);

const at = (one: Decommission): string => `${PATH}/${encodeURIComponent(one.id)}`;

/** The end of an account: all of it is erased, and a receipt says so. */
export function Decommissions() {
  const answer = useGet<{ decommissions: Decommission[] }>(PATH, {}).value;
  const asking = useSignal(false);
  const seen = useSignal(false);
  const inventory = useGet<Inventory>(`${PATH}/inventory`, seen.value ? {} : undefined).value;
  const tools = (
    <>
      <button type="button" class="button" onClick={() => (seen.value = true)}>
        What would go
      </button>
      <button type="button" class="button" onClick={() => (asking.value = true)}>
        Request
      </button>
    </>
  );
  return (
    <Box title="Decommissioning" note="erases all of this account, and gives a signed receipt" tools={tools} answer={answer}>
      {({ decommissions }) => (
        <>
          {seen.value && inventory.problem && <Trouble problem={inventory.problem} />}
          {seen.value && !inventory.data && !inventory.problem && <Pending lines={6} />}
          {inventory.data && <Inventoried inventory={inventory.data} />}
          {decommissions.length === 0 && <Empty title="Nothing was requested." />}
          <ul class="hits">
            {decommissions.map((one) => (
              <One key={one.id} one={one} />
            ))}
          </ul>
          {asking.value && <Request close={() => (asking.value = false)} />}
        </>
      )}
    </Box>
  );
}

function One({ one }: { one: Decommission }) {
  const confirming = useSignal(false);
  const action = useAction();
  const act = (verb: string, said: string, body?: unknown): void =>
    action.run(async () => {
      await send("POST", `${at(one)}/${verb}`, body);
      return said;
    });
  const cancel = (): void => {
    if (confirm("Take the request back? Nothing is erased then.")) act("cancel", "It is taken back.");
  };
  const hold = (): void => {
    const reason = prompt("Why is it held?");
    if (reason) act("hold", "It is held.", { reason });
  };
  return (
    <li class="hit-row">
      <p class="hit-head">
        <span class={`tag ${one.state === "completed" || one.state === "cancelled" ? "" : "stopped"}`}>{one.state}</span>
        <strong>{one.account}</strong>
        <span class="when">due {format.exact(one.due)}</span>
      </p>
      <p class="sub">
        requested by {one.requested.by} on {format.exact(one.requested.at)}
        {one.confirmed && `, confirmed by ${one.confirmed.by}`}; contact {one.contact}
        {one.reason && `; ${one.reason}`}
      </p>
      <Progress one={one} />
      {one.waiting_for && <p class="attention">Waits for {one.waiting_for}.</p>}
      {one.error && <p class="attention">{one.error}</p>}
      <p class="inline">
        {one.state === "requested" && (
          <button type="button" class="quiet" onClick={() => (confirming.value = true)}>
            Confirm
          </button>
        )}
        {REVOCABLE.has(one.state) && (
          <button type="button" class="quiet" disabled={action.busy.value} onClick={cancel}>
            Take back
          </button>
        )}
        {one.state === "scheduled" && (
          <button type="button" class="quiet" disabled={action.busy.value} onClick={hold}>
            Hold
          </button>
        )}
        {one.state === "held" && (
          <button type="button" class="quiet" disabled={action.busy.value} onClick={() => act("release", "It goes on.")}>
            Lift the hold
          </button>
        )}
        {one.receipt && (
          <>
            <a href={one.receipt} download={`receipt-${one.id}.json`}>
              Receipt
            </a>
            <a href={`${one.receipt}.html`} target="_blank" rel="noopener">
              to print
            </a>
          </>
        )}
      </p>
      <Said action={action} />
      {confirming.value && <Confirm one={one} close={() => (confirming.value = false)} />}
    </li>
  );
}

function Progress({ one }: { one: Decommission }) {
  const reached = new Map(one.steps.map((step) => [step.state, step.at]));
  return (
    <ol class="steps" aria-label="How far it is">
      {STEPS.map((step) => (
        <li key={step} class={reached.has(step) ? "reached" : ""} aria-current={step === one.state ? "step" : undefined} title={reached.has(step) ? format.exact(reached.get(step) ?? "") : "not yet"}>
          {step}
        </li>
      ))}
    </ol>
  );
}

function Request({ close }: { close: () => void }) {
  const { data, problem } = useGet<{ account: string; statement: string }>(`${PATH}/statement`, {}).value;
  const typed = useSignal("");
  const action = useAction();
  const submit = (form: HTMLFormElement): void => {
    const { at, contact, reason, projects } = entered(form);
    action.run(async () => {
      await send("POST", PATH, { statement: typed.value, at: at || null, contact, reason: reason || null, projects: names(projects), markers: [] });
      close();
      return "";
    });
  };
  return (
    <Dialog title="Request that this account is erased" close={close}>
      {problem && <Trouble problem={problem} />}
      {data && (
        <Form submit={submit}>
          <p>A second person confirms it, or the owner key. It can be taken back until it begins.</p>
          <Field name="contact" label="contact" note="who is asked" needed />
          <Field name="at" label="not before" note="in 30 days when left out" kind="date" />
          <Field name="projects" label="only these projects" note="with commas; none: all of the account" />
          <Field name="reason" label="reason" />
          <label>
            Type this sentence <span class="sub">{data.statement}</span>
            <input class="text-input" value={typed.value} autocomplete="off" spellcheck={false} onInput={(event) => (typed.value = event.currentTarget.value)} />
          </label>
          <FormEnd action={action} does="Request" leave="Cancel" ready={typed.value.trim() === data.statement} close={close} />
        </Form>
      )}
    </Dialog>
  );
}

function Confirm({ one, close }: { one: Decommission; close: () => void }) {
  const action = useAction();
  const submit = (form: HTMLFormElement): void =>
    action.run(async () => {
      await send("POST", `${at(one)}/confirm`, { owner_key: entered(form)["key"] || null });
      close();
      return "";
    });
  return (
    <Dialog title={`Confirm that ${one.account} is erased`} close={close}>
      <Form submit={submit}>
        <p>
          It begins on {format.exact(one.due)}. Once it has begun there is no way back.
        </p>
        <Field name="key" label="owner key" note="not needed when you are not the one who requested it" kind="password" />
        <FormEnd action={action} does="Confirm" leave="Cancel" close={close} />
      </Form>
    </Dialog>
  );
}
