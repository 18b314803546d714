import { useSignal } from "@preact/signals";
import { useRef, useLayoutEffect } from "preact/hooks";

/** Last lines of the log of a build that did not succeed. What they end with is what one looks for. */
export function LogEnd({ text }: { text: string }) {
  const lines = useRef<HTMLPreElement>(null);
  const copied = useSignal(false);
  const copy = (): void => void navigator.clipboard?.writeText(text).then(() => (copied.value = true));
  useLayoutEffect(() => {
    if (lines.current) lines.current.scrollTop = lines.current.scrollHeight;
    copied.value = false;
  }, [text]);
  return (
    <section class="log" aria-labelledby="log">
      <div class="log-head">
        <h3 id="log">End of the log</h3>
        <button type="button" class="button" onClick={copy}>
          {copied.value ? "Copied" : "Copy"}
        </button>
      </div>
      <pre ref={lines} tabIndex={0} aria-labelledby="log">
        {text}
      </pre>
    </section>
  );
}
