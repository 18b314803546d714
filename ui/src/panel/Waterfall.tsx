import * as format from "../format";
import { Mark } from "../parts/Mark";
import type { Json } from "../types";

interface Stage {
  key: string;
  name: string;
  depth: number;
  result: string;
  /** Milliseconds since the first stage began. */
  from: number | undefined;
  took: number | undefined;
}

type Part = { [key: string]: Json };

/** The stages of a build where they lie in time, those within others below them. */
export function Waterfall({ stages }: { stages: Json }) {
  const rows = ordered(stages);
  const end = Math.max(...rows.map((row) => (row.from ?? 0) + (row.took ?? 0)), 1);
  return (
    <section aria-labelledby="stages">
      <h3 id="stages">Stages</h3>
      <ol class="waterfall">
        {rows.map((row) => (
          <li key={row.key}>
            <span class="stage" style={{ paddingLeft: `${row.depth * 14}px` }} title={row.name}>
              <Mark state={row.result} />
              <span class="name">{row.name}</span>
            </span>
            <span class="lane" aria-hidden="true">
              {row.from !== undefined && <span class={TONES[row.result] ?? "dim"} style={{ left: `${(row.from / end) * 100}%`, width: `${((row.took ?? 0) / end) * 100}%` }} />}
            </span>
            <span class="took">{format.duration(row.took)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

const TONES: Record<string, string> = { success: "water", failure: "bad", timeout: "bad", unstable: "warn", error: "warn", running: "deep" };

export function ordered(stages: Json): Stage[] {
  const parts = Array.isArray(stages) ? stages.filter((one): one is Part => one !== null && typeof one === "object" && !Array.isArray(one)) : [];
  const begin = Math.min(...parts.map((part) => Date.parse(text(part["started_at"]) ?? "")).filter((at) => !Number.isNaN(at)));
  const children = Map.groupBy(parts, (part) => (parts.some((one) => one["key"] === part["parent"]) ? (text(part["parent"]) ?? "") : ""));
  const under = (key: string, depth: number): Stage[] =>
    depth > 8 ? [] : (children.get(key) ?? []).flatMap((part) => [stage(part, depth, begin), ...(text(part["key"]) ? under(text(part["key"]) ?? "", depth + 1) : [])]);
  return under("", 0);
}

function stage(part: Part, depth: number, begin: number): Stage {
  const at = Date.parse(text(part["started_at"]) ?? "");
  const took = part["duration"];
  return {
    key: text(part["key"]) ?? text(part["name"]) ?? "",
    name: text(part["name"]) ?? "unnamed",
    depth,
    result: text(part["result"]) ?? text(part["state"]) ?? "unknown",
    from: Number.isNaN(at) ? undefined : at - begin,
    took: typeof took === "number" ? took : undefined,
  };
}

const text = (value: Json | undefined): string | undefined => (typeof value === "string" ? value : undefined);
