import type { ComponentChildren } from "preact";
import type { Answer } from "../resource";
import { Pending, Trouble } from "./Notice";

interface Props<T> {
  answer: Answer<T>;
  /** About how many lines it will be. */
  lines?: number;
  children: (data: T) => ComponentChildren;
}

/** What is made of an answer; before it is there, grey lines. What was shown stays beside a problem. */
export function Answered<T>({ answer: { data, problem }, lines = 5, children }: Props<T>) {
  return (
    <>
      {problem && <Trouble problem={problem} />}
      {data === undefined && !problem && <Pending lines={lines} />}
      {data !== undefined && children(data)}
    </>
  );
}
