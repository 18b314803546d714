import { Coded } from "./Notice";

/** The error and, after `hint:`, what to do. */
export function LastError({ text }: { text: string }) {
  const [error = "", hint] = text.split(/\s*;?\s*\bhint:\s*/i);
  return (
    <p class="last-error">
      <Coded text={error} />
      {hint && (
        <>
          {" "}
          <span class="hint">Hint</span> <Coded text={hint} />
        </>
      )}
    </p>
  );
}
