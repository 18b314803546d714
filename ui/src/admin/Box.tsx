import type { ComponentChildren } from "preact";
import type { Answer } from "../resource";
import { Empty, Pending, Trouble } from "../parts/Notice";

interface Props<T> {
  title: string;
  note?: ComponentChildren;
  tools?: ComponentChildren;
  answer: Answer<T>;
  children: (data: T) => ComponentChildren;
}

/** A part of the administration, with the answer it shows. */
export function Box<T>({ title, note, tools, answer: { data, problem }, children }: Props<T>) {
  const id = title.toLowerCase().replaceAll(" ", "-");
  return (
    <section class="panel-box" aria-labelledby={id}>
      <div class="head">
        <h2 id={id}>{title}</h2>
        {note && <p class="note">{note}</p>}
        {tools && <span class="takes right">{tools}</span>}
      </div>
      {problem && (problem.missing ? <Empty title="This host has none of it." /> : <Trouble problem={problem} />)}
      {data === undefined && !problem && <Pending lines={4} />}
      {data !== undefined && children(data)}
    </section>
  );
}
