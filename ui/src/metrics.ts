// The metrics the app shows by name, and how each is read.

import * as format from "./format";
import type { Definition, Point } from "./types";

/** A time and a ratio of each have a median, a share a mean, a rate samples a day, a level how many there were at the end. */
export type Shape = "time" | "share" | "ratio" | "rate" | "level" | "number";
export type Level = "elite" | "high" | "medium" | "low";

export interface Metric {
  name: string;
  label: string;
  shape: Shape;
  better: "up" | "down";
  /** The bands of `BANDS` in words; none: it has none. */
  bands?: string;
  /** What to do when there is no sample. */
  empty: string;
}

/** The set of bands numbers are named by. */
export const BANDS = "devlake/2023";
/** Other systems' definitions that numbers can be compared with. */
export const FAMILIES = ["devlake/2023", "devlake/2021", "middleware/1", "harness/1.0"] as const;

const DEPLOYMENTS = "No deployment counted. `deployments` in `[metrics]` of weir.toml says what counts.";
const CHANGES = "No change got so far in this window.";
const ITEMS = "No work item got so far in this window. Connect a tracker with an `[[integration]]`.";
const BUILT = "No finished build.";

const metric = (name: string, label: string, shape: Shape, better: "up" | "down", empty: string): Metric => ({ name, label, shape, better, empty });

export const DORA: Metric[] = [
  { ...metric("change-lead-time", "Change lead time", "time", "down", DEPLOYMENTS), bands: "elite under a day, high under a week, medium under a month" },
  {
    ...metric("deployment-frequency", "Deployment frequency", "rate", "up", DEPLOYMENTS),
    bands: "by days with a deployment: elite 5 or more a week, high 1 a week, medium 1 a month",
  },
  { ...metric("change-fail-rate", "Change fail rate", "share", "down", DEPLOYMENTS), bands: "elite up to 5 %, high up to 10 %, medium up to 15 %" },
  {
    ...metric("recovery-time", "Recovery time", "time", "down", "Nothing to recover from was seen. `incidents` in `[metrics]` of weir.toml says what counts."),
    bands: "elite under an hour, high under a day, medium under a week",
  },
  metric("rework-rate", "Rework rate", "share", "down", DEPLOYMENTS),
];

export const BUILDS: Metric[] = [
  metric("build-success", "Build success", "share", "up", BUILT),
  metric("build-duration", "Build duration", "time", "down", BUILT),
  metric("time-to-green", "Time to green", "time", "down", "No branch broke and was mended."),
  metric("queue-time", "Queue time", "time", "down", "No build says when it was queued."),
  metric("flaky-rate", "Flaky commits", "share", "down", "No commit was built twice."),
];

export const DELIVERY: Metric[] = [
  metric("cycle-time", "Cycle time", "time", "down", CHANGES),
  metric("pickup-time", "Pickup", "time", "down", CHANGES),
  metric("review-time", "Review", "time", "down", CHANGES),
  metric("merge-wait-time", "Wait for the merge", "time", "down", CHANGES),
  metric("unreviewed-rate", "Unreviewed", "share", "down", CHANGES),
  metric("linked-rate", "Linked to work", "share", "up", CHANGES),
];

/** The parts of the lead time, in their order. */
export const SEGMENTS: Metric[] = [
  metric("change-lead-time.coding", "Coding", "time", "down", CHANGES),
  metric("change-lead-time.draft", "Draft", "time", "down", CHANGES),
  metric("change-lead-time.pickup", "Pickup", "time", "down", CHANGES),
  metric("change-lead-time.review", "Review", "time", "down", CHANGES),
  metric("change-lead-time.merge-wait", "Wait for the merge", "time", "down", CHANGES),
  metric("change-lead-time.deploy", "Deploy", "time", "down", CHANGES),
];

export const WORK: Metric[] = [
  metric("flow-efficiency", "Flow efficiency", "ratio", "up", ITEMS),
  metric("wip", "In progress", "level", "down", ITEMS),
  metric("throughput", "Throughput", "rate", "up", ITEMS),
  metric("work-item-lead-time", "Lead time of work", "time", "down", ITEMS),
  metric("work-item-cycle-time", "Cycle time of work", "time", "down", ITEMS),
  metric("reopen-rate", "Taken up again", "share", "down", ITEMS),
];

export const METRICS = [...DORA, ...BUILDS, ...DELIVERY, ...SEGMENTS, ...WORK];

export const metricNamed = (name: string): Metric | undefined => METRICS.find((metric) => metric.name === name);

/** Any metric of the host, as its definition says it is read. */
export function metricOf({ name, unit, statistic, direction }: Definition): Metric {
  const stated = (["level", "rate", "share"] as const).find((shape) => shape === statistic);
  const shape = stated ?? (unit === "ms" ? "time" : unit === "ratio" ? "ratio" : "number");
  return { name, label: sentence(name), shape, better: direction, empty: "No sample in this window." };
}

function sentence(name: string): string {
  const text = format.words(name).replace(".", ": ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The value to show of a point; undefined when it has no sample. */
export function valueOf({ shape }: Pick<Metric, "shape">, point: Point): number | undefined {
  if (shape === "rate") return point.per_day;
  if (shape === "level") return point.n;
  if (point.n === 0) return undefined;
  return shape === "share" ? point.mean : point.p50;
}

/** A value with its unit. */
export function written({ shape }: Pick<Metric, "shape">, value: number): [string, string] {
  if (shape === "share" || shape === "ratio") return [format.percent(value), "%"];
  if (shape === "time") return format.scaled(value);
  if (shape === "level") return [format.count(value), ""];
  if (shape === "number") return [format.digits(value), ""];
  if (value >= 1) return [format.digits(value), "a day"];
  if (value * 7 >= 1) return [format.digits(value * 7), "a week"];
  return [format.digits(value * 30), "a month"];
}
