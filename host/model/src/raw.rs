//! Raw records: what a tool said, byte for byte. The one thing that cannot be rebuilt.

use serde::{Deserialize, Serialize};

use crate::id::{Seq, StreamId};
use crate::time::Timestamp;

/// Largest payload of one raw record, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 25 << 20;
/// Largest context of one raw record, in bytes.
pub const CONTEXT_BYTES_MAX: usize = 16 << 10;

/// Begins the key of what came where a record was expected and names no key of its own. It is kept, and never normalised.
pub const UNREADABLE: &str = "unreadable/";

/// Key for something that names none: the same bytes are the same record.
pub fn unreadable_key(payload: &[u8]) -> String {
    format!("{UNREADABLE}{}", fingerprint(payload))
}

/// A short name for some bytes, always the same one.
pub fn fingerprint(bytes: &[u8]) -> String {
    // FNV-1a, twice from different starts: stable, tiny, and nobody gains by a collision here.
    let fnv =
        |start: u64| bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:016x}{:016x}", fnv(0xcbf2_9ce4_8422_2325), fnv(0x8422_2325_cbf2_9ce4))
}

/// What a raw record says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// It is like this.
    Upsert,
    /// It is gone, and all it contributed to entities goes with it.
    Delete,
}

/// Grows whenever the tool changes the record; usually its update time in milliseconds. The highest version of a
/// key wins; of equal ones the last accepted.
pub type Version = i64;

/// One record as the tool gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawRecord {
    /// What it says.
    pub op: Op,
    /// Natural key, unique within its stream, 1 to 512 bytes.
    pub key: String,
    /// None: the time of acceptance counts.
    pub version: Option<Version>,
    /// JSON object: what the request knew and the payload does not, such as the parent's key.
    pub context: Option<String>,
    /// Exactly what the tool sent; empty for a delete.
    pub payload: Vec<u8>,
}

impl RawRecord {
    /// A record that says how `key` is.
    pub fn upsert(key: impl Into<String>, version: Option<Version>, payload: impl Into<Vec<u8>>) -> Self {
        Self { op: Op::Upsert, key: key.into(), version, context: None, payload: payload.into() }
    }

    /// A record that says `key` is gone.
    pub fn delete(key: impl Into<String>, version: Option<Version>) -> Self {
        Self { op: Op::Delete, key: key.into(), version, context: None, payload: Vec::new() }
    }

    /// Something that names no key, kept under one made from its bytes.
    pub fn unreadable(payload: impl Into<Vec<u8>>) -> Self {
        let payload = payload.into();
        Self::upsert(unreadable_key(&payload), None, payload)
    }

    /// Whether it is something that named no key.
    pub fn is_unreadable(&self) -> bool {
        self.key.starts_with(UNREADABLE)
    }

    /// Bytes it holds, for limits and batching.
    pub fn size(&self) -> usize {
        self.key.len() + self.payload.len() + self.context.as_ref().map_or(0, String::len)
    }
}

/// A raw record in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRecord {
    /// Its position.
    pub seq: Seq,
    /// Where it came from.
    pub stream: StreamId,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// The record.
    pub record: RawRecord,
}

impl StoredRecord {
    /// The version that counts: the tool's, or the time of acceptance in milliseconds.
    pub fn version(&self) -> Version {
        self.record.version.unwrap_or(self.received_at.ms())
    }
}
