import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { savedSearches } from "../data";
import * as format from "../format";
import { all } from "../query";
import { FIELDS, type Term, completed, fitting, termAt } from "../suggest";
import type { SearchAnswer } from "../types";
import { useGet } from "../useResource";

const SHOWN = 8;
/** Fields whose values cannot be counted. */
const UNCOUNTED = new Set(["title", "text", "created", "updated", "started", "finished", "number", "duration"]);
/** Typing searches by itself after a pause; Enter at once. */
const PAUSE_MS = 350;

interface Props {
  label: string;
  placeholder: string;
  value: string;
  /** Narrows the values that are suggested. */
  within?: string;
  search: (text: string) => void;
  clear?: (() => void) | undefined;
}

interface Option {
  value: string;
  note: string;
}

/** A box for a search that suggests fields, and the values they have. */
export function QueryBox({ label, placeholder, value, within = "", search, clear }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<number | undefined>(undefined);
  const term = useSignal<Term | undefined>(undefined);
  const at = useSignal(-1);
  const id = useId();
  const options = useOptions(term.value, within);
  const open = options.length > 0;

  useEffect(() => {
    // The address may say something else than what was typed: one went back, or followed a link.
    if (input.current && input.current.value.trim() !== value) input.current.value = value;
  }, [value]);

  const run = (): void => {
    clearTimeout(timer.current);
    const text = input.current?.value.trim() ?? "";
    if (text !== value) search(text);
  };
  const look = (): void => {
    const { current } = input;
    term.value = current && document.activeElement === current ? termAt(current.value, current.selectionStart ?? 0) : undefined;
    at.value = -1;
  };
  const take = (option: Option): void => {
    const { current } = input;
    if (!current || !term.value) return;
    const { text, caret } = completed(current.value, term.value, option.value);
    current.value = text;
    current.focus();
    current.setSelectionRange(caret, caret);
    if (term.value.field !== undefined) run();
    look();
  };
  const onKey = (event: KeyboardEvent): void => {
    const chosen = options[at.value];
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && open) at.value = ((at.value + step + 1 + options.length + 1) % (options.length + 1)) - 1;
    else if (chosen && (event.key === "Enter" || event.key === "Tab")) take(chosen);
    else if (event.key === "Escape" && open) term.value = undefined;
    else return;
    event.preventDefault();
  };
  return (
    <search class="query">
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          term.value = undefined;
          run();
        }}
      >
        <svg viewBox="0 0 16 16" width="15" height="15" aria-hidden="true">
          <path d="M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9zM10.3 10.3 14 14" />
        </svg>
        <input
          ref={input}
          type="text"
          enterKeyHint="search"
          role="combobox"
          defaultValue={value}
          aria-label={label}
          aria-keyshortcuts="/"
          aria-autocomplete="list"
          aria-expanded={open}
          aria-controls={`${id}list`}
          {...(at.value >= 0 ? { "aria-activedescendant": `${id}${at.value}` } : {})}
          placeholder={placeholder}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          onInput={() => {
            look();
            clearTimeout(timer.current);
            timer.current = setTimeout(run, PAUSE_MS);
          }}
          onClick={look}
          onKeyDown={onKey}
          onBlur={() => (term.value = undefined)}
        />
        {clear ? (
          <button type="button" class="quiet" onClick={clear}>
            Clear
          </button>
        ) : (
          <kbd aria-hidden="true">/</kbd>
        )}
      </form>
      <ul class="options" id={`${id}list`} role="listbox" aria-label="Suggestions" hidden={!open}>
        {options.map((option, index) => (
          <li
            key={option.value}
            id={`${id}${index}`}
            role="option"
            aria-selected={at.value === index}
            // The box keeps the focus, or its list would close before the click.
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => take(option)}
          >
            <code>{option.value}</code>
            <span class="sub">{option.note}</span>
          </li>
        ))}
      </ul>
    </search>
  );
}

function useOptions(term: Term | undefined, within: string): Option[] {
  const field = term?.field;
  const counted = field !== undefined && field !== "saved" && !UNCOUNTED.has(field);
  const { data } = useGet<SearchAnswer>("/v1/search", counted ? { q: all(within), limit: 0, facets: field, facet_limit: 300 } : undefined).value;
  if (!term) return [];
  if (field === undefined) {
    return term.part === "" ? [] : fitting(FIELDS, ([name]) => name, term.part, SHOWN).map(([value, note]) => ({ value, note }));
  }
  if (field === "saved") {
    const searches = savedSearches.value.data?.searches ?? [];
    return fitting(searches, (one) => one.name, term.part, SHOWN).map((one) => ({ value: one.name, note: one.description ?? one.q }));
  }
  const values = counted ? (data?.facets[field] ?? []) : [];
  return fitting(values, (one) => one.value, term.part, SHOWN)
    .filter((one) => one.value !== term.part)
    .map((one) => ({ value: one.value, note: format.compact(one.count) }));
}
