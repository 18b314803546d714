// Keys that work everywhere but where somebody types: `/` searches, `g` and a letter goes, `?` tells.

import { signal } from "@preact/signals";
import type { Page } from "./address";
import { go, toPage } from "./state";

/** The letter after `g` of every page there is a way to. */
export const LETTERS: Record<string, Page> = {
  o: "overview",
  s: "search",
  d: "delivery",
  b: "builds",
  w: "work",
  p: "propels",
  i: "integrations",
  h: "dashboards",
  a: "admin",
};

/** Whether the list of keys is shown. */
export const helpShown = signal(false);

/** Longest pause between `g` and its letter. */
const PAUSE_MS = 1_500;
let goneAt = -PAUSE_MS;

export function listen(): void {
  addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea, dialog[open]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (act(event.key, event.timeStamp)) event.preventDefault();
  });
}

function act(key: string, at: number): boolean {
  const page = LETTERS[key];
  if (page && at - goneAt < PAUSE_MS) {
    goneAt = -PAUSE_MS;
    location.hash = toPage(page);
    return true;
  }
  goneAt = key === "g" ? at : -PAUSE_MS;
  if (key === "/") return search();
  if (key === "?") helpShown.value = true;
  return key === "?";
}

/** The search of the page; where it has none, that of everything. */
function search(): boolean {
  const box = document.querySelector<HTMLInputElement>("main input[type=search], main [role=combobox]");
  if (box) box.focus();
  else go({ page: "search" });
  return true;
}
