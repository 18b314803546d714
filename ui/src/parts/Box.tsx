import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Answer } from "../resource";
import { Answered } from "./Answered";

interface Props<T> {
  title: ComponentChildren;
  /** What to know about it; from the answer, once it is there. */
  note?: ComponentChildren | ((data: T) => ComponentChildren);
  /** What can be done with all of it. */
  tools?: ComponentChildren;
  /** What stands before the answer, and asks for another. */
  above?: ComponentChildren;
  answer: Answer<T>;
  lines?: number;
  children: (data: T) => ComponentChildren;
}

/** A part of a page: its title, and the answer it shows. */
export function Box<T>({ title, note, tools, above, answer, lines, children }: Props<T>) {
  const id = useId();
  const told = typeof note === "function" ? answer.data !== undefined && note(answer.data) : note;
  return (
    <section class="panel-box" aria-labelledby={id} aria-busy={answer.stale && answer.data !== undefined}>
      <div class="head">
        <h2 id={id}>{title}</h2>
        {told && <p class="note">{told}</p>}
        {tools && <span class="takes right">{tools}</span>}
      </div>
      {above}
      <Answered answer={answer} {...(lines === undefined ? {} : { lines })}>
        {children}
      </Answered>
    </section>
  );
}
