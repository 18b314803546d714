//! Which deployments count, which of them failed, and when that was repaired. One table serves all DORA metrics.

use weir_model::entity::{Deployment, DeploymentKind, Incident, IncidentLinkKind, IncidentState, RunResult};
use weir_model::metric::Sample;
use weir_model::{DurationMs, Entity, EntityId, Timestamp};

use super::samples::Where;
use crate::{Context, facets};

/// Metrics of a deployment that need its neighbours.
pub const DEPLOYMENT_METRICS: [&str; 3] = ["change-fail-rate", "recovery-time", "rework-rate"];

/// A deployment and what its neighbours say about it.
#[derive(Debug, Clone, Copy)]
pub struct DeploymentFacts<'a> {
    /// The deployment.
    pub deployment: &'a Deployment,
    /// Incidents that name it, in any order.
    pub incidents: &'a [Incident],
    /// The next successful deployment to the same target, where there is one.
    pub next: Option<&'a Deployment>,
}

/// What became of a deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// It brought about an incident, or was rolled back.
    pub failed: bool,
    /// When the harm was over, for a failed one.
    pub recovered_at: Option<Timestamp>,
    /// It was a rollback, or made only to repair an incident.
    pub rework: bool,
}

/// Whether a deployment brought something to its environment: it succeeded and did not take away.
pub fn is_rollout(deployment: &Deployment) -> bool {
    deployment.result == Some(RunResult::Success) && deployment.kind != Some(DeploymentKind::Remove)
}

/// Whether a deployment counts: it succeeded, has ended, and is one of those the operator wants counted.
pub fn is_counted(id: &EntityId, deployment: &Deployment, context: &Context) -> bool {
    let document = || facets::search_document(id, &Entity::from(deployment.clone()), context);
    is_rollout(deployment) && deployment.finished_at.is_some() && context.counts_as_deployment(&document())
}

/// What became of a deployment, by what its incidents and its successor say. `id` is its own.
pub fn outcome(id: &EntityId, facts: &DeploymentFacts<'_>) -> Outcome {
    let linked = |kind: IncidentLinkKind| {
        facts.incidents.iter().filter(move |incident| {
            incident.deployments.iter().any(|link| link.kind == kind && link.deployment.text() == id.key)
        })
    };
    let caused: Vec<&Incident> = linked(IncidentLinkKind::Caused).collect();
    let rollback = facts.next.filter(|next| is_rollback(next));
    let rework = is_rollback(facts.deployment)
        || facts.deployment.unplanned == Some(true)
        || linked(IncidentLinkKind::Fixed).next().is_some();
    let recovered_at =
        if caused.is_empty() { rollback.and_then(|next| next.finished_at) } else { last_resolution(&caused) };
    Outcome { failed: !caused.is_empty() || rollback.is_some(), recovered_at, rework }
}

fn is_rollback(deployment: &Deployment) -> bool {
    deployment.kind == Some(DeploymentKind::Rollback)
}

/// None while one of them is not resolved.
fn last_resolution(incidents: &[&Incident]) -> Option<Timestamp> {
    let resolved = |incident: &&Incident| match incident.state {
        Some(IncidentState::Open | IncidentState::Acknowledged) => None,
        _ => incident.resolved_at,
    };
    incidents.iter().map(resolved).collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// Samples of [`DEPLOYMENT_METRICS`], at most one each; none of a deployment that does not count.
pub fn deployment_samples(id: &EntityId, facts: &DeploymentFacts<'_>, context: &Context) -> Vec<Sample> {
    let finished = facts.deployment.finished_at.filter(|_| is_counted(id, facts.deployment, context));
    let Some(finished) = finished else { return Vec::new() };
    let place = Where::of(id, &Entity::from(facts.deployment.clone()), context);
    let outcome = outcome(id, facts);
    let recovery = || match outcome.recovered_at {
        None => Err("not-recovered"),
        Some(recovered) => recovered.since(finished).ok_or("end-before-start"),
    };
    let recovery: Option<Result<DurationMs, _>> = outcome.failed.then(recovery);
    let mut samples = vec![
        place.share("change-fail-rate", finished, outcome.failed),
        place.share("rework-rate", finished, outcome.rework),
    ];
    samples.extend(recovery.map(|recovery| place.sample("recovery-time", finished, recovery)));
    samples
}
