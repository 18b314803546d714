//! Limits of the log, each with its unit in its name.

use std::time::Duration;

use weir_model::id::KEY_BYTES_MAX;
use weir_model::raw::{CONTEXT_BYTES_MAX, PAYLOAD_BYTES_MAX};

use super::Commit;
use crate::state::{Put, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX};
use weir_model::RawRecord;

/// Sizes and ages at which the log acts. The defaults suit a host; tests take tiny ones.
#[derive(Debug, Clone)]
pub struct LogLimits {
    /// Largest commit, in bytes of its records and puts.
    pub commit_bytes_max: usize,
    /// Most records in a commit.
    pub commit_records_max: usize,
    /// Commits waiting for the journal, in bytes; more are refused as busy or wait.
    pub queue_bytes_max: usize,
    /// Bytes written before one sync.
    pub group_bytes_max: usize,
    /// Commits are put together into frames of this size; what damages one frame takes no more.
    pub frame_bytes: usize,
    /// Size at which the next segment of the journal is begun.
    pub segment_bytes_max: u64,
    /// Most records in a pack.
    pub pack_records_max: usize,
    /// Size at which a pack is made, in bytes before compression.
    pub pack_bytes_max: usize,
    /// Age at which a pack is made, however small. Nothing waits for it: fresh records are read from the journal.
    pub pack_age_max: Duration,
    /// Packs that wait to be filled, in bytes; above it all are made.
    pub packing_bytes_max: usize,
    /// Size of its packs at which a generation is sealed.
    pub generation_bytes_max: u64,
    /// Size of its journal at which a generation is sealed.
    pub generation_journal_bytes_max: u64,
    /// Size of its changes of state at which a generation is sealed; they are kept in memory until then.
    pub generation_state_bytes_max: u64,
    /// Age at which a generation is sealed, between the acceptance of its first and its last commit, in milliseconds.
    pub generation_age_ms_max: u64,
    /// Sealed generations that are kept open.
    pub generations_open_max: usize,
    /// How long closing may take to pack what is left. What is not packed then is packed again after the next start.
    pub close_patience: Duration,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            commit_bytes_max: 64 << 20,
            commit_records_max: 100_000,
            queue_bytes_max: 64 << 20,
            group_bytes_max: 1 << 20,
            frame_bytes: 128 << 10,
            segment_bytes_max: 64 << 20,
            pack_records_max: 64,
            pack_bytes_max: 128 << 10,
            pack_age_max: Duration::from_secs(2),
            packing_bytes_max: 16 << 20,
            generation_bytes_max: 256 << 20,
            generation_journal_bytes_max: 1 << 30,
            generation_state_bytes_max: 64 << 20,
            generation_age_ms_max: 7 * 24 * 60 * 60 * 1000,
            generations_open_max: 4,
            close_patience: Duration::from_secs(20),
        }
    }
}

impl LogLimits {
    /// What is too large about a commit, if anything is.
    pub(super) fn refusal(&self, commit: &Commit) -> Option<String> {
        let bytes = commit.records.iter().map(|(_, record)| record.size()).sum::<usize>()
            + commit.puts.iter().map(put_bytes).sum::<usize>();
        let sum = over("the commit", bytes, self.commit_bytes_max).or_else(|| {
            (commit.records.len() > self.commit_records_max).then(|| {
                format!("the commit has {} records, the limit is {}", commit.records.len(), self.commit_records_max)
            })
        });
        let record = || commit.records.iter().find_map(|(_, record)| record_refusal(record));
        let put = || commit.puts.iter().find_map(put_refusal);
        sum.or_else(record).or_else(put)
    }
}

fn over(what: &str, bytes: usize, bytes_max: usize) -> Option<String> {
    (bytes > bytes_max).then(|| format!("{what} has {bytes} bytes, the limit is {bytes_max}"))
}

fn record_refusal(record: &RawRecord) -> Option<String> {
    if record.key.is_empty() {
        return Some("the key of a record is empty".to_owned());
    }
    over("the key of a record", record.key.len(), KEY_BYTES_MAX)
        .or_else(|| over("the payload of a record", record.payload.len(), PAYLOAD_BYTES_MAX))
        .or_else(|| over("the context of a record", record.context.as_ref().map_or(0, String::len), CONTEXT_BYTES_MAX))
}

fn put_refusal(put: &Put) -> Option<String> {
    over("a state key", put.key.as_bytes().len(), STATE_KEY_BYTES_MAX)
        .or_else(|| over("a state value", put.value.as_ref().map_or(0, Vec::len), STATE_VALUE_BYTES_MAX))
}

fn put_bytes(put: &Put) -> usize {
    put.key.as_bytes().len() + put.value.as_ref().map_or(0, Vec::len)
}
