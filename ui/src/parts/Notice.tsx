import type { ComponentChildren } from "preact";
import type { Problem } from "../api";
import { status } from "../data";

/** There is nothing to show, and what to do about it. */
export function Empty(props: { title: string; children?: ComponentChildren }) {
  return (
    <div class="notice">
      <p class="notice-title">{props.title}</p>
      {props.children}
    </div>
  );
}

/** A question could not be answered: what went wrong, and the hint of the host. What ails all is said once, above. */
export function Trouble({ problem }: { problem: Problem }) {
  return problem.unreachable ? null : <Told problem={problem} />;
}

/** That the host does not answer at all is said once, for the whole page. */
export function Unreachable() {
  const { problem } = status.value;
  return problem?.unreachable ? <Told problem={problem} /> : null;
}

/** What went wrong, and what to do. Where the place of a mistake is drawn below it, the text stands as it is. */
export function Told({ problem }: { problem: Problem }) {
  const text = problem.detail || problem.title;
  return (
    <div class="notice trouble" role="alert">
      {text.includes("\n") ? (
        <p class="notice-title placed">{text}</p>
      ) : (
        <p class="notice-title">
          <Coded text={text} />
        </p>
      )}
      {problem.hint && (
        <p>
          <span class="hint">Hint</span> <Coded text={problem.hint} />
        </p>
      )}
    </div>
  );
}

/** Text in which `this` is code. */
export function Coded({ text }: { text: string }) {
  return <>{text.split("`").map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</>;
}

/** Grey lines where an answer will be. */
export function Pending({ lines }: { lines: number }) {
  return (
    <div class="pending" aria-hidden="true">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}
