import { useEffect, useRef } from "preact/hooks";

/** A box for a search of another language than that of entities: nothing is suggested. */
export function SearchLine({ label, placeholder, value, search }: { label: string; placeholder: string; value: string; search: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current && input.current.value.trim() !== value) input.current.value = value;
  }, [value]);
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          search(input.current?.value.trim() ?? "");
        }}
      >
        <svg viewBox="0 0 16 16" width="15" height="15" aria-hidden="true">
          <path d="M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9zM10.3 10.3 14 14" />
        </svg>
        <input ref={input} type="search" defaultValue={value} aria-label={label} aria-keyshortcuts="/" placeholder={placeholder} autocomplete="off" spellcheck={false} onChange={(event) => search(event.currentTarget.value.trim())} />
        <kbd aria-hidden="true">/</kbd>
      </form>
    </search>
  );
}
