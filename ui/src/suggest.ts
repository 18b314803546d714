// What can come next in a search, from what stands before the caret. Pure.

/** The fields of the search syntax, and what they hold. */
export const FIELDS: readonly (readonly [name: string, holds: string])[] = [
  ["kind", "change, build, work-item, deployment …"],
  ["project", "repository or project"],
  ["team", "team, or one above it"],
  ["service", "service"],
  ["integration", "where it was collected"],
  ["repository", "repository"],
  ["person", "login, address or name"],
  ["title", "words of the title"],
  ["text", "words of the text"],
  ["status", "status in the tool"],
  ["state", "open, merged, running …"],
  ["result", "success, failure, timeout …"],
  ["type", "type of item or change"],
  ["priority", "priority"],
  ["resolution", "resolution"],
  ["labels", "label"],
  ["component", "component"],
  ["version", "version"],
  ["environment", "environment"],
  ["branch", "branch, feature/* for several"],
  ["sha", "commit"],
  ["job", "job or pipeline"],
  ["key", "handle, such as PAY-12"],
  ["trigger", "what started a build"],
  ["number", "number, >100 or <=100"],
  ["duration", "milliseconds, >600000"],
  ["created", "day, or [2025-01-01 TO now]"],
  ["updated", "day, or >now-7d"],
  ["started", "day"],
  ["finished", "day"],
  ["saved", "a saved search"],
];

/** The term under the caret: a field that is being named, or a value of one. */
export interface Term {
  from: number;
  to: number;
  field: string | undefined;
  part: string;
}

/** Reads backwards from the caret to where the term begins. In quotes, nothing is suggested. */
export function termAt(text: string, caret: number): Term | undefined {
  const before = text.slice(0, caret);
  if ((before.replace(/\\./g, "").match(/"/g)?.length ?? 0) % 2 === 1) return undefined;
  const begun = /[^\s()]*$/.exec(before)?.[0] ?? "";
  const [, field, part] = /^-?(?:([\w.-]+):)?(.*)$/.exec(begun) ?? [];
  if (part === undefined || /^[[<>]/.test(part)) return undefined;
  return { from: caret - part.length, to: caret, field, part };
}

/** The text with the term replaced, and where the caret goes. */
export function completed(text: string, term: Term, chosen: string): { text: string; caret: number } {
  const whole = term.field === undefined ? `${chosen}:` : `${/^[\w./@#*?-]+$/.test(chosen) ? chosen : `"${chosen.replace(/["\\]/g, "\\$&")}"`} `;
  return { text: text.slice(0, term.from) + whole + text.slice(term.to).trimStart(), caret: term.from + whole.length };
}

/** Those that begin with the part, then those that hold it. */
export function fitting<T>(all: readonly T[], name: (one: T) => string, part: string, most: number): T[] {
  const wanted = part.toLowerCase();
  const rank = (one: T): number => name(one).toLowerCase().indexOf(wanted);
  const begin = all.filter((one) => rank(one) === 0);
  return [...begin, ...all.filter((one) => rank(one) > 0)].slice(0, most);
}
