//! Questions about raw records rather than entities: which there are, and what became of them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;
use weir_model::id::{Seq, StreamId};

use super::read::Reader;
use super::rows::Said;
use super::values::{number, stored, stream};
use crate::derived::{DerivedError, Doing};

/// How many records there are of each stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Records by key, those withdrawn included.
    pub records: BTreeMap<StreamId, u64>,
    /// Records nothing could be made of.
    pub rejected: BTreeMap<StreamId, u64>,
}

impl Reader<'_> {
    /// Keys of a stream that contribute to entities and have said nothing new after `seq`.
    pub fn unchanged_since(&self, of: &StreamId, seq: Seq) -> Result<BTreeSet<String>, DerivedError> {
        let sql = "SELECT c.key FROM contribution c JOIN stream s ON s.num = c.stream
            WHERE s.integration = ?1 AND s.dataset = ?2 GROUP BY c.key HAVING max(c.seq) <= ?3";
        let values = params![of.integration.as_str(), of.dataset.as_str(), stored(seq.0)];
        let keys = self.rows(sql, values, |row| row.get(0)).doing("read the keys of a stream")?;
        Ok(keys.into_iter().collect())
    }

    /// What the record of a key last said; none when there is none, or it came otherwise than by itself.
    pub fn last_said(&self, of: &StreamId, key: &str) -> Result<Option<Said>, DerivedError> {
        let sql = "SELECT r.said FROM record r JOIN stream s ON s.num = r.stream
            WHERE s.integration = ?1 AND s.dataset = ?2 AND r.key = ?3";
        let said = self.row(sql, params![of.integration.as_str(), of.dataset.as_str(), key], |row| row.get(0));
        Ok(said.doing("read what a record said")?.flatten())
    }

    /// How many records there are of each stream.
    pub fn record_counts(&self) -> Result<RecordCounts, DerivedError> {
        let records = "SELECT integration, dataset, n_records FROM stream";
        let rejected = "SELECT integration, dataset, count(*) FROM outcome
            WHERE outcome ->> 'outcome' = 'rejected' GROUP BY integration, dataset";
        let counts = |sql| {
            let rows = self.rows(sql, [], |row| Ok((stream(row, 0)?, number(row, 2)?)));
            rows.map(|rows| rows.into_iter().collect()).doing("count records")
        };
        Ok(RecordCounts { records: counts(records)?, rejected: counts(rejected)? })
    }
}
