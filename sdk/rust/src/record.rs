//! Raw records on their way to the host: what the tool said, byte for byte.

use serde::{Deserialize, Serialize};

/// What a raw record says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// It is like this.
    Upsert,
    /// It is gone; all it contributed to entities goes with it.
    Delete,
}

/// One record as the tool gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// What it says.
    pub op: Op,
    /// Natural key, unique within dataset and connection, 1 to 512 bytes.
    pub key: String,
    /// Grows whenever the tool changes the record; none: the time of reading counts.
    pub version: Option<i64>,
    /// JSON object: what the request knew and the payload does not.
    pub context: Option<String>,
    /// Exactly what the tool sent for this item; empty for a delete.
    pub payload: Vec<u8>,
}

impl RawRecord {
    /// A record that says how `key` is.
    pub fn upsert(key: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self { op: Op::Upsert, key: key.into(), version: None, context: None, payload: payload.into() }
    }

    /// What came where a record was expected and names no key: kept as it came, and a full pass that met it takes
    /// nothing as deleted.
    pub fn unreadable(payload: impl Into<Vec<u8>>) -> Self {
        let payload = payload.into();
        Self::upsert(weir_model::raw::unreadable_key(&payload), payload)
    }

    /// Whether it is something that named no key.
    pub fn is_unreadable(&self) -> bool {
        self.key.starts_with(weir_model::raw::UNREADABLE)
    }

    /// A record that says `key` is gone.
    pub fn delete(key: impl Into<String>) -> Self {
        Self { op: Op::Delete, key: key.into(), version: None, context: None, payload: Vec::new() }
    }

    /// Sets the version, usually the update time in milliseconds.
    #[must_use]
    pub fn version(mut self, version: impl Into<Option<i64>>) -> Self {
        self.version = version.into();
        self
    }

    /// What the request knew and the payload does not; none when there is none or it does not fit.
    pub fn read_context<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.context.as_deref()?).ok()
    }

    /// Sets the context.
    #[must_use]
    pub fn context(mut self, context: &impl Serialize) -> Self {
        self.context = serde_json::to_string(context).ok();
        self
    }
}
