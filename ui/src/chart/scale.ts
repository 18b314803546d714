// Scales of charts: round steps for numbers and for times. Pure.

import type { Shape } from "../metrics";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 20, 30].map((n) => n * MINUTE),
  ...[1, 2, 4, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 20, 30, 60, 90, 180, 365, 730].map((n) => n * DAY),
];
const STEPS_MAX = 4;

/** Round values from 0 to at least `most`, at most five of them. */
export function ticks(most: number, shape: Shape): number[] {
  const top = most > 0 ? most : 1;
  const size = step(top, shape);
  const last = Math.ceil(top / size - 1e-9);
  return Array.from({ length: last + 1 }, (_, index) => index * size);
}

function step(top: number, shape: Shape): number {
  const least = top / STEPS_MAX;
  if (shape === "time" && top >= SECOND) return TIME_STEPS.find((step) => step >= least) ?? Math.ceil(least / (365 * DAY)) * 365 * DAY;
  const power = 10 ** Math.floor(Math.log10(least));
  const round = [1, 2, 2.5, 5, 10].map((n) => n * power).find((step) => step >= least * (1 - 1e-9)) ?? 10 * power;
  return shape === "level" ? Math.max(Math.round(round), 1) : round;
}

/** Marks of a scale of times in which each step is many times the one before. */
export const LOG_MARKS = [MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY];

/** At most `most` indices of `length`, evenly apart, the last one among them. */
export function spread(length: number, most: number): number[] {
  const stride = Math.max(Math.ceil(length / Math.max(most, 1)), 1);
  return Array.from({ length }, (_, index) => index).filter((index) => (length - 1 - index) % stride === 0);
}
