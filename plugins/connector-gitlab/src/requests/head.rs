//! The few fields that name a record and say how new it is; the same for polls that cut in the plugin and for webhooks.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

/// Head of a record. Job webhooks write the names of the fields in full, deployment webhooks have names of their own.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Head {
    #[serde(alias = "build_id", alias = "job_id", alias = "deployment_id")]
    pub(crate) id: Field<u64>,
    pub(crate) iid: Field<u64>,
    #[serde(alias = "build_created_at")]
    created_at: Instant,
    #[serde(alias = "build_started_at")]
    started_at: Instant,
    #[serde(alias = "build_finished_at")]
    finished_at: Instant,
    #[serde(alias = "status_changed_at")]
    updated_at: Instant,
}

impl Head {
    /// Reads the head of a JSON object.
    pub(crate) fn read(json: &str) -> Result<Self, Failure> {
        serde_json::from_str(json).map_err(|error| unreadable(&error))
    }

    /// When it was changed, in milliseconds; of what has no time of change, the latest of its other times is one.
    pub(crate) fn version(&self) -> Option<i64> {
        let others = [self.created_at.ms(), self.started_at.ms(), self.finished_at.ms()];
        self.updated_at.ms().or_else(|| others.into_iter().flatten().max())
    }

    /// A record of its id.
    pub(crate) fn record(&self, json: &str) -> RawRecord {
        let id = self.id.quietly().map(u64::to_string);
        id.map_or_else(|| RawRecord::unreadable(json), |id| RawRecord::upsert(id, json)).version(self.version())
    }
}

/// The elements of a list, uncut.
pub(crate) fn elements(json: &str) -> Result<Vec<&RawValue>, Failure> {
    serde_json::from_str(json).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::transient("gitlab.answer.unreadable", format!("the answer is not what was asked for: {error}"))
}
