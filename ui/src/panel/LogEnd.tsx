import { useSignal } from "@preact/signals";

/** Last lines of the log of a build that did not succeed. What they end with is what one looks for, so it is laid out from its end. */
export function LogEnd({ text }: { text: string }) {
  const copied = useSignal("");
  const copy = (): void => void navigator.clipboard?.writeText(text).then(() => (copied.value = text));
  return (
    <section class="log" aria-labelledby="log">
      <div class="log-head">
        <h3 id="log">End of the log</h3>
        <button type="button" class="button" onClick={copy}>
          {copied.value === text ? "Copied" : "Copy"}
        </button>
      </div>
      <pre tabIndex={0} aria-labelledby="log">
        <code>{text}</code>
      </pre>
    </section>
  );
}
