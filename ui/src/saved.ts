// Searches the reader keeps in this browser, beside those of the configuration.

import { signal } from "@preact/signals";

export interface Kept {
  name: string;
  /** The address that shows it. */
  address: string;
}

const KEY = "weir-searches";

export const kept = signal<readonly Kept[]>(read());

function read(): Kept[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(list) ? list.filter((one): one is Kept => typeof one?.name === "string" && String(one?.address).startsWith("#/")) : [];
  } catch {
    return [];
  }
}

/** Keeps a search; another of the same name gives way. */
export function keep(search: Kept): void {
  write([...kept.peek().filter((one) => one.name !== search.name), search]);
}

export function forget(name: string): void {
  write(kept.peek().filter((one) => one.name !== name));
}

function write(list: readonly Kept[]): void {
  kept.value = list;
  try {
    localStorage.setItem(KEY, JSON.stringify(list));
  } catch {
    // Storage can be forbidden; then they last until the page is left.
  }
}
