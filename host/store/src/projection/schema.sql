-- Numbers of streams and entities are given in the order in which records first name them, which is the order of
-- the log: a rebuild gives the same ones.
CREATE TABLE mark (
    name TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stream (
    num INTEGER PRIMARY KEY,
    integration TEXT NOT NULL,
    dataset TEXT NOT NULL,
    n_records INTEGER NOT NULL,
    UNIQUE (integration, dataset)
) STRICT;

-- What each record last said, by a name for all of it: the JSON list holds the numbers of the entities it contributes to. A withdrawn one is
-- kept with an empty list, for its version makes older ones late.
CREATE TABLE record (
    stream INTEGER NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    said BLOB,
    entities TEXT NOT NULL,
    PRIMARY KEY (stream, key)
) STRICT, WITHOUT ROWID;

-- The document is the merge of all contributions; none: a tombstone. Documents are long, and long rows make a
-- table without rowid deep, so this one has its own numbers.
CREATE TABLE entity (
    num INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    document TEXT,
    updated_seq INTEGER NOT NULL
) STRICT;

-- Entities that are no tombstones.
CREATE TABLE tally (
    integration TEXT NOT NULL,
    kind TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (integration, kind)
) STRICT, WITHOUT ROWID;

-- No document: the only contribution to its entity, whose document is then also this one's.
CREATE TABLE contribution (
    entity INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    document TEXT,
    PRIMARY KEY (entity, stream, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE lookup (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    ord INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    PRIMARY KEY (name, value, ord, entity)
) STRICT, WITHOUT ROWID;

-- Names are written out: rows of one batch must not depend on where the batch began. `team` holds the team and those it
-- is a part of, each between newlines. `part` counts from 0 what one entity says about one metric.
CREATE TABLE sample (
    metric TEXT NOT NULL,
    at INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    part INTEGER NOT NULL,
    value REAL,
    unknown TEXT,
    team TEXT NOT NULL,
    project TEXT NOT NULL,
    service TEXT NOT NULL,
    PRIMARY KEY (metric, at, entity, part)
) STRICT, WITHOUT ROWID;

-- What is derived of an entity, its rows of `lookup` and `sample`, in one place: to tell what changes of it.
CREATE TABLE derived (
    entity INTEGER PRIMARY KEY,
    rows BLOB NOT NULL
) STRICT;

-- Team, project and service are empty in the tiles that count all of them. `span` is 32 days since 1970-01-01 in the
-- zone of the definition, `days` the tiles of those that have samples: one by one they would be as many as samples.
CREATE TABLE tile (
    metric TEXT NOT NULL,
    team TEXT NOT NULL,
    project TEXT NOT NULL,
    service TEXT NOT NULL,
    span INTEGER NOT NULL,
    days BLOB NOT NULL,
    PRIMARY KEY (metric, team, project, service, span)
) STRICT, WITHOUT ROWID;

CREATE TABLE outcome (
    seq INTEGER PRIMARY KEY,
    integration TEXT NOT NULL,
    dataset TEXT NOT NULL,
    key TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;

CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    event TEXT NOT NULL
) STRICT;
