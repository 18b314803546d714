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
  team?: string;
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
}

export interface Run {
  started_at: Instant;
  finished_at?: Instant | null;
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

export interface EntityAnswer {
  id: string;
  kind: string;
  updated_seq: number;
  document?: { [key: string]: Json } | null;
  sources?: Source[];
  links?: Link[];
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

export interface DomainEvent {
  number: number;
  kind: string;
  at: Instant;
  entity: string;
}
