import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { announcement } from "../live";
import { useAction } from "../useAction";
import { Dialog } from "./Dialog";
import { entered } from "./Field";
import { Form } from "./Form";
import { FormEnd } from "./FormEnd";

interface Props {
  title: string;
  /** The word of the button that does it. */
  does: string;
  /** What must be typed first, where there is no way back. */
  sentence?: string;
  /** What it will do, and what else must be said. */
  children?: ComponentChildren;
  /** Does it, and says so. */
  act: (said: Record<string, string>) => Promise<string>;
  close: () => void;
}

/** Asks before something is done. */
export function Sure({ title, does, sentence, children, act, close }: Props) {
  const typed = useSignal("");
  const action = useAction();
  const submit = (form: HTMLFormElement): void =>
    action.run(async () => {
      announcement.value = await act(entered(form));
      close();
      return "";
    });
  return (
    <Dialog title={title} close={close}>
      <Form submit={submit}>
        {children}
        {sentence && <Typed sentence={sentence} text={typed} />}
        <FormEnd action={action} does={does} leave="Cancel" ready={!sentence || typed.value.trim() === sentence} close={close} />
      </Form>
    </Dialog>
  );
}

/** A sentence to be typed as it stands there. */
export function Typed({ sentence, text }: { sentence: string; text: Signal<string> }) {
  return (
    <label>
      Type this sentence <span class="sub sentence">{sentence}</span>
      <input class="text-input" value={text.value} autocomplete="off" spellcheck={false} onInput={(event) => (text.value = event.currentTarget.value)} />
    </label>
  );
}
