//! Artifacts and deployments, from spans that name them.
//!
//! A resource names the environment its own process runs in, so only attributes of the span itself count.

use weir_model::entity::{Artifact, Deployment, Environment, RunResult, RunState};
use weir_model::{EntityKind, ObjectId, Reference};

use super::super::Produced;
use super::super::cdevents::PackageUrl;
use super::super::words::{class_of, result_of};
use super::spans::Span;

/// The artifact a span made.
pub(super) fn artifact(span: &Span) -> Option<Produced> {
    let purl = span.own_text(&["artifact.purl"]).map(|purl| PackageUrl::new(&purl));
    let name = span.own_text(&["artifact.filename"]);
    if purl.is_none() && name.is_none() {
        return None;
    }
    let stated = purl.as_ref().map_or_else(Artifact::default, PackageUrl::artifact);
    let digest = span.own_text(&["artifact.hash"]).map(|hash| hash.to_lowercase()).or(stated.digest.clone());
    let version = span.own_text(&["artifact.version"]).or(stated.version.clone());
    let named = || purl.as_ref().map(PackageUrl::plain);
    let file =
        || version.as_ref().map_or_else(|| name.clone(), |version| Some(format!("{}:{version}", name.as_ref()?)));
    let key = digest.clone().or_else(named).or_else(file)?;
    let name = stated.name.clone().or_else(|| name.clone());
    let artifact = Artifact { digest, version, name, ..stated };
    let artifact = artifact.build(Reference::Key(span.trace.clone())).created_at(span.finished_at);
    Some(Produced::new(EntityKind::Artifact, key, artifact))
}

/// The deployment a span was.
pub(super) fn deployment(span: &Span, outcome: (Option<RunResult>, Option<String>)) -> Option<Produced> {
    let environment = span.own_text(&["deployment.environment.name", "deployment.environment"]);
    let word = span.own_text(&["deployment.status"]);
    if environment.is_none() && word.is_none() && span.own_text(&["deployment.id"]).is_none() {
        return None;
    }
    let state = if span.finished_at.is_some() { RunState::Finished } else { RunState::Running };
    let (result, result_word) = match word {
        Some(word) => (Some(result_of(&word)), Some(word)),
        None => outcome,
    };
    let is_over = state == RunState::Finished;
    let deployment = Deployment::default()
        .service(span.text(&["deployment.name", "service.name"]))
        .environment(environment.map(|name| Environment { class: class_of(&name), name }))
        .state(state)
        .result(result.filter(|_| is_over))
        .result_word(result_word)
        .version(span.own_text(&["artifact.version", "service.version"]))
        .build(Reference::Key(span.trace.clone()))
        .stage(span.id.clone())
        .commits(span.text(&["vcs.ref.head.revision"]).and_then(|id| ObjectId::new(&id)))
        .artifacts(artifact(span).map(|made| Reference::Key(made.key)))
        .started_at(span.started_at)
        .finished_at(span.finished_at);
    let key = span.own_text(&["deployment.id"]).unwrap_or_else(|| format!("{}/{}", span.trace, span.id));
    Some(Produced::new(EntityKind::Deployment, key, deployment))
}
