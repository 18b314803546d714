//! Cursors as bytes: one byte of version, then JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connector::Connector;
use crate::failure::Failure;

/// Writes a cursor.
pub(crate) fn encode<C: Connector>(cursor: &C::Cursor) -> Result<Vec<u8>, Failure> {
    to_bytes(C::CURSOR_VERSION, cursor)
}

/// Reads a cursor; one of an older version through [`Connector::upgrade`].
pub(crate) fn decode<C: Connector>(bytes: &[u8]) -> Result<C::Cursor, Failure> {
    let expired = || Failure::cursor_expired("cursor.unreadable", "the stored cursor is of a form this version does not read");
    let (version, json) = bytes.split_first().ok_or_else(expired)?;
    let cursor = if *version == C::CURSOR_VERSION { from_json(json) } else { C::upgrade(*version, json) };
    cursor.ok_or_else(expired)
}

fn to_bytes(version: u8, cursor: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let mut bytes = vec![version];
    serde_json::to_writer(&mut bytes, cursor)
        .map_err(|error| Failure::internal("cursor.unwritable", format!("the cursor cannot be written: {error}")))?;
    Ok(bytes)
}

fn from_json<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    serde_json::from_slice(json).ok()
}
