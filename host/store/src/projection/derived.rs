//! What is derived of one entity, as it is stored beside it.
//!
//! A change is told from what was before. Read back from `lookup` and `sample`, that would take another index on each;
//! kept in one row it takes one look. The rows that a transaction looks at are written when it ends.

use rusqlite::params;
use rusqlite::types::FromSqlError;
use serde::{Deserialize, Serialize};
use weir_model::Timestamp;
use weir_model::metric::{Lookup, Sample};

use super::apply::Apply;

/// What is derived of one entity: names in their order, samples by metric and part.
#[derive(Debug, Default)]
pub(super) struct StoredRows {
    pub(super) names: Vec<Lookup>,
    pub(super) samples: Vec<Sample>,
    pub(super) is_changed: bool,
}

/// How it is stored.
#[derive(Serialize, Deserialize)]
struct Encoded<'d>(#[serde(borrow)] Vec<StoredName<'d>>, #[serde(borrow)] Vec<StoredSample<'d>>);

#[derive(Serialize, Deserialize)]
struct StoredName<'d> {
    name: &'d str,
    value: &'d str,
    order: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredSample<'d> {
    metric: &'d str,
    at: i64,
    value: Option<f64>,
    unknown: Option<&'d str>,
    project: Option<&'d str>,
    #[serde(borrow)]
    teams: Vec<&'d str>,
    service: Option<&'d str>,
}

impl StoredRows {
    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.samples.is_empty()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let names = self.names.iter().map(StoredName::of).collect();
        let samples = self.samples.iter().map(StoredSample::of).collect();
        postcard::to_stdvec(&Encoded(names, samples)).expect("lists of known length, texts and numbers serialise")
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let Encoded(names, samples) = postcard::from_bytes(bytes).ok()?;
        let names = names.into_iter().map(StoredName::lookup).collect();
        let samples = samples.into_iter().map(StoredSample::sample).collect();
        Some(Self { names, samples, is_changed: false })
    }
}

impl<'d> StoredName<'d> {
    fn of(Lookup { name, value, order }: &'d Lookup) -> Self {
        Self { name, value, order: *order }
    }

    fn lookup(self) -> Lookup {
        Lookup { name: self.name.to_owned(), value: self.value.to_owned(), order: self.order }
    }
}

impl<'d> StoredSample<'d> {
    fn of(sample: &'d Sample) -> Self {
        Self {
            metric: &sample.metric,
            at: sample.at.ms(),
            value: sample.value,
            unknown: sample.unknown.as_deref(),
            project: sample.project.as_deref(),
            teams: sample.teams.iter().map(String::as_str).collect(),
            service: sample.service.as_deref(),
        }
    }

    fn sample(self) -> Sample {
        let [unknown, project, service] =
            [self.unknown, self.project, self.service].map(|name| name.map(str::to_owned));
        let teams = self.teams.into_iter().map(str::to_owned).collect();
        let at = Timestamp::from_ms(self.at);
        Sample { metric: self.metric.to_owned(), at, value: self.value, unknown, project, teams, service }
    }
}

impl Apply<'_> {
    /// What is derived of an entity, as this transaction has it so far.
    pub(super) fn derived(&mut self, num: i64) -> rusqlite::Result<StoredRows> {
        if let Some(known) = self.derived.remove(&num) {
            return Ok(known);
        }
        let read = self.row("SELECT rows FROM derived WHERE entity = ?1", params![num], |row| {
            StoredRows::from_bytes(row.get_ref(0)?.as_blob()?).ok_or_else(|| FromSqlError::InvalidType.into())
        });
        Ok(read?.unwrap_or_default())
    }

    /// Writes what was derived in this transaction.
    pub(super) fn store_derived(&mut self) -> rusqlite::Result<()> {
        for (num, derived) in std::mem::take(&mut self.derived) {
            if !derived.is_changed {
                continue;
            }
            if derived.is_empty() {
                self.write("DELETE FROM derived WHERE entity = ?1", params![num])?;
            } else {
                let sql = "INSERT OR REPLACE INTO derived (entity, rows) VALUES (?1, ?2)";
                self.write(sql, params![num, derived.to_bytes()])?;
            }
        }
        Ok(())
    }
}
