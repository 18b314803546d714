// Shows any document of an entity as text: names and values, lists and parts of parts. It knows no kind.

import type { ComponentChild } from "preact";
import * as format from "../format";
import { Mark, isState } from "../parts/Mark";
import type { Json } from "../types";

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;
const OBJECT_ID = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const ELEMENTS_SHOWN = 30;
/** Widest table a list becomes. */
const COLUMNS_MAX = 5;
/** Fields that are milliseconds. */
const DURATIONS = new Set(["duration", "queued_for"]);
/** Fields that are words for a state with a mark. */
const STATES = new Set(["result", "state"]);

/** Fields that prove something, and are shown whole. */
const PROOFS = new Set(["root", "public_key", "signature"]);

type Part = { [key: string]: Json };

export function Fields({ of }: { of: Part }) {
  const stated = Object.entries(of).filter(([, value]) => !isEmpty(value));
  return (
    <dl class="fields">
      {stated.map(([name, value]) => (
        <div key={name}>
          <dt>{format.words(name)}</dt>
          <dd>{shown(name, value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function isEmpty(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === undefined || value === null || value === "" || (isPart(value) && Object.keys(value).length === 0);
}

function isPart(value: Json): value is Part {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A reference is one name: `{"key": "…"}` or `{"name": "…"}`. */
function reference(value: Part): string | undefined {
  const [only, ...others] = Object.entries(value);
  if (!only || others.length > 0 || !["key", "name"].includes(only[0])) return undefined;
  return typeof only[1] === "string" ? only[1] : undefined;
}

function shown(name: string, value: Json): ComponentChild {
  if (Array.isArray(value)) return list(name, value);
  if (isPart(value)) return written(reference(value)) ?? <Fields of={value} />;
  if (value === null) return format.MISSING;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return DURATIONS.has(name) ? format.duration(value) : String(value);
  if (STATES.has(name) && isState(value)) return <Stated word={value} />;
  return PROOFS.has(name) ? <code>{value}</code> : written(value);
}

function Stated({ word }: { word: string }) {
  return (
    <span class="stated">
      <Mark state={word} silent /> {word}
    </span>
  );
}

function list(name: string, values: Json[]): ComponentChild {
  const some = values.slice(0, ELEMENTS_SHOWN);
  const parts = some.filter((value) => isPart(value) && reference(value) === undefined) as Part[];
  const columns = [...new Set(parts.flatMap((part) => Object.keys(part).filter((key) => !isEmpty(part[key]))))];
  const rest = values.length > some.length && <p class="sub">and {format.count(values.length - some.length)} more</p>;
  const flat = parts.every((part) => columns.every((key) => isFlat(part[key])));
  if (parts.length === some.length && parts.length > 1 && flat && columns.length <= COLUMNS_MAX) {
    return (
      <>
        <Rows name={name} parts={parts} columns={columns} />
        {rest}
      </>
    );
  }
  return (
    <>
      <ul class={parts.length > 0 ? "elements" : "elements flat"}>
        {some.map((value, index) => (
          <li key={index}>{isPart(value) && columns.length > COLUMNS_MAX ? <Folded part={value} /> : shown(name, value)}</li>
        ))}
      </ul>
      {rest}
    </>
  );
}

/** A part of many fields: its name and state, and the rest when it is opened. */
function Folded({ part }: { part: Part }) {
  const name = ["name", "title", "key"].map((field) => part[field]).find((value) => typeof value === "string");
  const { result, duration } = part;
  return (
    <details>
      <summary>
        {typeof result === "string" && <Mark state={result} />}
        <span class="folded-name">{typeof name === "string" ? name : "unnamed"}</span>
        {typeof duration === "number" && <span class="sub">{format.duration(duration)}</span>}
      </summary>
      <Fields of={part} />
    </details>
  );
}

function isFlat(value: Json | undefined): boolean {
  return value === undefined || (isPart(value) ? reference(value) !== undefined : !Array.isArray(value));
}

function Rows({ name, parts, columns }: { name: string; parts: Part[]; columns: string[] }) {
  return (
    <table class="rows">
      <caption class="hidden">{format.words(name)}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {format.words(column)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {parts.map((part, index) => (
          <tr key={index}>
            {columns.map((column) => (
              <td key={column}>{isEmpty(part[column]) ? "" : shown(column, part[column] ?? null)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function written(text: string | undefined): ComponentChild {
  if (text === undefined) return undefined;
  if (INSTANT.test(text)) return <time dateTime={text}>{format.exact(text)}</time>;
  if (OBJECT_ID.test(text)) return <code title={text}>{format.short(text)}</code>;
  const url = format.safeUrl(text);
  if (!url) return <span class="text">{text}</span>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {text}
    </a>
  );
}
