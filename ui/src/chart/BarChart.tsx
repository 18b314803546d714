// Amounts by name, as bars.

import { useWidth } from "./useWidth";
import type { Tone } from "./TimeChart";

export interface Bar {
  name: string;
  value: number | undefined;
  /** The value as text. */
  text: string;
  href?: string;
  tone?: Tone;
}

const ROW = 25;
/** About the width of a letter. */
const LETTER = 6.6;

export function BarChart({ label, bars }: { label: string; bars: readonly Bar[] }) {
  const [box, width] = useWidth<HTMLDivElement>();
  const height = bars.length * ROW;
  const most = Math.max(...bars.map((bar) => bar.value ?? 0), 0) || 1;
  const names = Math.min(Math.max(...bars.map((bar) => bar.name.length * LETTER + 12), 60), width.value * 0.42, 260);
  const amounts = Math.max(...bars.map((bar) => bar.text.length * LETTER + 12), 40);
  const inner = Math.max(width.value - names - amounts, 1);
  return (
    <div class="chart" ref={box} style={{ height: `${height}px` }}>
      {width.value > 0 && (
        <svg class="plot" viewBox={`0 0 ${width.value} ${height}`} width={width.value} height={height} role="group" aria-label={label}>
          {bars.map((bar, index) => (
            <Row key={bar.name} bar={bar} y={index * ROW} names={names} length={((bar.value ?? 0) / most) * inner} />
          ))}
        </svg>
      )}
    </div>
  );
}

function Row({ bar, y, names, length }: { bar: Bar; y: number; names: number; length: number }) {
  const row = (
    <>
      <rect class="hit" x="0" y={y} width="100%" height={ROW} />
      <text class="name" x="0" y={y + 17}>
        {clipped(bar.name, names - 8)}
        <title>{bar.name}</title>
      </text>
      {bar.value !== undefined && <rect class={`fill ${bar.tone ?? "water"}`} x={names} y={y + 6} width={Math.max(length, 1)} height={ROW - 11} rx="2" />}
      <text class="amount" x={names + length + 7} y={y + 17}>
        {bar.text}
      </text>
    </>
  );
  return bar.href ? (
    <a class="row" href={bar.href} aria-label={`${bar.name}: ${bar.text}`}>
      {row}
    </a>
  ) : (
    <g class="row">{row}</g>
  );
}

/** The beginning and the end of a name that is too long: the end tells names apart. */
function clipped(name: string, width: number): string {
  const letters = Math.max(Math.floor(width / LETTER), 4);
  if (name.length <= letters) return name;
  const tail = Math.floor((letters - 1) * 0.6);
  return `${name.slice(0, letters - 1 - tail)}…${name.slice(-tail)}`;
}
