//! How a propel is, and how long it rests after failures.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::Timestamp;

use super::Live;
use super::run::{Run, RunState};

/// Failures in a row after which a propel rests.
const FAILURES_MAX: u32 = 10;
/// Longest rest.
const REST_MAX: Duration = Duration::from_secs(600);

/// How a propel is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "PropelHealth")]
pub struct Health {
    /// Failed tries in a row.
    pub failures: u32,
    /// Why the last of them failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Until when it rests, because all it does fails. Its events wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resting_until: Option<Timestamp>,
    /// Runs since the host started.
    pub runs: u64,
    /// Time they took, in milliseconds.
    pub took_ms: u64,
}

impl Health {
    /// Notes a tried run: whether it `failed`, and why.
    fn note(&mut self, run: &Run, failed: bool, now: Timestamp) {
        self.runs += 1;
        self.took_ms += run.took_ms;
        if !failed {
            (self.failures, self.last_error, self.resting_until) = (0, None, None);
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.last_error.clone_from(&run.reason);
        let over = self.failures.checked_sub(FAILURES_MAX);
        self.resting_until = over.map(|over| {
            let rest = REST_MAX.min(Duration::from_secs(1 << over.min(10)));
            Timestamp::from_ms(now.ms() + i64::try_from(rest.as_millis()).unwrap_or(i64::MAX / 2))
        });
    }

    /// `healthy`, `degraded` or `failing`.
    pub fn state(&self) -> &'static str {
        match (self.resting_until, self.failures) {
            (Some(_), _) => "failing",
            (None, 0) => "healthy",
            (None, _) => "degraded",
        }
    }
}

impl Live {
    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a run that was tried.
    pub(super) fn tried(&self, run: &Run, failed: bool, now: Timestamp) {
        self.health().note(run, failed || run.state == RunState::Failed, now);
    }
}
