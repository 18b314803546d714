//! What raw records come to: how many, their bytes, and a hash tree over their keys.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};
use weir_model::StoredRecord;
use weir_store::{Batch, ERASED};

use super::counts::Class;
use super::tree::Tree;

/// How many and how many bytes, by name.
pub(super) type Counts = BTreeMap<String, (u64, u64)>;

/// Raw records, counted in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Counted {
    streams: Counts,
    tree: Tree,
}

impl Counted {
    /// Counts a record.
    pub(super) fn push(&mut self, stored: &StoredRecord) {
        let stream = &stored.stream;
        let count = self.streams.entry(format!("{} / {}", stream.integration, stream.dataset)).or_default();
        count.0 += 1;
        count.1 += stored.record.size() as u64;
        self.tree.push(&leaf(stored));
    }

    /// Root of the hash tree over the keys.
    pub(super) fn root(&self) -> String {
        self.tree.root()
    }

    /// The records by integration and dataset.
    pub(super) fn class(self) -> Class {
        Class::of("raw records", self.streams)
    }
}

/// How many records of a batch cannot be read, though nobody erased them.
pub(super) fn unreadable(batch: &Batch) -> u64 {
    let lost = batch.lost.iter().filter(|lost| lost.reason != ERASED);
    lost.map(|lost| (lost.last.0 + 1).saturating_sub(lost.first.0)).sum()
}

/// What stands for a raw record in a hash tree: its position, stream and key, and the digest of its payload.
fn leaf(stored: &StoredRecord) -> Vec<u8> {
    let (stream, record) = (&stored.stream, &stored.record);
    let name = format!("{}\n{}\n{}\n{}\n", stored.seq, stream.integration, stream.dataset, record.key);
    [name.as_bytes(), digest(&SHA256, &record.payload).as_ref()].concat()
}
