// The metrics the page shows, how each is read, and the bands it is put in.

import * as format from "./format";
import type { MetricAnswer, Point } from "./types";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export type Shape = "time" | "share" | "rate";
export type Level = "elite" | "high" | "medium" | "low";

export interface Metric {
  name: string;
  label: string;
  shape: Shape;
  better: "up" | "down";
  /** Limits of elite, high and medium; what is beyond is low. None: it has no bands. */
  limits?: [number, number, number];
  /** The bands in words. */
  bands?: string;
  /** What to do when there is no sample. */
  empty: string;
}

const DEPLOYMENTS = "No deployment counted. `deployments` in `[metrics]` of weir.toml says what counts.";

export const DORA: Metric[] = [
  {
    name: "change-lead-time",
    label: "Change lead time",
    shape: "time",
    better: "down",
    limits: [DAY, 7 * DAY, 30 * DAY],
    bands: "elite under a day, high under a week, medium under a month",
    empty: DEPLOYMENTS,
  },
  {
    name: "deployment-frequency",
    label: "Deployment frequency",
    shape: "rate",
    better: "up",
    limits: [5, 1, 7 / 30],
    bands: "by days with a deployment: elite 5 or more a week, high 1 a week, medium 1 a month",
    empty: DEPLOYMENTS,
  },
  {
    name: "change-fail-rate",
    label: "Change fail rate",
    shape: "share",
    better: "down",
    limits: [0.05, 0.1, 0.15],
    bands: "elite up to 5 %, high up to 10 %, medium up to 15 %",
    empty: DEPLOYMENTS,
  },
  {
    name: "recovery-time",
    label: "Recovery time",
    shape: "time",
    better: "down",
    limits: [HOUR, DAY, 7 * DAY],
    bands: "elite under an hour, high under a day, medium under a week",
    empty: "Nothing to recover from was seen. `incidents` in `[metrics]` of weir.toml says what counts.",
  },
  { name: "rework-rate", label: "Rework rate", shape: "share", better: "down", empty: DEPLOYMENTS },
];

export const BUILDS: Metric[] = [
  { name: "build-success", label: "Build success", shape: "share", better: "up", empty: "No finished build." },
  { name: "build-duration", label: "Build duration", shape: "time", better: "down", empty: "No finished build." },
];

export const metricNamed = (name: string): Metric | undefined => [...DORA, ...BUILDS].find((metric) => metric.name === name);

/** The value to show of a point; undefined when it has no sample. */
export function valueOf(metric: Metric, point: Point): number | undefined {
  if (metric.shape === "rate") return point.per_day;
  if (point.n === 0) return undefined;
  return metric.shape === "share" ? point.mean : point.p50;
}

/** A value with its unit. */
export function written(metric: Metric, value: number): [string, string] {
  if (metric.shape === "share") return [format.percent(value), "%"];
  if (metric.shape === "time") return format.scaled(value);
  if (value >= 1) return [format.digits(value), "a day"];
  if (value * 7 >= 1) return [format.digits(value * 7), "a week"];
  return [format.digits(value * 30), "a month"];
}

/** The band, from DevLake's benchmarks of 2023. */
export function level(metric: Metric, answer: MetricAnswer): Level | undefined {
  const value = metric.shape === "rate" ? deploymentDays(answer) : valueOf(metric, answer.total);
  if (value === undefined || !metric.limits) return undefined;
  // Durations are under a limit, shares up to it, as the benchmark words it.
  const within = (limit: number): boolean =>
    metric.shape === "rate" ? value >= limit : metric.shape === "share" ? value <= limit : value < limit;
  const index = metric.limits.findIndex(within);
  return (["elite", "high", "medium"] as const)[index] ?? "low";
}

/** Days with a deployment, a week; the points are days. */
function deploymentDays(answer: MetricAnswer): number | undefined {
  if (answer.total.n === 0) return undefined;
  const days = answer.points.filter((point) => point.n > 0).length;
  const first = answer.from ?? answer.points[0]?.at;
  const last = answer.to ?? answer.points.at(-1)?.at;
  if (!first || !last) return undefined;
  return days / Math.max((Date.parse(last) - Date.parse(first)) / (7 * DAY), 1);
}
