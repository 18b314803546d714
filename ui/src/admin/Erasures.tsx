import { useSignal } from "@preact/signals";
import { send } from "../api";
import * as format from "../format";
import { Act } from "../parts/Act";
import { Box } from "../parts/Box";
import { Dialog } from "../parts/Dialog";
import { Entries } from "../parts/Entries";
import { Field, entered, names } from "../parts/Field";
import { Form } from "../parts/Form";
import { FormEnd } from "../parts/FormEnd";
import { Empty } from "../parts/Notice";
import { Sure } from "../parts/Sure";
import type { Erasure, Scope, Selected } from "../types";
import { useAction } from "../useAction";
import { useDialog } from "../useDialog";
import { useGet } from "../useResource";
import { Parts } from "./Inventory";
import { Receipt } from "./Receipt";
import { Confirm, TakeBack, stepOf } from "./Second";

const PATH = "/v1/erasures";
const FIELDS: [name: string, label: string, note: string][] = [
  ["integration", "integration", ""],
  ["dataset", "dataset", ""],
  ["kind", "kind", "such as build"],
  ["project", "project", ""],
  ["person", "person", "names, addresses, log-ins of one person, with commas"],
];

/** Raw records that are taken out for good, with all that was made of them. */
export function Erasures() {
  const answer = useGet<{ erasures: Erasure[] }>(PATH, {}).value;
  const { dialog, show, close } = useDialog();
  const tools = (
    <button type="button" class="button" onClick={() => show(<Ask close={close} />)}>
      Erase
    </button>
  );
  return (
    <Box title="Erasure" note="of a part of the data, for good" tools={tools} answer={answer}>
      {({ erasures }) => (
        <>
          {erasures.length === 0 && (
            <Empty title="Nothing was erased.">
              <p>What would go is counted and shown before anything goes.</p>
            </Empty>
          )}
          <Entries look="entries" rows={erasures}>
            {(one) => <One key={one.id} one={one} />}
          </Entries>
          {dialog}
        </>
      )}
    </Box>
  );
}

function One({ one }: { one: Erasure }) {
  const { dialog, show, close } = useDialog();
  const step = stepOf(PATH, one.id);
  const confirm = (): void =>
    show(
      <Confirm title="Confirm that this is erased" requested={one.requested} step={step} close={close}>
        <p>{one.scopes.map(written).join("; or ")}</p>
        <Found found={one.records} pseudonym={one.pseudonym !== undefined} />
      </Confirm>,
    );
  const cancel = (): void => show(<TakeBack step={step} close={close} />);
  return (
    <li class="hit-row">
      <p class="hit-head">
        <span class={`tag ${one.state === "asked" ? "stopped" : ""}`}>{one.state === "asked" ? "waits for somebody else" : format.words(one.state)}</span>
        <span>{one.scopes.map(written).join("; or ")}</span>
        <span class="when">{format.exact(one.completed_at ?? one.requested.at)}</span>
      </p>
      <p class="sub">
        {counts(one.records)}, asked for by {one.requested.by}
        {one.confirmed && `, confirmed by ${one.confirmed.by}`}
        {one.reason && `: ${one.reason}`}
      </p>
      {one.pseudonym && <p class="sub">{one.pseudonym} takes the place of the person.</p>}
      {one.copies?.map((copies) => (
        <p key={copies.url} class="sub">
          Copies at {copies.url}: {copies.receipt ? "gone" : copies.error ?? "still to go"}
        </p>
      ))}
      <p class="inline">
        {one.state === "asked" && <Act does="Confirm" to={one.id} run={confirm} />}
        {one.state === "asked" && <Act does="Take back" to={one.id} run={cancel} />}
        {one.receipt && <Act does="Receipt" to={`of ${one.id}`} run={() => show(<Receipt at={one.receipt ?? ""} name={`erasure ${one.id}`} close={close} />)} />}
      </p>
      {dialog}
    </li>
  );
}

/** A scope in words. */
export const written = (scope: Scope): string =>
  Object.entries(scope)
    .map(([name, value]) => (name === "before" ? `taken before ${format.exact(String(value))}` : `${name} ${[value].flat().join(", ")}`))
    .join(", ") || "everything";

export const counts = ({ selected, bytes, kept, held, unreadable, written: said }: Selected): string =>
  [
    `${format.count(selected)} raw records (${format.bytes(bytes)})`,
    `${format.count(kept)} stay`,
    held > 0 && `of them ${format.count(held)} by a hold`,
    unreadable && `${format.count(unreadable)} more cannot be read, and stay`,
    said && `${format.count(said)} notes, rows and runs name the person`,
  ]
    .filter(Boolean)
    .join(", ");

/** What is typed before so many records go. */
export const sentence = ({ selected }: Selected): string => `erase ${selected} records`;

/** What was counted, before it goes, or before a pseudonym takes the place of the person in it. */
export function Found({ found, pseudonym = false }: { found: Selected; pseudonym?: boolean }) {
  return (
    <>
      <p>{counts(found)}.</p>
      <Parts of={found.streams} />
      <p class="sub">
        {pseudonym
          ? "A pseudonym takes the place of the person; the records stay, and so do the numbers."
          : "With them goes all that was made of them alone: entities, numbers, events."}{" "}
        The host pauses meanwhile.
      </p>
    </>
  );
}

interface Tried {
  scope: Scope;
  how: "erase" | "pseudonymise";
  reason: string;
  found: Selected;
}

/** Says what would go, before it goes. */
function Ask({ close }: { close: () => void }) {
  const tried = useSignal<Tried | undefined>(undefined);
  if (!tried.value) return <Try close={close} found={(found) => (tried.value = found)} />;
  const { scope, how, reason, found } = tried.value;
  const pseudonym = how === "pseudonymise";
  if (found.selected === 0 && !found.written) {
    return (
      <Dialog title="Nothing would be erased" close={close}>
        <p>No raw record fits: {written(scope)}.</p>
        {found.held > 0 && <p>{format.count(found.held)} would, but a hold keeps them.</p>}
        <p class="inline">
          <button type="button" class="button main" onClick={() => (tried.value = undefined)}>
            Ask for something else
          </button>
          <button type="button" class="button" onClick={close}>
            Close
          </button>
        </p>
      </Dialog>
    );
  }
  return (
    <Sure
      title={pseudonym ? "This would name nobody any more" : "This would be erased"}
      does={pseudonym ? `Put a pseudonym into ${format.count(found.selected)} records` : `Erase ${format.count(found.selected)} records for good`}
      sentence={sentence(found)}
      close={close}
      act={async () => {
        await send("POST", PATH, { scopes: [scope], reason, how });
        return `${format.count(found.selected)} records are being ${pseudonym ? "changed" : "erased"}.`;
      }}
    >
      <p>{written(scope)}</p>
      <Found found={found} pseudonym={pseudonym} />
    </Sure>
  );
}

/** Counts, and changes nothing. */
function Try({ close, found }: { close: () => void; found: (tried: Tried) => void }) {
  const action = useAction();
  const submit = (form: HTMLFormElement): void => {
    const { reason = "", person, before, pseudonym, ...fields } = entered(form);
    const how = pseudonym ? "pseudonymise" : "erase";
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
    const scope = { ...given, ...(before ? { before: `${before}T00:00:00Z` } : {}), ...(person ? { person: names(person) } : {}) };
    action.run(async () => {
      const { records } = await send<Erasure>("POST", PATH, { scopes: [scope], reason, how, dry_run: true });
      found({ scope, how, reason, found: records });
      return "";
    });
  };
  return (
    <Dialog title="Erase a part of the data" close={close}>
      <Form submit={submit}>
        <p>What fits all of these. Nothing is erased yet.</p>
        {FIELDS.map(([name, label, note]) => (
          <Field key={name} name={name} label={label} note={note} />
        ))}
        <label class="check">
          <input type="checkbox" name="pseudonym" /> keep the records, and put a pseudonym in the place of the person
        </label>
        <Field name="before" label="taken before" note="the begin of a day, UTC" kind="date" />
        <Field name="reason" label="reason" note="it stands in the receipt and in the audit log" needed />
        <FormEnd action={action} does="See what would go" leave="Cancel" close={close} />
      </Form>
    </Dialog>
  );
}
