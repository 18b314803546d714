// Who looks. What they may not do is not offered; the host judges in any case.

import { signal } from "@preact/signals";
import type { Page } from "./address";
import { Problem, SESSION, get, locked, proveWith, send, takeKey } from "./api";
import type { Permission, Provider, Session } from "./types";

const RETRY_MS = 5_000;

/** Undefined while nobody knows: before the host answered. */
export const session = signal<Session | undefined>(undefined);
/** Whether it is known what can be shown: who looks, that they must log in, or that the host does not answer. */
export const asked = signal(false);
/** Whether the host waits for its first administrator. */
export const first = signal(false);
/** A provider at which people log in; undefined where there is none. */
export const provider = signal<Provider | undefined>(undefined);

/** Asks the host who looks. */
export async function whoAmI(): Promise<void> {
  try {
    const answer = await get<Session>(SESSION, {});
    proveWith(answer.token ?? undefined);
    session.value = answer;
    locked.value = false;
  } catch (error) {
    const problem = error instanceof Problem ? error : undefined;
    if (problem?.status === 401) {
      first.value = problem.first;
      provider.value = problem.provider;
      locked.value = true;
    }
    if (problem?.unreachable) setTimeout(() => void whoAmI(), RETRY_MS);
  }
  asked.value = true;
}

/** Who looks, as the host writes who did something. */
export function self(): string {
  const { kind = "machine", name = "machine" } = session.value ?? {};
  return kind === "user" || kind === "key" ? `${kind}:${name}` : name;
}

/** Permissions for things that belong to no team. */
const WHOLE: readonly Permission[] = ["status", "runs", "trigger", "propel", "tables", "collect"];

/** Permissions of those who administrate; not offered before it is known who looks. */
const ADMINISTRATION: readonly Permission[] = ["access", "audit", "lifecycle"];

/** Whether the session allows it. */
export function may(permission: Permission): boolean {
  const now = session.value;
  if (!now) return !ADMINISTRATION.includes(permission);
  return now.permissions.includes(permission) && !(now.limited && WHOLE.includes(permission));
}

/** Whether notes may be written: beside what one sees, limited or not. */
export const mayNote = (): boolean => session.value?.permissions.includes("tables") ?? true;

/** What a page needs; one of them is enough. */
const NEEDS: Record<Page, readonly Permission[]> = {
  overview: ["read"],
  search: ["read"],
  delivery: ["read"],
  builds: ["read"],
  work: ["read"],
  propels: ["runs"],
  integrations: ["status"],
  dashboards: ["read"],
  admin: ADMINISTRATION,
  welcome: [],
};

export const maySee = (page: Page): boolean => NEEDS[page].length === 0 || NEEDS[page].some(may);

/** Logs in, and shows what was to be shown. Nothing of who looked before stays. */
export async function logIn(name: string, password: string): Promise<void> {
  await send("POST", SESSION, { name, password });
  takeKey("");
  location.reload();
}

/** Uses a key, as long as the tab is open. */
export function enterWith(key: string): void {
  takeKey(key);
  location.reload();
}

export async function logOut(): Promise<void> {
  if (session.peek()?.kind === "user") await send("DELETE", SESSION);
  takeKey("");
  location.reload();
}
