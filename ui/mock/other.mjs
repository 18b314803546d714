// Made-up changes, deployments, work items, sprints, propels and tables, the same for the same moment.

import { iso, random } from "./data.mjs";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const PROJECTS = [["acme/api", "payments"], ["acme/web", "storefront"], ["acme/ledger", "payments"], ["acme/mobile", "storefront"]];
const TITLES = ["Retry the ledger write", "Show the delivery date", "Drop the old price cache", "Round half even in tax", "Keep the session on refresh"];
const PEOPLE = ["ana", "bo", "chen", "dara"];
const pick = (list, r) => list[Math.floor(r() * list.length)];

/** Everything but builds that can be searched, newest first. */
export function entities(end) {
  const r = random(21);
  const all = [];
  for (let n = 1; n <= 160; n += 1) {
    const at = end - Math.floor(r() * 170 * DAY);
    const [project, team] = pick(PROJECTS, r);
    const base = { integration: "github", project, repository: project, team: [team], person: [pick(PEOPLE, r)], created: iso(at - 3 * DAY), updated: iso(at) };
    all.push({ ...base, id: `change:github:${project}#${n}`, kind: "change", key: `#${n}`, title: `PAY-${n}: ${pick(TITLES, r)}`, state: pick(["merged", "merged", "open"], r), labels: ["feature"] });
    all.push({ ...base, id: `work-item:jira:${n}`, kind: "work-item", integration: "jira", key: `PAY-${n}`, title: pick(TITLES, r), status: pick(["Open", "In Progress", "In Review", "Done"], r), type: pick(["Story", "Bug"], r), priority: pick(["High", "Low"], r) });
    all.push({ ...base, id: `deployment:github:${n}`, kind: "deployment", title: `Deploy ${n} to production`, environment: pick(["production", "staging"], r), service: [project.split("/")[1]], result: r() < 0.93 ? "success" : "failure", type: r() < 0.05 ? "rollback" : "release" });
    if (n % 4 === 0) all.push({ ...base, id: `test-report:ci:${n}`, kind: "test-report", result: n % 8 === 0 ? "failure" : "success", title: `Tests of ${project}` });
  }
  return all.sort((a, b) => (a.updated < b.updated ? 1 : -1));
}

const WORK = (end) => entities(end).filter((one) => one.kind === "work-item");
const spread = (n, p50) => ({ n, mean: p50 * 1.4, p50, p75: p50 * 1.8, p90: p50 * 3, deviation: p50 });

export function items(end, begun) {
  const open = WORK(end).filter((one) => (begun ? one.status.startsWith("In") : one.status !== "Done"));
  const list = open.map((one, index) => ({ id: one.id, handle: one.key, title: one.title, status: one.status, phase: "active", since: one.updated, age_ms: (open.length - index) * 0.7 * DAY }));
  return { definition: "weir/1", at: iso(end), n: list.length, unknown: 2, age: spread(list.length, 9 * DAY), by: {}, items: list, fresh_at: iso(end) };
}

export const statuses = () => ({ definition: "weir/1", n: 84, unknown: 3, statuses: { Open: spread(84, 4 * DAY), "In Progress": spread(80, 2 * DAY), "In Review": spread(61, 1.2 * DAY), Blocked: spread(7, 6 * DAY) }, phases: { todo: spread(84, 4 * DAY), active: spread(80, 3 * DAY) } });

export function sprints(end) {
  const list = [0, 1, 2, 3, 4].map((back) => {
    const [commit, creep] = [34 + back * 2, 6 - back];
    const numbers = { commit, commit_done: 27, commit_missed: 5, removed: 2 + back, creep, creep_done: creep - 1, creep_missed: 1, story_creep_delivered: 1, delivered: 27 + creep };
    return {
      id: `sprint:jira:${40 - back}`, name: `Sprint ${40 - back}`, state: back === 0 ? "active" : "closed", from: iso(end - (back + 1) * 14 * DAY), to: iso(end - back * 14 * DAY), ...numbers,
      churn: (creep + 3) / commit, commit_done_ratio: 27 / commit, delivered_ratio: 0.9, creep_ratio: creep / commit, missed_ratio: 0.1, unestimated: back === 1 ? ["work-item:jira:7"] : [], items: [],
    };
  });
  return { definition: "weir/1", sprints: list, over: { delivered: spread(4, 31), churn: spread(4, 0.22) } };
}

export function hygiene(end) {
  const ids = WORK(end).map((one) => one.id);
  const check = (name, weight, misses) => ({ name, weight, misses, unknown: misses > 30 ? 2 : 0, items: ids.slice(0, Math.min(misses, 12)) });
  return { definition: "weir/1", at: iso(end), n: 118, score: 71.4, categories: [check("idle", 20, 31), check("no-assignee", 30, 44), check("no-due-date", 40, 19), check("poor-description", 10, 0)] };
}

export function alignment(effort) {
  const part = (name, n, share) => ({ ...(name ? { name } : {}), n, unknown: 0, effort: n * 3, share, items: [] });
  return { definition: "weir/1", effort, n: 84, unknown: effort === "count" ? 0 : 11, categories: [part("New features", 46, 0.55), part("Keep it running", 27, 0.32)], remainder: part(undefined, 11, 0.13) };
}

/** What reacts, what it did, and what it keeps; acting on it changes it. */
export class Propels {
  constructor(end, many) {
    this.runs = Array.from({ length: Math.min(6 * many, 200) }, (_, n) => n).map((n) => this.run(end - n * 5 * HOUR, ["tell-chat", "only-main", "quarantine"][n % 3], ["done", "done", "failed", "waiting"][n % 4], n));
    this.rows = Array.from({ length: many }, (_, n) => {
      const test = `CartTest.adds${n || ""}`;
      return { key: test, version: 2, at: iso(end - DAY), by: "ana", test, since: "2025-03-01", state: "open" };
    });
  }

  run(at, propel, state, n) {
    const gate = propel === "only-main";
    return {
      id: `01a1ffdc-0000-7000-8000-${String(n).padStart(12, "0")}`, propel, kind: gate ? "gate.asked" : "build.broken", ...(gate ? {} : { entity: `build:ci:api#${n + 1}` }),
      cause: gate ? { gate: { gate: "deploy", build: { branch: "feature/x", environment: "production" } } } : { event: { kind: "build.broken", entity: `build:ci:api#${n + 1}` } },
      at: iso(at), state, attempts: state === "failed" ? 5 : 1, took_ms: 12, depth: 0, ...(state === "failed" ? { reason: "the chat answered 500; hint: see its log" } : {}),
      ...(state === "waiting" ? { due_at: iso(at + HOUR) } : { finished_at: iso(at + 900) }),
      actions: gate ? [] : [{ id: "1", what: "POST chat /hook", ...(state === "waiting" ? {} : { result: { done: state === "done", detail: state === "done" ? "200" : "500", at: iso(at + 900) } }) }],
      ...(gate ? { decision: { decision: "stop", reason: "only main goes to production" } } : {}),
    };
  }

  list(end) {
    const one = (name, more) => ({ name, engine: "rule", state: "healthy", on: [], gates: [], dry_run: false, failures: 0, runs: 41, took_ms: 520, ...more });
    return { propels: [one("only-main", { gates: ["deploy"] }), one("quarantine", { on: ["build.*"], dry_run: true }), one("tell-chat", { on: ["build.broken"], engine: "plugin", state: "failing", failures: 12, last_error: "the chat answered 500; hint: see its log", resting_until: iso(end + HOUR) }), one("weekly", { next_at: iso(end + 3 * DAY), runs: 0 })] };
  }

  tables() {
    const columns = [{ name: "test", type: "text", required: true }, { name: "since", type: "date", required: false }, { name: "state", type: "choice", required: false, choices: ["open", "mended"], default: "open" }];
    return { tables: [{ name: "quarantine", key: "test", columns }] };
  }

  set(row, at) {
    const known = this.rows.find((one) => one.key === row.test);
    this.rows = [...this.rows.filter((one) => one !== known), { ...known, ...row, key: row.test, version: (known?.version ?? 0) + 1, at: iso(at), by: "page" }];
    return { rows: 1 };
  }
}
