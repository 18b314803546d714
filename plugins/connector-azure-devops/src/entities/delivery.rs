//! Deployments of releases.

use serde::Deserialize;
use weir_sdk::model::entity::{DeploymentKind, Environment, RunResult, RunState};
use weir_sdk::prelude::*;

use super::{Identity, Named, Somebody, name, result};
use crate::origin::Origin;

/// A deployment of a release to one of its environments.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeploymentJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    release: Nested<ReleaseJson<'a>>,
    #[serde(borrow, rename = "releaseDefinition")]
    definition: Nested<Named<'a>>,
    #[serde(borrow, rename = "releaseEnvironment")]
    environment: Nested<Named<'a>>,
    attempt: Field<u32>,
    #[serde(borrow, rename = "deploymentStatus")]
    status: Text<'a>,
    #[serde(borrow, rename = "requestedFor")]
    requested_for: Nested<Identity<'a>>,
    #[serde(rename = "queuedOn")]
    queued_at: Instant,
    #[serde(rename = "startedOn")]
    started_at: Instant,
    #[serde(rename = "completedOn")]
    finished_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReleaseJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, rename = "webAccessUri")]
    page: Text<'a>,
    #[serde(borrow)]
    artifacts: List<Object<ArtifactJson<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ArtifactJson<'a> {
    #[serde(borrow, rename = "definitionReference")]
    reference: Nested<ArtifactReference<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ArtifactReference<'a> {
    #[serde(borrow)]
    version: Nested<IdNamed<'a>>,
    #[serde(borrow)]
    project: Nested<IdNamed<'a>>,
    #[serde(borrow, rename = "sourceVersion")]
    commit: Nested<IdNamed<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IdNamed<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
}

pub(crate) fn deployment(json: DeploymentJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let Some(origin) = Origin::read(raw) else { return raw.missing("") };
    let release = raw.take("/release", json.release).unwrap_or_default().0;
    let artifacts = raw.list("/release/artifacts", release.artifacts).into_iter();
    let artifacts: Vec<_> = artifacts.filter_map(|artifact| source(raw, artifact.0)).collect();
    let word = raw.text("/deploymentStatus", json.status);
    let ended = word.as_deref().map(|word| ended(raw, word)).unwrap_or_default();
    let environment = name(raw, "/releaseEnvironment", json.environment);
    let title = raw.filled("/release/name", release.name);
    let deployment = Deployment::default()
        .attempt(raw.take("/attempt", json.attempt).unwrap_or(1).max(1))
        .service(name(raw, "/releaseDefinition", json.definition))
        .environment(environment.map(|name| Environment { name, class: None }))
        .kind(DeploymentKind::Deploy)
        .version(title.clone())
        .title(title)
        .url(raw.filled("/release/webAccessUri", release.page))
        .state(ended.0)
        .result_word(word.filter(|_| ended.1.is_some()))
        .result(ended.1)
        .author(Somebody::read(raw, "/requestedFor", json.requested_for).reference())
        .build(artifacts.iter().find_map(|(build, _)| build.clone()))
        .commits(artifacts.into_iter().filter_map(|(_, commit)| commit))
        .queued_at(raw.take("/queuedOn", json.queued_at))
        .started_at(raw.take("/startedOn", json.started_at))
        .finished_at(raw.take("/completedOn", json.finished_at));
    Outcome::entity(origin.build_key(id), &deployment)
}

/// The build and the commit an artifact was made of.
fn source(raw: &Raw<'_>, artifact: ArtifactJson<'_>) -> Option<(Option<Reference>, Option<ObjectId>)> {
    let place = "/release/artifacts/definitionReference";
    let reference = raw.take(place, artifact.reference)?.0;
    let project = raw.take(place, reference.project).and_then(|project| raw.filled(place, project.0.name));
    let build = raw.take(place, reference.version).and_then(|version| raw.filled(place, version.0.id));
    let build = project.zip(build).filter(|(_, id)| id.bytes().all(|b| b.is_ascii_digit()));
    let commit = raw.take(place, reference.commit).and_then(|commit| raw.filled(place, commit.0.id));
    let build = build.map(|(project, id)| Reference::Key(format!("{project}/{id}")));
    Some((build, commit.and_then(|commit| ObjectId::new(&commit))))
}

fn ended(raw: &Raw<'_>, word: &str) -> (Option<RunState>, Option<RunResult>) {
    match word {
        "notDeployed" => (Some(RunState::Queued), None),
        "inProgress" => (Some(RunState::Running), None),
        word if !matches!(result(word), RunResult::Unknown(_)) => (Some(RunState::Finished), Some(result(word))),
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/deploymentStatus", other);
            (Some(RunState::Unknown(other.to_owned())), None)
        }
    }
}
