// Puts search syntax together from what was picked. Values are quoted: they are text, whatever they hold.

import type { Span } from "./span";
import type { View } from "./address";

/** All of these must hold; empty ones say nothing. */
export const all = (...terms: string[]): string => terms.filter(Boolean).join(" AND ");

/** What was typed, as one term. */
export const typed = (text: string): string => (text.trim() === "" ? "" : `(${text.trim()})`);

/** A search narrowed by terms. */
export const narrowed = (q: string, terms: string): string => all(/\bOR\b/.test(q) ? typed(q) : q, terms);

/** Whose data a view shows, and when it changed. */
export function within({ team, project }: Pick<View, "team" | "project">, span: Span | undefined): string {
  return all(oneOf("team", team ? [team] : []), oneOf("project", project ? [project] : []), during("updated", span));
}

export function during(field: string, span: Span | undefined): string {
  return span?.from && span.to ? `${field}:[${span.from} TO ${span.to}}` : "";
}

export function oneOf(field: string, values: readonly string[]): string {
  return values.length === 0 ? "" : `${field}:(${values.map(quoted).join(" OR ")})`;
}

export function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}
