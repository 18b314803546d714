// Asks the API. Every failure becomes a `Problem` that says what to do.

import { signal } from "@preact/signals";
import type { Provider } from "./types";

const UNREACHABLE = 0;
const UNAUTHORISED = 401;
const MISSING = 404;
const GONE = 410;
const KEY = "weir-key";
/** Where one logs in: an answer of 401 says that it failed. */
export const SESSION = "/v1/session";

/** Whether the host wants to know who asks. */
export const locked = signal(false);
/** Whether the account of the host is erased, or is being so: what is left is the proof. */
export const gone = signal(false);
/** The key, kept until the browser's tab is closed. */
const key = signal(stored());

function stored(): string {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** Goes with what changes something, so that no other site can make a browser ask for it. */
let token: string | undefined;

export function proveWith(given: string | undefined): void {
  token = given;
}

/** Sends this key from now on; an empty one: none. */
export function takeKey(text: string): void {
  key.value = text.trim();
  try {
    sessionStorage.setItem(KEY, text.trim());
  } catch {
    // Storage can be forbidden; the key then lasts until the page is left.
  }
}

/** What went wrong, as RFC 9457 says it, with the hint of the host. */
export class Problem extends Error {
  constructor(
    readonly title: string,
    readonly detail: string,
    readonly hint: string,
    readonly status: number,
    /** Whether the host waits for its first administrator. */
    readonly first = false,
    /** A provider at which people log in. */
    readonly provider?: Provider,
  ) {
    super(detail || title);
  }

  /** Whether the host did not answer at all. */
  get unreachable(): boolean {
    return this.status === UNREACHABLE;
  }

  /** Whether there is no such thing, or one may not know of it. */
  get missing(): boolean {
    return this.status === MISSING;
  }
}

export type Params = Record<string, string | number | undefined>;

/** GET `path`; parameters that are undefined or empty are left out. */
export async function get<T>(path: string, params: Params, abort?: AbortSignal): Promise<T> {
  return JSON.parse(await getText(path, params, abort)) as T;
}

/** The same, letter by letter: what is signed must stay as it came. */
export async function getText(path: string, params: Params = {}, abort?: AbortSignal): Promise<string> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const query = search.size > 0 ? `?${search}` : "";
  const response = await ask(path + query, abort ? { signal: abort } : {});
  if (!response.ok) throw await problem(response);
  return response.text();
}

/** Changes what is at `path`, with a body: JSON, text as it is, or none. An answer without one gives `{}`. */
export async function send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { "content-type": typeof body === "string" ? "text/csv" : "application/json", ...(token ? { "x-weir-token": token } : {}) };
  const response = await ask(path, { method, headers, ...(text === undefined ? {} : { body: text }) });
  if (!response.ok) throw await problem(response);
  return JSON.parse((await response.text()) || "{}") as T;
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("accept", "application/json");
  if (key.peek()) headers.set("authorization", `Bearer ${key.peek()}`);
  try {
    // Revalidates by entity tag: what has not changed costs the host nothing.
    const response = await fetch(url, { cache: "no-cache", ...init, headers });
    if (response.status === GONE) gone.value = true;
    if (response.status === UNAUTHORISED && !gone.peek() && !url.startsWith(SESSION)) locked.value = true;
    return response;
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem("Weir does not answer", "", "Is `weir run` still running? The page tries again by itself.", UNREACHABLE);
  }
}

async function problem(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const text = (name: string): string => {
    const value = body !== null && typeof body === "object" ? (body as Record<string, unknown>)[name] : undefined;
    return typeof value === "string" ? value : "";
  };
  const title = text("title") || `The host answered ${response.status}`;
  const first = body !== null && typeof body === "object" && "welcome" in body && body.welcome === true;
  const provider = body !== null && typeof body === "object" && "oidc" in body ? (body.oidc as Provider) : undefined;
  return new Problem(title, text("detail"), text("hint"), response.status, first, provider);
}
