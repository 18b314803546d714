//! Deployments.

use serde::Deserialize;
use weir_sdk::model::entity::{DeploymentKind, Environment, EnvironmentClass, RunResult, RunState};
use weir_sdk::prelude::*;

use super::runs::result;
use super::{CommitPointer, Named, hash, name};
use crate::origin::Origin;

/// A deployment.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeploymentJson<'a> {
    #[serde(borrow)]
    uuid: Text<'a>,
    #[serde(borrow)]
    environment: Nested<EnvironmentJson<'a>>,
    #[serde(borrow)]
    release: Nested<ReleaseJson<'a>>,
    #[serde(borrow)]
    step: Nested<Uuid<'a>>,
    #[serde(borrow)]
    state: Nested<StateJson<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EnvironmentJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    environment_type: Nested<Named<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReleaseJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    pipeline: Nested<Uuid<'a>>,
    commit: Nested<CommitPointer>,
    created_on: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Uuid<'a> {
    #[serde(borrow)]
    uuid: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StateJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    status: Nested<Named<'a>>,
    #[serde(borrow)]
    url: Text<'a>,
    started_on: Instant,
    completed_on: Instant,
}

pub(crate) fn deployment(json: DeploymentJson<'_>, raw: &Raw<'_>, origin: Origin<'_>) -> Outcome {
    let Some(uuid) = raw.filled("/uuid", json.uuid) else { return raw.missing("/uuid") };
    let release = raw.take("/release", json.release).unwrap_or_default().0;
    let url = raw.filled("/release/url", release.url);
    let Some(origin) = origin.or_in(url.as_deref().and_then(repository_of_page)) else {
        return raw.missing("/release/url");
    };
    let state = raw.take("/state", json.state).unwrap_or_default().0;
    let word = raw.text("/state/name", state.name);
    let status = name(raw, "/state/status", state.status);
    let ended = word.as_deref().map(|word| ended(raw, word, status.as_deref())).unwrap_or_default();
    let pipeline = raw.take("/release/pipeline", release.pipeline);
    let pipeline = pipeline.and_then(|it| raw.filled("/release/pipeline/uuid", it.0.uuid));
    let step = raw.take("/step", json.step).and_then(|step| raw.filled("/step/uuid", step.0.uuid));
    let deployment = Deployment::default()
        .attempt(1)
        .service(origin.name().to_owned())
        .environment(environment(raw, json.environment))
        .kind(DeploymentKind::Deploy)
        .title(raw.filled("/release/name", release.name))
        .url(raw.filled("/state/url", state.url).or(url))
        .state(ended.0)
        .result(ended.1)
        .result_word(ended.2)
        .build(pipeline.map(|uuid| Reference::Key(origin.pipeline(&uuid))))
        .stage(step)
        .repositories([origin.reference()])
        .commits(hash(raw, "/release/commit", release.commit))
        .queued_at(raw.take("/release/created_on", release.created_on))
        .started_at(raw.take("/state/started_on", state.started_on))
        .finished_at(raw.take("/state/completed_on", state.completed_on));
    Outcome::entity(uuid, &deployment)
}

/// Where a deployment stands, how it ended, and the word for that. "Completed" alone says that it is over, and no more.
fn ended(raw: &Raw<'_>, word: &str, status: Option<&str>) -> (Option<RunState>, Option<RunResult>, Option<String>) {
    let finished = |word: &str| (Some(RunState::Finished), Some(result(word)), Some(word.to_owned()));
    match word {
        "COMPLETED" => finished(status.unwrap_or(word)),
        "IN_PROGRESS" => (Some(RunState::Running), None, None),
        "PENDING" => (Some(RunState::Queued), None, None),
        // Its step waits for somebody to start it.
        "UNDEPLOYED" => (Some(RunState::Waiting), None, None),
        word if !matches!(result(word), RunResult::Unknown(_)) => finished(word),
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state/name", other);
            (Some(RunState::Unknown(other.to_owned())), None, None)
        }
    }
}

fn environment(raw: &Raw<'_>, json: Nested<EnvironmentJson<'_>>) -> Option<Environment> {
    let json = raw.take("/environment", json)?.0;
    let class = name(raw, "/environment/environment_type", json.environment_type);
    let class = class.and_then(|class| match class.as_str() {
        "Production" => Some(EnvironmentClass::Production),
        "Staging" => Some(EnvironmentClass::Staging),
        "Test" => Some(EnvironmentClass::Testing),
        _ => None,
    });
    Some(Environment { name: raw.filled("/environment/name", json.name)?, class })
}

/// "workspace/slug" in the address of a page, which begins with them.
fn repository_of_page(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let mut parts = rest.split('/').skip(1);
    Some(format!("{}/{}", parts.next()?, parts.next()?))
}
