// Who may do what, and what becomes of the data, in the shapes of the API.

import { iso } from "./data.mjs";
import { Wrong } from "./answers.mjs";

const DAY = 86_400_000;
const ALL = ["read", "status", "personal", "raw", "runs", "trigger", "propel", "tables", "ingest", "collect", "forward", "access", "audit", "lifecycle"];
const ROLES = { viewer: ["read", "status"], "team-lead": ["read", "status", "personal", "raw", "runs", "tables"], auditor: ["read", "status", "runs", "audit"], administrator: ALL };
const PASSWORD = "correct horse battery";
const LINK = "/#/welcome?token=once-only";
const SELECTED = { selected: 120, kept: 48_000, held: 0, bytes: 90_000, root: "ab".repeat(32), streams: [{ name: "github / pulls", items: 120, bytes: null }] };
const STATEMENT = "I confirm that all data of acme is erased for good.";

export class Access {
  /** `required`: people log in. `bare`: there is no administrator yet. */
  constructor(end, { required = false, bare = false, key = "", many = 1, gone = false }) {
    this.end = end;
    this.required = required || key !== "";
    this.bare = bare;
    this.key = key;
    const user = (name, title, role, more = {}) => ({ name, title, role, teams: [], projects: [], disabled: false, password: true, created_at: iso(end - 90 * DAY), last_login_at: iso(end - DAY / 4), ...more });
    this.users = bare ? [] : [user("ana", "Ana Lima", "administrator"), user("bo", "Bo Chen", "viewer", { teams: ["payments"] }), user("cy", null, "auditor", { password: false, last_login_at: null }), user("di", "Di Rossi", "viewer", { password: false, issuer: "https://login.example.com/realms/acme" })];
    this.keys = bare ? [] : [
      { id: "1a2b3c4d", name: "ci", scopes: ["ingest"], teams: [], projects: [], hosts: [], created_at: iso(end - 40 * DAY), expires_at: null, last_used_at: iso(end - 60_000), rotated_to: null },
      { id: "5e6f7a8b", name: "wall screen", scopes: ["read"], teams: ["payments"], projects: [], hosts: [], created_at: iso(end - 9 * DAY), expires_at: iso(end + 81 * DAY), last_used_at: null, rotated_to: null },
    ];
    this.decommissions = [];
    if (gone) this.decommissions.push(ended(end));
    this.erasures = [];
    this.backups = [];
    this.teams = bare ? [] : [{ name: "payments", parent: "shop", people: [{ is: "ana@example.com" }], projects: ["acme/pay"] }, { name: "shop" }];
    this.exports = bare ? [] : Array.from({ length: many }, (_, n) => ({ at: iso(end - (3 + n) * DAY), by: "ana", to: "/srv/exports/november", outcome: "done", files: 12, records: 48_000 }));
    this.audited = bare ? [] : audited(end, many);
    for (let n = 1; n < many; n += 1) {
      this.users.push(user(`p${n}`, `Person ${n}`, "viewer"));
      this.keys.push({ ...this.keys[0], id: `k${n}`, name: `ci ${n}` });
      this.teams.push({ name: `team ${n}`, parent: "shop", projects: [`acme/${n}`] });
      this.erase({ reason: "retention", scopes: [{ integration: "ci", before: iso(end - n * DAY) }] });
    }
  }

  /** Who asks; undefined when that is not known. */
  who(request) {
    if (this.key && request.headers.authorization === `Bearer ${this.key}`) return told("key", "wall screen", ALL);
    const name = /weir=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
    const user = this.users.find((one) => one.name === name);
    if (user) return { ...told("user", user.name, ROLES[user.role]), title: user.title, role: user.role, teams: user.teams, limited: user.teams.length > 0, token: `t-${name}`, expires_at: iso(this.end + DAY / 2), password: true };
    return this.required ? undefined : { ...told("machine", "machine", ALL), role: "administrator" };
  }

  /** Judges a request, before it is answered. */
  judge(request, path) {
    const you = this.who(request);
    if (path[0] === "welcome" || path[0] === "session") return;
    if (!you) throw new Wrong(401, "a log-in is needed", "log in, or send an API key");
    if (request.method !== "GET" && you.token && request.headers["x-weir-token"] !== you.token) throw new Wrong(403, "the request does not come from this page", "load it again");
    if (you.limited && ["status", "propels", "tables", "integrations", "plugins", "outcomes"].includes(path[0])) throw new Wrong(403, "not for those who see a part only");
  }

  /** The answer, the status it has, and the cookie that goes with it; undefined: it is none of these paths. */
  answer(request, path, params, text) {
    const [what, id, verb] = path;
    const body = text ? JSON.parse(text) : undefined;
    const asked = `${request.method} ${what}`;
    if (asked === "GET session") return this.session(request);
    if (asked === "POST session") return id === "password" ? { status: 200, body: this.who(request) } : this.logIn(body);
    if (asked === "DELETE session") return { status: 204, cookie: "weir=; Max-Age=0; Path=/" };
    if (what === "welcome") return this.welcome(request, params, body);
    if (what === "users") return this.user(request.method, id, verb, body);
    if (what === "keys") return this.apiKey(request.method, id, verb, body);
    if (what === "teams") return { body: { teams: this.teams } };
    if (what === "audit") return { body: id === "verify" ? verdict : pageOf(this.audited, params) };
    if (what === "decommissions") return this.decommission(request.method, id, verb, body);
    if (asked === "POST erasures" && !id) return { status: 201, body: this.erase(body) };
    if (what === "erasures" && request.method === "POST") return { status: 202, body: this.decide(id, verb) };
    if (what === "erasures") return { body: verb === "receipt" ? receipt(this.erasures.find((one) => one.id === id)) : { erasures: this.erasures } };
    if (asked === "POST retention") return { status: 202, body: { erasure: this.erase({ reason: "retention", scopes: [{ integration: "ci", before: iso(this.end - 400 * DAY) }] }) } };
    if (asked === "POST backups") return { status: 201, body: this.backUp(body) };
    if (what === "backups") return { body: { backups: this.backups } };
    if (asked === "POST exports") return { status: 201, body: { format: "weir-export/1" } };
    if (what === "exports") return { body: { exports: this.exports } };
    if (what === "retention") return { body: { policies: [{ integration: "ci", before: iso(this.end - 400 * DAY) }], holds: [{ name: "case 12", integration: "github", reason: "a dispute" }], selected: { ...SELECTED, held: 12 } } };
    return undefined;
  }

  session(request) {
    const you = this.who(request);
    if (you) return { body: you };
    const { problem } = new Wrong(401, "a log-in is needed", "log in, or send an API key");
    return { status: 401, body: { ...problem, login: ["password"], welcome: this.bare && this.users.length === 0 } };
  }

  logIn({ name, password }) {
    const user = this.users.find((one) => one.name === name);
    if (!user || password !== PASSWORD) throw new Wrong(401, "name and password do not fit", "an administrator can make a link for another password");
    return { body: told("user", name, ROLES[user.role]), cookie: `weir=${name}; Path=/; HttpOnly; SameSite=Lax` };
  }

  welcome(request, params, body) {
    if ((params.get("token") ?? body?.token) !== "once-only") throw new Wrong(403, "the link is used, too old, or none of this host", "an administrator makes another one with `weir user password NAME`");
    if (request.method === "GET") return { body: { first: this.bare, name: this.bare ? null : "cy", expires_at: iso(this.end + DAY) } };
    if (this.bare) this.users.push({ name: body.name, title: body.title ?? null, role: "administrator", teams: [], projects: [], disabled: false, password: true, created_at: iso(this.end), last_login_at: null });
    const name = this.bare ? body.name : "cy";
    return { status: 201, body: told("user", name, ALL), cookie: `weir=${name}; Path=/; HttpOnly; SameSite=Lax` };
  }

  user(method, name, verb, body) {
    const roles = Object.entries(ROLES).map(([role, permissions]) => ({ role, permissions }));
    if (method === "GET") return { body: { users: this.users, roles } };
    if (verb === "password") return { body: { link: LINK, expires_at: iso(this.end + 7 * DAY) } };
    if (method === "DELETE") {
      if (name === "ana") throw new Wrong(409, "`ana` is the last administrator", "make another one first");
      this.users = this.users.filter((one) => one.name !== name);
      return { status: 204 };
    }
    if (method === "PUT") return { body: Object.assign(this.users.find((one) => one.name === name), body) };
    const user = { ...body, disabled: false, password: false, created_at: iso(this.end), last_login_at: null };
    this.users.push(user);
    return { status: 201, body: { ...user, link: LINK } };
  }

  apiKey(method, id, verb, body) {
    if (method === "GET") return { body: { keys: this.keys } };
    if (method === "DELETE") {
      this.keys = this.keys.filter((one) => one.id !== id);
      return { status: 204 };
    }
    const old = verb === "rotate" && this.keys.find((one) => one.id === id);
    const made = { teams: [], projects: [], ...(old || body), id: `9c0d${this.keys.length}`, created_at: iso(this.end), expires_at: null, last_used_at: null, rotated_to: null };
    if (old) Object.assign(old, { rotated_to: made.id, expires_at: iso(this.end + 7 * DAY) });
    this.keys.push(made);
    return { status: 201, body: { ...made, key: "weir_9c0d_shown-only-once" } };
  }

  decommission(method, id, verb, body) {
    if (verb === "receipt") return { body: { ...receipt(null), kind: "decommissioning" } };
    if (id === "inventory") return { body: inventory(this.end) };
    if (id === "statement") return { body: { account: "acme", statement: STATEMENT } };
    if (method === "GET") return { body: { decommissions: this.decommissions } };
    const found = this.decommissions.find((one) => one.id === id);
    if (verb === "confirm" && !body.owner_key) throw new Wrong(400, "user:ana has asked for it and cannot confirm it", "somebody else confirms it, or the owner key");
    if (verb === "confirm") Object.assign(found, { state: "scheduled", confirmed: { at: iso(this.end), by: "owner key" }, steps: [...found.steps, { state: "validated", at: iso(this.end) }, { state: "scheduled", at: iso(this.end) }] });
    if (verb === "cancel") Object.assign(found, { state: "cancelled" });
    if (verb === "hold") Object.assign(found, { state: "held", waiting_for: `a hold to be lifted: ${body.reason}` });
    if (verb === "release") Object.assign(found, { state: "scheduled", waiting_for: null });
    if (found) return { body: found };
    if (body.statement !== STATEMENT) throw new Wrong(400, "the sentence is another one", "type it as it stands there");
    const one = { id: "d-1", account: "acme", state: "requested", requested: { at: iso(this.end), by: "user:ana" }, confirmed: null, due: iso(this.end + 30 * DAY), contact: body.contact, reason: body.reason, projects: body.projects, steps: [{ state: "requested", at: iso(this.end) }], waiting_for: null, error: null, receipt: null };
    this.decommissions.unshift(one);
    return { status: 201, body: one };
  }

  erase({ dry_run, reason, scopes }) {
    const id = `e-${this.erasures.length}`;
    const waits = reason === "for two to agree" && { state: "asked", completed_at: null };
    const done = dry_run ? { state: "dry-run", completed_at: null } : waits || { state: "completed", completed_at: iso(this.end), receipt: `/v1/erasures/${id}/receipt` };
    const one = { id, requested: { at: iso(this.end), by: "user:ana" }, scopes, reason, records: SELECTED, ...done };
    if (!dry_run) this.erasures.unshift(one);
    return one;
  }

  decide(id, verb) {
    const one = this.erasures.find((one) => one.id === id);
    if (verb === "cancel") return Object.assign(one, { state: "cancelled" });
    return Object.assign(one, { state: "completed", completed_at: iso(this.end), confirmed: { at: iso(this.end), by: "user:bo" }, receipt: `/v1/erasures/${id}/receipt` });
  }

  backUp({ to }) {
    this.backups.unshift({ at: iso(this.end), by: "user:ana", to, outcome: "done", files: 9, generations: 2 });
    return { format: "weir-backup/1", generations: 2, new_generations: 1, damaged: [], files: {} };
  }
}

const told = (kind, name, permissions) => ({ kind, name, title: null, role: null, teams: [], projects: [], limited: false, permissions, token: null, expires_at: null, password: false });

const verdict = { whole: true, entries: 3, checkpoints: 1, signed_up_to: 2, unsigned: 1, erased: 1, public_key: "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=", last_checkpoint: { sequence: 2 }, problems: [] };

function audited(end, many) {
  const one = (sequence, action, outcome, more) => ({ sequence, at: iso(end - (4 - sequence) * (DAY / 24)), account: "acme", action, outcome, actor: "user:ana", from: "10.0.0.7", subject: null, before: null, after: null, erased: false, hash: "9f".repeat(32), ...more });
  const all = [one(3, "key.create", "done", { subject: "erasure 0197f0aa-7c1e-7d52-9b3e-5b1c2a9d8e7f", after: { scopes: ["ingest"] } }), one(2, "session.begin", "refused", { actor: null, from: "10.0.0.9", subject: "bo" }), one(1, "user.create", "done", { erased: true, actor: null, from: null })];
  const more = Array.from({ length: many - 1 }, (_, n) => one(4 + n, "raw.read", "done", { subject: `build:ci:api#${n}` }));
  return [...more.reverse(), ...all];
}

function pageOf(all, params) {
  const of = (name) => params.get(name) ?? "";
  const fits = (entry) => entry.action.startsWith(of("action")) && ["", entry.actor].includes(of("actor")) && JSON.stringify(entry).includes(of("q")) && entry.at >= of("from") && entry.at < (params.get("to") ?? "~") && entry.sequence < Number(params.get("before") ?? Infinity);
  const found = all.filter(fits);
  const entries = found.slice(0, Number(params.get("limit") ?? 100));
  return { entries, next: found.length > entries.length ? String(entries.at(-1).sequence) : null };
}

const receipt = (erasure) => ({ format: "weir-receipt/1", kind: "erasure", account: "acme", erasure, public_key: verdict.public_key, signature: "c2lnbmVk" });

const STEPS = ["requested", "validated", "scheduled", "disabled", "erasing", "verifying", "completed"];
const ended = (end) => ({ id: "d-0", account: "acme", state: "completed", requested: { at: iso(end - DAY), by: "user:ana" }, confirmed: { at: iso(end - DAY), by: "owner key" }, due: iso(end), contact: "ana@example.com", reason: null, projects: [], steps: STEPS.map((state) => ({ state, at: iso(end) })), waiting_for: null, error: null, receipt: "/v1/decommissions/d-0/receipt" });

const inventory = (end) => ({
  account: "acme",
  at: iso(end),
  classes: [
    { class: "raw records", items: 48_213, bytes: 26_900_000, detail: [{ name: "github / pulls", items: 1_579, bytes: null }, { name: "jenkins / builds", items: 496, bytes: null }] },
    { class: "entities", items: 9_120, bytes: null, detail: [] },
    { class: "keys", items: 1, bytes: 56, detail: [] },
  ],
  projects: ["acme/pay"],
  stays: [{ what: "weir.toml", why: "it is the operator's file" }],
});
