import { gone, send } from "../api";
import * as format from "../format";
import { Act } from "../parts/Act";
import { Answered } from "../parts/Answered";
import { Box } from "../parts/Box";
import { Close } from "../parts/Close";
import { Dialog } from "../parts/Dialog";
import { Entries } from "../parts/Entries";
import { Field, names } from "../parts/Field";
import { Empty } from "../parts/Notice";
import { Said } from "../parts/Said";
import { Sure } from "../parts/Sure";
import type { Decommission, Inventory } from "../types";
import { useAction } from "../useAction";
import { useDialog } from "../useDialog";
import { useGet, useOnce } from "../useResource";
import { Inventoried } from "./Inventory";
import { Receipt } from "./Receipt";
import { Confirm, TakeBack, stepOf } from "./Second";

const PATH = "/v1/decommissions";
/** The way to the end, in its order. */
const STEPS = ["requested", "validated", "scheduled", "disabled", "erasing", "verifying", "completed"];
/** States from which there is a way back. */
const REVOCABLE = new Set(["requested", "scheduled", "held"]);
/** States in which nothing is about to happen. */
const QUIET = new Set(["completed", "cancelled"]);

/** The end of an account: all of it is erased, and a receipt says so. */
export function Decommissions() {
  const answer = useGet<{ decommissions: Decommission[] }>(PATH, {}).value;
  const { dialog, show, close } = useDialog();
  const isOpen = answer.data?.decommissions.some((one) => one.state !== "cancelled") ?? false;
  const tools = !gone.value && (
    <>
      <button type="button" class="button" onClick={() => show(<WouldGo close={close} />)}>
        What would go
      </button>
      {!isOpen && (
        <button type="button" class="button" onClick={() => show(<Request close={close} />)}>
          Request
        </button>
      )}
    </>
  );
  return (
    <Box title="Decommissioning" note="erases all of this account, and gives a signed receipt" tools={tools} answer={answer}>
      {({ decommissions }) => (
        <>
          {decommissions.length === 0 && (
            <Empty title="Nothing was requested.">
              <p>One person requests it, another confirms it, and until it begins it can be held and taken back.</p>
            </Empty>
          )}
          <Entries look="entries" rows={decommissions}>
            {(one) => <One key={one.id} one={one} />}
          </Entries>
          {dialog}
        </>
      )}
    </Box>
  );
}

function One({ one }: { one: Decommission }) {
  const { dialog, show, close } = useDialog();
  const action = useAction();
  const step = stepOf(PATH, one.id);
  const confirm = (): void =>
    show(
      <Confirm title={`Confirm that ${one.account} is erased`} requested={one.requested} step={step} close={close}>
        <p>
          Requested by {one.requested.by} on {format.exact(one.requested.at)}. It begins on {format.exact(one.due)}; once it has begun there is no way back.
        </p>
      </Confirm>,
    );
  const cancel = (): void => show(<TakeBack step={step} close={close} />);
  const hold = (): void =>
    show(
      <Sure title="Hold it" does="Hold it" close={close} act={({ reason }) => step("hold", "It is held.", { reason })}>
        <p>It waits until the hold is lifted, however long that takes.</p>
        <Field name="reason" label="reason" needed />
      </Sure>,
    );
  return (
    <li class="hit-row">
      <p class="hit-head">
        <span class={`tag ${QUIET.has(one.state) ? "" : "stopped"}`}>{one.state}</span>
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
        {one.state === "requested" && <Act does="Confirm" run={confirm} />}
        {REVOCABLE.has(one.state) && <Act does="Take back" run={cancel} />}
        {one.state === "scheduled" && <Act does="Hold" run={hold} />}
        {one.state === "held" && <Act does="Lift the hold" action={action} run={() => action.run(() => step("release", "It goes on."))} />}
        {one.receipt && <Act does="Receipt" run={() => show(<Receipt at={one.receipt ?? ""} name={`decommissioning ${one.id}`} close={close} />)} />}
      </p>
      <Said action={action} />
      {dialog}
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

/** Counts, and changes nothing. */
function WouldGo({ close }: { close: () => void }) {
  const answer = useOnce<Inventory>(`${PATH}/inventory`).value;
  return (
    <Dialog title="What would go" close={close}>
      <Answered answer={answer} lines={8}>
        {(inventory) => <Inventoried inventory={inventory} />}
      </Answered>
      <Close close={close} />
    </Dialog>
  );
}

function Request({ close }: { close: () => void }) {
  const inventory = useOnce<Inventory>(`${PATH}/inventory`).value;
  const statement = useOnce<{ statement: string }>(`${PATH}/statement`).value;
  if (!inventory.data || !statement.data) {
    return (
      <Dialog title="Request that this account is erased" close={close}>
        <Answered answer={inventory}>{() => <Answered answer={statement}>{() => null}</Answered>}</Answered>
      </Dialog>
    );
  }
  return (
    <Sure
      title="Request that this account is erased"
      does="Request"
      sentence={statement.data.statement}
      close={close}
      act={async ({ at, contact, reason, projects, markers }) => {
        await send("POST", PATH, { statement: statement.data?.statement, at: at || null, contact, reason: reason || null, projects: names(projects), markers: names(markers) });
        return "It is requested.";
      }}
    >
      <Inventoried inventory={inventory.data} />
      <p>A second person confirms it, or the owner key. It can be taken back until it begins.</p>
      <Field name="contact" label="contact" note="who is asked" needed />
      <Field name="at" label="not before" note="in 30 days when left out" kind="date" />
      <Field name="projects" label="its projects" note="all of them with commas, to be sure that it is this account; or none" />
      <Field name="markers" label="texts that must not be found afterwards" note="with commas; all files that are left are searched for them" />
      <Field name="reason" label="reason" />
    </Sure>
  );
}
