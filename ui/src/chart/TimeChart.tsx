// Values over time, as lines or stacked columns. Where nothing is known there is a gap.

import { useSignal } from "@preact/signals";
import * as format from "../format";
import { type Shape, written } from "../metrics";
import { spread, ticks } from "./scale";
import { useWidth } from "./useWidth";

export type Tone = "water" | "deep" | "good" | "bad" | "warn" | "dim";

export interface Series {
  name: string;
  tone: Tone;
  values: readonly (number | undefined)[];
}

interface Props {
  label: string;
  /** The days the values begin at. */
  at: readonly string[];
  series: readonly Series[];
  kind: "line" | "columns";
  shape: Shape;
  height?: number;
  /** Beyond the value itself: what is said of a place. */
  remark?: (index: number) => string | undefined;
  /** Shows what is behind a place. */
  open?: (index: number) => void;
}

const LEFT = 46;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 22;

export function TimeChart({ label, at, series, kind, shape, height = 190, remark, open }: Props) {
  const [box, width] = useWidth<HTMLDivElement>();
  const picked = useSignal<number | undefined>(undefined);
  const n = at.length;
  const inner = Math.max(width.value - LEFT - RIGHT, 1);
  const sums = at.map((_, index) => series.reduce((sum, one) => sum + (one.values[index] ?? 0), 0));
  const most = kind === "columns" ? Math.max(...sums, 0) : Math.max(...series.flatMap((one) => one.values.flatMap((value) => value ?? [])), 0);
  const marks = ticks(most, shape);
  const top = marks.at(-1) ?? 1;
  const x = (index: number): number => LEFT + ((index + 0.5) / Math.max(n, 1)) * inner;
  const y = (value: number): number => TOP + (1 - value / top) * (height - TOP - BOTTOM);
  const write = (value: number): string => written({ shape }, value).join(" ").trim();
  const say = (index: number): string => {
    const values = series.map((one) => `${series.length > 1 ? `${one.name} ` : ""}${one.values[index] === undefined ? "unknown" : write(one.values[index])}`);
    return [`${format.shortDate(at[index] ?? "")}: ${values.join(", ")}`, remark?.(index)].filter(Boolean).join(", ");
  };
  const walk = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (step !== 0) {
      event.preventDefault();
      picked.value = Math.min(Math.max((picked.value ?? (step > 0 ? -1 : n)) + step, 0), n - 1);
    }
    if (event.key === "Enter" && picked.value !== undefined) open?.(picked.value);
  };
  const shown = picked.value;
  return (
    <div
      class="chart"
      ref={box}
      style={{ height: `${height}px` }}
      tabIndex={0}
      role="group"
      aria-label={`${label}. ${shown === undefined ? "Arrow keys walk along it." : say(shown)}`}
      onKeyDown={walk}
      onBlur={() => (picked.value = undefined)}
      onPointerLeave={() => (picked.value = undefined)}
    >
      {width.value > 0 && (
        <svg class="plot" viewBox={`0 0 ${width.value} ${height}`} width={width.value} height={height} aria-hidden="true">
          {marks.map((mark) => (
            <g key={mark}>
              <line class={mark === 0 ? "axis" : "grid"} x1={LEFT} x2={width.value - RIGHT} y1={y(mark)} y2={y(mark)} />
              <text class="tick" x={LEFT - 7} y={y(mark) + 4} text-anchor="end">
                {axis(shape, mark)}
              </text>
            </g>
          ))}
          {spread(n, inner / 74).map((index) => (
            <text key={index} class="tick" x={Math.min(x(index), width.value - 22)} y={height - 6} text-anchor="middle">
              {format.shortDate(at[index] ?? "")}
            </text>
          ))}
          {shown !== undefined && <line class="cursor" x1={x(shown)} x2={x(shown)} y1={TOP} y2={height - BOTTOM} />}
          {kind === "columns"
            ? at.map((_, index) => <Column key={index} index={index} series={series} x={x(index)} width={Math.max((inner / n) * 0.72, 1)} y={y} picked={shown === index} />)
            : series.map((one) => <Line key={one.name} of={one} x={x} y={y} picked={shown} />)}
        </svg>
      )}
      <div class="places" style={{ left: `${LEFT}px`, right: `${RIGHT}px` }}>
        {at.map((_, index) => (
          <span key={index} class={open ? "opens" : ""} onPointerEnter={() => (picked.value = index)} onClick={() => open?.(index)} />
        ))}
      </div>
      {shown !== undefined && (
        <p class={`tip ${shown > n / 2 ? "left" : ""}`} style={{ left: `${x(shown)}px` }}>
          <strong>{format.shortDate(at[shown] ?? "")}</strong>
          {series.map((one) => (
            <span key={one.name}>
              <i class={`key ${one.tone}`} />
              {series.length > 1 && `${one.name} `}
              {one.values[shown] === undefined ? "unknown" : write(one.values[shown])}
            </span>
          ))}
          {remark?.(shown) && <span class="sub">{remark(shown)}</span>}
        </p>
      )}
    </div>
  );
}

function axis(shape: Shape, value: number): string {
  if (shape === "rate") return format.digits(value);
  return value === 0 ? "0" : written({ shape }, value).join(shape === "time" ? " " : "");
}

function Column(props: { index: number; series: readonly Series[]; x: number; width: number; y: (value: number) => number; picked: boolean }) {
  const { index, series, x, width, y, picked } = props;
  let below = 0;
  return (
    <g class={picked ? "picked" : ""}>
      {series.map((one) => {
        const value = one.values[index] ?? 0;
        const [from, to] = [y(below), y(below + value)];
        below += value;
        return value > 0 ? <rect key={one.name} class={`fill ${one.tone}`} x={x - width / 2} width={width} y={to} height={Math.max(from - to, 0.5)} /> : null;
      })}
    </g>
  );
}

function Line({ of, x, y, picked }: { of: Series; x: (index: number) => number; y: (value: number) => number; picked: number | undefined }) {
  let path = "";
  const alone: number[] = [];
  of.values.forEach((value, index) => {
    if (value === undefined) return;
    const joined = of.values[index - 1] !== undefined;
    path += `${joined ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    if (!joined && of.values[index + 1] === undefined) alone.push(index);
  });
  const dots = [...alone, ...(picked === undefined ? [] : [picked])];
  return (
    <g>
      <path class={`stroke ${of.tone}`} d={path} />
      {dots.map((index) => {
        const value = of.values[index];
        return value === undefined ? null : <circle key={index} class={`fill ${of.tone}`} cx={x(index)} cy={y(value)} r="3.2" />;
      })}
    </g>
  );
}

/** What the colours of a chart stand for. */
export function Legend({ series }: { series: readonly Pick<Series, "name" | "tone">[] }) {
  return (
    <ul class="legend">
      {series.map((one) => (
        <li key={one.name}>
          <i class={`key ${one.tone}`} />
          {one.name}
        </li>
      ))}
    </ul>
  );
}
