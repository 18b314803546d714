import { useSignal } from "@preact/signals";
import { SESSION, send } from "../api";
import * as format from "../format";
import { PASSWORD_MIN } from "../pages/Welcome";
import { logOut, session, whoAmI } from "../session";
import type { Session } from "../types";
import { useAction } from "../useAction";
import { Dialog } from "./Dialog";
import { Fact } from "./Fact";
import { Field } from "./Field";
import { Form } from "./Form";
import { FormEnd } from "./FormEnd";
import { Coded } from "./Notice";
import { Said } from "./Said";

/** Who looks, as a button that tells more. */
export function You() {
  const open = useSignal(false);
  const you = session.value;
  if (!you) return null;
  const name = called(you);
  return (
    <>
      <button type="button" class="icon you" aria-label={`You: ${name}`} title={name} onClick={() => (open.value = true)}>
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <path d="M8 2.2a2.9 2.9 0 1 1 0 5.8a2.9 2.9 0 1 1 0-5.8zM2.8 14c.4-2.9 2.5-4.2 5.2-4.2s4.8 1.3 5.2 4.2" />
        </svg>
      </button>
      {open.value && <Told you={you} close={() => (open.value = false)} />}
    </>
  );
}

const called = (you: Session): string => (you.kind === "machine" || you.kind === "command" ? "this machine" : (you.title ?? you.name));

function Told({ you, close }: { you: Session; close: () => void }) {
  const change = useSignal(false);
  return (
    <Dialog title={change.value ? "Change the password" : called(you)} close={close}>
      {change.value ? <Password close={close} /> : <Known you={you} change={() => (change.value = true)} close={close} />}
    </Dialog>
  );
}

function Known({ you, change, close }: { you: Session; change: () => void; close: () => void }) {
  const action = useAction();
  const leave = (): void =>
    action.run(async () => {
      await logOut();
      return "";
    });
  return (
    <>
      <dl class="facts you-facts">
        {you.kind === "user" && <Fact name="Name">{you.name}</Fact>}
        {you.kind === "key" && <Fact name="By">an API key, as long as this tab is open</Fact>}
        {you.role && <Fact name="Role">{format.words(you.role)}</Fact>}
        <Fact name="Sees">{sees(you)}</Fact>
        <Fact name="May">{you.permissions.map(format.words).join(", ") || "nothing"}</Fact>
        {you.expires_at && <Fact name="Until">{format.exact(you.expires_at)}</Fact>}
      </dl>
      {you.kind === "machine" && (
        <p class="note">
          <Coded text="Requests from the machine Weir runs on need no log-in; `require_keys = true` in `[host]` of weir.toml asks for one." />
        </p>
      )}
      <p class="inline">
        {(you.kind === "user" || you.kind === "key") && (
          <button type="button" class="button main" disabled={action.busy.value} onClick={leave}>
            {you.kind === "user" ? "Log out" : "Forget the key"}
          </button>
        )}
        {you.password && (
          <button type="button" class="button" onClick={change}>
            Change the password
          </button>
        )}
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </p>
      <Said action={action} />
    </>
  );
}

/** Whose data they see. */
export function sees({ teams, projects }: Pick<Session, "teams" | "projects">): string {
  return [...teams, ...projects].join(", ") || "everything";
}

function Password({ close }: { close: () => void }) {
  const action = useAction();
  const submit = (form: HTMLFormElement): void => {
    const [old, next] = ["old", "new"].map((name) => String(new FormData(form).get(name)));
    action.run(async () => {
      await send("POST", `${SESSION}/password`, { old, new: next });
      // Another session began, with another token.
      await whoAmI();
      return "It is changed. You are logged out everywhere else.";
    });
  };
  return (
    <Form submit={submit}>
      <Field name="old" label="the one until now" kind="password" needed fills="current-password" />
      <Field name="new" label="the new one" note={`at least ${PASSWORD_MIN} characters`} kind="password" needed least={PASSWORD_MIN} fills="new-password" />
      <FormEnd action={action} does="Change" close={close} />
    </Form>
  );
}
