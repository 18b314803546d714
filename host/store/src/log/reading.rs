//! A batch in the making: records in order, gaps reported, limits kept.

use weir_model::{Seq, StoredRecord};

/// Records of the log, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The records.
    pub records: Vec<StoredRecord>,
    /// Positions up to `next` that hold no readable record.
    pub lost: Vec<Lost>,
    /// Pass it as `after` of the next read.
    pub next: Seq,
}

/// Reason of a gap that was made on purpose.
pub const ERASED: &str = "erased";

/// A range of positions whose records cannot be read. `last` is before `first` when no record is missing, but
/// changes of state may be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lost {
    /// First missing position.
    pub first: Seq,
    /// Last missing position.
    pub last: Seq,
    /// What happened.
    pub reason: String,
}

/// A batch that is being filled.
pub(crate) struct Reading {
    batch: Batch,
    records_max: usize,
    bytes_max: usize,
    bytes: usize,
}

impl Reading {
    pub(crate) fn new(after: Seq, records_max: usize, bytes_max: usize) -> Self {
        let batch = Batch { next: after, ..Batch::default() };
        Self { batch, records_max: records_max.max(1), bytes_max, bytes: 0 }
    }

    /// The last position that was dealt with.
    pub(crate) fn after(&self) -> Seq {
        self.batch.next
    }

    pub(crate) fn is_full(&self) -> bool {
        let n_records = self.batch.records.len();
        n_records > 0 && (n_records >= self.records_max || self.bytes >= self.bytes_max)
    }

    /// Whether there is room for `record`. One record is taken however large.
    pub(crate) fn wants(&self, record: &StoredRecord) -> bool {
        let fits = self.bytes.saturating_add(record.record.size()) <= self.bytes_max;
        !self.is_full() && (self.batch.records.is_empty() || fits)
    }

    /// Takes the record at the next position.
    pub(crate) fn take(&mut self, record: StoredRecord) {
        self.batch.next = record.seq;
        self.bytes += record.record.size();
        self.batch.records.push(record);
    }

    /// Takes no more.
    pub(crate) fn fill(&mut self) {
        self.records_max = self.batch.records.len();
    }

    /// Reports everything up to `last` as lost.
    pub(crate) fn lose(&mut self, last: Seq, reason: &str) {
        let first = self.batch.next.plus(1);
        if last < first {
            return;
        }
        self.batch.next = last;
        match self.batch.lost.last_mut() {
            Some(before) if before.last.plus(1) == first && before.reason == reason => before.last = last,
            _ => self.batch.lost.push(Lost { first, last, reason: reason.to_owned() }),
        }
    }

    pub(crate) fn finish(self) -> Batch {
        self.batch
    }
}
