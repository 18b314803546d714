import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { first, enterWith, logIn, provider } from "../session";
import { view } from "../state";
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
      <AtProvider />
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

/** Why a log-in at the provider came to nothing, by the word of the host. */
const REASONS: Record<string, string> = {
  stale: "The log-in took too long, or began in another tab or browser. Try again.",
  refused: "The provider refused it.",
  token: "What the provider answered cannot be believed. The audit log says why.",
  name: "The provider tells no name that can be one here.",
  group: "You are in no group that this host knows. Whoever administrates it can add one.",
  taken: "Somebody else has your name here. Whoever administrates this host can remove that user.",
  disabled: "You may not log in for now.",
  broken: "The provider cannot be asked. The audit log says why.",
};

function AtProvider() {
  const reason = REASONS[view.value.params["error"]?.[0] ?? ""];
  const to = provider.value;
  const place = location.hash.startsWith("#/login") ? "" : location.hash;
  return (
    <>
      {reason && (
        <p class="notice trouble" role="alert">
          {reason}
        </p>
      )}
      {to && (
        <p>
          <a class="button main" href={`${to.path}?return_to=${encodeURIComponent(place)}`}>
            Log in with {to.title}
          </a>
        </p>
      )}
    </>
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
