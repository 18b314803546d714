//! What a pass reads and need not keep: a record that says, to the byte, what the last one of its key said.
//!
//! A dataset that can only be read whole is read whole each time. Kept each time, an hour of polling would be five
//! times what the tool has.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use weir_model::{Op, RawRecord, Seq, StreamId};
use weir_sandbox::Dataset;
use weir_store::Put;

use super::Collection;
use super::pass::PassOver;
use crate::account::Account;
use crate::error::Fault;
use crate::said::said;
use crate::state_keys;

/// What one run has read of a dataset without keeping it again.
pub(super) struct Known {
    /// Whether anything is left out. Not in a full pass that was asked for, which leaves a whole copy behind.
    leaves_out: bool,
    /// End of the log when the run began: what was said last is known when all of it is processed.
    since: Seq,
    keys: Mutex<BTreeSet<String>>,
}

impl Known {
    pub(super) fn new(leaves_out: bool, since: Seq) -> Self {
        Self { leaves_out, since, keys: Mutex::default() }
    }

    /// Keys of the records that say nothing new.
    pub(super) fn of(
        &self,
        account: &Account,
        of: &StreamId,
        records: &[RawRecord],
    ) -> Result<BTreeSet<String>, Fault> {
        if !self.leaves_out {
            return Ok(BTreeSet::new());
        }
        let derived = account.derived().clone();
        let reader = derived.projection.reader().map_err(Fault::from_derived)?;
        if reader.watermark() < self.since {
            return Ok(BTreeSet::new());
        }
        let (mut known, mut new) = (BTreeSet::new(), BTreeSet::new());
        for record in records {
            let last = reader.last_said(of, &record.key).map_err(Fault::from_derived)?;
            let can_be_known = record.op == Op::Upsert && !record.is_unreadable();
            let is_known = can_be_known && last == Some(said(record));
            if is_known { &mut known } else { &mut new }.insert(record.key.clone());
        }
        // A page that says two things about one key is kept as it came.
        Ok(&known - &new)
    }

    /// Remembers what was left out.
    pub(super) fn add(&self, keys: BTreeSet<String>) {
        self.keys().extend(keys);
    }

    /// Takes away what was read, though it was not kept.
    pub(super) fn remove_from(&self, unseen: &mut BTreeSet<String>) {
        let keys = self.keys();
        unseen.retain(|key| !keys.contains(key));
    }

    fn keys(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A full pass that has not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Began {
    /// End of the log when it began.
    pub(super) at: Seq,
    /// Records were left out: only the run that did so knows which it has seen.
    pub(super) left_out: bool,
}

impl Began {
    pub(super) fn new(at: Seq) -> Self {
        Self { at, left_out: false }
    }

    /// The one that is under way.
    pub(super) fn of(collection: &Collection, dataset: &Dataset) -> Result<Option<Self>, Fault> {
        let key = state_keys::full_pass(&collection.integration, &dataset.name);
        let stored = collection.account.log.state(&key).map_err(Fault::from_log)?;
        Ok(stored.and_then(|bytes| Self::from_bytes(&bytes)))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (at, left_out) = bytes.split_first_chunk()?;
        Some(Self { at: Seq(u64::from_be_bytes(*at)), left_out: !left_out.is_empty() })
    }

    /// The write that remembers it.
    pub(super) fn put(self, over: &PassOver<'_>) -> Put {
        let mut value = self.at.0.to_be_bytes().to_vec();
        value.extend(self.left_out.then_some(1));
        Put { key: state_keys::full_pass(&over.collection.integration, &over.dataset.name), value: Some(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_pass_began_is_read_as_it_was_written_also_by_an_older_version() {
        let bytes = 7_u64.to_be_bytes();
        assert_eq!(Began::from_bytes(&bytes), Some(Began { at: Seq(7), left_out: false }));
        assert_eq!(Began::from_bytes(&[&bytes[..], &[1]].concat()), Some(Began { at: Seq(7), left_out: true }));
        assert_eq!(Began::from_bytes(&bytes[1..]), None);
    }
}
