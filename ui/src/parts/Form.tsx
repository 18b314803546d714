import type { ComponentChildren } from "preact";

/** A form that is handled here. */
export function Form({ submit, children }: { submit: (form: HTMLFormElement) => void; children: ComponentChildren }) {
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        submit(event.currentTarget);
      }}
    >
      {children}
    </form>
  );
}
