// Times over days, one dot each, on a scale in which each step is many times the one before.

import { useSignal } from "@preact/signals";
import * as format from "../format";
import { go } from "../state";
import { LOG_MARKS } from "./scale";
import { useWidth } from "./useWidth";

export interface Dot {
  id: string;
  at: number;
  value: number;
  outlier: boolean;
  label: string;
}

interface Props {
  label: string;
  dots: readonly Dot[];
  from: number;
  to: number;
  /** Lines across: half of the dots, and nine of ten, are below them. */
  p50: number;
  p90: number;
}

const HEIGHT = 260;
const LEFT = 52;
const RIGHT = 44;
const TOP = 10;
const BOTTOM = 22;
const LEAST = 60_000;
const DAY = 86_400_000;

export function Scatter({ label, dots, from, to, p50, p90 }: Props) {
  const [box, width] = useWidth<HTMLDivElement>();
  const picked = useSignal<Dot | undefined>(undefined);
  const most = Math.max(...dots.map((dot) => dot.value), 2 * LEAST);
  // The few that are far below the others lie on the lowest line.
  const low = [...dots].sort((a, b) => a.value - b.value)[Math.floor(dots.length * 0.03)]?.value ?? LEAST;
  const least = LOG_MARKS.findLast((mark) => mark <= low && mark * 10 <= most) ?? LEAST;
  const floor = Math.log(least);
  const height = Math.log(most * 1.15) - floor;
  const y = (value: number): number => TOP + (1 - (Math.log(Math.max(value, least)) - floor) / height) * (HEIGHT - TOP - BOTTOM);
  const x = (at: number): number => LEFT + ((at - from) / Math.max(to - from, DAY)) * (width.value - LEFT - RIGHT);
  const days = Array.from({ length: 6 }, (_, index) => from + ((to - from) * index) / 5);
  const lines: [string, number][] = [
    ["median", p50],
    ["9 of 10", p90],
  ];
  const shown = picked.value;
  return (
    <div class="chart" ref={box} style={{ height: `${HEIGHT}px` }} role="img" aria-label={`${label}: ${format.count(dots.length)} dots, median ${format.duration(p50)}, nine of ten below ${format.duration(p90)}`}>
      {width.value > 0 && (
        <svg class="plot" viewBox={`0 0 ${width.value} ${HEIGHT}`} width={width.value} height={HEIGHT} aria-hidden="true" onPointerLeave={() => (picked.value = undefined)}>
          {LOG_MARKS.filter((mark) => mark >= least && mark <= most * 1.15).map((mark) => (
            <g key={mark}>
              <line class="grid" x1={LEFT} x2={width.value - RIGHT} y1={y(mark)} y2={y(mark)} />
              <text class="tick" x={LEFT - 7} y={y(mark) + 4} text-anchor="end">
                {mark === least && "≤ "}
                {format.scaled(mark).join(" ").replace("24 h", "1 d")}
              </text>
            </g>
          ))}
          {days.map((at) => (
            <text key={at} class="tick" x={x(at)} y={HEIGHT - 6} text-anchor="middle">
              {format.shortDate(new Date(at).toISOString().slice(0, 10))}
            </text>
          ))}
          {dots.map((dot) => (
            <circle
              key={dot.id + dot.at}
              class={`dot ${dot.outlier ? "bad" : "water"} ${shown === dot ? "picked" : ""}`}
              cx={x(dot.at)}
              cy={y(dot.value)}
              r={dot.outlier ? 4 : 3}
              onPointerEnter={() => (picked.value = dot)}
              onClick={() => go({ open: `entity:${dot.id}` })}
            />
          ))}
          {lines.map(([name, value]) => (
            <g key={name}>
              <line class="quantile" x1={LEFT} x2={width.value - RIGHT} y1={y(value)} y2={y(value)} />
              <text class="tick" x={width.value - RIGHT + 4} y={y(value) + 4}>
                {name}
              </text>
            </g>
          ))}
        </svg>
      )}
      {shown && (
        <p class={`tip ${x(shown.at) > width.value / 2 ? "left" : ""}`} style={{ left: `${x(shown.at)}px`, top: `${Math.min(Math.max(y(shown.value) - 20, 0), HEIGHT - 70)}px` }}>
          <strong>{format.duration(shown.value)}</strong>
          <span>{shown.label}</span>
          <span class="sub">{format.exact(new Date(shown.at).toISOString())}</span>
        </p>
      )}
    </div>
  );
}
