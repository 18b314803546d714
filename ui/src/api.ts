// Asks the API. Every failure becomes a `Problem` that says what to do.

const UNREACHABLE = 0;

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
}

export type Params = Record<string, string | number | undefined>;

/** GET `path`; parameters that are undefined or empty are left out. */
export async function get<T>(path: string, params: Params, abort: AbortSignal): Promise<T> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const query = search.size > 0 ? `?${search}` : "";
  const response = await ask(path + query, abort);
  if (!response.ok) throw await problem(response);
  return (await response.json()) as T;
}

async function ask(url: string, abort: AbortSignal): Promise<Response> {
  try {
    // Revalidates by entity tag: what has not changed costs the host nothing.
    return await fetch(url, { signal: abort, cache: "no-cache", headers: { accept: "application/json" } });
  } catch (error) {
    if (abort.aborted) throw error;
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
