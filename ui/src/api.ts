// Asks the API. Every failure becomes a `Problem` that says what to do.

import { signal } from "@preact/signals";

const UNREACHABLE = 0;
const UNAUTHORISED = 401;
const KEY = "weir-key";

/** Whether the host asked for a key it did not get, or does not know. */
export const keyWanted = signal(false);
/** The key, kept until the browser's tab is closed. */
const key = signal(stored());

function stored(): string {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** Sends this key from now on. */
export function takeKey(text: string): void {
  key.value = text.trim();
  keyWanted.value = false;
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
  ) {
    super(detail || title);
  }

  /** Whether the host did not answer at all. */
  get unreachable(): boolean {
    return this.status === UNREACHABLE;
  }

  /** Whether it wants a key. */
  get locked(): boolean {
    return this.status === UNAUTHORISED;
  }
}

export type Params = Record<string, string | number | undefined>;

/** GET `path`; parameters that are undefined or empty are left out. */
export async function get<T>(path: string, params: Params, abort: AbortSignal): Promise<T> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const query = search.size > 0 ? `?${search}` : "";
  const response = await ask(path + query, { signal: abort });
  if (!response.ok) throw await problem(response);
  return (await response.json()) as T;
}

/** POST or DELETE `path` with a body: JSON, or text as it is. */
export async function send<T>(method: "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
  const text = typeof body === "string" ? body : JSON.stringify(body ?? {});
  const response = await ask(path, { method, headers: { "content-type": typeof body === "string" ? "text/csv" : "application/json" }, ...(method === "POST" ? { body: text } : {}) });
  if (!response.ok) throw await problem(response);
  return (await response.json()) as T;
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("accept", "application/json");
  if (key.peek()) headers.set("authorization", `Bearer ${key.peek()}`);
  try {
    // Revalidates by entity tag: what has not changed costs the host nothing.
    const response = await fetch(url, { cache: "no-cache", ...init, headers });
    if (response.status === UNAUTHORISED) keyWanted.value = true;
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
  return new Problem(title, text("detail"), text("hint"), response.status);
}
