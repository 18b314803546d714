// The shapes of the API that this page reads. A field the server may leave out is optional here.

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
  next?: string | null;
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
  fresh_at?: Instant | null;
}

export interface Definition {
  name: string;
  version: string;
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
  kind: string;
  to: string;
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
