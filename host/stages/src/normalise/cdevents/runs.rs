//! Pipeline runs, tasks of them, and builds of artifacts.
//!
//! A run is one build, to which its tasks add stages. A build in the sense of `CDEvents` is a task without a stated run:
//! it is a build of its own, with the artifact it made.

use weir_model::entity::{
    ArtifactRole, ArtifactUse, Build, Checkout, LogPlace, RunPurpose, RunResult, RunState, Stage, StageKind,
};
use weir_model::{DiagnosticKind, EntityKind, Reference};

use super::super::Produced;
use super::super::names::without_credentials;
use super::super::params::cut;
use super::super::words::result_of;
use super::artifacts::{self, PackageUrl};
use super::event::{Event, put};
use super::facts::{Facts, is_made_up, jenkins_block};

/// Longest text of an error that is kept, in bytes.
const ERRORS_BYTES_MAX: usize = 4096;

pub(super) fn queued(event: &mut Event<'_>) -> Vec<Produced> {
    let build = build(event, RunState::Queued);
    let queued_at = build.queued_at.or(event.at);
    event.produced(EntityKind::Build, build.queued_at(queued_at))
}

pub(super) fn started(event: &mut Event<'_>) -> Vec<Produced> {
    let build = build(event, RunState::Running).started_at(event.at);
    event.produced(EntityKind::Build, build)
}

pub(super) fn finished(event: &mut Event<'_>) -> Vec<Produced> {
    let build = build(event, RunState::Finished).finished_at(event.at);
    let word = build.result_word.clone().or_else(|| outcome(event));
    let build = build.result(word.as_deref().map(|word| result(event, word))).result_word(word).log(errors(event));
    event.produced(EntityKind::Build, build)
}

/// A build of an artifact does not say how it ended.
pub(super) fn build_finished(event: &mut Event<'_>) -> Vec<Produced> {
    let build = build(event, RunState::Finished).finished_at(event.at);
    let purl = event.content.text(&["artifactId"]).map(|id| PackageUrl::new(&id));
    let Some(purl) = purl else { return event.produced(EntityKind::Build, build) };
    let used = ArtifactUse { artifact: Reference::Key(purl.key()), role: ArtifactRole::Produced };
    let artifact = artifacts::of_build(event, &purl);
    let mut produced = event.produced(EntityKind::Build, build.artifacts([used]));
    produced.push(Produced::new(EntityKind::Artifact, purl.key(), artifact));
    produced
}

fn build(event: &mut Event<'_>, state: RunState) -> Build {
    let facts = Facts::of(event);
    let word = facts.word.filter(|_| state == RunState::Finished);
    let purpose = (event.kind.subject() == "build").then_some(RunPurpose::Build);
    let mut build = Build::default()
        .attempt(facts.attempt)
        .job(facts.job.or_else(|| event.content.text(&["pipelineName"])))
        .number(facts.number)
        .url(facts.url.or_else(|| url(event)))
        .purposes(purpose)
        .result_word(word)
        .parameters(facts.parameters)
        .checkouts((facts.checkout != Checkout::default()).then_some(facts.checkout))
        .queued_at(facts.queued_at)
        .duration(facts.duration.filter(|_| state == RunState::Finished))
        .state(state);
    build.attributes = event.attributes();
    build
}

/// A page for people; one without its host leads nowhere.
fn url(event: &mut Event<'_>) -> Option<String> {
    event.content.text(&["uri", "url"]).filter(|url| url.contains("://")).map(|url| without_credentials(&url))
}

fn outcome(event: &mut Event<'_>) -> Option<String> {
    event.content.text(&["outcome"])
}

fn result(event: &mut Event<'_>, word: &str) -> RunResult {
    let result = result_of(word);
    if let RunResult::Unknown(unknown) = &result {
        event.content.note(DiagnosticKind::UnknownWord, "outcome", unknown);
    }
    result
}

fn errors(event: &mut Event<'_>) -> Option<LogPlace> {
    event.content.text(&["errors"]).map(|errors| LogPlace::Tail(cut(&errors, ERRORS_BYTES_MAX)))
}

pub(super) fn task_started(event: &mut Event<'_>) -> Vec<Produced> {
    let begun = Stage { state: Some(RunState::Running), started_at: event.at, ..stage(event) };
    of_run(event, begun)
}

pub(super) fn task_finished(event: &mut Event<'_>) -> Vec<Produced> {
    let is_made_up = is_made_up(event.content.text(&["errors"]).as_deref());
    let word = outcome(event);
    let result = word.as_deref().filter(|_| !is_made_up).map(|word| result(event, word));
    let log = if is_made_up { None } else { errors(event) };
    let ended = Stage { state: Some(RunState::Finished), finished_at: event.at, ..stage(event) };
    of_run(event, Stage { result, result_word: word, log, ..ended })
}

fn stage(event: &mut Event<'_>) -> Stage {
    let (key, name) = match jenkins_block(event) {
        Some((key, name)) => (key, Some(name)),
        None => (event.subject.clone(), event.content.text(&["taskName"])),
    };
    Stage { key, name, kind: Some(StageKind::Job), url: url(event), ..Stage::default() }
}

/// The stage as part of its run; a task without one is a run of its own.
fn of_run(event: &mut Event<'_>, stage: Stage) -> Vec<Produced> {
    if let Some(run) = event.key_of("pipelineRun", "pipelinerun") {
        return vec![Produced::new(EntityKind::Build, run, Build::default().stages([stage]))];
    }
    let mut build = Build::default()
        .job(stage.name)
        .url(stage.url)
        .state(stage.state)
        .result(stage.result)
        .result_word(stage.result_word)
        .started_at(stage.started_at)
        .finished_at(stage.finished_at)
        .log(stage.log);
    build.attributes = event.attributes();
    put(&mut build.attributes, "cdevents.subject", Some("taskrun".to_owned()));
    event.produced(EntityKind::Build, build)
}
