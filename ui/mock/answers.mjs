// Answers in the shapes of the API, from the made-up data. The search knows as much syntax as the page writes.

import { builds, document, iso, random, samples, suspects } from "./data.mjs";

const DAY = 86_400_000;
const FIELDS = ["id", "kind", "project", "team", "repository", "branch", "result", "state", "job", "trigger", "number", "duration", "updated"];

export class Wrong extends Error {
  constructor(status, detail, hint) {
    super(detail);
    this.problem = { type: "about:blank", title: status === 404 ? "Not Found" : "Bad Request", status, detail, hint };
  }
}

export class World {
  constructor(end, { empty = false } = {}) {
    this.end = end;
    this.empty = empty;
    this.builds = empty ? [] : builds(end);
    this.accepted = empty ? 0 : 48_213;
    this.random = random(end);
  }

  search(params) {
    const q = params.get("q") ?? "";
    const found = this.builds.filter(matcher(q));
    const offset = Number(params.get("cursor") ?? 0);
    const limit = Number(params.get("limit") ?? 20);
    const reached = offset + limit;
    const facets = {};
    for (const field of (params.get("facets") ?? "").split(",").filter(Boolean)) facets[field] = counted(found, field);
    return {
      total: found.length,
      took_ms: 0.4,
      hits: found.slice(offset, reached),
      facets,
      next: limit > 0 && reached < found.length ? String(reached) : null,
    };
  }

  samples(name, params) {
    const from = params.get("from") ?? "";
    const to = params.get("to") ?? "~";
    const fits = (sample) =>
      sample.at >= from &&
      sample.at < to &&
      (!params.get("team") || sample.team === params.get("team")) &&
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
    const rate = name === "deployment-frequency";
    const from = params.get("from") ?? all.at(-1)?.at ?? null;
    const to = params.get("to") ?? all[0]?.at ?? null;
    const days = from && to ? (Date.parse(to) - Date.parse(from)) / DAY : 1;
    const total = cell(all, rate ? days : undefined);
    return {
      metric: name,
      definition: name.startsWith("build-") ? "weir/1" : "dora/2025.1",
      unit: name.endsWith("-rate") || name === "build-success" ? "ratio" : rate ? "count" : "ms",
      from,
      to,
      points: [...groups].map(([at, group]) => ({ at, ...cell(group, rate ? (by === "day" ? 1 : 7) : undefined) })),
      total,
      unknown: total.unknown,
      fresh_at: this.builds[0]?.finished ?? null,
    };
  }

  red(limit) {
    const red = this.builds.filter((one) => ["failure", "unstable", "timeout"].includes(one.result)).map((one) => ({ build: one, suspects: suspects(one) }));
    return { builds: red.filter((one) => one.suspects.state === "broken").slice(0, limit) };
  }

  entity(id) {
    const one = this.builds.find((each) => each.id === id);
    if (!one && !/^(deployment|commit):/.test(id)) throw new Wrong(404, `there is no \`${id}\``, "it may have been withdrawn; `weir search` finds what there is");
    const sources = [{ stream: "ci/builds", key: id.split(":").slice(2).join(":"), version: 3, seq: 41_007 }];
    const links = one ? [{ kind: "built", to: `commit::${one.sha[0]}`, reason: "head-revision", confidence: 1 }] : [];
    const made = { title: `Made up for ${id.split(":")[0]}`, environment: { name: "production" }, created_at: iso(this.end - DAY) };
    return { id, kind: id.split(":")[0], updated_seq: 41_007, document: one ? document(one) : made, sources, links };
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
    .replace(/(\w+):\(("(?:[^"\\]|\\.)*"(?: OR "(?:[^"\\]|\\.)*")*)\)/g, (_, field, list) => {
      const values = list.split(" OR ").map((value) => JSON.parse(value));
      tests.push((one) => [one[field]].flat().some((value) => values.includes(value)));
      return "";
    })
    .replace(/(\w+):([^\s()]+)/g, (_, field, value) => {
      if (!FIELDS.includes(field)) throw new Wrong(400, `cannot read the search \`${q}\`: no field \`${field}\`; did you mean \`result\`?`, "for example `kind:build AND result:failure`");
      const like = new RegExp(`^${value.replace(/[.+?^${}|[\]\\]/g, "\\$&").replace(/\*/g, ".*")}$`, "i");
      tests.push((one) => [one[field]].flat().some((each) => like.test(String(each))));
      return "";
    });
  for (const word of rest.replace(/\bAND\b|[()]/g, " ").split(/\s+/).filter(Boolean)) {
    tests.push((one) => one.title.toLowerCase().includes(word.toLowerCase()));
  }
  return (one) => tests.every((test) => test(one));
}
