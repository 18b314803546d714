import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { first, enterWith, logIn } from "../session";
import { useAction } from "../useAction";
import { Field, entered } from "./Field";
import { Form } from "./Form";
import { Logo } from "./Logo";
import { Coded, Empty } from "./Notice";
import { Said } from "./Said";

/** What is seen instead of the pages by those who are not let in yet. */
export function Door({ title, children }: { title: string; children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} – Weir`;
  }, [title]);
  return (
    <main id="main" class="door" aria-label={title}>
      <div class="panel-box">
        <p class="door-brand">
          <Logo /> Weir
        </p>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}

/** Asks who it is. The address stays, so that what was to be shown is shown afterwards. */
export function LogIn() {
  const action = useAction();
  return (
    <Door title="Log in">
      {first.value ? (
        <Empty title="This host has no administrator yet.">
          <p>
            <Coded text="It printed a link when it started: open that one. `weir user create NAME --role administrator` makes one, too." />
          </p>
        </Empty>
      ) : (
        <Form
          submit={(form) => {
            const { name = "", password = "" } = Object.fromEntries(new FormData(form)) as Record<string, string>;
            action.run(async () => {
              await logIn(name.trim(), password);
              return "";
            });
          }}
        >
          <Field name="name" label="name" needed fills="username" />
          <Field name="password" label="password" kind="password" needed fills="current-password" />
          <p>
            <button class="button main" disabled={action.busy.value}>
              Log in
            </button>
          </p>
        </Form>
      )}
      <Said action={action} />
      <WithKey />
    </Door>
  );
}

function WithKey() {
  return (
    <details class="door-key">
      <summary>With an API key</summary>
      <Form submit={(form) => enterWith(entered(form)["key"] ?? "")}>
        <Field name="key" label="key" kind="password" needed />
        <p class="sub">
          <Coded text="`weir key create NAME --scope read` prints one. It is forgotten when this tab is closed." />
        </p>
        <p>
          <button class="button">Use it</button>
        </p>
      </Form>
    </details>
  );
}
