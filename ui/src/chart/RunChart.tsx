// Runs one after the other, each as high as it took long, in the colour and pattern of its result.

import { useSignal } from "@preact/signals";
import { go } from "../state";
import * as format from "../format";
import { Mark } from "../parts/Mark";
import type { Hit } from "../types";
import { ticks } from "./scale";
import { useWidth } from "./useWidth";

const TONES: Record<string, string> = { success: "good", failure: "bad", timeout: "bad", error: "warn", unstable: "warn" };
export const toneOf = (hit: Hit): string => TONES[hit.result ?? ""] ?? "dim";

const HEIGHT = 170;
const LEFT = 52;
const RIGHT = 10;
const TOP = 8;
const BOTTOM = 10;

/** `runs` with the oldest first. */
export function RunChart({ label, runs }: { label: string; runs: readonly Hit[] }) {
  const [box, width] = useWidth<HTMLDivElement>();
  const picked = useSignal<number | undefined>(undefined);
  const n = runs.length;
  const inner = Math.max(width.value - LEFT - RIGHT, 1);
  const marks = ticks(Math.max(...runs.map((run) => run.duration ?? 0), 0), "time");
  const top = marks.at(-1) || 1;
  const y = (value: number): number => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const each = Math.min(inner / Math.max(n, 1), 26);
  const x = (index: number): number => LEFT + inner - (n - index - 0.5) * each;
  const run = picked.value === undefined ? undefined : runs[picked.value];
  const open = (hit: Hit | undefined): void => hit && go({ open: `entity:${hit.id}` });
  const walk = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (step !== 0) {
      event.preventDefault();
      picked.value = Math.min(Math.max((picked.value ?? (step > 0 ? -1 : n)) + step, 0), n - 1);
    }
    if (event.key === "Enter") open(run);
  };
  return (
    <div
      class="chart"
      ref={box}
      style={{ height: `${HEIGHT}px` }}
      tabIndex={0}
      role="group"
      aria-label={`${label}. ${run ? say(run) : "Arrow keys walk along it, Enter opens."}`}
      onKeyDown={walk}
      onBlur={() => (picked.value = undefined)}
      onPointerLeave={() => (picked.value = undefined)}
    >
      {width.value > 0 && (
        <svg class="plot" viewBox={`0 0 ${width.value} ${HEIGHT}`} width={width.value} height={HEIGHT} aria-hidden="true">
          {marks.map((mark) => (
            <g key={mark}>
              <line class={mark === 0 ? "axis" : "grid"} x1={LEFT} x2={width.value - RIGHT} y1={y(mark)} y2={y(mark)} />
              <text class="tick" x={LEFT - 7} y={y(mark) + 4} text-anchor="end">
                {mark === 0 ? "0" : format.scaled(mark).join(" ")}
              </text>
            </g>
          ))}
          {runs.map((one, index) => {
            const from = y(one.duration ?? 0);
            return (
              <g key={one.id} class={picked.value === index ? "picked run-bar" : "run-bar"}>
                <rect class={`fill ${toneOf(one)}`} x={x(index) - each * 0.38} width={Math.max(each * 0.76, 1)} y={from} height={Math.max(y(0) - from, 2)} />
                {/* Red ones stand out by a foot as well as by their colour. */}
                {toneOf(one) === "bad" && <rect class="fill bad" x={x(index) - each * 0.38} width={Math.max(each * 0.76, 1)} y={y(0) + 2} height="4" />}
                <rect class="hit" x={x(index) - each / 2} width={each} y="0" height={HEIGHT} onPointerEnter={() => (picked.value = index)} onClick={() => open(one)} />
              </g>
            );
          })}
        </svg>
      )}
      {run && picked.value !== undefined && (
        <p class={`tip ${x(picked.value) > width.value / 2 ? "left" : ""}`} style={{ left: `${x(picked.value)}px` }}>
          <strong class="with-mark">
            <Mark state={run.result ?? run.state ?? "unknown"} silent /> {run.result ?? run.state} {run.number !== undefined && `#${run.number}`}
          </strong>
          <span>{format.duration(run.duration)}</span>
          <span class="sub">{[run.branch, format.exact(run.finished ?? run.updated ?? "")].filter(Boolean).join(", ")}</span>
        </p>
      )}
    </div>
  );
}

function say(run: Hit): string {
  return [`${run.result ?? run.state ?? "unknown"}`, run.number === undefined ? "" : `number ${run.number}`, format.duration(run.duration), run.branch].filter(Boolean).join(", ");
}
