//! Writing what the stages derive: lookups, samples, outcomes, events. What is stored already is not written.

use std::collections::BTreeSet;

use rusqlite::{Row, params};
use weir_model::diagnostic::RecordOutcome;
use weir_model::event::{EventNumber, NewEvent};
use weir_model::id::{EntityId, Seq, StreamId};
use weir_model::metric::{DerivedRows, Lookup, MetricName, Sample};
use weir_model::time::Timestamp;

use super::apply::Apply;
use super::values::{some_text, stored, team_text, teams, to_json};
use crate::derived::{DerivedError, Doing};

impl Apply<'_> {
    /// Replaces the lookups of an entity and its samples of `own_metrics`.
    pub fn derive(&mut self, id: &EntityId, derived: &DerivedRows) -> Result<(), DerivedError> {
        let num = self.num(id, "store what is derived")?;
        self.set_lookups(num, &derived.lookups).doing("store lookups")?;
        for metric in &derived.own_metrics {
            let samples = derived.samples.iter().filter(|sample| sample.metric == *metric);
            self.put_samples(num, metric, samples).doing("store samples")?;
        }
        Ok(())
    }

    /// Replaces all that an entity says about a metric; several samples come in an order of their own. A value that is
    /// no finite number is stored as unknown, `not-finite`.
    pub fn set_samples<'s>(
        &mut self,
        metric: &MetricName,
        id: &EntityId,
        samples: impl IntoIterator<Item = &'s Sample>,
    ) -> Result<(), DerivedError> {
        let num = self.num(id, "store samples")?;
        self.put_samples(num, metric, samples).doing("store samples")
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
        self.set_lookups(num, &[])?;
        let sql = "SELECT DISTINCT metric FROM sample WHERE entity = ?1";
        let metrics: Vec<MetricName> = self.rows(sql, params![num], |row| row.get(0))?;
        metrics.iter().try_for_each(|metric| self.put_samples(num, metric, []))
    }

    fn num(&self, id: &EntityId, doing: &'static str) -> Result<i64, DerivedError> {
        let num = self.row("SELECT num FROM entity WHERE id = ?1", params![id.to_string()], |row| row.get(0));
        num.doing(doing)?.ok_or_else(|| DerivedError::NoEntity { doing, id: id.clone() })
    }

    fn set_lookups(&self, num: i64, lookups: &[Lookup]) -> rusqlite::Result<()> {
        let read = |row: &Row<'_>| Ok(Lookup { name: row.get(0)?, value: row.get(1)?, order: row.get(2)? });
        let before = self.rows("SELECT name, value, ord FROM lookup WHERE entity = ?1", params![num], read)?;
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

    /// Replaces all that an entity says about a metric.
    fn put_samples<'s>(
        &mut self,
        num: i64,
        metric: &MetricName,
        samples: impl IntoIterator<Item = &'s Sample>,
    ) -> rusqlite::Result<()> {
        let before = self.samples_of(num, metric)?;
        let after: Vec<Sample> = samples.into_iter().map(|sample| storable(metric, sample)).collect();
        for part in 0..before.len().max(after.len()) {
            let (before, after) = (before.get(part), after.get(part));
            if before != after {
                before.into_iter().chain(after).for_each(|sample| self.dirty.mark(sample, self.reader.calendar()));
                self.put_part(num, metric, part, after)?;
            }
        }
        Ok(())
    }

    fn put_part(&self, num: i64, metric: &MetricName, part: usize, sample: Option<&Sample>) -> rusqlite::Result<()> {
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

    /// By part: without a gap, for they are only written as a whole.
    fn samples_of(&self, num: i64, metric: &MetricName) -> rusqlite::Result<Vec<Sample>> {
        let sql = "SELECT at, value, unknown, team, project, service FROM sample WHERE entity = ?1 AND metric = ?2 ORDER BY part";
        self.rows(sql, params![num, metric], |row| {
            Ok(Sample {
                metric: metric.clone(),
                at: Timestamp::from_ms(row.get(0)?),
                value: row.get(1)?,
                unknown: row.get(2)?,
                teams: teams(row, 3)?,
                project: some_text(row.get(4)?),
                service: some_text(row.get(5)?),
            })
        })
    }
}

/// The sample as it comes back: an empty name is none, and a value is a number or unknown.
fn storable(metric: &MetricName, sample: &Sample) -> Sample {
    let value = sample.value.filter(|value| value.is_finite());
    let not_finite = || sample.value.map(|_| "not-finite".to_owned());
    let unknown = if value.is_some() { None } else { sample.unknown.clone().or_else(not_finite) };
    Sample {
        metric: metric.clone(),
        at: sample.at,
        value,
        unknown,
        teams: sample.teams.clone(),
        project: sample.project.clone().and_then(some_text),
        service: sample.service.clone().and_then(some_text),
    }
}
