// The clock of the page: ages move on by themselves, without asking the host.

import { computed, signal } from "@preact/signals";

const DAY_MS = 86_400_000;

export const now = signal(Date.now());
/** Begin of the UTC day. */
export const today = computed(() => Math.floor(now.value / DAY_MS) * DAY_MS);

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1_000);
