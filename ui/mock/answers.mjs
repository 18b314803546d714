// Answers in the shapes of the API, from the made-up data. The search knows as much syntax as the page writes.

import { builds, document, iso, random, samples, suspects } from "./data.mjs";
import { Propels, alignment, entities, hygiene, items, sprints, statuses } from "./other.mjs";

const DAY = 86_400_000;
const FIELDS = ["id", "kind", "project", "team", "repository", "branch", "result", "state", "job", "trigger", "number", "duration", "updated", "status", "type", "priority", "environment", "service", "person", "key", "labels", "integration"];
const SHARES = ["change-fail-rate", "rework-rate", "build-success", "flaky-rate", "unreviewed-rate", "linked-rate", "reopen-rate"];
const RATES = ["deployment-frequency", "throughput", "work-items-created"];
const LEVELS = ["wip", "open-items"];
const SEGMENTS = { coding: 0.2, draft: 0, pickup: 0.15, review: 0.2, "merge-wait": 0.1, deploy: 0.35 };

export class Wrong extends Error {
  constructor(status, detail, hint) {
    super(detail);
    this.problem = { type: "about:blank", title: { 410: "Gone", 500: "Internal Server Error", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict" }[status] ?? "Bad Request", status, detail, hint };
  }
}

export class World {
  constructor(end, { empty = false, many = 1 } = {}) {
    this.end = end;
    this.empty = empty;
    this.builds = empty ? [] : builds(end);
    this.notes = [];
    this.others = empty ? [] : entities(end);
    this.propels = new Propels(end, many);
    this.accepted = empty ? 0 : 48_213;
    this.random = random(end);
  }

  search(params) {
    const q = params.get("q") ?? "";
    const kinds = (params.get("kind") ?? "").split(",").filter(Boolean);
    const all = [...this.builds, ...this.others].sort((a, b) => (a.updated < b.updated ? 1 : -1));
    const found = all.filter((one) => kinds.length === 0 || kinds.includes(one.kind)).filter(matcher(q));
    const offset = Number(params.get("cursor") ?? 0);
    const limit = Number(params.get("limit") ?? 20);
    const reached = offset + limit;
    const facets = {};
    for (const field of (params.get("facets") ?? "").split(",").filter(Boolean)) facets[field] = counted(found, field);
    const word = q.match(/[a-z]{3,}/)?.[0];
    const marked = (one) => (params.get("highlight") && word && one.title?.includes(word) ? { ...one, highlight: { title: cut(one.title, word) } } : one);
    return {
      total: found.length,
      took_ms: 0.4,
      hits: found.slice(offset, reached).map(marked),
      facets,
      ...(params.has("group") || params.has("by") ? { groups: grouped(found, params) } : {}),
      ...(found.length === 0 && q.includes("falure") ? { did_you_mean: [{ written: "result:falure", meant: "result:failure" }] } : {}),
      fresh_at: all[0]?.updated ?? null,
      next: limit > 0 && reached < found.length ? String(reached) : null,
    };
  }

  samples(name, params) {
    const from = params.get("from") ?? "";
    const to = params.get("to") ?? "~";
    const fits = (sample) =>
      sample.at >= from &&
      sample.at < to &&
      (!params.get("team") || sample.teams.includes(params.get("team"))) &&
      (!params.get("project") || sample.project === params.get("project"));
    return this.empty ? [] : samples(name, this.end, this.builds).filter(fits);
  }

  metric(name, params) {
    const all = this.samples(name, params);
    const by = params.get("by") ?? "week";
    const groups = new Map();
    for (const sample of [...all].reverse()) {
      const at = bucket(sample.at, by);
      groups.set(at, [...(groups.get(at) ?? []), sample]);
    }
    const rate = RATES.includes(name);
    const level = LEVELS.includes(name);
    const from = params.get("from") ?? all.at(-1)?.at ?? null;
    const to = params.get("to") ?? all[0]?.at ?? null;
    const days = from && to ? (Date.parse(to) - Date.parse(from)) / DAY : 1;
    const of = (some, length) => (level ? { n: 20 + (some.length % 9), unknown: 1 } : cell(some, rate ? length : undefined));
    const total = of(all, days);
    const family = ["devlake/2023", "devlake/2021", "middleware/1", "harness/1.0"].includes(params.get("definition"));
    const parts = Object.entries(SEGMENTS).map(([part, share]) => [part, scaled(total, share)]);
    const group = params.get("group");
    const names = [...new Set(all.flatMap((sample) => (group === "team" ? sample.teams : sample.project) ?? []))];
    return {
      metric: name,
      definition: name.startsWith("build-") ? "weir/1" : "dora/2025.1",
      unit: SHARES.includes(name) || name === "flow-efficiency" ? "ratio" : rate || level ? "count" : "ms",
      statistic: rate ? "rate" : level ? "level" : SHARES.includes(name) ? "share" : "p50",
      time_zone: "UTC",
      from,
      to,
      points: [...groups].map(([at, some]) => ({ at, ...of(some, by === "day" ? 1 : 7) })),
      total,
      unknown: total.unknown,
      ...(name === "change-lead-time" && all.length > 0 ? { segments: Object.fromEntries(parts) } : {}),
      ...(group ? { groups: Object.fromEntries(names.map((each) => [each, of(all.filter((sample) => sample.teams.includes(each) || sample.project === each), days)])) } : {}),
      ...(params.get("bands") ? { band: { set: params.get("bands"), band: all.length > 0 ? "high" : null } } : {}),
      ...(params.get("reasons") ? { reasons: { "no-base": total.unknown }, waiting: { n: 3, p50: DAY, max: 9 * DAY } } : {}),
      ...(family ? { compat: { value: SHARES.includes(name) ? 0.04 : rate ? 1.4 : 31 * 3_600_000, unit: SHARES.includes(name) ? "ratio" : rate ? "days-per-week" : "ms", n: 40 } } : {}),
      fresh_at: this.builds[0]?.finished ?? null,
    };
  }

  work(what, params) {
    if (this.empty) return { definition: "weir/1", at: iso(this.end), n: 0, unknown: 0, score: null, age: { n: 0 }, items: [], statuses: {}, phases: {}, sprints: [], over: {}, categories: [], remainder: { n: 0, unknown: 0, effort: 0, share: null } };
    if (what === "items") return items(this.end, params.get("begun") === "true");
    if (what === "statuses") return statuses();
    if (what === "sprints") return sprints(this.end);
    if (what === "hygiene") return hygiene(this.end);
    return alignment(params.get("effort") ?? "count");
  }

  runs(params) {
    const state = params.get("q")?.match(/state:(\w+)/)?.[1];
    const runs = this.empty ? [] : this.propels.runs;
    return { runs: runs.filter((run) => (!state || run.state === state) && (!params.get("propel") || run.propel === params.get("propel"))) };
  }

  act(path, body) {
    const [what, name, verb] = path;
    if (what === "integrations") return { started_at: iso(Date.now()), finished_at: iso(Date.now()), full: false, pages: 2, records: 31, failures: [] };
    if (what === "entities") return this.note(name, path[3], body);
    if (what === "tables") return this.propels.set(JSON.parse(body), Date.now());
    if (verb === "dry-run") return { runs: [{ ...this.propels.runs[0], bodies: ['{"text":"api broke"}'] }] };
    if (name === "runs" || verb === "run") return this.propels.runs[0];
    throw new Wrong(404, "there is nothing at this path");
  }

  /** Writes a note; takes the named one away. */
  note(about, gone, body) {
    if (gone) return this.notes.splice(this.notes.findIndex((note) => note.name === gone), 1)[0];
    const note = { about, name: String(this.notes.length), at: iso(Date.now()), user: "ana", text: JSON.parse(body).text };
    this.notes.push(note);
    return note;
  }

  definitions() {
    const one = (name, unit, statistic, direction) => ({ name, version: "dora/2025.1", unit, statistic, direction, summary: `Made up for ${name}.` });
    return { metrics: [one("change-lead-time", "ms", "p50", "down"), one("hotfix-time", "ms", "p50", "down"), one("wip", "count", "level", "down")] };
  }

  red(limit) {
    const red = this.builds.filter((one) => ["failure", "unstable", "timeout"].includes(one.result)).map((one) => ({ build: one, suspects: suspects(one) }));
    return { builds: red.filter((one) => one.suspects.state === "broken").slice(0, limit) };
  }

  entity(id) {
    const one = this.builds.find((each) => each.id === id);
    const other = this.others.find((each) => each.id === id);
    if (!one && !other && !/^(deployment|commit):/.test(id)) throw new Wrong(404, `there is no \`${id}\``, "it may have been withdrawn; `weir search` finds what there is");
    const sources = [{ stream: "ci/builds", key: id.split(":").slice(2).join(":"), version: 3, seq: 41_007 }];
    const links = one ? [{ depth: 1, from: id, kind: "builds", to: `commit::${one.sha[0]}`, reason: "head-revision", confidence: 1, title: "Round half even in the tax table" }] : [];
    if (other) links.push({ depth: 1, from: id, kind: "mentions", to: this.others[1].id, reason: "handle", confidence: 0.8, title: this.others[1].title });
    const cases = id.startsWith("test-report:") ? { passed: 41, failed: 1, cases: [{ name: "com.acme.CartTest.addsUp", result: "failed", message: "expected 3 but was 4" }] } : {};
    const made = { ...cases, title: `Made up for ${id.split(":")[0]}`, environment: { name: "production" }, created_at: iso(this.end - DAY) };
    return { id, kind: id.split(":")[0], updated_seq: 41_007, document: one ? document(one) : made, sources, links };
  }

  links(id) {
    const { links } = this.entity(id);
    return { id, links: [...links, { depth: 2, from: links[0]?.to ?? id, kind: "delivers", to: "deployment:github:3", reason: "graph", confidence: 1, title: "Deploy 3 to production" }], loose: [], truncated: false };
  }

  raw(id) {
    const payload = JSON.stringify({ _class: "WorkflowRun", id, text: "<script>alert(1)</script> is only text" });
    return { records: [{ seq: 41_007, stream: "ci/builds", key: id, version: 3, received_at: iso(this.end), context: null, payload }] };
  }

  suspects(id) {
    const one = this.builds.find((each) => each.id === id);
    if (!one) throw new Wrong(404, `there is no \`${id}\``);
    return one.result === "success" ? { build: id, state: "green", since: null, commits: [] } : suspects(one);
  }

  status() {
    const one = (name, state, cursor_age_ms, records, more = {}) => ({
      name, state, cursor_age_ms, records, rejected: 0, errors: 0, last_error: null, last_run: null, ...more,
    });
    const integrations = [
      one("github", "healthy", 48_000, 18_204),
      one("ci", "collecting", 3_000, this.accepted - 18_204 - 9_120 - 402),
      one("jira", "degraded", 1_500_000, 9_120, {
        rejected: 14,
        errors: 1,
        last_error: "issues: cannot read page 12 of `issues`: the tool answered 503; hint: it is tried again in 4 min, nothing is lost",
      }),
      one("chat", "paused", null, 402, { errors: 1, last_error: "messages: the token was refused; hint: renew `SLACK_TOKEN` and run `weir check chat`" }),
    ];
    return {
      host: "build-lab",
      integrations: this.empty ? [] : integrations,
      accepted: this.accepted,
      processed: this.accepted,
      quarantined: 0,
      log_bytes: this.accepted * 412,
      budgets: this.empty ? [] : [
        { origin: "https://api.github.com", resource: "core", limit: 5000, remaining: 4312, reset_at: iso(Date.now() + 754_000), waiting_until: null },
        { origin: "https://acme.atlassian.net", resource: "", limit: 1000, remaining: 71, reset_at: iso(Date.now() + 2_000_000), waiting_until: null },
      ],
      webhooks: this.empty ? [] : [
        { integration: "github", last_at: iso(Date.now() - 95_000), taken: 1_204, refused: 3, last_refusal: "signature does not fit" },
      ],
    };
  }
}

function cut(title, word) {
  const at = title.indexOf(word);
  return [title.slice(0, at), word, title.slice(at + word.length)];
}

const scaled = (total, share) => Object.fromEntries(Object.entries(total).map(([name, value]) => [name, ["n", "unknown"].includes(name) ? value : value * share]));

/** Counts and durations by fields and time. */
function grouped(found, params) {
  const fields = (params.get("group") ?? "").split(",").filter(Boolean);
  const [by, over] = [params.get("by") ?? "", params.get("over") || "updated"];
  const rows = new Map();
  for (const one of found) {
    const key = Object.fromEntries(fields.map((field) => [field, [one[field]].flat()[0] ?? null]));
    const at = by && bucket(one[over] ?? one.updated, by);
    const name = JSON.stringify([key, at]);
    rows.set(name, [...(rows.get(name) ?? []), one]);
  }
  const all = [...rows].map(([name, some]) => {
    const [key, at] = JSON.parse(name);
    const known = some.flatMap((one) => one.duration ?? []).sort((a, b) => a - b);
    const share = (part) => known[Math.min(Math.floor(known.length * part), known.length - 1)];
    const duration = { n: known.length, unknown: some.length - known.length, ...(known.length > 0 ? { p50: share(0.5), p90: share(0.9), sum: known.reduce((a, b) => a + b, 0) } : {}) };
    return { key, ...(at ? { at } : {}), count: some.length, duration };
  });
  return { by: fields, ...(by ? { over, bucket: by } : {}), rows: all.sort((a, b) => b.count - a.count).slice(0, 400) };
}

function cell(group, days) {
  const known = group.flatMap((sample) => (sample.value === null ? [] : [sample.value])).sort((a, b) => a - b);
  const at = (share) => known[Math.min(Math.floor(known.length * share), known.length - 1)];
  const mean = known.reduce((sum, value) => sum + value, 0) / (known.length || 1);
  const base = { n: known.length, unknown: group.length - known.length };
  if (days !== undefined) return { ...base, per_day: known.length / days };
  return known.length === 0 ? base : { ...base, mean, p50: at(0.5), p75: at(0.75), p90: at(0.9), p95: at(0.95) };
}

function bucket(at, by) {
  const day = at.slice(0, 10);
  if (by === "month") return `${day.slice(0, 7)}-01`;
  if (by === "day") return day;
  const date = new Date(`${day}T00:00:00Z`);
  return iso(date.getTime() - ((date.getUTCDay() + 6) % 7) * DAY).slice(0, 10);
}

function counted(found, field) {
  const counts = new Map();
  for (const value of found.flatMap((one) => one[field] ?? [])) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)).slice(0, 30);
}

/** A filter from terms joined by AND; `field:("a" OR "b")`, `field:word`, `updated:[a TO b}` and bare words. */
function matcher(q) {
  const tests = [];
  const rest = q
    .replace(/(\w+):\[(\S+) TO (\S+?)\}/g, (_, field, from, to) => void tests.push((one) => one[field] >= from && one[field] < to) ?? "")
    .replace(/(\w+):\(((?:"(?:[^"\\]|\\.)*"|[\w-]+)(?: OR (?:"(?:[^"\\]|\\.)*"|[\w-]+))*)\)/g, (_, field, list) => {
      const values = list.split(" OR ").map((value) => (value.startsWith('"') ? JSON.parse(value) : value));
      tests.push((one) => [one[field]].flat().some((value) => values.includes(value)));
      return "";
    })
    .replace(/(\w+):([^\s()]+)/g, (_, field, value) => {
      if (!FIELDS.includes(field)) throw new Wrong(400, `cannot read the search \`${q}\`: no field \`${field}\`; did you mean \`result\`?`, "for example `kind:build AND result:failure`");
      const like = new RegExp(`^${value.replace(/^"|"$/g, "").replace(/[.+?^${}|[\]\\]/g, "\\$&").replace(/\*/g, ".*")}$`, "i");
      tests.push((one) => [one[field]].flat().some((each) => like.test(String(each))));
      return "";
    });
  if (/\bNOT\b|-\w/.test(rest)) tests.push(() => true);
  for (const word of rest.replace(/\bNOT\b/g, " ").replace(/\bAND\b|[()]/g, " ").split(/\s+/).filter(Boolean)) {
    tests.push((one) => (one.title ?? one.id).toLowerCase().includes(word.toLowerCase()));
  }
  return (one) => tests.every((test) => test(one));
}
