import { useSignal } from "@preact/signals";

/** Something that is told only now: to be copied, for it cannot be shown again. */
export function Once({ what, text }: { what: string; text: string }) {
  const copied = useSignal(false);
  const copy = (): void => void navigator.clipboard?.writeText(text).then(() => (copied.value = true));
  return (
    <div class="notice once" role="status">
      <p class="notice-title">{what}</p>
      <p>
        <code class="secret">{text}</code>
      </p>
      <p class="inline">
        <button type="button" class="button" onClick={copy}>
          {copied.value ? "Copied" : "Copy"}
        </button>
        <span class="sub">It is not shown again.</span>
      </p>
    </div>
  );
}

/** A link of this host, whole. */
export const whole = (link: string): string => new URL(link, location.href).href;
