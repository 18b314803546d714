import { useSignal } from "@preact/signals";
import { send } from "../api";
import * as format from "../format";
import { Dialog } from "../parts/Dialog";
import { Field, entered } from "../parts/Field";
import { Form } from "../parts/Form";
import { FormEnd } from "../parts/FormEnd";
import { Empty } from "../parts/Notice";
import type { Erasure } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";
import { Box } from "./Box";

const PATH = "/v1/erasures";
const SCOPE: [name: string, label: string, note: string][] = [
  ["integration", "integration", ""],
  ["dataset", "dataset", ""],
  ["kind", "kind", "such as build"],
  ["project", "project", ""],
  ["person", "person", "address or login"],
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
                  <span class={`tag ${one.state === "failed" || one.state === "held" ? "stopped" : ""}`}>{format.words(one.state)}</span>
                  <span>{scope(one)}</span>
                  <span class="when">{format.exact(one.at)}</span>
                </p>
                <p class="sub">
                  {counts(one)}, by {one.by}
                </p>
                {one.error && <p class="attention">{one.error}</p>}
              </li>
            ))}
          </ul>
          {asking.value && <Ask close={() => (asking.value = false)} />}
        </>
      )}
    </Box>
  );
}

const scope = ({ scope }: Erasure): string =>
  Object.entries(scope)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${format.words(name)} ${String(value)}`)
    .join(", ") || "everything";

const counts = ({ records }: Erasure): string => `${format.count(records.selected)} raw records${records.bytes ? ` (${format.bytes(records.bytes)})` : ""}, ${format.count(records.kept)} stay`;

/** Says what would go, before it goes. */
function Ask({ close }: { close: () => void }) {
  const action = useAction();
  const tried = useSignal<{ asked: Record<string, string | null>; found: Erasure } | undefined>(undefined);
  const run = (asked: Record<string, string | null>, dry: boolean): void =>
    action.run(async () => {
      const found = await send<Erasure>("POST", PATH, { ...asked, dry_run: dry });
      if (dry) tried.value = { asked, found };
      else close();
      return "";
    });
  if (tried.value) {
    const { asked, found } = tried.value;
    return (
      <Dialog title="This would be erased" close={close}>
        <p>{counts(found)}.</p>
        <ul class="sub">
          {found.streams.map((stream) => (
            <li key={stream.name}>
              {stream.name}: {format.count(stream.records)}
            </li>
          ))}
        </ul>
        {found.holds.length > 0 && <p class="attention">{format.count(found.holds.length)} legal holds keep some of it.</p>}
        <Form submit={() => run(asked, false)}>
          <FormEnd action={action} does={`Erase ${format.count(found.records.selected)} records for good`} leave="Cancel" ready={found.records.selected > 0} close={close} />
        </Form>
      </Dialog>
    );
  }
  return (
    <Dialog title="Erase a part of the data" close={close}>
      <Form submit={(form) => run(Object.fromEntries(Object.entries(entered(form)).map(([name, value]) => [name, value || null])), true)}>
        <p>What fits all of these. Nothing is erased yet.</p>
        {SCOPE.map(([name, label, note]) => (
          <Field key={name} name={name} label={label} note={note} />
        ))}
        <Field name="before" label="taken before" kind="date" />
        <Field name="reason" label="reason" needed />
        <FormEnd action={action} does="See what would go" leave="Cancel" close={close} />
      </Form>
    </Dialog>
  );
}
