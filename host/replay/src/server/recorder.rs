//! What was asked, in order, for tests to look at.

use std::sync::Mutex;

use super::lock;

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// 1 for the first request since the start.
    pub number: u64,
    /// `GET`, ...
    pub method: String,
    /// Path with query, as it came.
    pub path: String,
    /// Status answered; also that of an answer which a fault cut short.
    pub status: u16,
    /// True when a fault was made.
    pub faulty: bool,
}

/// Keeps the requests.
#[derive(Debug, Default)]
pub struct Recorder {
    seen: Mutex<Vec<Seen>>,
}

impl Recorder {
    /// All requests so far, oldest first.
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// How many requests had `part` in their path and query.
    pub fn count(&self, part: &str) -> usize {
        lock(&self.seen).iter().filter(|seen| seen.path.contains(part)).count()
    }

    /// How many requests were answered with `status`.
    pub fn count_status(&self, status: u16) -> usize {
        lock(&self.seen).iter().filter(|seen| seen.status == status).count()
    }

    /// Forgets what was seen; numbers go on.
    pub fn clear(&self) {
        lock(&self.seen).clear();
    }

    pub(super) fn record(&self, seen: Seen) {
        lock(&self.seen).push(seen);
    }
}
