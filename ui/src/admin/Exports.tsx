import { useSignal } from "@preact/signals";
import { send } from "../api";
import { Box } from "../parts/Box";
import { Close } from "../parts/Close";
import { Dialog } from "../parts/Dialog";
import { Entries } from "../parts/Entries";
import { Field, entered, names } from "../parts/Field";
import { Form } from "../parts/Form";
import { FormEnd } from "../parts/FormEnd";
import { Coded, Empty } from "../parts/Notice";
import { Picks } from "../parts/Picks";
import type { Copied } from "../types";
import { useAction } from "../useAction";
import { useDialog } from "../useDialog";
import { useGet } from "../useResource";
import { Copy } from "./Copy";

const PATH = "/v1/exports";
const PARTS: [name: string, holds: string][] = [
  ["raw", "records, as they came"],
  ["entities", "as they are"],
  ["metrics", "all of them, by day"],
];

/** What was taken out of Weir, to a folder of the host's machine. */
export function Exports() {
  const answer = useGet<{ exports: Copied[] }>(PATH, {}).value;
  const { dialog, show, close } = useDialog();
  const tools = (
    <button type="button" class="button" onClick={() => show(<Write close={close} />)}>
      Export
    </button>
  );
  return (
    <Box title="Exports" note="to a folder of the host's machine" tools={tools} answer={answer}>
      {({ exports }) => (
        <>
          {exports.length === 0 && (
            <Empty title="Nothing was exported.">
              <p>
                <Coded text="An export can be checked with `weir export verify` and taken in by another host with `weir import`." />
              </p>
            </Empty>
          )}
          <Entries look="entries" rows={exports}>
            {(one) => <Copy key={one.at} of={one} />}
          </Entries>
          {dialog}
        </>
      )}
    </Box>
  );
}

function Write({ close }: { close: () => void }) {
  const action = useAction();
  const done = useSignal("");
  const wanted = useSignal<readonly string[]>(PARTS.map(([name]) => name));
  const submit = (form: HTMLFormElement): void => {
    const { to = "", format, recipients } = entered(form);
    action.run(async () => {
      const parts = Object.fromEntries(PARTS.map(([name]) => [name, wanted.value.includes(name)]));
      await send("POST", PATH, { to, format, recipients: names(recipients), ...parts });
      done.value = to;
      return "It is written.";
    });
  };
  if (done.value) {
    return (
      <Dialog title="The export is written" close={close}>
        <p>
          <Coded text={`To \`${done.value}\`, with a signed manifest. \`weir export verify ${done.value}\` reads everything and compares.`} />
        </p>
        <Close close={close} />
      </Dialog>
    );
  }
  return (
    <Dialog title="Export" close={close}>
      <Form submit={submit}>
        <Field name="to" label="folder" note="whole path on the host's machine; an export that was broken off goes on" needed placeholder="/srv/exports/november" />
        <Picks legend="What" options={PARTS} picked={wanted} />
        <label>
          entities and metrics as
          <select class="text-input" name="format">
            <option value="jsonl">JSON, a document a line</option>
            <option value="csv">CSV</option>
            <option value="parquet">Parquet</option>
          </select>
        </label>
        <Field name="recipients" label="encrypted for" note="public keys of age, with commas between; none: it is not encrypted" placeholder="age1..." />
        {action.busy.value && <p class="note">It is being written. It goes on when this is closed.</p>}
        <FormEnd action={action} does="Write it" leave="Cancel" ready={wanted.value.length > 0} close={close} />
      </Form>
    </Dialog>
  );
}
