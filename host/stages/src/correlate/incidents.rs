//! Which deployments an incident has to do with, among those of one target.
//!
//! What is stated beats what is guessed from time; nothing is guessed across services or environments.

use weir_model::entity::{Deployment, DeploymentKind, Environment, EnvironmentClass, Incident, IncidentLinkKind};
use weir_model::{DurationMs, EntityId, EntityKind, ObjectId, Timestamp};

use super::claims::{ARTIFACT_ATTRIBUTE, EXACT, ids_in, root_causes, text_attribute};
use super::keys::{STRONG, WEAK};
use super::names::{Name, artifact_calls};
use crate::facets;
use crate::normalise::environment_class;

/// What a deployment has to do with an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Involved {
    /// Which.
    pub deployment: EntityId,
    /// It caused it, fixed it, or something else.
    pub kind: IncidentLinkKind,
    /// Rule that found it: `stated`, `root-cause`, `id`, `artifact`, `rolled-back`, `look-back`.
    pub reason: &'static str,
    /// 1.0 exact, 0.8 strong, 0.5 weak; 0.3 where the incident does not say its environment.
    pub confidence: f64,
}

/// The deployments of one target that an incident has to do with; all hits, the surest first. `rollouts` are the
/// successful ones by end, `first` gives the one that first brought a commit to the target.
pub fn involved(
    id: &EntityId,
    incident: &Incident,
    rollouts: &[(EntityId, Deployment)],
    first: impl Fn(&ObjectId) -> Option<EntityId>,
    look_back: DurationMs,
) -> Vec<Involved> {
    let mut found = stated(id, incident, rollouts);
    found.extend(commits_named(incident).iter().filter_map(|commit| Some(caused(first(commit)?, "root-cause", EXACT))));
    let named = ids_named(incident).filter(|named| rollouts.iter().any(|(id, _)| id == named));
    found.extend(named.map(|id| caused(id, "id", EXACT)));
    found.extend(holding(incident, rollouts).map(|id| caused(id, "artifact", EXACT)));
    found.extend(rolled_back(&found, rollouts));
    let mended: Vec<EntityId> =
        found.iter().filter(|it| it.kind == IncidentLinkKind::Fixed).map(|it| it.deployment.clone()).collect();
    found.extend(looked_back(incident, rollouts, look_back).filter(|it| !mended.contains(&it.deployment)));
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    found
}

/// What counts in numbers: of the causes only the surest, and a guess from time only where nothing is stated.
pub fn decisive(incident: &Incident, mut involved: Vec<Involved>) -> Vec<Involved> {
    let causes = |it: &&Involved| it.kind == IncidentLinkKind::Caused;
    let best = involved.iter().filter(causes).map(|it| it.confidence).fold(0.0, f64::max);
    let states = states_cause(incident);
    involved.retain(|it| {
        it.kind != IncidentLinkKind::Caused || (it.confidence >= best && !(states && it.reason == "look-back"))
    });
    involved
}

/// Whether an incident names its cause, whether or not that is known here.
fn states_cause(incident: &Incident) -> bool {
    incident.deployments.iter().any(|link| link.kind == IncidentLinkKind::Caused)
        || incident.attributes.contains_key(ARTIFACT_ATTRIBUTE)
        || !commits_named(incident).is_empty()
        || ids_named(incident).next().is_some()
}

/// The commits that the texts of an incident name as its root cause.
pub fn commits_named(incident: &Incident) -> Vec<ObjectId> {
    incident.title.iter().chain(&incident.description).flat_map(|text| root_causes(text)).collect()
}

/// Deployments whose ids stand in the texts of an incident.
fn ids_named(incident: &Incident) -> impl Iterator<Item = EntityId> + '_ {
    let texts = incident.title.iter().chain(&incident.description);
    texts.flat_map(|text| ids_in(text)).filter(|id| id.kind == EntityKind::Deployment)
}

fn caused(deployment: EntityId, reason: &'static str, confidence: f64) -> Involved {
    Involved { deployment, kind: IncidentLinkKind::Caused, reason, confidence }
}

fn stated(id: &EntityId, incident: &Incident, rollouts: &[(EntityId, Deployment)]) -> Vec<Involved> {
    let mut found = Vec::new();
    for link in &incident.deployments {
        let names = |(other, _): &&(EntityId, Deployment)| {
            let text = link.deployment.text();
            (other.integration == id.integration && other.key == text) || other.to_string() == text
        };
        found.extend(rollouts.iter().filter(names).map(|(deployment, _)| Involved {
            deployment: deployment.clone(),
            kind: link.kind.clone(),
            reason: "stated",
            confidence: EXACT,
        }));
    }
    found
}

/// The last deployment before the incident of the artifact it was found in.
fn holding(incident: &Incident, rollouts: &[(EntityId, Deployment)]) -> Option<EntityId> {
    let names = artifact_names(text_attribute(&incident.attributes, ARTIFACT_ATTRIBUTE)?);
    let holds = |(_, deployment): &&(EntityId, Deployment)| {
        let mut held = deployment.artifacts.iter().flat_map(|artifact| artifact_names(artifact.text()));
        held.any(|name| names.contains(&name))
    };
    before(incident, rollouts).rev().find(holds).map(|(id, _)| id.clone())
}

/// The sure names of an artifact, and the text itself.
fn artifact_names(reference: &str) -> Vec<String> {
    let called = artifact_calls(reference).into_iter().filter(|called| called.reason != "name");
    called.map(|called| Name::text(&called.name)).chain([reference.to_owned()]).collect()
}

/// A rollback that mends an incident points back to what it takes away.
fn rolled_back(found: &[Involved], rollouts: &[(EntityId, Deployment)]) -> Vec<Involved> {
    let fixes = found.iter().filter(|it| it.kind == IncidentLinkKind::Fixed);
    let undone = fixes.filter_map(|fix| {
        let at = rollouts.iter().position(|(id, _)| *id == fix.deployment)?;
        let (_, deployment) = &rollouts[at];
        let (undone, _) = rollouts[..at].last().filter(|_| deployment.kind == Some(DeploymentKind::Rollback))?;
        Some(caused(undone.clone(), "rolled-back", STRONG))
    });
    undone.collect()
}

/// The latest deployment before the incident, of the same service and environment, unless it is too long ago.
fn looked_back(incident: &Incident, rollouts: &[(EntityId, Deployment)], look_back: DurationMs) -> Option<Involved> {
    let began = facets::began(incident)?;
    let (id, deployment) = before(incident, rollouts).next_back()?;
    let ago = began.since(deployment.finished_at?).filter(|ago| *ago <= look_back);
    Some(caused(id.clone(), "look-back", ago.and_then(|_| place(incident, deployment))?))
}

fn before<'r>(
    incident: &Incident,
    rollouts: &'r [(EntityId, Deployment)],
) -> impl DoubleEndedIterator<Item = &'r (EntityId, Deployment)> {
    let began = facets::began(incident).unwrap_or(Timestamp::from_ms(i64::MIN));
    rollouts.iter().filter(move |(_, deployment)| deployment.finished_at.is_some_and(|at| at < began))
}

/// How sure it is that an incident happened where a deployment went; none when it happened elsewhere. An incident that
/// does not say where is one of production.
fn place(incident: &Incident, deployment: &Deployment) -> Option<f64> {
    let service = deployment.service.as_ref()?.to_lowercase();
    if !incident.services.iter().any(|other| other.to_lowercase() == service) {
        return None;
    }
    let environment = deployment.environment.as_ref();
    match (&incident.environment, environment) {
        (Some(one), Some(other)) => same(one, other).then_some(WEAK),
        (Some(_), None) => None,
        (None, other) => {
            let is_production = other.and_then(environment_class) == Some(EnvironmentClass::Production);
            is_production.then_some(0.3)
        }
    }
}

fn same(one: &Environment, other: &Environment) -> bool {
    one.name.to_lowercase() == other.name.to_lowercase()
}

#[cfg(test)]
mod tests;
