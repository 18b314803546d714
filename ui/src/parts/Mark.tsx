// The mark of a state: every one has its own shape, so that colour is never all there is.

const CIRCLE = "M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13z";
const SQUARE = "M3.5 1.5h9a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2z";
const TRIANGLE = "M8 1.6 15 14H1z";
const DIAMOND = "M8 .8 15.2 8 8 15.2.8 8z";

const TICK = "M4.8 8.3 7 10.5l4.3-4.8";
const CROSS = "M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6";
const BANG = "M8 5.8v3.4M8 11.7v.1";
const HANDS = "M8 4.4V8l2.6 1.6";
const SLASH = "M4 12 12 4";
const DASH = "M5 8h6";
const PLAY = "M6.6 5.3 10.8 8l-4.2 2.7z";
const PAUSE = "M6.2 5.2v5.6M9.8 5.2v5.6";
const ASK = "M6.2 6.3c0-2.4 3.7-2.4 3.7 0 0 1.5-1.9 1.5-1.9 3M8 11.7v.2";

const SHAPES: Record<string, [tone: string, outline: string, sign: string, filled?: boolean]> = {
  success: ["good", CIRCLE, TICK, true],
  failure: ["bad", SQUARE, CROSS, true],
  unstable: ["warn", TRIANGLE, BANG, true],
  timeout: ["bad", SQUARE, HANDS, true],
  error: ["warn", DIAMOND, BANG],
  cancelled: ["dim", CIRCLE, SLASH],
  skipped: ["dim", CIRCLE, DASH],
  running: ["water", CIRCLE, PLAY],
  queued: ["dim", CIRCLE, HANDS],
  healthy: ["good", CIRCLE, TICK, true],
  degraded: ["warn", TRIANGLE, BANG, true],
  failing: ["bad", SQUARE, CROSS, true],
  paused: ["warn", CIRCLE, PAUSE],
  collecting: ["water", CIRCLE, PLAY],
  idle: ["dim", CIRCLE, DASH],
  unknown: ["dim", CIRCLE, ASK],
  done: ["good", CIRCLE, TICK, true],
  failed: ["bad", SQUARE, CROSS, true],
  waiting: ["water", CIRCLE, HANDS],
  resting: ["warn", CIRCLE, PAUSE],
  merged: ["good", CIRCLE, TICK],
};

/** Whether there is a mark for this word. */
export const isState = (word: string): boolean => word in SHAPES;

/** The mark, with its word for those who do not see it. */
export function Mark({ state, silent = false }: { state: string; silent?: boolean }) {
  const [tone, outline, sign, filled] = SHAPES[state] ?? ["dim", CIRCLE, ASK];
  const label = silent ? { "aria-hidden": true } : { role: "img" as const, "aria-label": state };
  return (
    <svg class={`mark ${tone} ${filled ? "filled" : "hollow"}`} viewBox="0 0 16 16" width="16" height="16" {...label}>
      {!silent && <title>{state}</title>}
      <path class="mark-outline" d={outline} />
      <path class="mark-sign" d={sign} />
    </svg>
  );
}
