//! The few fields that name a record and say how new it is; the same for polls that cut in the plugin and for webhooks.

use serde::Deserialize;
use weir_sdk::prelude::*;

/// Head of a record.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Head<'a> {
    pub(crate) id: Field<u64>,
    pub(crate) number: Field<u64>,
    run_attempt: Field<u64>,
    #[serde(borrow)]
    status: Text<'a>,
    created_at: Instant,
    started_at: Instant,
    completed_at: Instant,
    submitted_at: Instant,
    updated_at: Instant,
}

impl<'a> Head<'a> {
    /// Reads the head of a JSON object.
    pub(crate) fn read(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The version polling gives such a record.
    pub(crate) fn version(&self, dataset: &str) -> Option<i64> {
        match dataset {
            "reviews" => self.submitted_at.ms(),
            "deployment-statuses" => self.created_at.ms(),
            // Jobs have no time of change; each of their times is one.
            "jobs" => [self.created_at.ms(), self.started_at.ms(), self.completed_at.ms()].into_iter().flatten().max(),
            _ => self.updated_at.ms(),
        }
    }

    /// When it was created, in milliseconds.
    pub(crate) fn created_ms(&self) -> Option<i64> {
        self.created_at.ms()
    }

    /// Whether a run is over.
    pub(crate) fn is_completed(&self) -> bool {
        self.status.quietly().is_some_and(|status| status == "completed")
    }

    /// Which attempt of a run it is, from 1.
    pub(crate) fn attempt(&self) -> u64 {
        self.run_attempt.quietly().copied().unwrap_or(1).max(1)
    }
}

/// Key of one attempt of a workflow run. A listing only gives the newest attempt, and under the id alone it would take
/// the place of the one before.
pub(crate) fn attempt_key(head: &Head<'_>) -> Option<String> {
    head.id.quietly().map(|id| format!("{id}/{}", head.attempt()))
}
