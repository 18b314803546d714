//! Reading: a view of one moment of the projection.

use std::collections::BTreeMap;
use std::fmt;
use std::iter;
use std::ops::RangeInclusive;
use std::sync::MutexGuard;

use rusqlite::{Connection, OptionalExtension, Params, Row, params, params_from_iter};
use weir_model::diagnostic::RecordOutcome;
use weir_model::event::{DomainEvent, EventNumber, NewEvent};
use weir_model::id::{EntityId, IntegrationName, Seq, StreamId};
use weir_model::metric::Sample;
use weir_model::time::Timestamp;
use weir_model::{Calendar, Entity, EntityKind};

use super::Projection;
use super::rows::{ContributionRow, Dimension, EntityRow, OutcomeRow, SampleQuery, SampleRow};
use super::values::{entity_row, json, number, parsed, some_text, sql_limit, stored, stream, teams};
use crate::derived::{DerivedError, Doing};

/// A view of one moment. That of an [`Apply`](super::Apply) sees what it has written itself.
#[derive(Debug)]
pub struct Reader<'p> {
    source: Source<'p>,
    calendar: &'p Calendar,
    watermark: Seq,
    lens: Lens<'p>,
}

/// Decides which entities are there for a reader.
#[derive(Default)]
struct Lens<'p>(Option<Box<Sees<'p>>>);

type Sees<'p> = dyn Fn(&EntityId, &Entity) -> bool + Send + 'p;

impl fmt::Debug for Lens<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lens").field(&self.0.is_some()).finish()
    }
}

impl Lens<'_> {
    /// Through a lens nobody sees tombstones: they do not say whose they were.
    fn shows(&self, row: &EntityRow) -> bool {
        self.0.as_ref().is_none_or(|sees| row.entity.as_ref().is_some_and(|entity| sees(&row.id, entity)))
    }

    /// How many rows to ask for, when `limit` are wanted.
    fn rows(&self, limit: usize) -> i64 {
        if self.0.is_some() { i64::MAX } else { sql_limit(limit) }
    }
}

#[derive(Debug)]
enum Source<'p> {
    /// Some until it is given back when the reader ends.
    Pooled(Option<Connection>, &'p Projection),
    Writer(MutexGuard<'p, Connection>),
}

impl<'p> Reader<'p> {
    /// The moment is fixed by the first reading, which is that of the watermark.
    pub(super) fn begin(connection: Connection, projection: &'p Projection) -> Result<Self, DerivedError> {
        connection.execute_batch("BEGIN").doing("begin to read the projection")?;
        Self::of(Source::Pooled(Some(connection), projection), &projection.calendar)
    }

    pub(super) fn of_writer(writer: MutexGuard<'p, Connection>, calendar: &'p Calendar) -> Result<Self, DerivedError> {
        Self::of(Source::Writer(writer), calendar)
    }

    fn of(source: Source<'p>, calendar: &'p Calendar) -> Result<Self, DerivedError> {
        let mut reader = Self { source, calendar, watermark: Seq::ZERO, lens: Lens::default() };
        reader.watermark = Seq(reader.mark("watermark", |row| number(row, 0)).doing("read the watermark")?);
        Ok(reader)
    }

    pub(super) fn connection(&self) -> &Connection {
        match &self.source {
            Source::Pooled(connection, _) => connection.as_ref().expect("it is given back only by drop"),
            Source::Writer(connection) => connection,
        }
    }

    /// The same, for which entities are not there unless `sees` says so. Samples and what is counted from them are as
    /// they are: ask for those of a team or a project.
    #[must_use]
    pub fn through(mut self, sees: impl Fn(&EntityId, &Entity) -> bool + Send + 'p) -> Self {
        self.lens = Lens(Some(Box::new(sees)));
        self
    }

    /// Whether there may be entities that are not there for this reader.
    pub fn is_limited(&self) -> bool {
        self.lens.0.is_some()
    }

    /// Whether an entity is there and no tombstone.
    pub fn has(&self, id: &EntityId) -> Result<bool, DerivedError> {
        Ok(self.entity(id)?.is_some_and(|row| row.entity.is_some()))
    }

    /// The calendar its days are of.
    pub fn calendar(&self) -> &'p Calendar {
        self.calendar
    }

    /// The last record that was applied.
    pub fn watermark(&self) -> Seq {
        self.watermark
    }

    /// The definition all is derived under.
    pub fn definition(&self) -> Result<String, DerivedError> {
        self.mark("definition", |row| row.get(0)).doing("read the definition")
    }

    /// An entity, or its tombstone; none when no record has ever named it.
    pub fn entity(&self, id: &EntityId) -> Result<Option<EntityRow>, DerivedError> {
        let sql = "SELECT id, document, updated_seq FROM entity WHERE id = ?1";
        Ok(self.entities(sql, params![id.to_string()], 1)?.pop())
    }

    /// The raw records behind an entity, the highest rank first.
    pub fn contributions(&self, id: &EntityId) -> Result<Vec<ContributionRow>, DerivedError> {
        let sql = "SELECT s.integration, s.dataset, c.key, c.version, c.seq
            FROM entity e JOIN contribution c ON c.entity = e.num JOIN stream s ON s.num = c.stream
            WHERE e.id = ?1 ORDER BY c.version DESC, s.integration, s.dataset, c.key";
        if self.is_limited() && !self.has(id)? {
            return Ok(Vec::new());
        }
        let row = |row: &Row<'_>| {
            let (key, version) = (row.get(2)?, row.get(3)?);
            Ok(ContributionRow { stream: stream(row, 0)?, key, version, seq: Seq(number(row, 4)?) })
        };
        self.rows(sql, params![id.to_string()], row).doing("read the contributions to an entity")
    }

    /// Entities that records after `after` changed, by record and then in the order of their numbers. Gives `limit` of
    /// them, and as many more as the last of these records changed: go on from its [`EntityRow::updated_seq`].
    pub fn changed_since(&self, after: Seq, limit: usize) -> Result<Vec<EntityRow>, DerivedError> {
        let sql = "SELECT id, document, updated_seq FROM entity WHERE updated_seq > ?1 AND updated_seq <= coalesce(
                (SELECT updated_seq FROM entity WHERE updated_seq > ?1 ORDER BY updated_seq LIMIT 1 OFFSET ?2 - 1),
                9223372036854775807)
            ORDER BY updated_seq, num";
        self.entities(sql, params![stored(after.0), sql_limit(limit.max(1))], usize::MAX)
    }

    /// Entities of a kind, tombstones too, in the order of their written ids, from behind `after` on.
    pub fn kind(
        &self,
        kind: &EntityKind,
        after: Option<&EntityId>,
        limit: usize,
    ) -> Result<Vec<EntityRow>, DerivedError> {
        let sql = "SELECT id, document, updated_seq FROM entity WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
        let start = after.map_or_else(|| format!("{kind}:"), EntityId::to_string);
        // `;` follows `:`, so this is where the ids of the kind end.
        self.entities(sql, params![start, format!("{kind};"), self.lens.rows(limit)], limit)
    }

    /// Entities that go by a name, in its order.
    pub fn lookup(
        &self,
        name: &str,
        value: &str,
        order: RangeInclusive<i64>,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<EntityRow>, DerivedError> {
        let sql = if newest_first {
            "SELECT e.id, e.document, e.updated_seq FROM lookup l JOIN entity e ON e.num = l.entity
                WHERE l.name = ?1 AND l.value = ?2 AND l.ord BETWEEN ?3 AND ?4
                ORDER BY l.ord DESC, l.entity DESC LIMIT ?5"
        } else {
            "SELECT e.id, e.document, e.updated_seq FROM lookup l JOIN entity e ON e.num = l.entity
                WHERE l.name = ?1 AND l.value = ?2 AND l.ord BETWEEN ?3 AND ?4
                ORDER BY l.ord, l.entity LIMIT ?5"
        };
        self.entities(sql, params![name, value, order.start(), order.end(), self.lens.rows(limit)], limit)
    }

    /// Ids of the entities that [`Reader::lookup`] gives.
    pub fn lookup_ids(
        &self,
        name: &str,
        value: &str,
        order: RangeInclusive<i64>,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<EntityId>, DerivedError> {
        if self.is_limited() {
            let rows = self.lookup(name, value, order, newest_first, limit)?;
            return Ok(rows.into_iter().map(|row| row.id).collect());
        }
        let sql = if newest_first {
            "SELECT e.id FROM lookup l JOIN entity e ON e.num = l.entity
                WHERE l.name = ?1 AND l.value = ?2 AND l.ord BETWEEN ?3 AND ?4
                ORDER BY l.ord DESC, l.entity DESC LIMIT ?5"
        } else {
            "SELECT e.id FROM lookup l JOIN entity e ON e.num = l.entity
                WHERE l.name = ?1 AND l.value = ?2 AND l.ord BETWEEN ?3 AND ?4
                ORDER BY l.ord, l.entity LIMIT ?5"
        };
        let params = params![name, value, order.start(), order.end(), sql_limit(limit)];
        self.rows(sql, params, |row| parsed(row, 0)).doing("read the ids of entities")
    }

    /// Every value of a name, as [`Reader::lookup`] takes it, for those who derive: also of what a limited reader does not
    /// see.
    pub fn lookup_values(&self, name: &str) -> Result<Vec<String>, DerivedError> {
        let sql = "SELECT DISTINCT value FROM lookup WHERE name = ?1 ORDER BY value";
        self.rows(sql, params![name], |row| row.get(0)).doing("read the values of a name")
    }

    /// The samples themselves, by instant: the way down from a number to what is behind it.
    pub fn samples(&self, query: &SampleQuery) -> Result<Vec<SampleRow>, DerivedError> {
        let sql = "SELECT e.id, s.at, s.value, s.unknown, s.project, s.team, s.service
            FROM sample s JOIN entity e ON e.num = s.entity
            WHERE s.metric = ?1 AND s.at >= ?2 AND s.at < ?3
                AND instr(s.team, ?4) AND (?5 = '' OR s.project = ?5) AND (?6 = '' OR s.service = ?6)
            ORDER BY s.at, s.entity, s.part";
        let metric = &query.metric;
        let row = |row: &Row<'_>| {
            let sample = Sample {
                metric: metric.clone(),
                at: Timestamp::from_ms(row.get(1)?),
                value: row.get(2)?,
                unknown: row.get(3)?,
                project: some_text(row.get(4)?),
                teams: teams(row, 5)?,
                service: some_text(row.get(6)?),
            };
            Ok(SampleRow { entity: parsed(row, 0)?, sample })
        };
        let window = query.window();
        let params = params![metric, window.start, window.end, query.within_team(), query.project(), query.service()];
        let mut samples = self.rows(sql, params, row).doing("read samples")?;
        if self.is_limited() {
            let has = |row: &SampleRow| self.has(&row.entity);
            let shown = samples.iter().map(has).collect::<Result<Vec<_>, _>>()?;
            let mut shown = shown.into_iter();
            samples.retain(|_| shown.next().unwrap_or(false));
        }
        Ok(samples)
    }

    /// Entities of which the values of the samples sum to more than 0, each with the instant of its first sample, by
    /// that instant. Where a sample is an entry (1) or an exit (-1), these are the ones inside when the window ends.
    pub fn inside(&self, query: &SampleQuery) -> Result<Vec<(EntityId, Timestamp)>, DerivedError> {
        let sql = "SELECT e.id, min(s.at) AS first FROM sample s JOIN entity e ON e.num = s.entity
            WHERE s.metric = ?1 AND s.at >= ?2 AND s.at < ?3
                AND instr(s.team, ?4) AND (?5 = '' OR s.project = ?5) AND (?6 = '' OR s.service = ?6)
            GROUP BY s.entity HAVING sum(s.value) > 0 ORDER BY first, s.entity";
        let window = query.window();
        let params =
            params![query.metric, window.start, window.end, query.within_team(), query.project(), query.service()];
        let row = |row: &Row<'_>| Ok((parsed(row, 0)?, Timestamp::from_ms(row.get(1)?)));
        self.rows(sql, params, row).doing("read who is inside")
    }

    /// What became of the record at a position, where it was not simply taken.
    pub fn outcome(&self, seq: Seq) -> Result<Option<RecordOutcome>, DerivedError> {
        let sql = "SELECT outcome FROM outcome WHERE seq = ?1";
        self.row(sql, params![stored(seq.0)], |row| json(row, 0)).doing("read the outcome of a record")
    }

    /// How many samples of a window are unknown, by reason.
    pub fn reasons(&self, query: &SampleQuery) -> Result<BTreeMap<String, u64>, DerivedError> {
        let sql = "SELECT s.unknown, count(*) FROM sample s
            WHERE s.metric = ?1 AND s.at >= ?2 AND s.at < ?3 AND s.value IS NULL
                AND instr(s.team, ?4) AND (?5 = '' OR s.project = ?5) AND (?6 = '' OR s.service = ?6)
            GROUP BY s.unknown";
        let row = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?.unwrap_or_default(), number(row, 1)?));
        let window = query.window();
        let params =
            params![query.metric, window.start, window.end, query.within_team(), query.project(), query.service()];
        Ok(self.rows(sql, params, row).doing("count what is unknown")?.into_iter().collect())
    }

    /// The teams, projects or services that have samples on the days of a window, in the order of their names.
    pub fn groups(&self, query: &SampleQuery, by: Dimension) -> Result<Vec<String>, DerivedError> {
        let dimensions = [
            (Dimension::Team, query.team()),
            (Dimension::Project, query.project()),
            (Dimension::Service, query.service()),
        ];
        let place = dimensions.iter().position(|(one, _)| *one == by).unwrap_or_default();
        let (before, [(_, wanted), ..]) = dimensions.split_at(place) else { return Ok(Vec::new()) };
        let equal: String = before.iter().map(|(one, _)| format!("AND {} = ? ", one.as_str())).collect();
        // From name to name, each by one look into the index: tiles are many times as many as names.
        let next = format!("SELECT min({column}) FROM tile WHERE metric = ? {equal}AND {column}", column = by.as_str());
        let sql = format!(
            "WITH RECURSIVE named(name) AS ({next} > ''
                UNION ALL SELECT ({next} > name) FROM named WHERE name IS NOT NULL)
            SELECT name FROM named WHERE name IS NOT NULL"
        );
        let values = iter::once(query.metric.as_str()).chain(before.iter().map(|(_, value)| *value));
        let twice = params_from_iter(values.clone().chain(values));
        let mut named: Vec<String> = self.rows(&sql, twice, |row| row.get(0)).doing("read the groups of a metric")?;
        named.retain(|name| wanted.is_empty() || name == wanted);
        let has = |name: &String| self.has_samples(&query.clone().only(by, name)).doing("read the groups of a metric");
        let kept = named.iter().map(has).collect::<Result<Vec<_>, _>>()?;
        let mut kept = kept.into_iter();
        named.retain(|_| kept.next().unwrap_or(false));
        Ok(named)
    }

    /// When the samples of a window are that wait for their end, in order.
    pub fn waiting(&self, query: &SampleQuery) -> Result<Vec<Timestamp>, DerivedError> {
        let sql = "SELECT s.at FROM sample s
            WHERE s.metric = ?1 AND s.at >= ?2 AND s.at < ?3 AND s.value IS NULL
                AND instr(s.team, ?4) AND (?5 = '' OR s.project = ?5) AND (?6 = '' OR s.service = ?6)
                AND s.unknown IN ('not-reached', 'not-recovered')
            ORDER BY s.at";
        let window = query.window();
        let params =
            params![query.metric, window.start, window.end, query.within_team(), query.project(), query.service()];
        self.rows(sql, params, |row| Ok(Timestamp::from_ms(row.get(0)?))).doing("read what waits for its end")
    }

    /// When the samples of a window are, in order.
    pub fn instants(&self, query: &SampleQuery) -> Result<Vec<Timestamp>, DerivedError> {
        let sql = "SELECT at FROM sample WHERE metric = ?1 AND at >= ?2 AND at < ?3
            AND instr(team, ?4) AND (?5 = '' OR project = ?5) AND (?6 = '' OR service = ?6)
            AND value IS NOT NULL ORDER BY at";
        let window = query.window();
        let params =
            params![query.metric, window.start, window.end, query.within_team(), query.project(), query.service()];
        self.rows(sql, params, |row| Ok(Timestamp::from_ms(row.get(0)?))).doing("read when samples are")
    }

    /// Domain events after the one with the number `after`, in their order.
    pub fn events(&self, after: EventNumber, limit: usize) -> Result<Vec<DomainEvent>, DerivedError> {
        let sql = "SELECT number, event FROM event WHERE number > ?1 ORDER BY number LIMIT ?2";
        let row = |row: &Row<'_>| {
            let event: NewEvent = json(row, 1)?;
            Ok(DomainEvent { number: EventNumber(number(row, 0)?), event })
        };
        self.rows(sql, params![stored(after.0), sql_limit(limit)], row).doing("read domain events")
    }

    /// Number of the last domain event; 0 when there is none.
    pub fn last_event(&self) -> Result<EventNumber, DerivedError> {
        let sql = "SELECT coalesce(max(number), 0) FROM event";
        let last = self.row(sql, [], |row| number(row, 0)).doing("read the number of the last domain event")?;
        Ok(EventNumber(last.unwrap_or(0)))
    }

    /// What became of records that were not simply taken, the newest first, of one stream or all.
    pub fn outcomes(&self, of: Option<&StreamId>, limit: usize) -> Result<Vec<OutcomeRow>, DerivedError> {
        let row = |row: &Row<'_>| {
            Ok(OutcomeRow {
                seq: Seq(number(row, 0)?),
                stream: stream(row, 1)?,
                key: row.get(3)?,
                outcome: json(row, 4)?,
            })
        };
        let rows = match of {
            None => {
                let sql = "SELECT seq, integration, dataset, key, outcome FROM outcome ORDER BY seq DESC LIMIT ?1";
                self.rows(sql, params![sql_limit(limit)], row)
            }
            Some(of) => {
                let sql = "SELECT seq, integration, dataset, key, outcome FROM outcome
                    WHERE integration = ?1 AND dataset = ?2 ORDER BY seq DESC LIMIT ?3";
                self.rows(sql, params![of.integration.as_str(), of.dataset.as_str(), sql_limit(limit)], row)
            }
        };
        rows.doing("read the outcomes of records")
    }

    /// How many entities there are, tombstones not counted, by integration (none for kinds that have none) and kind.
    pub fn counts(&self) -> Result<BTreeMap<(Option<IntegrationName>, EntityKind), u64>, DerivedError> {
        let row = |row: &Row<'_>| {
            let integration = if row.get_ref(0)?.as_str()?.is_empty() { None } else { Some(parsed(row, 0)?) };
            Ok(((integration, parsed(row, 1)?), number(row, 2)?))
        };
        let rows = self.rows("SELECT integration, kind, n FROM tally WHERE n > 0", [], row);
        Ok(rows.doing("count entities")?.into_iter().collect())
    }

    /// How many rows there are of what is calculated from entities: samples, tiles, events.
    pub fn sizes(&self) -> Result<BTreeMap<&'static str, u64>, DerivedError> {
        let count = |name, sql| -> rusqlite::Result<(&'static str, u64)> {
            Ok((name, self.row(sql, [], |row| number(row, 0))?.unwrap_or(0)))
        };
        let sizes = [
            count("samples of metrics", "SELECT count(*) FROM sample"),
            count("rows of pre-calculated cells", "SELECT count(*) FROM tile"),
            count("domain events", "SELECT count(*) FROM event"),
            count("names things are linked by", "SELECT count(*) FROM lookup"),
        ];
        sizes.into_iter().collect::<rusqlite::Result<_>>().doing("count what is calculated")
    }

    fn entities(&self, sql: &str, params: impl Params, limit: usize) -> Result<Vec<EntityRow>, DerivedError> {
        let read = || {
            let mut query = self.connection().prepare_cached(sql)?;
            let rows = query.query_map(params, entity_row)?;
            let shown = rows.filter(|row| row.as_ref().map_or(true, |row| self.lens.shows(row)));
            shown.take(limit).collect::<rusqlite::Result<Vec<_>>>()
        };
        read().doing("read entities")
    }

    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.connection().prepare_cached(sql)?.query_map(params, row)?.collect()
    }

    pub(super) fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.connection().prepare_cached(sql)?.query_row(params, row).optional()
    }

    fn mark<T>(&self, name: &str, row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut query = self.connection().prepare_cached("SELECT value FROM mark WHERE name = ?1")?;
        query.query_row(params![name], row)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Source::Pooled(connection, projection) = &mut self.source
            && let Some(connection) = connection.take()
            && connection.execute_batch("ROLLBACK").is_ok()
        {
            projection.take_back(connection);
        }
    }
}
