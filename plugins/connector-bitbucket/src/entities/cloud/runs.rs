//! Pipelines and their steps.
//!
//! A build is one pipeline: its key is "workspace/slug/{uuid}", which pipelines, steps and deployments all know. Steps
//! that are repeated are steps of the same pipeline.

use serde::Deserialize;
use weir_sdk::model::entity::{Checkout, RunResult, RunState, Stage, StageKind, Trigger, TriggerKind};
use weir_sdk::prelude::*;

use super::{Account, CommitPointer, Named, RepositoryPointer, full_name, hash, name, person};
use crate::origin::Origin;

/// A pipeline.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PipelineJson<'a> {
    #[serde(borrow)]
    uuid: Text<'a>,
    #[serde(borrow)]
    repository: Nested<RepositoryPointer<'a>>,
    build_number: Field<u64>,
    run_number: Field<u32>,
    #[serde(borrow)]
    creator: Nested<Account<'a>>,
    #[serde(borrow)]
    state: Nested<StateJson<'a>>,
    #[serde(borrow)]
    trigger: Nested<Named<'a>>,
    #[serde(borrow)]
    target: Nested<TargetJson<'a>>,
    duration_in_seconds: Field<u64>,
    created_on: Instant,
    completed_on: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StateJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    result: Nested<Named<'a>>,
    #[serde(borrow)]
    stage: Nested<Named<'a>>,
}

/// What was run: a branch or tag, a commit, or a pull request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TargetJson<'a> {
    #[serde(borrow)]
    ref_name: Text<'a>,
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(borrow)]
    destination: Text<'a>,
    destination_commit: Nested<CommitPointer>,
    commit: Nested<CommitPointer>,
    #[serde(borrow)]
    selector: Nested<Selector<'a>>,
    pullrequest: Nested<PullPointer>,
}

/// Which pipeline of `bitbucket-pipelines.yml` was run.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Selector<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    pattern: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PullPointer {
    id: Field<u64>,
}

pub(crate) fn pipeline(json: PipelineJson<'_>, raw: &Raw<'_>, origin: Origin<'_>) -> Outcome {
    let Some(uuid) = raw.filled("/uuid", json.uuid) else { return raw.missing("/uuid") };
    let Some(origin) = origin.or_in(full_name(raw, "/repository", json.repository)) else {
        return raw.missing("/repository/full_name");
    };
    let number = raw.take("/build_number", json.build_number);
    let ended = Ended::read(raw, json.state);
    let target = raw.take("/target", json.target).unwrap_or_default().0;
    let selector = raw.take("/target/selector", target.selector).unwrap_or_default().0;
    let commit = hash(raw, "/target/commit", target.commit);
    let branch = raw.filled("/target/ref_name", target.ref_name);
    let checkout = Checkout {
        repository: Some(origin.reference()),
        branch: branch.or_else(|| raw.filled("/target/source", target.source)),
        commit: commit.clone(),
        base_branch: raw.filled("/target/destination", target.destination),
        base_commit: hash(raw, "/target/destination_commit", target.destination_commit),
    };
    let pull = raw.take("/target/pullrequest", target.pullrequest);
    let pull = pull.and_then(|pull| raw.take("/target/pullrequest/id", pull.0.id));
    let build = Build::default()
        .attempt(raw.take("/run_number", json.run_number).unwrap_or(1).max(1))
        .system("bitbucket.org".to_owned())
        .job(job(raw, &origin, selector))
        .number(number)
        .url(number.map(|number| format!("https://bitbucket.org/{}/pipelines/results/{number}", origin.repository)))
        .state(ended.state)
        .result(ended.result)
        .result_word(ended.word)
        .triggers(trigger(raw, json.trigger, person(raw, "/creator", json.creator)))
        .checkouts([checkout])
        .commits(commit)
        .change(pull.map(|pull| Reference::Key(origin.numbered(pull))))
        .queued_at(raw.take("/created_on", json.created_on))
        .finished_at(raw.take("/completed_on", json.completed_on))
        .duration(seconds(raw, "/duration_in_seconds", json.duration_in_seconds));
    Outcome::entity(origin.pipeline(&uuid), &build)
}

/// "acme/api/branches/main" for the pipeline of that branch, "acme/api/default" for the default one.
fn job(raw: &Raw<'_>, origin: &Origin<'_>, selector: Selector<'_>) -> Option<String> {
    let kind = raw.filled("/target/selector/type", selector.kind)?;
    let job = format!("{}/{kind}", origin.repository);
    Some(match raw.filled("/target/selector/pattern", selector.pattern) {
        Some(pattern) => format!("{job}/{pattern}"),
        None => job,
    })
}

fn trigger(raw: &Raw<'_>, trigger: Nested<Named<'_>>, person: Option<Reference>) -> Vec<Trigger> {
    let Some(word) = name(raw, "/trigger", trigger) else { return Vec::new() };
    let kind = match word.as_str() {
        "PUSH" => TriggerKind::Push,
        "MANUAL" => TriggerKind::Manual,
        "SCHEDULE" | "SCHEDULED" => TriggerKind::Schedule,
        "PULL_REQUEST" | "PULLREQUEST" => TriggerKind::Change,
        "PARENT_STEP" => TriggerKind::Upstream,
        _ => TriggerKind::Unknown(word.clone()),
    };
    vec![Trigger { kind, text: Some(word), person, build: None, led_to: None }]
}

fn seconds(raw: &Raw<'_>, place: &str, seconds: Field<u64>) -> Option<DurationMs> {
    raw.take(place, seconds).and_then(|seconds| seconds.checked_mul(1_000)).map(DurationMs)
}

/// Where a pipeline or step stands, and how it ended.
struct Ended {
    state: Option<RunState>,
    result: Option<RunResult>,
    word: Option<String>,
}

impl Ended {
    fn read(raw: &Raw<'_>, json: Nested<StateJson<'_>>) -> Self {
        let json = raw.take("/state", json).unwrap_or_default().0;
        let detail = name(raw, "/state/stage", json.stage);
        let word = name(raw, "/state/result", json.result);
        let state = raw.text("/state/name", json.name).map(|name| state(raw, &name, detail.as_deref()));
        let word = word.filter(|_| state == Some(RunState::Finished));
        Self { state, result: word.as_deref().map(result), word }
    }
}

/// Where a run stands; what it is at while it is under way says more than that it is.
fn state(raw: &Raw<'_>, word: &str, detail: Option<&str>) -> RunState {
    match detail.unwrap_or(word) {
        "PENDING" | "READY" => RunState::Queued,
        "IN_PROGRESS" | "RUNNING" | "BUILDING" => RunState::Running,
        // Waits for somebody to start the next step, or for another pipeline to leave the environment.
        "PAUSED" | "HALTED" => RunState::Waiting,
        "COMPLETED" => RunState::Finished,
        ended if !matches!(result(ended), RunResult::Unknown(_)) => RunState::Finished,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state/name", other);
            RunState::Unknown(other.to_owned())
        }
    }
}

/// How a run ended, in the words of Pipelines.
pub(super) fn result(word: &str) -> RunResult {
    match word {
        "SUCCESSFUL" | "PASSED" => RunResult::Success,
        "FAILED" => RunResult::Failure,
        "ERROR" => RunResult::Error,
        "STOPPED" | "CANCELLED" => RunResult::Cancelled,
        "EXPIRED" => RunResult::Timeout,
        "NOT_RUN" => RunResult::Skipped,
        other => RunResult::Unknown(other.to_owned()),
    }
}

/// A step of a pipeline.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct StepJson<'a> {
    #[serde(borrow)]
    uuid: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    pipeline: Nested<PipelinePointer<'a>>,
    #[serde(borrow)]
    state: Nested<StateJson<'a>>,
    duration_in_seconds: Field<u64>,
    started_on: Instant,
    completed_on: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PipelinePointer<'a> {
    #[serde(borrow)]
    uuid: Text<'a>,
}

/// A step contributes a stage to the build of its pipeline. It runs on a worker of its own, which makes it a job.
pub(crate) fn step(json: StepJson<'_>, raw: &Raw<'_>, origin: &Origin<'_>) -> Outcome {
    let Some(uuid) = raw.filled("/uuid", json.uuid) else { return raw.missing("/uuid") };
    let pipeline = raw.take("/pipeline", json.pipeline).and_then(|it| raw.filled("/pipeline/uuid", it.0.uuid));
    let Some(pipeline) = pipeline else { return raw.missing("/pipeline/uuid") };
    let ended = Ended::read(raw, json.state);
    let stage = Stage {
        key: uuid,
        name: raw.filled("/name", json.name),
        kind: Some(StageKind::Job),
        state: ended.state,
        result: ended.result,
        result_word: ended.word,
        started_at: raw.take("/started_on", json.started_on),
        finished_at: raw.take("/completed_on", json.completed_on),
        duration: seconds(raw, "/duration_in_seconds", json.duration_in_seconds),
        ..Stage::default()
    };
    Outcome::entity(origin.pipeline(&pipeline), &Build::default().stages([stage]))
}
