//! From Jenkins' JSON to entities. Pure; an odd field is reported and left out, never the record.

mod artifacts;
mod build;
mod causes;
mod changes;
mod parameters;
mod stages;
mod tests;

use serde::Deserialize;
use weir_sdk::model::entity::{Build, RunResult};
use weir_sdk::prelude::*;

use crate::origin::{about, build_key};
use crate::settings::Settings;
pub(crate) use build::build;
pub(crate) use stages::stages;
pub(crate) use tests::tests;

/// Longest text of a parameter, message or error that is kept, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// An item of the queue, which gives its build the time it came in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct QueueItem {
    #[serde(rename = "inQueueSince")]
    since: Instant,
}

/// The time a build came into the queue.
pub(crate) fn queue_item(json: QueueItem, raw: &Raw<'_>, settings: &Settings) -> Outcome {
    let (origin, number) = match about(raw) {
        Ok(about) => about,
        Err(outcome) => return outcome,
    };
    let Some(since) = raw.take("/inQueueSince", json.since) else { return raw.missing("/inQueueSince") };
    Outcome::entity(build_key(settings, &origin.job, number), &Build::default().queued_at(since))
}

/// The beginning of a text.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

/// `UserIdCause` of `hudson.model.Cause$UserIdCause`.
fn simple_name(class: &str) -> &str {
    class.rsplit(['.', '$']).next().unwrap_or_default()
}

/// How a run ended, in the words of Jenkins and its views.
fn result(raw: &Raw<'_>, place: &str, word: &str) -> RunResult {
    match word {
        "SUCCESS" => RunResult::Success,
        "UNSTABLE" => RunResult::Unstable,
        "FAILURE" | "FAILED" => RunResult::Failure,
        "ABORTED" => RunResult::Cancelled,
        "NOT_BUILT" | "NOT_EXECUTED" | "SKIPPED" => RunResult::Skipped,
        other => {
            raw.report(DiagnosticKind::UnknownWord, place, other);
            RunResult::Unknown(other.to_owned())
        }
    }
}
