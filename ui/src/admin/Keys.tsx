import { useSignal } from "@preact/signals";
import { send } from "../api";
import { Act } from "../parts/Act";
import { Age } from "../parts/Age";
import { Box } from "../parts/Box";
import { Dialog } from "../parts/Dialog";
import { Field, entered, names } from "../parts/Field";
import { Form } from "../parts/Form";
import { FormEnd } from "../parts/FormEnd";
import { Limits } from "../parts/Limits";
import { DO, List } from "../parts/List";
import { Coded, Empty } from "../parts/Notice";
import { Picks } from "../parts/Picks";
import { Sure } from "../parts/Sure";
import { sees } from "../parts/You";
import type { ApiKey } from "../types";
import { useAction } from "../useAction";
import { useDialog } from "../useDialog";
import { useGet } from "../useResource";
import { Once } from "./Once";

const PATH = "/v1/keys";
const SCOPES: [scope: string, allows: string][] = [
  ["ingest", "send data"],
  ["read", "read everything, or the data of teams"],
  ["forward", "hand on from another host"],
  ["propel", "start and change propels"],
  ["admin", "everything"],
];
const at = (key: ApiKey): string => `${PATH}/${encodeURIComponent(key.id)}`;

/** Keys of programs. */
export function Keys() {
  const answer = useGet<{ keys: ApiKey[] }>(PATH, {}).value;
  const { dialog, show, close } = useDialog();
  const made = useSignal<{ what: string; key: string } | undefined>(undefined);
  const tell = (what: string, key: string): void => void (made.value = { what, key });
  const replace = (key: ApiKey): void =>
    show(
      <Sure
        title={`Replace ${key.name}`}
        does="Replace it"
        close={close}
        act={async () => {
          const { key: text } = await send<{ key: string }>("POST", `${at(key)}/rotate`);
          tell(`The new key in place of ${key.name}`, text);
          return `${key.name} is replaced.`;
        }}
      >
        <p>A new key that may do the same is made. The old one is good for another 7 days.</p>
      </Sure>,
    );
  const revoke = (key: ApiKey): void =>
    show(
      <Sure
        title={`Revoke ${key.name}`}
        does="Revoke it"
        close={close}
        act={async () => {
          await send("DELETE", at(key));
          return `${key.name} is revoked.`;
        }}
      >
        <p>Whatever uses it is refused from now on.</p>
      </Sure>,
    );
  const tools = (
    <button type="button" class="button" onClick={() => show(<New close={close} made={tell} />)}>
      New key
    </button>
  );
  return (
    <Box title="API keys" note="of programs; people log in" tools={tools} answer={answer}>
      {({ keys }) => (
        <>
          {made.value && <Once what={made.value.what} text={made.value.key} />}
          {keys.length === 0 ? (
            <Empty title="There is no key.">
              <p>
                <Coded text="CI and hosts that forward need one; `weir key create` makes one, too." />
              </p>
            </Empty>
          ) : (
            <List label="API keys" columns={["Name", "For", "Sees", "Last use", "Ends", DO]} rows={keys} says={(key) => `${key.name} ${key.id} ${key.scopes.join(" ")} ${sees(key)}`}>
              {(key) => (
                <tr key={key.id}>
                  <th scope="row">
                    {key.name} <code class="sub">{key.id}</code> {key.rotated_to && <span class="tag">replaced</span>}
                  </th>
                  <td>
                    {key.scopes.join(", ")} {key.hosts.length > 0 && <span class="sub">{key.hosts.join(", ")}</span>}
                  </td>
                  <td>{key.scopes.includes("read") || key.scopes.includes("admin") ? sees(key) : "nothing"}</td>
                  <td class="sub">{key.last_used_at ? <Age at={key.last_used_at} /> : "never"}</td>
                  <td class="sub">{key.expires_at ? <Age at={key.expires_at} /> : "never"}</td>
                  <td class="acts">
                    {!key.rotated_to && <Act does="Replace" to={key.name} run={() => replace(key)} />}
                    <Act does="Revoke" to={key.name} run={() => revoke(key)} />
                  </td>
                </tr>
              )}
            </List>
          )}
          {dialog}
        </>
      )}
    </Box>
  );
}

function New({ close, made }: { close: () => void; made: (what: string, key: string) => void }) {
  const action = useAction();
  const scopes = useSignal<readonly string[]>(["ingest"]);
  const only = (scope: string): boolean => scopes.value.length === 1 && scopes.value[0] === scope;
  const submit = (form: HTMLFormElement): void => {
    const { name = "", days, teams, projects, hosts } = entered(form);
    action.run(async () => {
      const { key } = await send<{ key: string }>("POST", PATH, { name, scopes: scopes.value, teams: names(teams), projects: names(projects), hosts: names(hosts), ...(days ? { days: Number(days) } : {}) });
      made(`The key ${name}`, key);
      close();
      return "";
    });
  };
  return (
    <Dialog title="A new key" close={close}>
      <Form submit={submit}>
        <Field name="name" label="name" note="who or what uses it" needed />
        <Picks legend="For" options={SCOPES} picked={scopes} />
        {only("read") && <Limits />}
        {only("forward") && <Field name="hosts" label="hosts" note="names, with commas; none: any" />}
        <Field name="days" label="good for days" note="none: until it is revoked" kind="number" />
        <FormEnd action={action} does="Make it" leave="Cancel" ready={scopes.value.length > 0} close={close} />
      </Form>
    </Dialog>
  );
}
