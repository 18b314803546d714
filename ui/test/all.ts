// Data in, data out.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import * as format from "../src/format";
import { DORA, type Metric, level, written } from "../src/metrics";
import { coveredDays, monday, span, weeks } from "../src/span";
import type { MetricAnswer } from "../src/types";

const NOW = Date.parse("2025-03-14T10:00:00Z");
const HOUR = 3_600_000;

function named(name: string): Metric {
  const metric = DORA.find((each) => each.name === name);
  assert(metric);
  return metric;
}

function answer(total: MetricAnswer["total"], points: MetricAnswer["points"] = []): MetricAnswer {
  return { metric: "m", definition: "dora/2025.1", unit: "ms", from: "2025-03-03", to: "2025-03-17", points, total, unknown: 0 };
}

test("a window ends today, with its halves", () => {
  assert.deepEqual(span(30, NOW - HOUR, NOW), { from: "2025-02-13", middle: "2025-02-28", to: "2025-03-15", past: false });
});

test("a window of old data ends where the data ends", () => {
  assert.deepEqual(span(30, Date.parse("2015-06-10T23:59:00Z"), NOW), { from: "2015-05-12", middle: "2015-05-27", to: "2015-06-11", past: true });
});

test("all there is has no ends", () => {
  assert.deepEqual(span(0, NOW, NOW), { past: false });
});

test("weeks begin on Mondays", () => {
  assert.equal(monday("2025-03-16"), "2025-03-10");
  assert.equal(monday("2025-03-17"), "2025-03-17");
  assert.deepEqual(weeks("2025-03-05", "2025-03-18"), ["2025-03-03", "2025-03-10", "2025-03-17"]);
  assert.equal(coveredDays("2025-03-03", "2025-03-05", "2025-03-18"), 5);
  assert.equal(coveredDays("2025-03-17", "2025-03-05", "2025-03-18"), 1);
});

test("bands at their limits", () => {
  const lead = (p50: number) => level(named("change-lead-time"), answer({ n: 9, unknown: 0, p50 }));
  assert.deepEqual([24 * HOUR - 1, 24 * HOUR, 30 * 24 * HOUR].map(lead), ["elite", "high", "low"]);
  const fails = (mean: number) => level(named("change-fail-rate"), answer({ n: 9, unknown: 0, mean }));
  assert.deepEqual([0.05, 0.051, 0.15, 0.16].map(fails), ["elite", "high", "medium", "low"]);
  assert.equal(level(named("recovery-time"), answer({ n: 0, unknown: 3 })), undefined);
});

test("the band of a frequency counts days with a deployment, not deployments", () => {
  const days = ["2025-03-04", "2025-03-05", "2025-03-12"].map((at) => ({ at, n: 20, unknown: 0 }));
  assert.equal(level(named("deployment-frequency"), answer({ n: 60, unknown: 0, per_day: 4.3 }, days)), "high");
});

test("a frequency is written in the unit that reads well", () => {
  const frequency = named("deployment-frequency");
  assert.deepEqual([3.214, 0.5, 0.05].map((value) => written(frequency, value)), [
    ["3.21", "a day"],
    ["3.5", "a week"],
    ["1.5", "a month"],
  ]);
});

test("durations", () => {
  assert.deepEqual([0, 900, 61_000, 3_600_000, 90_000_000, undefined].map(format.duration), ["0 ms", "900 ms", "1 min 1 s", "1 h", "1 d 1 h", "–"]);
});

test("only web addresses are followed", () => {
  assert.equal(format.safeUrl("https://ci.example.com/1"), "https://ci.example.com/1");
  assert.equal(format.safeUrl("javascript:alert(1)"), undefined);
  assert.equal(format.safeUrl(" https://ci.example.com/1"), undefined);
});

test("ids", () => {
  assert.equal(format.plainId("build:ci:folder/api:main#12"), "folder/api:main#12");
  assert.equal(format.plainId("commit::0123456789abcdef0123456789abcdef01234567"), "0123456789");
});
