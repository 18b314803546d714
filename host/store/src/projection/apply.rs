//! The one write transaction: records in, changed entities out.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::MutexGuard;

use rusqlite::{Connection, Params, Row, params};
use weir_model::id::{EntityId, IntegrationName, Seq, StreamId};
use weir_model::raw::Version;
use weir_model::{Calendar, Entity, EntityKind};

use super::check_points::CheckPoints;
use super::contributions::{Contribution, merged, replace};
use super::derived::StoredRows;
use super::read::Reader;
use super::rows::{Changed, RecordEntities, Said};
use super::tiles::{Dirty, Tiling};
use super::values::{document, json, parsed, stored, stream, to_json};
use crate::derived::{DerivedError, Doing};

/// A write transaction. Reads as a [`Reader`] does and sees what it has written; tiles follow when it is finished.
/// Dropped unfinished, or after an error, it leaves no trace.
#[derive(Debug)]
pub struct Apply<'p> {
    pub(super) reader: Reader<'p>,
    /// Every stream, in the order of their numbers.
    streams: Vec<StreamId>,
    pub(super) dirty: Dirty,
    /// Numbers of the entities that were looked up.
    numbers: BTreeMap<EntityId, i64>,
    /// How many more entities there are, by integration (empty for none) and kind.
    tallies: BTreeMap<(String, String), i64>,
    /// How many more records there are, by the number of their stream.
    new_records: BTreeMap<i64, i64>,
    /// What is derived of the entities that were looked at, by their numbers.
    pub(super) derived: BTreeMap<i64, StoredRows>,
    /// None where there is no journal.
    check_points: Option<&'p CheckPoints>,
}

impl<'p> Deref for Apply<'p> {
    type Target = Reader<'p>;

    fn deref(&self) -> &Reader<'p> {
        &self.reader
    }
}

/// An entity of which there is a row.
struct Stored {
    num: i64,
    document: Option<String>,
}

impl<'p> Apply<'p> {
    pub(super) fn begin(
        writer: MutexGuard<'p, Connection>,
        calendar: &'p Calendar,
        tiling: Tiling,
        check_points: Option<&'p CheckPoints>,
    ) -> Result<Self, DerivedError> {
        writer.execute_batch("BEGIN IMMEDIATE").doing("begin to write to the projection")?;
        let reader = Reader::of_writer(writer, calendar)?;
        let mut apply = Self {
            reader,
            streams: Vec::new(),
            dirty: Dirty::new(tiling),
            numbers: BTreeMap::new(),
            tallies: BTreeMap::new(),
            new_records: BTreeMap::new(),
            derived: BTreeMap::new(),
            check_points,
        };
        let sql = "SELECT integration, dataset FROM stream ORDER BY num";
        apply.streams = apply.rows(sql, [], |row| stream(row, 0)).doing("read the streams")?;
        Ok(apply)
    }

    /// Replaces what a record contributes, unless a higher version of it is stored. Gives the entities whose documents
    /// changed, in the order of their ids. One to which nothing contributes any more becomes a tombstone, and loses
    /// its lookups and samples.
    pub fn record(&mut self, record: &RecordEntities) -> Result<Vec<Changed>, DerivedError> {
        self.record_again(record, record.seq)
    }

    /// The same for a record of before that says something else by now, because of the one at `cause`: what it changes
    /// is changed since then.
    pub fn record_again(&mut self, record: &RecordEntities, cause: Seq) -> Result<Vec<Changed>, DerivedError> {
        let stated = stated(record)?;
        self.take(record, stated, cause).doing("apply a record")
    }

    /// Writes what was gathered in memory, for the transaction to go on with less of it.
    pub fn flush(&mut self) -> Result<(), DerivedError> {
        self.numbers.clear();
        self.store_counts().doing("count entities and records")?;
        self.store_derived().doing("store what is derived")
    }

    /// Recomputes the tiles that changed samples count in, moves the watermark, and makes all of it durable.
    pub fn finish(mut self, watermark: Seq) -> Result<(), DerivedError> {
        debug_assert!(watermark >= self.watermark(), "a watermark never moves back");
        self.flush()?;
        let dirty = std::mem::replace(&mut self.dirty, Dirty::new(Tiling::Now));
        self.recompute(dirty).doing("recompute tiles")?;
        let sql = "UPDATE mark SET value = ?1 WHERE name = 'watermark'";
        self.write(sql, params![stored(watermark.0)]).doing("move the watermark")?;
        self.connection().execute_batch("COMMIT").doing("commit to the projection")?;
        if let Some(check_points) = self.check_points {
            check_points.committed(self.connection().total_changes());
        }
        Ok(())
    }

    fn take(
        &mut self,
        record: &RecordEntities,
        said: BTreeMap<EntityId, Entity>,
        cause: Seq,
    ) -> rusqlite::Result<Vec<Changed>> {
        let stream = self.stream(&record.stream)?;
        let last = self.last(stream, &record.key)?;
        if last.as_ref().is_some_and(|last| last.version > record.version) {
            return Ok(Vec::new());
        }
        let (seq, cause) = (stored(record.seq.0), stored(cause.0));
        let source = Source { stream, key: &record.key, version: record.version, seq, cause };
        let mut changed = Vec::new();
        let mut now = Vec::with_capacity(said.len());
        for (id, entity) in said {
            now.push(self.contribute(&source, id, entity, &mut changed)?);
        }
        let before = last.as_ref().map_or(&[][..], |last| &last.entities);
        for num in before.iter().filter(|num| !now.contains(num)) {
            self.withdraw(&source, *num, &mut changed)?;
        }
        let now = Last { version: record.version, said: record.said, entities: now };
        if last.as_ref() != Some(&now) {
            let sql =
                "INSERT OR REPLACE INTO record (stream, key, version, said, entities) VALUES (?1, ?2, ?3, ?4, ?5)";
            self.write(sql, params![stream, record.key, now.version, now.said, to_json(&now.entities)])?;
        }
        if last.is_none() {
            *self.new_records.entry(stream).or_default() += 1;
        }
        changed.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(changed)
    }

    /// Number of a stream; a new one gets the next, from 1 on.
    fn stream(&mut self, id: &StreamId) -> rusqlite::Result<i64> {
        let num = |place: usize| i64::try_from(place + 1).expect("streams are few");
        if let Some(place) = self.streams.iter().position(|known| known == id) {
            return Ok(num(place));
        }
        let new = num(self.streams.len());
        let sql = "INSERT INTO stream (num, integration, dataset, n_records) VALUES (?1, ?2, ?3, 0)";
        self.write(sql, params![new, id.integration.as_str(), id.dataset.as_str()])?;
        self.streams.push(id.clone());
        Ok(new)
    }

    /// The record that is stored.
    fn last(&self, stream: i64, key: &str) -> rusqlite::Result<Option<Last>> {
        let sql = "SELECT version, said, entities FROM record WHERE stream = ?1 AND key = ?2";
        let read = |row: &Row<'_>| Ok(Last { version: row.get(0)?, said: row.get(1)?, entities: json(row, 2)? });
        self.row(sql, params![stream, key], read)
    }

    /// Gives the number of the entity.
    fn contribute(
        &mut self,
        source: &Source<'_>,
        id: EntityId,
        entity: Entity,
        changed: &mut Vec<Changed>,
    ) -> rusqlite::Result<i64> {
        let new = source.contribution(entity.to_json());
        let sql = "SELECT num, document FROM entity WHERE id = ?1";
        let read = |row: &Row<'_>| Ok(Stored { num: row.get(0)?, document: row.get(1)? });
        let Some(stored) = self.row(sql, params![id.to_string()], read)? else {
            let num = self.insert(source, &id, &new)?;
            changed.push(Changed { id, before: None, after: Some(entity) });
            return Ok(num);
        };
        let num = stored.num;
        self.replace(source, &id, stored, Some(new), changed)?;
        self.numbers.insert(id, num);
        Ok(num)
    }

    fn withdraw(&mut self, source: &Source<'_>, num: i64, changed: &mut Vec<Changed>) -> rusqlite::Result<()> {
        let sql = "SELECT id, document FROM entity WHERE num = ?1";
        let read = |row: &Row<'_>| Ok((parsed(row, 0)?, Stored { num, document: row.get(1)? }));
        let Some((id, stored)) = self.row(sql, params![num], read)? else { return Ok(()) };
        self.replace(source, &id, stored, None, changed)
    }

    /// The common case, a new entity: nothing to read, nothing to merge.
    fn insert(&mut self, source: &Source<'_>, id: &EntityId, new: &Contribution) -> rusqlite::Result<i64> {
        let sql = "INSERT INTO entity (id, document, updated_seq) VALUES (?1, ?2, ?3)";
        self.write(sql, params![id.to_string(), new.document, source.cause])?;
        let num = self.connection().last_insert_rowid();
        self.put(num, new, true)?;
        self.tally(id, 1);
        self.numbers.insert(id.clone(), num);
        self.derived.insert(num, StoredRows::default());
        Ok(num)
    }

    fn replace(
        &mut self,
        source: &Source<'_>,
        id: &EntityId,
        stored: Stored,
        new: Option<Contribution>,
        changed: &mut Vec<Changed>,
    ) -> rusqlite::Result<()> {
        let mut list = self.list(&stored)?;
        let was_only = list.len() == 1;
        if !replace(&mut list, source.stream, source.key, new) {
            return Ok(());
        }
        let document = merged(&id.kind, &mut list, &self.streams)?;
        self.store(source, stored.num, &list, was_only)?;
        if document == stored.document {
            return Ok(());
        }
        changed.push(self.change(source, id, stored, document)?);
        Ok(())
    }

    /// Contributions to an entity, each with its document.
    fn list(&self, stored: &Stored) -> rusqlite::Result<Vec<Contribution>> {
        let sql = "SELECT stream, key, version, seq, document FROM contribution WHERE entity = ?1";
        let shared = stored.document.as_deref().unwrap_or_default();
        self.rows(sql, params![stored.num], |row| {
            let document = row.get_ref(4)?.as_str_or_null()?.unwrap_or(shared).to_owned();
            Ok(Contribution { stream: row.get(0)?, key: row.get(1)?, version: row.get(2)?, seq: row.get(3)?, document })
        })
    }

    /// Writes the contribution of `source`, and the others where one was or has become the only one.
    fn store(&self, source: &Source<'_>, num: i64, list: &[Contribution], was_only: bool) -> rusqlite::Result<()> {
        let is_only = list.len() == 1;
        for contribution in list {
            if was_only != is_only || contribution.is_from(source.stream, source.key) {
                self.put(num, contribution, is_only)?;
            }
        }
        if !list.iter().any(|contribution| contribution.is_from(source.stream, source.key)) {
            let sql = "DELETE FROM contribution WHERE entity = ?1 AND stream = ?2 AND key = ?3";
            self.write(sql, params![num, source.stream, source.key])?;
        }
        Ok(())
    }

    fn put(&self, num: i64, contribution: &Contribution, is_only: bool) -> rusqlite::Result<()> {
        let Contribution { stream, key, version, seq, document } = contribution;
        let document = (!is_only).then_some(document);
        self.write(
            "INSERT OR REPLACE INTO contribution (entity, stream, key, version, seq, document)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![num, stream, key, version, seq, document],
        )
    }

    fn change(
        &mut self,
        source: &Source<'_>,
        id: &EntityId,
        before: Stored,
        after: Option<String>,
    ) -> rusqlite::Result<Changed> {
        let sql = "UPDATE entity SET document = ?1, updated_seq = ?2 WHERE num = ?3";
        self.write(sql, params![after, source.cause, before.num])?;
        match (&before.document, &after) {
            (None, Some(_)) => self.tally(id, 1),
            (Some(_), None) => {
                self.tally(id, -1);
                self.clear(before.num)?;
            }
            _ => {}
        }
        let read = |json: Option<String>| json.map(|json| document(&id.kind, &json)).transpose();
        Ok(Changed { id: id.clone(), before: read(before.document)?, after: read(after)? })
    }

    fn tally(&mut self, id: &EntityId, by: i64) {
        let integration = id.integration.as_ref().map_or("", IntegrationName::as_str);
        *self.tallies.entry((integration.to_owned(), id.kind.to_string())).or_default() += by;
    }

    fn store_counts(&mut self) -> rusqlite::Result<()> {
        for ((integration, kind), by) in std::mem::take(&mut self.tallies) {
            let sql =
                "INSERT INTO tally (integration, kind, n) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET n = n + ?3";
            self.write(sql, params![integration, kind, by])?;
        }
        for (stream, by) in std::mem::take(&mut self.new_records) {
            self.write("UPDATE stream SET n_records = n_records + ?1 WHERE num = ?2", params![by, stream])?;
        }
        Ok(())
    }

    /// Whether any record has ever named an entity.
    pub fn knows(&mut self, id: &EntityId) -> Result<bool, DerivedError> {
        Ok(self.number(id).doing("look for an entity")?.is_some())
    }

    /// Number of an entity, if there is a row of it.
    pub(super) fn number(&mut self, id: &EntityId) -> rusqlite::Result<Option<i64>> {
        if let Some(num) = self.numbers.get(id) {
            return Ok(Some(*num));
        }
        let sql = "SELECT num FROM entity WHERE id = ?1";
        let num = self.row(sql, params![id.to_string()], |row| row.get(0))?;
        self.numbers.extend(num.map(|num| (id.clone(), num)));
        Ok(num)
    }

    pub(super) fn write(&self, sql: &str, params: impl Params) -> rusqlite::Result<()> {
        self.connection().prepare_cached(sql)?.execute(params).map(drop)
    }
}

impl Drop for Apply<'_> {
    fn drop(&mut self) {
        if !self.connection().is_autocommit() {
            // Should it fail, the next transaction cannot begin and says so.
            let _ = self.connection().execute_batch("ROLLBACK");
        }
    }
}

/// What is stored of a record.
#[derive(PartialEq)]
struct Last {
    version: Version,
    said: Option<Said>,
    /// Numbers of the entities it contributes to.
    entities: Vec<i64>,
}

/// The record that contributes.
struct Source<'r> {
    stream: i64,
    key: &'r str,
    version: Version,
    seq: i64,
    /// Record that made it contribute: itself, unless one behind it did.
    cause: i64,
}

impl Source<'_> {
    fn contribution(&self, document: String) -> Contribution {
        let Self { stream, key, version, seq, cause: _ } = *self;
        Contribution { stream, key: key.to_owned(), version, seq, document }
    }
}

/// What a record states about each entity, checked to be of its kind.
fn stated(record: &RecordEntities) -> Result<BTreeMap<EntityId, Entity>, DerivedError> {
    let mut stated: BTreeMap<EntityId, Entity> = BTreeMap::new();
    for (id, entity) in &record.entities {
        if !is_of(&id.kind, entity) {
            return Err(DerivedError::WrongKind(id.clone()));
        }
        match stated.get_mut(id) {
            Some(higher) => higher.absorb(entity.clone()),
            None => drop(stated.insert(id.clone(), entity.clone())),
        }
    }
    Ok(stated)
}

fn is_of(kind: &EntityKind, entity: &Entity) -> bool {
    std::mem::discriminant(&Entity::empty(kind)) == std::mem::discriminant(entity)
}
