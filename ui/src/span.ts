// The window of time: whole UTC days, ending today. When nothing happened lately it ends with the newest data, so
// that history that was loaded is seen at once.

const DAY_MS = 86_400_000;

export interface Span {
  /** First day, included; undefined: from the beginning. */
  from?: string;
  /** Day after the last. */
  to?: string;
  /** First day of the later half. */
  middle?: string;
  /** Whether it ends with the newest data and not today. */
  past: boolean;
}

/** The window of `days` (0: everything). `newest` is when the newest data is of, if there is any. */
export function span(days: number, newest: number | undefined, now: number): Span {
  if (days === 0) return { past: false };
  const quiet = newest !== undefined && newest < now - (days * DAY_MS) / 2;
  const end = Math.floor((quiet ? newest : now) / DAY_MS + 1) * DAY_MS;
  return {
    from: day(end - days * DAY_MS),
    middle: day(end - (days * DAY_MS) / 2),
    to: day(end),
    past: quiet,
  };
}

/** Mondays of the weeks a window touches. */
export function weeks(from: string, to: string): string[] {
  const mondays: string[] = [];
  for (let at = monday(from); at < to; at = day(Date.parse(at) + 7 * DAY_MS)) mondays.push(at);
  return mondays;
}

/** The days, weeks or months from the first to the last of `some`, which are such: none is left out. */
export function filled(some: readonly string[], by: string): string[] {
  const days = [...some].sort();
  const last = days.at(-1);
  const all: string[] = [];
  for (let at = days[0]; at !== undefined && last !== undefined && at <= last; at = following(at, by)) all.push(at);
  return all;
}

function following(at: string, by: string): string {
  if (by !== "month") return day(Date.parse(at) + (by === "week" ? 7 : 1) * DAY_MS);
  const date = new Date(at);
  return day(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1));
}

/** Monday of the week of a day. */
export function monday(of: string): string {
  const at = Date.parse(of);
  const weekday = (new Date(at).getUTCDay() + 6) % 7;
  return day(at - weekday * DAY_MS);
}

/** Days of the week from a Monday that lie in the window. */
export function coveredDays(at: string, first: string, last: string): number {
  const begin = Math.max(Date.parse(at), Date.parse(first));
  const end = Math.min(Date.parse(at) + 7 * DAY_MS, Date.parse(last));
  return Math.max(Math.round((end - begin) / DAY_MS), 1);
}

/** The day after. */
export function nextDay(of: string): string {
  return day(Date.parse(of) + DAY_MS);
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
