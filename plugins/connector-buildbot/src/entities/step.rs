//! A step of a build.

use serde::Deserialize;
use weir_sdk::model::entity::{Stage, StageKind};
use weir_sdk::prelude::*;

use super::ended;

/// A step.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct StepJson<'a> {
    buildid: Field<u64>,
    number: Field<u64>,
    #[serde(borrow)]
    name: Text<'a>,
    started_at: Instant,
    complete_at: Instant,
    complete: Field<bool>,
    results: Field<i64>,
}

/// A step is a stage of its build. One without a start has not begun, or was skipped.
pub(crate) fn step(json: StepJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(build) = raw.take("/buildid", json.buildid) else { return raw.missing("/buildid") };
    let Some(number) = raw.take("/number", json.number) else { return raw.missing("/number") };
    let ended = ended(raw, json.complete, json.results);
    let started_at = raw.take("/started_at", json.started_at);
    let finished_at = raw.take("/complete_at", json.complete_at);
    let stage = Stage {
        key: number.to_string(),
        name: raw.filled("/name", json.name),
        kind: Some(StageKind::Step),
        state: Some(ended.state),
        result: ended.result,
        result_word: ended.word,
        started_at,
        finished_at,
        duration: finished_at.zip(started_at).and_then(|(finished, started)| finished.since(started)),
        ..Stage::default()
    };
    Outcome::entity(build.to_string(), &Build::default().stages([stage]))
}
