// Made-up delivery data, the same for the same moment: builds, changes, deployments of a few teams over half a year.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A small generator of numbers in [0, 1), always the same for a seed (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PEOPLE = ["Ana Ruiz", "Bo Lindqvist", "Chen Wei", "Dara Okafor", "Emil Novak", "Farah Haddad"];
const JOBS = [
  ["api", "acme/api", "payments", 7 * MINUTE],
  ["web", "acme/web", "storefront", 5 * MINUTE],
  ["mobile/android", "acme/mobile", "storefront", 19 * MINUTE],
  ["mobile/ios", "acme/mobile", "storefront", 26 * MINUTE],
  ["ledger/integration-tests", "acme/ledger", "payments", 41 * MINUTE],
  ["deploy-production", "acme/api", "payments", 4 * MINUTE],
  ["nightly", "acme/platform", "platform", 73 * MINUTE],
  ["platform/terraform-plan-and-apply-all-regions", "acme/platform", "platform", 12 * MINUTE],
];
const TITLES = [
  "Retry the ledger write when the lock is taken",
  "Show the delivery date in the basket",
  "Drop the old price cache",
  "Round half even in the tax table",
  "Use one connection pool for reads",
  "Bump the build image to 24.04",
  "Keep the session when the token is refreshed",
];
const WHY_NOT = ["failure", "failure", "unstable", "timeout", "cancelled", "error", "skipped"];

export const iso = (ms) => new Date(ms).toISOString();
const pick = (list, r) => list[Math.floor(r() * list.length)];
const sha = (r) => Array.from({ length: 40 }, () => Math.floor(r() * 16).toString(16)).join("");

export function build(index, at, r) {
  const [job, repository, team, typical] = pick(JOBS, r);
  const push = r() < 0.55;
  const branch = push ? (r() < 0.8 ? "main" : "release/24.3") : `change/${400 + Math.floor(r() * 60)}-${pick(["fix", "feature", "spike"], r)}`;
  const result = r() < 0.84 ? "success" : pick(WHY_NOT, r);
  const duration = Math.round(typical * (0.7 + r() * 0.8));
  const commit = sha(r);
  return {
    id: `build:ci:${job}#${index}`,
    kind: "build",
    title: `${job} #${index}`,
    integration: "ci",
    project: repository,
    team: [team],
    repository,
    branch,
    result,
    state: "finished",
    job,
    number: index,
    duration,
    trigger: job === "nightly" ? "schedule" : push ? "push" : "change",
    sha: [commit],
    created: iso(at - duration - 20_000),
    started: iso(at - duration),
    finished: iso(at),
    updated: iso(at),
    url: `https://ci.example.com/job/${job}/${index}/`,
  };
}

/** Builds of half a year before `end`, newest first. */
export function builds(end) {
  const r = random(7);
  const all = [];
  for (let at = end - 180 * DAY, index = 1; at < end; at += Math.round((r() * 2 + 0.1) * 1.6 * HOUR), index += 1) {
    const weekday = new Date(at).getUTCDay();
    if ((weekday === 0 || weekday === 6) && r() < 0.8) continue;
    all.push(build(index, at, r));
  }
  return all.reverse();
}

const LEVELS = {
  "change-lead-time": [26 * HOUR, 0.6, 0.7],
  "recovery-time": [95 * MINUTE, 0.9, 0.12],
};

/** Samples of a metric, newest first. */
export function samples(metric, end, list) {
  const r = random(metric.length * 97);
  if (metric.startsWith("build-")) return list.flatMap((one) => ofBuild(metric, one));
  const all = [];
  for (let at = end - 180 * DAY; at < end; at += Math.round(r() * 11 * HOUR)) {
    const [, project, team] = pick(JOBS, r);
    const progress = (at - (end - 180 * DAY)) / (180 * DAY);
    const sample = { entity: `deployment:ci:${project}/${Math.floor(at / HOUR)}`, metric, at: iso(at), project, teams: [team] };
    const value = valueOf(metric, progress, r);
    if (value === "none") continue;
    all.push(value === undefined ? { ...sample, value: null, unknown: "no-base" } : { ...sample, value });
  }
  return all.reverse();
}

const SHARES = { "unreviewed-rate": 0.06, "linked-rate": 0.9, "flaky-rate": 0.2, "reopen-rate": 0.08 };

function valueOf(metric, progress, r) {
  const share = SHARES[metric];
  if (share !== undefined) return r() < share ? 1 : 0;
  if (metric === "flow-efficiency") return 0.2 + 0.3 * r();
  const times = LEVELS[metric] ?? (/time|coding|draft|pickup|review|merge-wait|deploy$/.test(metric) ? [5 * HOUR, 0.8, 0.8] : undefined);
  if (times) {
    const [middle, spread, density] = times;
    if (r() > density) return "none";
    if (r() < 0.05) return undefined;
    return Math.round(middle * (1.35 - 0.6 * progress) * Math.exp((r() + r() + r() - 1.5) * 2 * spread));
  }
  if (metric === "change-fail-rate") return r() < 0.11 - 0.05 * progress ? 1 : 0;
  if (metric === "rework-rate") return r() < 0.05 + 0.02 * progress ? 1 : 0;
  return 1;
}

function ofBuild(metric, one) {
  const sample = { entity: one.id, metric, at: one.finished, project: one.project, teams: [one.team[0]] };
  if (metric === "build-duration") return [{ ...sample, value: one.duration }];
  if (["cancelled", "skipped", "error"].includes(one.result)) return [];
  return [{ ...sample, value: one.result === "success" ? 1 : 0 }];
}

/** Suspects of a red build. */
export function suspects(one) {
  const r = random(one.number);
  const n = r() < 0.15 ? 0 : 1 + Math.floor(r() * 4);
  const commits = Array.from({ length: n }, () => {
    const id = sha(r);
    return { id: `commit::${id}`, sha: id, reason: "range", confidence: 1 / n, title: pick(TITLES, r), author: pick(PEOPLE, r) };
  });
  const unknown = n === 0 ? { reason: "incomplete-history" } : {};
  const flags = r() < 0.2 ? ["base-moved"] : [];
  return { build: one.id, state: n === 0 ? "unknown" : "broken", since: `build:ci:${one.job}#${one.number - 9}`, commits, flags, ...unknown };
}

/** Longer than its place, with what must not be taken for HTML. */
function logTail(one) {
  const steps = Array.from({ length: 80 }, (_, step) => `[${one.job}] step ${step + 1} of 80`);
  return [...steps, "CartTest.adds: expected <b>2</b> but was 3", "<script>document.title = 'taken'</script>", "make: *** [test] Error 2", "Finished: FAILURE"].join("\n");
}

export function document(one) {
  return {
    job: one.job,
    number: one.number,
    url: one.url,
    state: "finished",
    result: one.result,
    result_word: one.result === "success" ? "SUCCESS" : "FAILURE",
    triggers: [{ kind: one.trigger, text: "Started by a push" }],
    parameters: [
      { name: "TARGET", value: "production" },
      { name: "TOKEN", withheld: true },
    ],
    checkouts: [{ repository: { name: `https://git.example.com/${one.repository}` }, branch: one.branch, commit: one.sha[0] }],
    stages: [
      { key: "1", name: "Compile", result: "success", started_at: one.started, duration: Math.round(one.duration * 0.4) },
      { key: "2", name: "Test <b>all</b>", result: one.result, started_at: iso(Date.parse(one.started) + one.duration * 0.4), duration: Math.round(one.duration * 0.55) },
      { key: "3", parent: "2", name: "Unit tests", result: one.result, started_at: iso(Date.parse(one.started) + one.duration * 0.42), duration: Math.round(one.duration * 0.3) },
    ],
    ...(one.result === "success" ? {} : { log_tail: logTail(one) }),
    queued_at: one.created,
    started_at: one.started,
    finished_at: one.finished,
    duration: one.duration,
  };
}
