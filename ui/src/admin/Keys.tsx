import { useSignal } from "@preact/signals";
import { send } from "../api";
import { Age } from "../parts/Age";
import { Dialog } from "../parts/Dialog";
import { Field, entered, names } from "../parts/Field";
import { Form } from "../parts/Form";
import { FormEnd } from "../parts/FormEnd";
import { Coded, Empty } from "../parts/Notice";
import { Said } from "../parts/Said";
import { Scroll } from "../parts/Scroll";
import { sees } from "../parts/You";
import type { ApiKey } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";
import { Box } from "./Box";
import { Once } from "./Once";
import { Limits } from "./Users";

const PATH = "/v1/keys";
const SCOPES: [scope: string, allows: string][] = [
  ["ingest", "send data"],
  ["read", "read everything, or the data of teams"],
  ["forward", "hand on from another host"],
  ["propel", "start and change propels"],
  ["admin", "everything"],
];

/** Keys of programs. */
export function Keys() {
  const answer = useGet<{ keys: ApiKey[] }>(PATH, {}).value;
  const making = useSignal(false);
  const shown = useSignal<{ what: string; key: string } | undefined>(undefined);
  const action = useAction();
  const rotate = (key: ApiKey): void => {
    if (!confirm(`Make a new key in place of ${key.name}? The old one is good for another 7 days.`)) return;
    action.run(async () => {
      const made = await send<{ key: string }>("POST", `${PATH}/${encodeURIComponent(key.id)}/rotate`);
      shown.value = { what: `The new key in place of ${key.name}`, key: made.key };
      return "";
    });
  };
  const revoke = (key: ApiKey): void => {
    if (!confirm(`Revoke ${key.name}? Whatever uses it is refused from now on.`)) return;
    action.run(async () => {
      await send("DELETE", `${PATH}/${encodeURIComponent(key.id)}`);
      return `${key.name} is revoked.`;
    });
  };
  const tools = (
    <button type="button" class="button" onClick={() => (making.value = true)}>
      New key
    </button>
  );
  return (
    <Box title="API keys" note="of programs; people log in" tools={tools} answer={answer}>
      {({ keys }) => (
        <>
          {shown.value && <Once what={shown.value.what} text={shown.value.key} />}
          {keys.length === 0 ? (
            <Empty title="There is no key.">
              <p>
                <Coded text="CI and hosts that forward need one; `weir key create` makes one, too." />
              </p>
            </Empty>
          ) : (
            <Table keys={keys} rotate={rotate} revoke={revoke} />
          )}
          <Said action={action} />
          {making.value && <New close={() => (making.value = false)} made={(what, key) => (shown.value = { what, key })} />}
        </>
      )}
    </Box>
  );
}

function Table({ keys, rotate, revoke }: { keys: ApiKey[]; rotate: (key: ApiKey) => void; revoke: (key: ApiKey) => void }) {
  return (
    <Scroll label="API keys">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">For</th>
            <th scope="col">Sees</th>
            <th scope="col">Last use</th>
            <th scope="col">Ends</th>
            <th scope="col">
              <span class="hidden">Do</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id}>
              <th scope="row">
                {key.name} <code class="sub">{key.id}</code> {key.rotated_to && <span class="tag">replaced</span>}
              </th>
              <td>{key.scopes.join(", ")}</td>
              <td>{key.scopes.includes("read") || key.scopes.includes("admin") ? sees(key) : "nothing"}</td>
              <td class="sub">{key.last_used_at ? <Age at={key.last_used_at} /> : "never"}</td>
              <td class="sub">{key.expires_at ? <Age at={key.expires_at} /> : "never"}</td>
              <td class="acts">
                {!key.rotated_to && (
                  <button type="button" class="quiet" onClick={() => rotate(key)}>
                    Replace<span class="hidden"> {key.name}</span>
                  </button>
                )}
                <button type="button" class="quiet" onClick={() => revoke(key)}>
                  Revoke<span class="hidden"> {key.name}</span>
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function New({ close, made }: { close: () => void; made: (what: string, key: string) => void }) {
  const action = useAction();
  const scopes = useSignal<readonly string[]>(["ingest"]);
  const toggle = (scope: string): void => {
    scopes.value = scopes.value.includes(scope) ? scopes.value.filter((one) => one !== scope) : [...scopes.value, scope];
  };
  const onlyReads = scopes.value.length === 1 && scopes.value[0] === "read";
  const submit = (form: HTMLFormElement): void => {
    const { name = "", days, teams, projects } = entered(form);
    action.run(async () => {
      const { key } = await send<{ key: string }>("POST", PATH, { name, scopes: scopes.value, teams: names(teams), projects: names(projects), ...(days ? { days: Number(days) } : {}) });
      made(`The key ${name}`, key);
      close();
      return "";
    });
  };
  return (
    <Dialog title="A new key" close={close}>
      <Form submit={submit}>
        <Field name="name" label="name" note="who or what uses it" needed />
        <fieldset class="picks">
          <legend>For</legend>
          {SCOPES.map(([scope, allows]) => (
            <label key={scope} class="check">
              <input type="checkbox" checked={scopes.value.includes(scope)} onChange={() => toggle(scope)} /> {scope} <span class="sub">{allows}</span>
            </label>
          ))}
        </fieldset>
        {onlyReads && <Limits />}
        <Field name="days" label="good for days" note="none: until it is revoked" kind="number" />
        <FormEnd action={action} does="Make it" leave="Cancel" ready={scopes.value.length > 0} close={close} />
      </Form>
    </Dialog>
  );
}
