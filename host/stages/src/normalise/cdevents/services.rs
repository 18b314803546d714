//! Services that run, and the environments they run in.
//!
//! Each deployment, upgrade, rollback and removal is a deployment of its own, keyed by its event: links between events
//! name that, so that an incident can name the deployment that brought it about.

use weir_model::entity::{Custom, Deployment, DeploymentKind, Environment, RunResult, RunState};
use weir_model::{EntityKind, Reference};

use super::super::Produced;
use super::super::words::class_of;
use super::artifacts::PackageUrl;
use super::event::{Event, put};
use super::facts::Facts;

/// Letters of an id that nobody else has: a UUID.
const UUID_BYTES: usize = 36;

pub(super) fn deployed(event: &mut Event<'_>) -> Vec<Produced> {
    rollout(event, DeploymentKind::Deploy)
}

/// The deployment before it, of the same service to the same environment, counts as failed for that.
pub(super) fn rolled_back(event: &mut Event<'_>) -> Vec<Produced> {
    rollout(event, DeploymentKind::Rollback)
}

pub(super) fn removed(event: &mut Event<'_>) -> Vec<Produced> {
    rollout(event, DeploymentKind::Remove)
}

/// Key of the deployment that the event with that id is: the id alone where nobody else can have it.
pub(super) fn deployment_key(id: &str) -> Option<String> {
    let is_uuid = id.len() == UUID_BYTES && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    is_uuid.then(|| id.to_ascii_lowercase())
}

fn rollout(event: &mut Event<'_>, kind: DeploymentKind) -> Vec<Produced> {
    let facts = Facts::of(event);
    let artifact = event.content.text(&["artifactId"]).map(|id| PackageUrl::new(&id));
    let stated = artifact.as_ref().map(PackageUrl::artifact).unwrap_or_default();
    let predicate = event.kind.predicate();
    let mut deployment = Deployment::default()
        .attempt(1)
        .service(event.subject.clone())
        .environment(environment_of(event))
        .kind(kind)
        .state(RunState::Finished)
        .result(RunResult::Success)
        .result_word(predicate.to_owned())
        .version(stated.version)
        .repositories(facts.checkout.repository)
        .commits(facts.checkout.commit)
        .artifacts(artifact.map(|artifact| Reference::Name(artifact.key())))
        .finished_at(event.at);
    deployment.attributes = event.attributes();
    let key = deployment_key(&event.id).unwrap_or_else(|| format!("{}/{}", event.source, event.id));
    vec![Produced::new(EntityKind::Deployment, key, deployment)]
}

/// The environment an event took place in, by its id, which is what people call it.
pub(super) fn environment_of(event: &mut Event<'_>) -> Option<Environment> {
    let (name, _) = event.named("environment")?;
    Some(Environment { class: class_of(&name), name })
}

/// A service that can be reached now.
pub(super) fn published(event: &mut Event<'_>) -> Vec<Produced> {
    let mut service = Custom::default().title(event.subject.clone()).at(event.at);
    service.attributes = event.attributes();
    let environment = environment_of(event).map(|environment| environment.name);
    put(&mut service.attributes, "cdevents.environment", environment);
    custom(event, "service", service)
}

pub(super) fn environment(event: &mut Event<'_>) -> Vec<Produced> {
    let name = event.content.text(&["name"]).unwrap_or_else(|| event.subject.clone());
    let mut environment =
        Custom::default().url(event.content.text(&["uri", "url"]).filter(|url| url.contains("://"))).at(event.at);
    environment.attributes = event.attributes();
    put(&mut environment.attributes, "cdevents.class", class_of(&name).map(|class| class.as_str().to_owned()));
    custom(event, "environment", environment.title(name))
}

/// A thing of a kind that the model has no record for.
pub(super) fn custom(event: &Event<'_>, kind: &str, thing: Custom) -> Vec<Produced> {
    event.produced(EntityKind::Custom(kind.to_owned()), weir_model::Entity::Custom(Box::new(thing)))
}
