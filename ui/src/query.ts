// Puts search syntax together from what was picked. Values are quoted: they are text, whatever they hold.

import { FACETS, type Facet, type View } from "./state";
import type { Span } from "./span";

/** The search for the builds of a view; `without` leaves one facet open, to count its other values. */
export function buildQuery(view: View, span: Span, without?: Facet): string {
  const terms = [view.query && `(${view.query})`, scope(view), during(span)];
  for (const facet of FACETS) {
    if (facet !== without) terms.push(oneOf(facet, view.picked[facet]));
  }
  return terms.filter(Boolean).join(" AND ");
}

function scope(view: View): string {
  return [oneOf("team", view.team ? [view.team] : []), oneOf("project", view.project ? [view.project] : [])]
    .filter(Boolean)
    .join(" AND ");
}

function during(span: Span): string {
  return span.from && span.to ? `updated:[${span.from} TO ${span.to}}` : "";
}

function oneOf(field: string, values: string[]): string {
  if (values.length === 0) return "";
  return `${field}:(${values.map(quote).join(" OR ")})`;
}

function quote(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}
