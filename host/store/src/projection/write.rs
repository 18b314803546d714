//! Writing what the stages derive: lookups, samples, outcomes, events. What is stored already is not written.

use std::collections::BTreeSet;

use rusqlite::{Row, params};
use weir_model::diagnostic::RecordOutcome;
use weir_model::event::{EventNumber, NewEvent};
use weir_model::id::{EntityId, Seq, StreamId};
use weir_model::metric::{DerivedRows, Lookup, Sample};
use weir_model::time::Timestamp;

use super::apply::Apply;
use super::values::{some_text, stored, team_text, teams, to_json};
use crate::derived::{DerivedError, Doing};

impl Apply<'_> {
    /// Replaces the lookups of an entity and its samples of `own_metrics`.
    pub fn derive(&mut self, id: &EntityId, derived: &DerivedRows) -> Result<(), DerivedError> {
        let num = self.num(id, "store what is derived")?;
        let nothing = || (Vec::new(), Vec::new());
        let before = if self.is_fresh(num) { Ok(nothing()) } else { self.derived_of(num) };
        let (lookups, samples) = before.doing("read what is derived")?;
        self.set_lookups(num, &lookups, &derived.lookups).doing("store lookups")?;
        self.replace_samples(num, &derived.own_metrics, &samples, &derived.samples).doing("store samples")
    }

    /// Replaces all that an entity says about some metrics; several samples of one come in an order of their own. A
    /// value that is no finite number is stored as unknown, `not-finite`.
    pub fn set_samples(
        &mut self,
        metrics: &[impl AsRef<str>],
        id: &EntityId,
        samples: &[Sample],
    ) -> Result<(), DerivedError> {
        let num = self.num(id, "store samples")?;
        let before = self.samples_of(num).doing("read samples")?;
        self.replace_samples(num, metrics, &before, samples).doing("store samples")
    }

    /// Keeps what became of a record beside it.
    pub fn outcome(
        &mut self,
        seq: Seq,
        stream: &StreamId,
        key: &str,
        outcome: &RecordOutcome,
    ) -> Result<(), DerivedError> {
        let (integration, dataset) = (stream.integration.as_str(), stream.dataset.as_str());
        let sql =
            "INSERT OR REPLACE INTO outcome (seq, integration, dataset, key, outcome) VALUES (?1, ?2, ?3, ?4, ?5)";
        let written = self.write(sql, params![stored(seq.0), integration, dataset, key, to_json(outcome)]);
        written.doing("store the outcome of a record")
    }

    /// Appends a domain event and gives its number.
    pub fn event(&mut self, event: &NewEvent) -> Result<EventNumber, DerivedError> {
        self.write("INSERT INTO event (event) VALUES (?1)", params![to_json(event)]).doing("append a domain event")?;
        Ok(EventNumber(self.connection().last_insert_rowid().unsigned_abs()))
    }

    /// Takes away all that is derived from an entity.
    pub(super) fn clear(&mut self, num: i64) -> rusqlite::Result<()> {
        let (lookups, samples) = self.derived_of(num)?;
        self.set_lookups(num, &lookups, &[])?;
        let metrics: BTreeSet<&str> = samples.iter().map(|sample| sample.metric.as_str()).collect();
        self.replace_samples(num, &Vec::from_iter(metrics), &samples, &[])
    }

    fn derived_of(&self, num: i64) -> rusqlite::Result<(Vec<Lookup>, Vec<Sample>)> {
        Ok((self.lookups_of(num)?, self.samples_of(num)?))
    }

    fn num(&mut self, id: &EntityId, doing: &'static str) -> Result<i64, DerivedError> {
        self.number(id).doing(doing)?.ok_or_else(|| DerivedError::NoEntity { doing, id: id.clone() })
    }

    fn lookups_of(&self, num: i64) -> rusqlite::Result<Vec<Lookup>> {
        let read = |row: &Row<'_>| Ok(Lookup { name: row.get(0)?, value: row.get(1)?, order: row.get(2)? });
        self.rows("SELECT name, value, ord FROM lookup WHERE entity = ?1", params![num], read)
    }

    fn set_lookups(&self, num: i64, before: &[Lookup], lookups: &[Lookup]) -> rusqlite::Result<()> {
        let (before, after): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), lookups.iter().collect());
        for Lookup { name, value, order } in before.difference(&after) {
            let sql = "DELETE FROM lookup WHERE name = ?1 AND value = ?2 AND ord = ?3 AND entity = ?4";
            self.write(sql, params![name, value, order, num])?;
        }
        for Lookup { name, value, order } in after.difference(&before) {
            let sql = "INSERT INTO lookup (name, value, ord, entity) VALUES (?1, ?2, ?3, ?4)";
            self.write(sql, params![name, value, order, num])?;
        }
        Ok(())
    }

    /// Replaces all that an entity says about some metrics, of which `before` holds what it said.
    fn replace_samples(
        &mut self,
        num: i64,
        metrics: &[impl AsRef<str>],
        before: &[Sample],
        after: &[Sample],
    ) -> rusqlite::Result<()> {
        for metric in metrics.iter().map(AsRef::as_ref) {
            let before: Vec<&Sample> = before.iter().filter(|sample| sample.metric == metric).collect();
            let after: Vec<Sample> = after.iter().filter(|sample| sample.metric == metric).map(storable).collect();
            for part in 0..before.len().max(after.len()) {
                let (before, after) = (before.get(part).copied(), after.get(part));
                if before != after {
                    before.into_iter().chain(after).for_each(|sample| self.dirty.mark(sample, self.reader.calendar()));
                    self.put_part(num, metric, part, after)?;
                }
            }
        }
        Ok(())
    }

    fn put_part(&self, num: i64, metric: &str, part: usize, sample: Option<&Sample>) -> rusqlite::Result<()> {
        let part = i64::try_from(part).expect("an entity is of bounded size");
        let Some(Sample { at, value, unknown, teams, project, service, .. }) = sample else {
            let sql = "DELETE FROM sample WHERE entity = ?1 AND metric = ?2 AND part = ?3";
            return self.write(sql, params![num, metric, part]);
        };
        let [project, service] = [project, service].map(|name| name.as_deref().unwrap_or_default());
        self.write(
            "INSERT OR REPLACE INTO sample (entity, metric, part, at, value, unknown, team, project, service)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![num, metric, part, at.ms(), value, unknown, team_text(teams), project, service],
        )
    }

    /// All that an entity says, by metric and part: without a gap, for the parts of a metric are only written as a
    /// whole.
    fn samples_of(&self, num: i64) -> rusqlite::Result<Vec<Sample>> {
        let sql = "SELECT metric, at, value, unknown, team, project, service FROM sample WHERE entity = ?1
            ORDER BY metric, part";
        self.rows(sql, params![num], |row| {
            Ok(Sample {
                metric: row.get(0)?,
                at: Timestamp::from_ms(row.get(1)?),
                value: row.get(2)?,
                unknown: row.get(3)?,
                teams: teams(row, 4)?,
                project: some_text(row.get(5)?),
                service: some_text(row.get(6)?),
            })
        })
    }
}

/// The sample as it comes back: an empty name is none, and a value is a number or unknown.
fn storable(sample: &Sample) -> Sample {
    let value = sample.value.filter(|value| value.is_finite());
    let not_finite = || sample.value.map(|_| "not-finite".to_owned());
    let unknown = if value.is_some() { None } else { sample.unknown.clone().or_else(not_finite) };
    Sample {
        metric: sample.metric.clone(),
        at: sample.at,
        value,
        unknown,
        teams: sample.teams.clone(),
        project: sample.project.clone().and_then(some_text),
        service: sample.service.clone().and_then(some_text),
    }
}
