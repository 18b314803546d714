// Keeps the page live: the host tells that something changed, the page asks again. When the stream breaks, it polls.

import { effect, signal } from "@preact/signals";
import { locked } from "./api";
import { beat, waiting } from "./resource";
import type { DomainEvent } from "./types";

/** Shortest time between two refreshes. */
const REFRESH_MS = 700;
/** Of a host's time a page takes at most one part of so many. */
const REST = 4;
const POLL_MS = 15_000;
/** Ages and budgets change without an event. */
const IDLE_MS = 60_000;
const RECONNECT_MS_MAX = 30_000;

export type Connection = "connecting" | "live" | "polling";

export const connection = signal<Connection>("connecting");
/** Last time everything was asked again. */
export const refreshedAt = signal(Date.now());
/** What is said to those who do not see the page. */
export const announcement = signal("");

let planned: number | undefined;
let reconnectMs = 2_000;
let lastTry = 0;
/** From the last refresh to its last answer. */
let tookMs = 0;
let isRefreshing = false;

effect(() => {
  if (waiting.value > 0 || !isRefreshing) return;
  isRefreshing = false;
  tookMs = Math.min(Date.now() - refreshedAt.peek(), POLL_MS / REST);
});

/** Asks again soon: once for many changes, and not before the last answers are there. */
export function refresh(): void {
  if (planned !== undefined) return;
  const due = refreshedAt.peek() + Math.max(REFRESH_MS, tookMs * REST) - Date.now();
  planned = setTimeout(run, Math.max(due, 0));
}

function run(): void {
  planned = undefined;
  if (document.hidden) return;
  if (waiting.peek() > 0 && Date.now() - refreshedAt.peek() < POLL_MS) {
    planned = setTimeout(run, REFRESH_MS);
    return;
  }
  refreshedAt.value = Date.now();
  beat.value += 1;
  isRefreshing = waiting.peek() > 0;
}

/** Follows the host's events from now on. */
export function follow(): void {
  connect();
  setInterval(() => {
    const age = Date.now() - refreshedAt.peek();
    if (age >= (connection.peek() === "live" ? IDLE_MS : POLL_MS)) refresh();
  }, 1_000);
  // A page nobody sees asks nothing; it catches up when it is seen again.
  document.addEventListener("visibilitychange", refresh);
  addEventListener("online", refresh);
}

function connect(): void {
  if (locked.peek()) {
    setTimeout(connect, reconnectMs);
    return;
  }
  lastTry = Date.now();
  const stream = new EventSource("/v1/events?after=now");
  stream.onopen = () => {
    if (connection.peek() === "polling") announcement.value = "Live again.";
    connection.value = "live";
    reconnectMs = 2_000;
    if (lastTry - refreshedAt.peek() > REFRESH_MS) refresh();
  };
  stream.addEventListener("tick", refresh);
  stream.onmessage = (message: MessageEvent<string>) => {
    announce(message.data);
    refresh();
  };
  stream.onerror = () => {
    // The browser would go on from the last event; a new stream from now is enough, for everything is asked again.
    stream.close();
    if (connection.peek() === "live") announcement.value = "Connection to Weir lost. Trying again.";
    connection.value = "polling";
    setTimeout(connect, reconnectMs);
    reconnectMs = Math.min(reconnectMs * 2, RECONNECT_MS_MAX);
  };
}

function announce(data: string): void {
  try {
    const event = JSON.parse(data) as Partial<DomainEvent>;
    if (event.kind === "build.broken") announcement.value = `A build broke: ${event.entity ?? ""}`;
  } catch {
    // An event this page does not know is still a reason to refresh.
  }
}
