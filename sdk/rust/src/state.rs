//! Small durable memory of a plugin: at most 1 MiB, for neither records nor secrets.
//!
//! A write becomes durable together with the result of the call it was made in, and is undone when that call fails.

use crate::failure::Failure;
#[cfg(target_family = "wasm")]
use crate::guest::wire as host;
#[cfg(not(target_family = "wasm"))]
use crate::mock as host;

/// The value stored under `key`.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Failure> {
    host::state_get(key)
}

/// Stores `value` under `key`, 1 to 256 bytes.
pub fn set(key: &str, value: &[u8]) -> Result<(), Failure> {
    host::state_set(key, value)
}

/// Forgets `key`; succeeds when it was not there.
pub fn remove(key: &str) -> Result<(), Failure> {
    host::state_remove(key)
}
