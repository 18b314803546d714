//! Stages of a pipeline, as Stage View tells them, or Blue Ocean.

use serde::Deserialize;
use weir_sdk::model::entity::{LogPlace, RunResult, RunState, Stage, StageKind};
use weir_sdk::prelude::*;

use super::{cut, result};
use crate::origin::{about, build_key};
use crate::settings::Settings;

/// A run in Stage View.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DescribedJson<'a> {
    #[serde(borrow)]
    stages: List<Object<StageJson<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StageJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    exec_node: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    start_time_millis: Instant,
    duration_millis: Field<u64>,
    #[serde(borrow)]
    error: Nested<ErrorJson<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorJson<'a> {
    #[serde(borrow)]
    message: Text<'a>,
}

/// A node of the graph in Blue Ocean.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
    #[serde(borrow)]
    result: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(rename = "type", borrow)]
    sort: Text<'a>,
    #[serde(borrow)]
    first_parent: Text<'a>,
    start_time: Instant,
    duration_in_millis: Field<i64>,
}

/// The stages of a build; a list is what Blue Ocean gives.
pub(crate) fn stages(raw: &Raw<'_>, settings: &Settings) -> Outcome {
    let is_list = raw.payload().trim_ascii_start().starts_with(b"[");
    let (origin, number) = match about(raw) {
        Ok(about) => about,
        Err(outcome) => return outcome,
    };
    let key = build_key(settings, &origin.job, number);
    if is_list {
        raw.read(|nodes: Vec<Field<Object<NodeJson<'_>>>>, raw| {
            let nodes = raw.list("", Field::Stated(nodes)).into_iter();
            of_build(key, nodes.filter_map(|node| of_blue_ocean(raw, node.0)).collect())
        })
    } else {
        raw.read(|run: DescribedJson<'_>, raw| {
            let stages = raw.list("/stages", run.stages).into_iter();
            of_build(key, stages.filter_map(|stage| of_stage_view(raw, stage.0)).collect())
        })
    }
}

fn of_build(key: String, stages: Vec<Stage>) -> Outcome {
    if stages.is_empty() {
        return Outcome::ignored("jenkins.stages.none");
    }
    Outcome::entity(key, &Build::default().stages(stages))
}

fn of_stage_view(raw: &Raw<'_>, json: StageJson<'_>) -> Option<Stage> {
    let key = raw.text("/stages/id", json.id)?;
    let word = raw.filled("/stages/status", json.status);
    let (state, ended) = match word.as_deref() {
        None => (None, None),
        Some("IN_PROGRESS") => (Some(RunState::Running), None),
        Some("QUEUED") => (Some(RunState::Queued), None),
        Some("PAUSED_PENDING_INPUT") => (Some(RunState::Waiting), None),
        Some(word) => (Some(RunState::Finished), Some(result(raw, "/stages/status", word))),
    };
    let started_at = raw.take("/stages/startTimeMillis", json.start_time_millis);
    // A stage that never ran has zeros for its times.
    let duration = raw.take("/stages/durationMillis", json.duration_millis).filter(|_| started_at.is_some());
    let error = raw.take("/stages/error", json.error).unwrap_or_default().0;
    let part = Stage {
        key,
        name: raw.filled("/stages/name", json.name),
        kind: Some(StageKind::Stage),
        result_word: word.filter(|_| ended.is_some()),
        state,
        result: ended,
        started_at,
        worker: raw.filled("/stages/execNode", json.exec_node),
        log: raw.filled("/stages/error/message", error.message).map(|message| LogPlace::Tail(cut(message))),
        ..Stage::default()
    };
    Some(timed(part, duration.map(DurationMs)))
}

fn of_blue_ocean(raw: &Raw<'_>, json: NodeJson<'_>) -> Option<Stage> {
    let key = raw.text("/id", json.id)?;
    let is_parallel = raw.take("/type", json.sort).is_some_and(|sort| sort == "PARALLEL");
    let state = raw.filled("/state", json.state);
    // Blue Ocean says UNKNOWN of what is not over, and nothing at all of the state of what was never begun.
    let word = raw.filled("/result", json.result).filter(|word| word != "UNKNOWN");
    let state = match state.as_deref() {
        None => word.as_ref().map(|_| RunState::Finished),
        Some("FINISHED" | "SKIPPED" | "NOT_BUILT") => Some(RunState::Finished),
        Some("RUNNING") => Some(RunState::Running),
        Some("QUEUED") => Some(RunState::Queued),
        Some("PAUSED") => Some(RunState::Waiting),
        Some(other) => {
            raw.report(DiagnosticKind::UnknownWord, "/state", other);
            Some(RunState::Unknown(other.to_owned()))
        }
    };
    let word = word.filter(|_| state == Some(RunState::Finished));
    let duration = raw.take("/durationInMillis", json.duration_in_millis).and_then(|ms| u64::try_from(ms).ok());
    let ended = word.as_deref().map(|word| result(raw, "/result", word));
    let started_at = raw.take("/startTime", json.start_time);
    // What comes before a stage is called its parent too; only a parallel branch lies in it.
    let parent = raw.filled("/firstParent", json.first_parent).filter(|_| is_parallel);
    let part = Stage {
        key,
        parent,
        name: raw.filled("/displayName", json.display_name),
        kind: Some(if is_parallel { StageKind::Job } else { StageKind::Stage }),
        state,
        result: ended,
        result_word: word,
        started_at,
        ..Stage::default()
    };
    Some(timed(part, duration.map(DurationMs).filter(|_| started_at.is_some())))
}

/// A stage that is over has ended as long after its start as it took.
fn timed(stage: Stage, duration: Option<DurationMs>) -> Stage {
    let has_run = stage.state == Some(RunState::Finished) && stage.result != Some(RunResult::Skipped);
    let duration = duration.filter(|_| has_run);
    let finished_at = stage.started_at.zip(duration).map(|(started, duration)| started.plus(duration));
    Stage { finished_at, duration, ..stage }
}
