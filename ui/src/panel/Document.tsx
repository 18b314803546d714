// Shows any document of an entity as text: names and values, lists and parts of parts. It knows no kind.

import type { ComponentChild } from "preact";
import * as format from "../format";
import { Age } from "../parts/Age";
import type { Json } from "../types";

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;
const OBJECT_ID = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const ELEMENTS_SHOWN = 30;
/** Fields that are milliseconds. */
const DURATIONS = new Set(["duration", "queued_for"]);

export function Document({ document }: { document: { [key: string]: Json } }) {
  return <Fields of={document} />;
}

function Fields({ of }: { of: { [key: string]: Json } }) {
  const stated = Object.entries(of).filter(([, value]) => !isEmpty(value));
  return (
    <dl class="fields">
      {stated.map(([name, value]) => (
        <div key={name} class={isNested(value) ? "nested" : ""}>
          <dt>{format.words(name)}</dt>
          <dd>{shown(name, value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function isEmpty(value: Json): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}

function isNested(value: Json): boolean {
  return Array.isArray(value) ? value.some(isNested) : typeof value === "object" && value !== null && !reference(value);
}

/** A reference is one name: `{"key": "…"}` or `{"name": "…"}`. */
function reference(value: { [key: string]: Json }): string | undefined {
  const [only, ...others] = Object.entries(value);
  if (!only || others.length > 0 || !["key", "name"].includes(only[0])) return undefined;
  return typeof only[1] === "string" ? only[1] : undefined;
}

function shown(name: string, value: Json): ComponentChild {
  if (Array.isArray(value)) return list(name, value);
  if (value === null) return format.MISSING;
  if (typeof value === "object") return reference(value) ?? <Fields of={value} />;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return DURATIONS.has(name) ? format.duration(value) : String(value);
  return written(value);
}

function list(name: string, values: Json[]): ComponentChild {
  const more = values.length - ELEMENTS_SHOWN;
  return (
    <ul class={values.some(isNested) ? "elements" : "elements flat"}>
      {values.slice(0, ELEMENTS_SHOWN).map((value, index) => (
        <li key={index}>{shown(name, value)}</li>
      ))}
      {more > 0 && <li>and {format.count(more)} more</li>}
    </ul>
  );
}

function written(text: string): ComponentChild {
  if (INSTANT.test(text)) return <Age at={text} />;
  if (OBJECT_ID.test(text)) return <code title={text}>{format.short(text)}</code>;
  const url = format.safeUrl(text);
  if (!url) return <span class="text">{text}</span>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {text}
    </a>
  );
}
