// Numbers, times and names as people read them. Nothing here guesses: what is missing is a dash.

export const MISSING = "–";

const COUNT = new Intl.NumberFormat("en-GB");
const COMPACT = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

const EXACT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY_MS = 24 * HOUR;

export const count = (n: number | null | undefined): string => (n == null ? MISSING : COUNT.format(n));
export const compact = (n: number): string => (n < 10_000 ? COUNT.format(n) : COMPACT.format(n));

/** Up to three significant digits, no trailing zeros. */
export function digits(value: number): string {
  if (value >= 100) return COUNT.format(Math.round(value));
  return String(Number(value.toFixed(value >= 10 ? 1 : 2)));
}

/** A duration as value and unit: `["3.2", "h"]`. */
export function scaled(ms: number): [string, string] {
  if (ms < SECOND) return [String(Math.round(ms)), "ms"];
  if (ms < MINUTE) return [digits1(ms / SECOND), "s"];
  if (ms < HOUR) return [digits1(ms / MINUTE), "min"];
  if (ms < 2 * DAY_MS) return [digits1(ms / HOUR), "h"];
  return [digits1(ms / DAY_MS), "d"];
}

function digits1(value: number): string {
  return value >= 100 ? COUNT.format(Math.round(value)) : String(Number(value.toFixed(1)));
}

/** A duration in two units: `3 h 12 min`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return MISSING;
  if (ms < MINUTE) return scaled(ms).join(" ");
  if (ms < HOUR) return pair(ms, MINUTE, "min", SECOND, "s");
  if (ms < DAY_MS) return pair(ms, HOUR, "h", MINUTE, "min");
  return pair(ms, DAY_MS, "d", HOUR, "h");
}

function pair(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % big) / small);
  const head = `${COUNT.format(Math.floor(ms / big))} ${bigName}`;
  return rest === 0 ? head : `${head} ${rest} ${smallName}`;
}

/** How long ago, in one unit. */
export function ago(ms: number | null | undefined): string {
  if (ms == null) return MISSING;
  if (ms < 2 * SECOND) return "now";
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR)} h ago`;
  return `${COUNT.format(Math.floor(ms / DAY_MS))} d ago`;
}

/** An instant: how long ago within a day, otherwise the date. */
export function when(at: number, now: number): string {
  const age = now - at;
  if (age > -MINUTE && age < DAY_MS) return ago(Math.max(age, 0));
  const date = new Date(at);
  if (new Date(now).getFullYear() !== date.getFullYear()) return DAY_YEAR.format(date);
  return `${DAY.format(date)}, ${CLOCK.format(date)}`;
}

/** An instant to the second, in the time of the reader. */
export function exact(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : EXACT.format(date);
}

export const clock = (ms: number): string => CLOCK.format(new Date(ms));
export const date = (day: string): string => DAY_YEAR.format(new Date(day));
export const shortDate = (day: string): string => DAY.format(new Date(`${day}T12:00:00`));

export function percent(ratio: number): string {
  return String(Number((ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)));
}

export function bytes(n: number | null | undefined): string {
  if (n == null) return MISSING;
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = n < 1 ? 0 : Math.min(Math.floor(Math.log10(n) / 3), units.length - 1);
  return `${digits(n / 1000 ** step)} ${units[step]}`;
}

/** Ten characters of an object id. */
export const short = (sha: string): string => sha.slice(0, 10);

/** `build:ci:api#12` without the kind and integration before it; of a commit only ten characters. */
export function plainId(id: string): string {
  const key = id.split(":").slice(2).join(":") || id;
  return id.startsWith("commit:") ? short(key) : key;
}

/** `change-lead-time` as `change lead time`. */
export const words = (name: string): string => name.replace(/[-_]/g, " ");

/** The address, when it is one a browser may follow. Everything else from tools is only text. */
export function safeUrl(url: string | undefined): string | undefined {
  return url !== undefined && /^https?:\/\//i.test(url) ? url : undefined;
}
