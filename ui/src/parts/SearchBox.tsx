import { useEffect, useRef } from "preact/hooks";
import { clear, isNarrowed, show, view } from "../state";

/** Typing searches by itself after a pause; Enter at once. */
const PAUSE_MS = 350;

export function SearchBox() {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<number | undefined>(undefined);
  const search = (text: string): void => {
    clearTimeout(timer.current);
    if (text.trim() !== view.value.query) show({ query: text.trim() });
  };
  useEffect(() => focusOnSlash(input.current), []);
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          search(input.current?.value ?? "");
        }}
      >
        <svg viewBox="0 0 16 16" width="15" height="15" aria-hidden="true">
          <path d="M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9zM10.3 10.3 14 14" />
        </svg>
        <input
          ref={input}
          type="search"
          value={view.value.query}
          aria-label="Search builds"
          aria-keyshortcuts="/"
          placeholder="Search builds: job:api* AND duration:>600000"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          onInput={(event) => {
            const text = event.currentTarget.value;
            clearTimeout(timer.current);
            timer.current = setTimeout(() => search(text), PAUSE_MS);
          }}
        />
        {isNarrowed.value ? (
          <button type="button" class="quiet" onClick={clear}>
            Clear
          </button>
        ) : (
          <kbd aria-hidden="true">/</kbd>
        )}
      </form>
    </search>
  );
}

function focusOnSlash(input: HTMLInputElement | null): () => void {
  const onKey = (event: KeyboardEvent): void => {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea, dialog");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    event.preventDefault();
    input?.focus();
  };
  addEventListener("keydown", onKey);
  return () => removeEventListener("keydown", onKey);
}
