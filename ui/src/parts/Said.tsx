import type { Action } from "../useAction";
import { Told } from "./Notice";

/** What became of something that was asked for. */
export function Said({ action }: { action: Action }) {
  const problem = action.problem.value;
  return (
    <>
      {problem && <Told problem={problem} />}
      <div role="status">{action.said.value && <p class="note">{action.said.value}</p>}</div>
    </>
  );
}
