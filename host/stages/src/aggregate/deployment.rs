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

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use weir_model::Reference;
    use weir_model::entity::{Environment, IncidentLink};

    fn at(text: &str) -> Timestamp {
        format!("2026-03-{text}:00Z").parse().unwrap()
    }

    fn deployment(finished: &str, kind: DeploymentKind, result: RunResult) -> Deployment {
        let environment = Environment { name: "prod-eu".to_owned(), class: None };
        Deployment::default()
            .service("shop".to_owned())
            .environment(environment)
            .finished_at(at(finished))
            .kind(kind)
            .result(result)
    }

    fn incident(resolved: &str, deployment: &str, kind: IncidentLinkKind) -> Incident {
        let link = IncidentLink { deployment: Reference::Key(deployment.to_owned()), kind };
        let resolved = (!resolved.is_empty()).then(|| at(resolved));
        Incident::default().deployments([link]).resolved_at(resolved)
    }

    /// Five deployments of a week: one brings about an incident, one rolls back, one repairs; a sixth attempt fails
    /// before it reaches production.
    #[test]
    fn a_week_of_one_service() {
        use RunResult::{Failure, Success};
        let table = [
            ("D1", deployment("02T10:00", DeploymentKind::Deploy, Success)),
            ("D2", deployment("03T10:00", DeploymentKind::Deploy, Success)),
            ("D3", deployment("03T11:45", DeploymentKind::Rollback, Success)),
            ("D4", deployment("05T09:00", DeploymentKind::Deploy, Success)),
            ("D5", deployment("06T16:00", DeploymentKind::Deploy, Success)),
            ("attempt", deployment("06T15:00", DeploymentKind::Deploy, Failure)),
        ];
        let incidents =
            [incident("03T12:00", "D2", IncidentLinkKind::Caused), incident("", "D5", IncidentLinkKind::Fixed)];
        let mut text = String::new();
        for (index, (key, deployment)) in table.iter().enumerate() {
            let id: EntityId = format!("deployment:cd:{key}").parse().unwrap();
            let next = table.get(index + 1).map(|(_, next)| next).filter(|next| is_rollout(next));
            let facts = DeploymentFacts { deployment, incidents: &incidents, next };
            let entity = Entity::from(deployment.clone());
            let own = super::super::own_samples(&id, &entity, &Context::default());
            text += key;
            for sample in own.into_iter().chain(deployment_samples(&id, &facts, &Context::default())) {
                let value = sample.value.map(|value| value.to_string()).or(sample.unknown);
                text += &format!(" {}={}", sample.metric, value.unwrap());
            }
            text += "\n";
        }
        expect![[r"
            D1 deployment-frequency=1 change-fail-rate=0 rework-rate=0
            D2 deployment-frequency=1 change-fail-rate=1 rework-rate=0 recovery-time=7200000
            D3 deployment-frequency=1 change-fail-rate=0 rework-rate=1
            D4 deployment-frequency=1 change-fail-rate=0 rework-rate=0
            D5 deployment-frequency=1 change-fail-rate=0 rework-rate=1
            attempt
        "]]
        .assert_eq(&text);
    }

    #[test]
    fn an_unresolved_incident_has_no_recovery() {
        let deployment = deployment("02T10:00", DeploymentKind::Deploy, RunResult::Success);
        let incidents =
            [incident("", "D", IncidentLinkKind::Caused), incident("02T11:00", "D", IncidentLinkKind::Caused)];
        let facts = DeploymentFacts { deployment: &deployment, incidents: &incidents, next: None };
        let outcome = outcome(&"deployment:cd:D".parse().unwrap(), &facts);
        assert_eq!(outcome, Outcome { failed: true, recovered_at: None, rework: false });
    }
}
