import { useSignal } from "@preact/signals";
import { send } from "../api";
import * as format from "../format";
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
import { Sure } from "../parts/Sure";
import { sees } from "../parts/You";
import { session } from "../session";
import type { Role, User } from "../types";
import { useAction } from "../useAction";
import { useDialog } from "../useDialog";
import { useGet } from "../useResource";
import { Once, whole } from "./Once";

const PATH = "/v1/users";
const at = (user: User): string => `${PATH}/${encodeURIComponent(user.name)}`;

/** Those who may log in. */
export function Users() {
  const answer = useGet<{ users: User[]; roles: Role[] }>(PATH, {}).value;
  const { dialog, show, close } = useDialog();
  const roles = answer.data?.roles ?? [];
  const remove = (user: User): void =>
    show(
      <Sure
        title={`Remove ${user.name}`}
        does="Remove"
        close={close}
        act={async () => {
          await send("DELETE", at(user));
          return `${user.name} is removed.`;
        }}
      >
        <p>Whoever is logged in by that name is logged out at once. What they did stays in the audit log.</p>
      </Sure>,
    );
  const tools = (
    <button type="button" class="button" onClick={() => show(<Edit roles={roles} close={close} />)}>
      New user
    </button>
  );
  return (
    <Box title="Users" tools={tools} answer={answer}>
      {({ users }) => (
        <>
          {users.length === 0 ? (
            <Empty title="Nobody logs in to this host.">
              <p>
                <Coded text="A user logs in with a name and a password and has a role; `weir user create` makes one, too." />
              </p>
            </Empty>
          ) : (
            <List label="Users" columns={["Name", "Role", "Sees", "Last here", DO]} rows={users} says={(user) => `${user.name} ${user.title ?? ""} ${format.words(user.role)} ${sees(user)}`}>
              {(user) => (
                <tr key={user.name}>
                  <th scope="row">
                    {user.title ?? user.name} {user.title && <span class="sub">{user.name}</span>} {user.disabled && <span class="tag stopped">disabled</span>}
                    {user.issuer ? <span class="sub">by {user.issuer}</span> : !user.password && <span class="tag">no password yet</span>}
                  </th>
                  <td>{format.words(user.role)}</td>
                  <td>{sees(user)}</td>
                  <td class="sub">{user.last_login_at ? <Age at={user.last_login_at} /> : "never"}</td>
                  <td class="acts">
                    <Act does="Change" to={user.name} run={() => show(<Edit user={user} roles={roles} close={close} />)} />
                    {!user.issuer && <Act does="New password" to={`for ${user.name}`} run={() => show(<Reset user={user} close={close} />)} />}
                    {user.name !== session.value?.name && <Act does="Remove" to={user.name} run={() => remove(user)} />}
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

/** A new user, who sets a password by a link; or another role and other teams for one there is. */
function Edit({ user, roles, close }: { user?: User; roles: Role[]; close: () => void }) {
  const action = useAction();
  const link = useSignal("");
  const role = useSignal(user?.role ?? "viewer");
  const may = roles.find((one) => one.role === role.value)?.permissions ?? [];
  const submit = (form: HTMLFormElement): void => {
    const { name, title, teams, projects, disabled } = entered(form);
    const set = { title: title || null, role: role.value, teams: names(teams), projects: names(projects) };
    action.run(async () => {
      if (user) {
        await send("PUT", at(user), { ...set, disabled: disabled === "on" });
        close();
        return "";
      }
      const made = await send<{ link?: string }>("POST", PATH, { name, ...set });
      link.value = made.link ?? "";
      return `${name} is let in.`;
    });
  };
  if (link.value) {
    return (
      <Dialog title="A new user" close={close}>
        <Once what="Hand over this link. It sets the password, once, within a week." text={whole(link.value)} />
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </Dialog>
    );
  }
  return (
    <Dialog title={user ? user.name : "A new user"} close={close}>
      <Form submit={submit}>
        {user?.issuer && <p>What they are and see is said by {user.issuer}, anew with each log-in.</p>}
        {!user && <Field name="name" label="name" note="to log in with" needed />}
        <Field name="title" label="what they are called" value={user?.title ?? ""} />
        <label>
          role <span class="sub">{may.map(format.words).join(", ")}</span>
          <select class="text-input" value={role.value} onChange={(event) => (role.value = event.currentTarget.value)}>
            {roles.map((one) => (
              <option key={one.role} value={one.role}>
                {format.words(one.role)}
              </option>
            ))}
          </select>
        </label>
        <Limits teams={user?.teams} projects={user?.projects} />
        {user && (
          <label class="check">
            <input type="checkbox" name="disabled" defaultChecked={user.disabled} /> may not log in
          </label>
        )}
        <FormEnd action={action} does={user ? "Save" : "Let in"} leave="Cancel" close={close} />
      </Form>
    </Dialog>
  );
}

function Reset({ user, close }: { user: User; close: () => void }) {
  const action = useAction();
  const link = useSignal("");
  const submit = (): void =>
    action.run(async () => {
      const made = await send<{ link: string }>("POST", `${at(user)}/password`);
      link.value = made.link;
      return "";
    });
  return (
    <Dialog title={`A new password for ${user.name}`} close={close}>
      {link.value ? (
        <>
          <Once what="Hand over this link. It sets the password, once." text={whole(link.value)} />
          <button type="button" class="button" onClick={close}>
            Close
          </button>
        </>
      ) : (
        <Form submit={submit}>
          <p>{user.name} is logged out everywhere, and sets another password by a link you hand over.</p>
          <FormEnd action={action} does="Make the link" leave="Cancel" close={close} />
        </Form>
      )}
    </Dialog>
  );
}
