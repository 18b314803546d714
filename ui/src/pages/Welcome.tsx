import { useState } from "preact/hooks";
import { send } from "../api";
import { Door } from "../parts/Door";
import { Field, entered } from "../parts/Field";
import { Form } from "../parts/Form";
import { Empty, Pending, Trouble } from "../parts/Notice";
import { Said } from "../parts/Said";
import { param } from "../state";
import type { Welcome } from "../types";
import { useAction } from "../useAction";
import { useOnce } from "../useResource";

/** Shortest password the host takes. */
export const PASSWORD_MIN = 12;

/** Where a link leads that is good once: the first administrator, and whoever was made a user, set their password. */
export function WelcomePage() {
  // It is good for one log-in, so it does not stay in the address or in the history.
  const [token] = useState(() => {
    const token = param("token");
    history.replaceState(history.state, "", "#/welcome");
    return token;
  });
  const { data, problem } = useOnce<Welcome>("/v1/welcome", { token }).value;
  return (
    <Door title="Welcome">
      {problem && <Trouble problem={problem} />}
      {problem && (
        <p class="door-way">
          <a href="#/">Log in</a>
        </p>
      )}
      {!data && !problem && <Pending lines={4} />}
      {data && !problem && <SetPassword token={token} link={data} />}
    </Door>
  );
}

function SetPassword({ token, link }: { token: string; link: Welcome }) {
  const action = useAction();
  const submit = (form: HTMLFormElement): void => {
    const { name, title } = entered(form);
    const password = String(new FormData(form).get("password"));
    action.run(async () => {
      await send("POST", "/v1/welcome", { token, password, ...(link.first ? { name, title: title || undefined } : {}) });
      history.replaceState(history.state, "", "#/");
      location.reload();
      return "";
    });
  };
  return (
    <>
      {link.first && (
        <Empty title="You are the first administrator of this host.">
          <p>Others are let in by you, under Administration.</p>
        </Empty>
      )}
      <Form submit={submit}>
        <Field name="name" label="name" note="to log in with" value={link.name ?? ""} needed fixed={!link.first} fills="username" />
        {link.first && <Field name="title" label="what you are called" note="may be left out" fills="name" />}
        <Field name="password" label="password" note={`at least ${PASSWORD_MIN} characters`} kind="password" needed least={PASSWORD_MIN} fills="new-password" />
        <p>
          <button class="button main" disabled={action.busy.value}>
            Set the password and log in
          </button>
        </p>
      </Form>
      <Said action={action} />
    </>
  );
}
