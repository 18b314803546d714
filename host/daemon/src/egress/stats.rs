//! Counters of one connection, since the host started.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// What a connection has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ConnectionStats {
    /// Requests on the wire, retries and redirects among them.
    pub requests: u64,
    /// Requests repeated after a failure.
    pub retries: u64,
    /// Bytes of bodies received, after decompression.
    pub bytes: u64,
    /// Answers "not modified".
    pub not_modified: u64,
    /// Requests that ended without a response, denied ones among them.
    pub errors: u64,
    /// Requests refused because they were not granted.
    pub denied: u64,
    /// Time spent waiting because the tool asked for it.
    pub throttled_ms: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) not_modified: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) denied: AtomicU64,
    throttled_ms: AtomicU64,
}

impl Counters {
    pub(crate) fn waited(&self, wait: Duration) {
        add(&self.throttled_ms, u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    }

    pub(crate) fn read(&self) -> ConnectionStats {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ConnectionStats {
            requests: value(&self.requests),
            retries: value(&self.retries),
            bytes: value(&self.bytes),
            not_modified: value(&self.not_modified),
            errors: value(&self.errors),
            denied: value(&self.denied),
            throttled_ms: value(&self.throttled_ms),
        }
    }
}

pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}
