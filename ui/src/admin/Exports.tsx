import { useSignal } from "@preact/signals";
import { send } from "../api";
import * as format from "../format";
import { Dialog } from "../parts/Dialog";
import { Field, entered } from "../parts/Field";
import { Form } from "../parts/Form";
import { FormEnd } from "../parts/FormEnd";
import { Empty } from "../parts/Notice";
import type { Export } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";
import { Box } from "./Box";

const PATH = "/v1/exports";
const PARTS: [name: string, holds: string][] = [
  ["raw", "raw records, as they came"],
  ["entities", "entities"],
  ["metrics", "all metrics by day"],
];

/** What was taken out of Weir, to a folder of the host's machine. */
export function Exports() {
  const answer = useGet<{ exports: Export[] }>(PATH, {}).value;
  const writing = useSignal(false);
  const tools = (
    <button type="button" class="button" onClick={() => (writing.value = true)}>
      Export
    </button>
  );
  return (
    <Box title="Exports" note="to a folder of the host's machine" tools={tools} answer={answer}>
      {({ exports }) => (
        <>
          {exports.length === 0 && <Empty title="Nothing was exported." />}
          <ul class="hits">
            {exports.map((one) => (
              <li key={one.at} class="hit-row">
                <p class="hit-head">
                  <code>{one.to ?? "somewhere"}</code>
                  <span class="when">{format.exact(one.at)}</span>
                </p>
                <p class="sub">{[one.records != null && `${format.count(one.records)} records`, one.files != null && `${format.count(one.files)} files`, one.by && `by ${one.by}`].filter(Boolean).join(", ")}</p>
              </li>
            ))}
          </ul>
          {writing.value && <Write close={() => (writing.value = false)} />}
        </>
      )}
    </Box>
  );
}

function Write({ close }: { close: () => void }) {
  const action = useAction();
  const submit = (form: HTMLFormElement): void => {
    const { to, ...parts } = entered(form);
    action.run(async () => {
      await send("POST", PATH, { to, ...Object.fromEntries(PARTS.map(([name]) => [name, parts[name] === "on"])) });
      close();
      return "";
    });
  };
  return (
    <Dialog title="Export" close={close}>
      <Form submit={submit}>
        <Field name="to" label="folder" note="whole path on the host's machine; an export that was broken off goes on" needed placeholder="/srv/exports/november" />
        <fieldset class="picks">
          <legend>What</legend>
          {PARTS.map(([name, holds]) => (
            <label key={name} class="check">
              <input type="checkbox" name={name} defaultChecked /> {holds}
            </label>
          ))}
        </fieldset>
        <FormEnd action={action} does="Write it" leave="Cancel" close={close} />
      </Form>
    </Dialog>
  );
}
