// Asks for one metric: the window, its two halves, and its weeks.

import { get } from "./api";
import { BANDS, type Level, type Metric, valueOf } from "./metrics";
import { type Span, coveredDays, monday, nextDay, weeks } from "./span";
import type { MetricAnswer, Point } from "./types";

export interface Week {
  /** Its Monday. */
  at: string;
  n: number;
  /** Undefined when there is no sample: unknown, not 0. */
  value: number | undefined;
}

export interface Measure {
  value: number | undefined;
  n: number;
  unknown: number;
  definition: string;
  freshAt: string | undefined;
  level: Level | undefined;
  /** How far percentiles may be off, as a share, where they are not exact. */
  error: number | undefined;
  /** Totals of its parts, by name. */
  segments: Record<string, Point>;
  /** Longest time without one, of a frequency. */
  gapMax: number | undefined;
  /** Services it is a sum over, where they are several. */
  services: number | undefined;
  weeks: Week[];
  /** Value of the later half of the window against the earlier one, as a share of it; in points for a share. */
  change: number | undefined;
}

export interface Scope {
  span: Span;
  team: string;
  project: string;
}

export async function measure(metric: Metric, scope: Scope, abort: AbortSignal): Promise<Measure> {
  const { from, middle, to } = scope.span;
  const ask = (from?: string, to?: string, by?: string): Promise<MetricAnswer> =>
    get(`/v1/metrics/${metric.name}`, { from, to, by, team: scope.team, project: scope.project, bands: metric.bands && BANDS }, abort);
  // Days of shares and rates add up to weeks and halves; percentiles and levels do not, so those are asked for.
  const whole = addsUp(metric);
  const [answer, ...halves] = await Promise.all([
    ask(from, to, whole ? "day" : "week"),
    ...(!whole && middle ? [ask(from, middle, "month"), ask(middle, to, "month")] : []),
  ]);
  const [earlier, later] = whole ? split(metric, answer.points, scope.span) : halves.map((half) => valueOf(metric, half.total));
  return {
    value: answer.total.n === 0 && metric.shape !== "level" ? undefined : valueOf(metric, answer.total),
    n: answer.total.n,
    unknown: answer.unknown,
    definition: answer.definition,
    freshAt: answer.fresh_at ?? undefined,
    level: answer.band?.band ?? undefined,
    error: answer.total.relative_error,
    segments: answer.segments ?? {},
    gapMax: answer.rhythm?.gap_max ?? undefined,
    services: answer.sum_over_services,
    weeks: byWeek(metric, answer.points, scope.span),
    change: difference(metric, earlier, later),
  };
}

const addsUp = ({ shape }: Metric): boolean => shape === "share" || shape === "rate";

function difference(metric: Metric, earlier: number | undefined, later: number | undefined): number | undefined {
  if (earlier === undefined || later === undefined) return undefined;
  if (metric.shape === "share") return later - earlier;
  return earlier > 0 ? later / earlier - 1 : undefined;
}

function split(metric: Metric, points: Point[], span: Span): (number | undefined)[] {
  const { middle } = span;
  if (!middle) return [];
  const sides = [points.filter((point) => (point.at ?? "") < middle), points.filter((point) => (point.at ?? "") >= middle)];
  return sides.map((side) => together(metric, side));
}

/** Samples of several days as one value: their number, or their mean weighed by it. */
function together(metric: Metric, days: Point[]): number | undefined {
  const n = days.reduce((sum, point) => sum + point.n, 0);
  if (metric.shape === "rate") return n;
  if (n === 0) return undefined;
  return days.reduce((sum, point) => sum + (point.mean ?? 0) * point.n, 0) / n;
}

function byWeek(metric: Metric, points: Point[], span: Span): Week[] {
  const first = span.from ?? points[0]?.at;
  const newest = points.at(-1)?.at;
  const last = span.to ?? (newest && nextDay(newest));
  if (!first || !last) return [];
  const groups = new Map<string, Point[]>();
  for (const point of points) {
    const at = monday(point.at ?? first);
    groups.set(at, [...(groups.get(at) ?? []), point]);
  }
  return weeks(first, last).map((at) => week(metric, at, groups.get(at) ?? [], coveredDays(at, first, last)));
}

function week(metric: Metric, at: string, points: Point[], days: number): Week {
  const n = points.reduce((sum, point) => sum + point.n, 0);
  const only = points[0];
  if (!addsUp(metric)) return { at, n, value: only && valueOf(metric, only) };
  // The first and last week may lie in the window only in part: a rate counts the days that do.
  return { at, n, value: metric.shape === "rate" ? n / days : together(metric, points) };
}
