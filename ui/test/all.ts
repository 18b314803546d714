// Data in, data out.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import * as format from "../src/format";
import { PAGES, changed, parse, written as addressOf } from "../src/address";
import { csv } from "../src/chart/export";
import { spread, ticks } from "../src/chart/scale";
import { readPanel, writtenPanel } from "../src/dashboard";
import { maySee, session } from "../src/session";
import { streak } from "../src/streak";
import type { Session } from "../src/types";
import { completed, fitting, termAt } from "../src/suggest";
import { DORA, type Metric, metricOf, valueOf, written } from "../src/metrics";
import { coveredDays, filled, monday, span, weeks } from "../src/span";

const NOW = Date.parse("2025-03-14T10:00:00Z");
const HOUR = 3_600_000;

function named(name: string): Metric {
  const metric = DORA.find((each) => each.name === name);
  assert(metric);
  return metric;
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

test("an address is a page, whose data, and what the page keeps", () => {
  const builds = parse("#/builds?team=web&window=30&result=failure&result=timeout&open=metric%3Awip");
  assert.deepEqual(builds, { page: "builds", team: "web", project: "", days: 30, open: "metric:wip", params: { result: ["failure", "timeout"] } });
  assert.deepEqual(parse(addressOf(builds)), builds);
  assert.equal(addressOf(changed(builds, { page: "work", open: "" })), "#/work?team=web&window=30");
  assert.equal(addressOf(changed(builds, { params: { result: [] }, open: "", team: "", days: 90 })), "#/builds");
});

test("an address of before, or of nothing, is the overview", () => {
  for (const hash of ["", "#", "#/", "#/nowhere", "#team="]) assert.equal(addressOf(parse(hash)), "#/");
});

test("marks of a scale are round and reach the largest value", () => {
  assert.deepEqual(ticks(0.31, "share"), [0, 0.1, 0.2, 0.30000000000000004, 0.4]);
  assert.deepEqual(ticks(26 * HOUR, "time").map(format.duration), ["0 ms", "12 h", "1 d", "1 d 12 h"]);
  assert.deepEqual(ticks(0, "level"), [0, 1]);
  assert.deepEqual(spread(7, 3), [0, 3, 6]);
});

test("a table leaves as text that no spreadsheet takes for a formula", () => {
  assert.equal(csv([["a", "b"], ['say "x",', -1], ["=1+1", null]]), "a,b\r\n\"say \"\"x\"\",\",-1\r\n'=1+1,\r\n");
});

test("any metric of the host can be read", () => {
  const own = metricOf({ name: "hotfix-time", version: "acme/1", unit: "ms", statistic: "p50", direction: "down" });
  assert.deepEqual([own.label, own.shape, valueOf(own, { n: 1, unknown: 0, p50: 7 })], ["Hotfix time", "time", 7]);
  assert.equal(valueOf(own, { n: 0, unknown: 2 }), undefined);
});

test("a gap in time is a place without a value", () => {
  assert.deepEqual(filled(["2025-03-17", "2025-03-03"], "week"), ["2025-03-03", "2025-03-10", "2025-03-17"]);
  assert.deepEqual(filled(["2024-12-01", "2025-02-01"], "month"), ["2024-12-01", "2025-01-01", "2025-02-01"]);
  assert.deepEqual(filled([], "day"), []);
});

test("the term under the caret is a field, or a value of one; in quotes there is none", () => {
  const at = (text: string) => termAt(text, text.length);
  assert.deepEqual(at("kind:build res"), { from: 11, to: 14, field: undefined, part: "res" });
  assert.deepEqual(at("(team:pay"), { from: 6, to: 9, field: "team", part: "pay" });
  assert.deepEqual(at("-branch:"), { from: 8, to: 8, field: "branch", part: "" });
  for (const text of ['title:"two wor', "duration:>60", "created:[2025"]) assert.equal(at(text), undefined, text);
});

test("what is chosen takes the place of the term, in quotes when it must", () => {
  const term = termAt("team:pay AND x", 8);
  assert(term);
  assert.deepEqual(completed("team:pay AND x", term, "payments"), { text: "team:payments AND x", caret: 14 });
  assert.equal(completed("team:pay", { ...term, to: 8 }, "pay roll").text, 'team:"pay roll" ');
  assert.deepEqual(fitting(["result", "resolution", "priority"], (one) => one, "r", 2), ["result", "resolution"]);
});

test("a streak ends where the other colour begins, and passes over what says nothing", () => {
  const of = (...results: string[]) => streak(results.map((result, index) => ({ id: String(index), result })));
  assert.deepEqual(of("cancelled", "failure", "timeout", "success"), { red: true, n: 2, atLeast: false });
  assert.deepEqual(of("success", "success"), { red: false, n: 2, atLeast: true });
  assert.equal(of("skipped"), undefined);
});

test("a panel of a dashboard stands in the address", () => {
  const counted = { title: "Red", q: "result:failure AND x:1", kind: "build", group: "job", then: "", by: "week", over: "updated", stats: "count" };
  assert.deepEqual(readPanel(writtenPanel(counted)), counted);
  assert.deepEqual(readPanel(writtenPanel({ metric: "wip" })), { metric: "wip" });
  assert.equal(readPanel("title=nothing"), undefined);
});

test("what a session may not do is not offered, and of a part of the data nothing that belongs to all of it", () => {
  const shown = (): string[] => PAGES.filter(maySee);
  const one: Session = { kind: "user", name: "bo", teams: [], projects: [], limited: false, permissions: ["read", "status", "runs"] };
  session.value = undefined;
  assert.deepEqual(shown(), ["overview", "search", "delivery", "builds", "work", "propels", "integrations", "dashboards", "welcome"]);
  session.value = one;
  assert.deepEqual(shown(), ["overview", "search", "delivery", "builds", "work", "propels", "integrations", "dashboards", "welcome"]);
  session.value = { ...one, teams: ["payments"], limited: true };
  assert.deepEqual(shown(), ["overview", "search", "delivery", "builds", "work", "dashboards", "welcome"]);
  session.value = { ...one, permissions: ["audit"] };
  assert.deepEqual(shown(), ["admin", "welcome"]);
  session.value = undefined;
});
