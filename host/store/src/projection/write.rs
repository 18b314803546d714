//! Writing what the stages derive: lookups, samples, outcomes, events. What is stored already is not written.

use std::collections::BTreeSet;

use rusqlite::params;
use weir_model::diagnostic::RecordOutcome;
use weir_model::event::{EventNumber, NewEvent};
use weir_model::id::{EntityId, Seq, StreamId};
use weir_model::metric::{DerivedRows, Lookup, Sample};

use super::apply::Apply;
use super::derived::StoredRows;
use super::values::{some_text, stored, team_text, to_json};
use crate::derived::{DerivedError, Doing};

impl Apply<'_> {
    /// Replaces the lookups of an entity and its samples of `own_metrics`.
    pub fn derive(&mut self, id: &EntityId, derived: &DerivedRows) -> Result<(), DerivedError> {
        let doing = "store what is derived";
        let num = self.num(id, doing)?;
        self.change_derived(num, |apply, stored| {
            apply.set_lookups(num, stored, &derived.lookups)?;
            apply.replace_samples(num, &derived.own_metrics, stored, &derived.samples)
        })
        .doing(doing)
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
        let replace = |apply: &mut Self, stored: &mut StoredRows| apply.replace_samples(num, metrics, stored, samples);
        self.change_derived(num, replace).doing("store samples")
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
        self.change_derived(num, |apply, stored| {
            apply.set_lookups(num, stored, &[])?;
            let metrics: BTreeSet<String> = stored.samples.iter().map(|sample| sample.metric.clone()).collect();
            apply.replace_samples(num, &Vec::from_iter(metrics), stored, &[])
        })
    }

    fn change_derived(
        &mut self,
        num: i64,
        change: impl FnOnce(&mut Self, &mut StoredRows) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut stored = self.derived(num)?;
        change(self, &mut stored)?;
        self.derived.insert(num, stored);
        Ok(())
    }

    fn num(&mut self, id: &EntityId, doing: &'static str) -> Result<i64, DerivedError> {
        self.number(id).doing(doing)?.ok_or_else(|| DerivedError::NoEntity { doing, id: id.clone() })
    }

    fn set_lookups(&self, num: i64, stored: &mut StoredRows, lookups: &[Lookup]) -> rusqlite::Result<()> {
        let after: BTreeSet<&Lookup> = lookups.iter().collect();
        if stored.names.iter().eq(after.iter().copied()) {
            return Ok(());
        }
        let before: BTreeSet<&Lookup> = stored.names.iter().collect();
        for Lookup { name, value, order } in before.difference(&after) {
            let sql = "DELETE FROM lookup WHERE name = ?1 AND value = ?2 AND ord = ?3 AND entity = ?4";
            self.write(sql, params![name, value, order, num])?;
        }
        for Lookup { name, value, order } in after.difference(&before) {
            let sql = "INSERT INTO lookup (name, value, ord, entity) VALUES (?1, ?2, ?3, ?4)";
            self.write(sql, params![name, value, order, num])?;
        }
        stored.names = after.into_iter().cloned().collect();
        stored.is_changed = true;
        Ok(())
    }

    /// Replaces all that an entity says about some metrics.
    fn replace_samples(
        &mut self,
        num: i64,
        metrics: &[impl AsRef<str>],
        stored: &mut StoredRows,
        samples: &[Sample],
    ) -> rusqlite::Result<()> {
        for metric in metrics.iter().map(AsRef::as_ref) {
            let start = stored.samples.partition_point(|sample| sample.metric.as_str() < metric);
            let n_before = stored.samples[start..].iter().take_while(|sample| sample.metric == metric).count();
            let before = &stored.samples[start..start + n_before];
            let after: Vec<Sample> = samples.iter().filter(|sample| sample.metric == metric).map(storable).collect();
            if before == after {
                continue;
            }
            for part in 0..before.len().max(after.len()) {
                let (before, after) = (before.get(part), after.get(part));
                if before != after {
                    before.into_iter().chain(after).for_each(|sample| self.dirty.mark(sample, self.reader.calendar()));
                    self.put_part(num, part, before, after)?;
                }
            }
            stored.samples.splice(start..start + n_before, after);
            stored.is_changed = true;
        }
        Ok(())
    }

    fn put_part(&self, num: i64, part: usize, before: Option<&Sample>, after: Option<&Sample>) -> rusqlite::Result<()> {
        let part = i64::try_from(part).expect("an entity is of bounded size");
        if let Some(Sample { metric, at, .. }) = before.filter(|before| after.is_none_or(|after| after.at != before.at))
        {
            let sql = "DELETE FROM sample WHERE metric = ?1 AND at = ?2 AND entity = ?3 AND part = ?4";
            self.write(sql, params![metric, at.ms(), num, part])?;
        }
        let Some(Sample { metric, at, value, unknown, teams, project, service }) = after else { return Ok(()) };
        let [project, service] = [project, service].map(|name| name.as_deref().unwrap_or_default());
        self.write(
            "INSERT OR REPLACE INTO sample (metric, at, entity, part, value, unknown, team, project, service)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![metric, at.ms(), num, part, value, unknown, team_text(teams), project, service],
        )
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
