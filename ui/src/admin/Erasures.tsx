import { useSignal } from "@preact/signals";
import { send } from "../api";
import * as format from "../format";
import { Dialog } from "../parts/Dialog";
import { Field, entered, names } from "../parts/Field";
import { Form } from "../parts/Form";
import { FormEnd } from "../parts/FormEnd";
import { Empty } from "../parts/Notice";
import type { Erasure, Scope, Selected } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";
import { Box } from "./Box";
import { amount } from "./Inventory";

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
  const asking = useSignal(false);
  const tools = (
    <button type="button" class="button" onClick={() => (asking.value = true)}>
      Erase
    </button>
  );
  return (
    <Box title="Erasure" note="of a part of the data, for good" tools={tools} answer={answer}>
      {({ erasures }) => (
        <>
          {erasures.length === 0 && <Empty title="Nothing was erased." />}
          <ul class="hits">
            {erasures.map((one) => (
              <li key={one.id} class="hit-row">
                <p class="hit-head">
                  <span class="tag">{format.words(one.state)}</span>
                  <span>{one.scopes.map(written).join("; or ")}</span>
                  <span class="when">{format.exact(one.completed_at ?? one.requested.at)}</span>
                </p>
                <p class="sub">
                  {counts(one.records)}, asked for by {one.requested.by}
                  {one.reason && `: ${one.reason}`}
                </p>
              </li>
            ))}
          </ul>
          {asking.value && <Ask close={() => (asking.value = false)} />}
        </>
      )}
    </Box>
  );
}

/** A scope in words. */
export const written = (scope: Scope): string =>
  Object.entries(scope)
    .map(([name, value]) => (name === "before" ? `taken before ${format.exact(String(value))}` : `${name} ${[value].flat().join(", ")}`))
    .join(", ") || "everything";

export const counts = ({ selected, bytes, kept, held }: Selected): string => `${format.count(selected)} raw records (${format.bytes(bytes)}), ${format.count(kept)} stay${held > 0 ? `, of them ${format.count(held)} by a hold` : ""}`;

/** Says what would go, before it goes. */
function Ask({ close }: { close: () => void }) {
  const action = useAction();
  const tried = useSignal<{ scope: Scope; reason: string; found: Selected } | undefined>(undefined);
  const run = (scope: Scope, reason: string, dry: boolean): void =>
    action.run(async () => {
      const { records } = await send<Erasure>("POST", PATH, { scopes: [scope], reason, dry_run: dry });
      if (dry) tried.value = { scope, reason, found: records };
      else close();
      return "";
    });
  if (tried.value) {
    const { scope, reason, found } = tried.value;
    return (
      <Dialog title="This would be erased" close={close}>
        <p>{counts(found)}.</p>
        <ul class="sub">
          {found.streams.map((stream) => (
            <li key={stream.name}>
              {stream.name}: {amount(stream)}
            </li>
          ))}
        </ul>
        <Form submit={() => run(scope, reason, false)}>
          <FormEnd action={action} does={`Erase ${format.count(found.selected)} records for good`} leave="Cancel" ready={found.selected > 0} close={close} />
        </Form>
      </Dialog>
    );
  }
  return (
    <Dialog title="Erase a part of the data" close={close}>
      <Form
        submit={(form) => {
          const { reason = "", person, before, ...fields } = entered(form);
          const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
          run({ ...given, ...(before ? { before: `${before}T00:00:00Z` } : {}), ...(person ? { person: names(person) } : {}) }, reason, true);
        }}
      >
        <p>What fits all of these. Nothing is erased yet.</p>
        {FIELDS.map(([name, label, note]) => (
          <Field key={name} name={name} label={label} note={note} />
        ))}
        <Field name="before" label="taken before" note="the begin of a day, UTC" kind="date" />
        <Field name="reason" label="reason" needed />
        <FormEnd action={action} does="See what would go" leave="Cancel" close={close} />
      </Form>
    </Dialog>
  );
}
