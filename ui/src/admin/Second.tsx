import type { ComponentChildren } from "preact";
import { send } from "../api";
import { Field } from "../parts/Field";
import { Sure } from "../parts/Sure";
import { self } from "../session";
import type { Asked } from "../types";

/** Does something with one of those that were asked for, and says so. */
export type Step = (verb: string, said: string, body?: unknown) => Promise<string>;

export const stepOf =
  (path: string, id: string): Step =>
  async (verb, said, body) => {
    await send("POST", `${path}/${encodeURIComponent(id)}/${verb}`, body);
    return said;
  };

interface Props {
  title: string;
  requested: Asked;
  step: Step;
  close: () => void;
  children: ComponentChildren;
}

/** Somebody else than who asked confirms it, or who has the owner key. */
export function Confirm({ title, requested, step, close, children }: Props) {
  const note = requested.by === self() ? "you have asked for it: somebody else confirms it, or this key does" : "not needed when you are not the one who asked";
  return (
    <Sure title={title} does="Confirm" close={close} act={({ key }) => step("confirm", "It is confirmed.", { owner_key: key || null })}>
      {children}
      <Field name="key" label="owner key" note={note} kind="password" />
    </Sure>
  );
}

export function TakeBack({ step, close }: Pick<Props, "step" | "close">) {
  return (
    <Sure title="Take the request back" does="Take it back" close={close} act={() => step("cancel", "It is taken back.")}>
      <p>Nothing is erased then.</p>
    </Sure>
  );
}
