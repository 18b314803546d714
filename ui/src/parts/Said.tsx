import type { Action } from "../useAction";
import { Coded } from "./Notice";

/** What became of something that was asked for. */
export function Said({ action }: { action: Action }) {
  const problem = action.problem.value;
  return (
    <div role="status">
      {problem && (
        <div class="notice trouble">
          <p class="notice-title">{problem.detail || problem.title}</p>
          {problem.hint && (
            <p>
              <span class="hint">Hint</span> <Coded text={problem.hint} />
            </p>
          )}
        </div>
      )}
      {action.said.value && <p class="note">{action.said.value}</p>}
    </div>
  );
}
