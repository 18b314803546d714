// The shapes of the API that this page reads. A field the server may leave out is optional here.

import type { Level } from "./metrics";

export type Instant = string;
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Hit {
  id: string;
  kind?: string;
  title?: string;
  integration?: string;
  project?: string;
  team?: string | string[];
  repository?: string;
  branch?: string;
  result?: string;
  state?: string;
  status?: string;
  job?: string;
  number?: number;
  duration?: number;
  trigger?: string;
  key?: string;
  type?: string;
  environment?: string;
  service?: string | string[];
  person?: string | string[];
  sha?: string | string[];
  highlight?: { title?: string[]; text?: string[] };
  created?: Instant;
  updated?: Instant;
  started?: Instant;
  finished?: Instant;
  url?: string;
}

export interface FacetCount {
  value: string;
  count: number;
}

export interface SearchAnswer {
  total: number;
  took_ms: number;
  hits: Hit[];
  facets: Record<string, FacetCount[]>;
  groups?: Groups;
  did_you_mean?: { written: string; meant: string }[];
  fresh_at?: Instant | null;
  next?: string | null;
}

/** One group at one time: its keys, a count, and statistics by field. */
export interface GroupRow {
  key: Record<string, string | null>;
  at?: string;
  count: number;
  [field: string]: Json | undefined | Record<string, string | null>;
}

export interface Groups {
  by: string[];
  over?: string;
  bucket?: string;
  rows: GroupRow[];
  other?: { groups: number; count: number };
}

export interface SavedSearch {
  name: string;
  q: string;
  description?: string | null;
  needs: string[];
}

export interface SavedSearches {
  searches: SavedSearch[];
  variables: Record<string, string>;
}

export interface Point {
  at?: string;
  n: number;
  unknown: number;
  mean?: number;
  p50?: number;
  p75?: number;
  p90?: number;
  p95?: number;
  per_day?: number;
  /** How far percentiles may be off, as a share, where they are not exact. */
  relative_error?: number;
}

export interface MetricAnswer {
  metric: string;
  definition: string;
  unit: string;
  from?: Instant | null;
  to?: Instant | null;
  points: Point[];
  total: Point;
  unknown: number;
  segments?: Record<string, Point>;
  groups?: Record<string, Point>;
  reasons?: Record<string, number>;
  waiting?: { n: number; p50: number | null; max: number | null };
  rhythm?: { gap_max: number | null };
  band?: { set: string; band: Level | null };
  compat?: { value: number | null; unit: string; n: number };
  sum_over_services?: number;
  fresh_at?: Instant | null;
}

export interface Definition {
  name: string;
  version: string;
  unit: string;
  statistic: string;
  direction: "up" | "down";
  summary?: string;
}

export interface Sample {
  entity: string;
  at: Instant;
  value?: number | null;
  unknown?: string;
  project?: string;
  /** The team, and those it is a part of. */
  teams?: string[];
}

export interface SuspectCommit {
  id: string;
  sha: string;
  reason: string;
  confidence: number;
  title?: string;
  author?: string;
}

export interface Suspects {
  build: string;
  state: string;
  reason?: string;
  since?: string | null;
  commits: SuspectCommit[];
  flags?: string[];
}

export interface RedBuild {
  build: Hit;
  suspects: Suspects;
}

export interface RunFailure {
  dataset: string;
  error: string;
  blame?: string;
  retry?: boolean;
}

export interface Run {
  started_at: Instant;
  finished_at?: Instant | null;
  full?: boolean;
  pages?: number;
  withdrawn?: number;
  records: number;
  failures?: RunFailure[];
}

export interface Integration {
  name: string;
  state: string;
  cursor_age_ms?: number | null;
  records: number;
  rejected: number;
  errors: number;
  last_error?: string | null;
  last_run?: Run | null;
}

export interface Budget {
  origin: string;
  resource?: string;
  limit?: number | null;
  remaining?: number | null;
  reset_at?: Instant | null;
  waiting_until?: Instant | null;
}

export interface Webhook {
  integration: string;
  last_at?: Instant | null;
  taken: number;
  refused: number;
  last_refusal?: string | null;
}

export interface Status {
  host: string;
  integrations: Integration[];
  accepted: number;
  processed: number;
  quarantined: number;
  log_bytes: number;
  budgets?: Budget[];
  webhooks?: Webhook[];
  rebuilding?: { processed: number; records_per_second: number; remaining_ms?: number | null };
}

export interface Source {
  stream: string;
  key: string;
  version: number;
  seq: number;
}

export interface Link {
  depth?: number;
  kind: string;
  from?: string;
  to: string;
  title?: string;
  reason: string;
  confidence: number;
}

export interface Stay {
  status?: string | null;
  phase?: string | null;
  from: Instant;
  until?: Instant | null;
  seen?: boolean;
}

export interface History {
  stays: Stay[];
  told: boolean;
}

export interface EntityAnswer {
  id: string;
  kind: string;
  updated_seq: number;
  document?: { [key: string]: Json } | null;
  sources?: Source[];
  links?: Link[];
  history?: History | null;
}

export interface RawRecord {
  seq: number;
  stream: string;
  key: string;
  version?: number | null;
  received_at: Instant;
  context?: string | null;
  payload: string;
}

export interface Note {
  name: string;
  at: Instant;
  text: string;
  user?: string;
  propel?: string;
}

export interface DomainEvent {
  number: number;
  kind: string;
  at: Instant;
  entity: string;
}

export interface Spread {
  n: number;
  mean?: number;
  p50?: number;
  p75?: number;
  p90?: number;
  deviation?: number;
}

export interface WorkItem {
  id: string;
  handle?: string;
  title?: string;
  status?: string | null;
  phase?: string | null;
  since?: Instant | null;
  age_ms: number;
}

export interface WorkItems {
  at: Instant;
  n: number;
  unknown: number;
  age: Spread;
  items: WorkItem[];
}

export interface Statuses {
  n: number;
  unknown: number;
  statuses: Record<string, Spread>;
  phases: Record<string, Spread>;
}

export interface Sprint {
  id: string;
  name?: string;
  state?: string;
  from?: Instant;
  to?: Instant;
  commit?: number;
  commit_done?: number;
  commit_missed?: number;
  removed?: number;
  creep?: number;
  creep_done?: number;
  creep_missed?: number;
  delivered?: number;
  churn?: number | null;
  commit_done_ratio?: number | null;
  creep_ratio?: number | null;
  unestimated?: string[];
}

export interface SprintsAnswer {
  sprints: Sprint[];
  over: Record<string, Spread>;
}

export interface HygieneCategory {
  name: string;
  weight: number;
  misses: number;
  unknown: number;
  items: string[];
}

export interface Hygiene {
  n: number;
  score: number | null;
  categories: HygieneCategory[];
}

export interface Aligned {
  name?: string;
  n: number;
  unknown: number;
  effort: number;
  share: number | null;
}

export interface Alignment {
  effort: string;
  n: number;
  unknown: number;
  categories: Aligned[];
  remainder: Aligned;
}

export interface Propel {
  name: string;
  engine: string;
  state: string;
  on: string[];
  gates: string[];
  next_at?: Instant;
  dry_run: boolean;
  failures: number;
  last_error?: string;
  resting_until?: Instant;
  runs: number;
  took_ms: number;
}

export interface RunAction {
  id: string;
  what: string;
  result?: { done: boolean; detail: string; at: Instant } | null;
}

export interface PropelRun {
  id: string;
  propel: string;
  kind: string;
  entity?: string;
  cause: string | { [key: string]: Json };
  at: Instant;
  state: string;
  reason?: string;
  due_at?: Instant;
  finished_at?: Instant;
  attempts: number;
  took_ms: number;
  log?: string[];
  actions: RunAction[];
  decision?: { decision: string; reason?: string };
}

export interface ImaginedRun extends PropelRun {
  bodies: (string | null)[];
}

export interface Column {
  name: string;
  type: "text" | "number" | "boolean" | "date" | "choice";
  required?: boolean;
  choices?: string[];
  default?: Json;
}

export interface TableShape {
  name: string;
  key: string;
  columns: Column[];
}

export type Row = { key: string; version: number; at: Instant; by: string } & { [column: string]: Json };

export interface Outcome {
  seq: number;
  stream: string;
  key: string;
  outcome: string;
  reason?: string;
  diagnostics?: { code?: string; place?: string; found?: string }[];
}

export interface Plugin {
  id: string;
  path: string;
  comes_with_weir: boolean;
  signers: string[];
  version?: string;
  kind?: string;
  digest?: string;
  methods?: string[];
  hosts?: string[];
  datasets?: string[];
  events?: string[];
  error?: string;
}

export type Permission = "read" | "status" | "personal" | "raw" | "runs" | "trigger" | "propel" | "tables" | "ingest" | "collect" | "forward" | "access" | "audit" | "lifecycle";

export interface Session {
  kind: "user" | "key" | "command" | "machine";
  name: string;
  title?: string | null;
  role?: string | null;
  teams: string[];
  projects: string[];
  limited: boolean;
  permissions: Permission[];
  token?: string | null;
  expires_at?: Instant | null;
  password?: boolean;
}

/** Where people log in but here. */
export interface Provider {
  title: string;
  path: string;
}

export interface Welcome {
  first: boolean;
  name?: string | null;
  expires_at: Instant;
}

export interface User {
  name: string;
  title?: string | null;
  role: string;
  teams: string[];
  projects: string[];
  disabled: boolean;
  password: boolean;
  /** Provider that says what they are here. */
  issuer?: string | null;
  created_at: Instant;
  last_login_at?: Instant | null;
}

export interface Role {
  role: string;
  permissions: Permission[];
}

export interface ApiKey {
  id: string;
  name: string;
  scopes: string[];
  teams: string[];
  projects: string[];
  hosts: string[];
  created_at: Instant;
  expires_at?: Instant | null;
  last_used_at?: Instant | null;
  rotated_to?: string | null;
}

export interface Team {
  name: string;
  parent?: string | null;
  people?: { is: string; from?: Instant; to?: Instant }[];
  projects?: string[];
}

export interface AuditEntry {
  sequence: number;
  at: Instant;
  account?: string;
  action: string;
  outcome: string;
  actor?: string | null;
  from?: string | null;
  subject?: string | null;
  before?: Json;
  after?: Json;
  erased: boolean;
  hash: string;
}

export interface AuditVerdict {
  whole: boolean;
  entries: number;
  checkpoints: number;
  signed_up_to: number;
  unsigned: number;
  erased: number;
  public_key: string;
  last_checkpoint?: Json;
  problems: { where: string; what: string }[];
}

/** Some of something; undefined or null: nobody counted. */
export interface Counted {
  name: string;
  items?: number | null;
  bytes?: number | null;
}

export interface InventoryClass extends Omit<Counted, "name"> {
  class: string;
  detail?: Counted[];
}

export interface Inventory {
  account: string;
  at: Instant;
  classes: InventoryClass[];
  projects: string[];
  stays: { what: string; why: string }[];
}

/** Who did something, and when. */
export interface Asked {
  at: Instant;
  by: string;
}

export interface Decommission {
  id: string;
  account: string;
  state: string;
  requested: Asked;
  confirmed?: Asked | null;
  due: Instant;
  contact: string;
  reason?: string | null;
  projects: string[];
  steps: { state: string; at: Instant }[];
  waiting_for?: string | null;
  error?: string | null;
  receipt?: string | null;
}

/** Raw records that are meant: all that is given holds of them. */
export interface Scope {
  integration?: string;
  dataset?: string;
  kind?: string;
  project?: string;
  before?: Instant;
  person?: string[];
  /** What this host has forwarded. */
  host?: string;
  /** Up to this event of it. */
  up_to?: number;
}

export interface Selected {
  selected: number;
  kept: number;
  /** Kept only because of a hold. */
  held: number;
  /** More that cannot be read. */
  unreadable?: number;
  /** Notes, rows of tables and runs that name the person. */
  written?: number;
  /** Root of the hash tree over all of them. */
  root: string;
  bytes: number;
  streams: Counted[];
}

export interface Erasure {
  id: string;
  state: string;
  requested: Asked;
  confirmed?: Asked | null;
  scopes: Scope[];
  reason?: string | null;
  records: Selected;
  /** What takes the place of the person; else records go. */
  pseudonym?: string;
  /** What centrals have of it, and why they still do. */
  copies?: { url: string; error?: string; receipt?: object }[];
  completed_at?: Instant | null;
  /** Where its receipt is, once it is completed. */
  receipt?: string | null;
}

export interface Retention {
  policies: Scope[];
  holds: { name: string; integration?: string | null; reason?: string | null }[];
  selected: Selected;
  /** Runs of propels and entries of the audit log that are past their time; null where they are kept for ever. */
  runs?: number | null;
  audit?: number | null;
}

/** A backup or an export, as it was noted. */
export interface Copied {
  at: Instant;
  by?: string | null;
  to?: string | null;
  outcome: string;
  files?: number | null;
  records?: number | null;
}
