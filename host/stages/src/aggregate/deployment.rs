//! Which deployments count, which of them failed, and when that was repaired. One table serves all DORA metrics.

use std::collections::BTreeMap;

use weir_model::entity::{Deployment, DeploymentKind, Incident, IncidentLinkKind, IncidentState, RunResult};
use weir_model::metric::Sample;
use weir_model::{DurationMs, Entity, EntityId, IntegrationName, Reference, Timestamp};

use super::samples::Where;
use crate::{Context, facets};

/// Metrics of a deployment that need its neighbours.
pub const DEPLOYMENT_METRICS: [&str; 4] = ["deployment-frequency", "change-fail-rate", "recovery-time", "rework-rate"];

/// A deployment and what its neighbours say about it.
#[derive(Debug, Clone, Copy)]
pub struct DeploymentFacts<'a> {
    /// The deployment.
    pub deployment: &'a Deployment,
    /// Incidents it has to do with, and what, in any order; see [`decisive`](crate::correlate::decisive).
    pub incidents: &'a [(IncidentLinkKind, Incident)],
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

/// Whether a deployment was meant to bring something to where the operator counts, successful or not.
pub fn is_attempt(id: &EntityId, deployment: &Deployment, context: &Context) -> bool {
    let document = || facets::search_document(id, &Entity::from(deployment.clone()), context);
    deployment.kind != Some(DeploymentKind::Remove) && context.counts_as_deployment(&document())
}

/// Whether a deployment counts: it succeeded, has ended, and is one of those the operator wants counted.
pub fn is_counted(id: &EntityId, deployment: &Deployment, context: &Context) -> bool {
    is_rollout(deployment) && deployment.finished_at.is_some() && is_attempt(id, deployment, context)
}

/// The successful deployments to one target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rollouts {
    /// The first successful attempt of each rollout, by end.
    pub counted: Vec<(EntityId, Deployment)>,
    /// What repeats one of them.
    pub repeats: Vec<EntityId>,
}

impl Rollouts {
    /// Tells repeats apart: attempts of one rollout are one deployment, over when the first successful one was.
    /// `deployments` are successful ones to one target, in any order.
    pub fn of(mut deployments: Vec<(EntityId, Deployment)>) -> Self {
        deployments.sort_by(|(a, left), (b, right)| (left.finished_at, a).cmp(&(right.finished_at, b)));
        let mut attempts: BTreeMap<String, u32> = BTreeMap::new();
        let (counted, repeats) = deployments.into_iter().partition::<Vec<_>, _>(|(id, deployment)| {
            let attempt = deployment.attempt.unwrap_or(1);
            *attempts.entry(rollout(id, deployment)).or_insert(attempt) == attempt
        });
        Self { counted, repeats: repeats.into_iter().map(|(id, _)| id).collect() }
    }
}

/// What all attempts of a rollout have in common: the run that carried it out, else its own key, both without the
/// attempt's number behind them.
fn rollout(id: &EntityId, deployment: &Deployment) -> String {
    let name = deployment.build.as_ref().map_or(id.key.as_str(), Reference::text);
    let attempt = format!("/{}", deployment.attempt.unwrap_or(1));
    let integration = id.integration.as_ref().map_or("", IntegrationName::as_str);
    format!("{integration}:{}", name.strip_suffix(&attempt).unwrap_or(name))
}

/// What became of a deployment, by what its incidents and its successor say.
pub fn outcome(facts: &DeploymentFacts<'_>) -> Outcome {
    let linked = |wanted: IncidentLinkKind| {
        facts.incidents.iter().filter(move |(kind, _)| *kind == wanted).map(|(_, incident)| incident)
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

/// Samples of [`DEPLOYMENT_METRICS`] of a deployment that counts ([`is_counted`]), at most one each.
pub fn deployment_samples(id: &EntityId, facts: &DeploymentFacts<'_>, context: &Context) -> Vec<Sample> {
    let Some(finished) = facts.deployment.finished_at else { return Vec::new() };
    let place = Where::of(id, &Entity::from(facts.deployment.clone()), context);
    let outcome = outcome(facts);
    let recovery = || match outcome.recovered_at {
        None => Err("not-recovered"),
        Some(recovered) => recovered.since(finished).ok_or("end-before-start"),
    };
    let recovery: Option<Result<DurationMs, _>> = outcome.failed.then(recovery);
    let mut samples = vec![
        place.count("deployment-frequency", finished),
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
    use weir_model::entity::Environment;

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

    fn incident(resolved: &str, kind: IncidentLinkKind) -> (IncidentLinkKind, Incident) {
        let resolved = (!resolved.is_empty()).then(|| at(resolved));
        (kind, Incident::default().resolved_at(resolved))
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
            [("D2", [incident("03T12:00", IncidentLinkKind::Caused)]), ("D5", [incident("", IncidentLinkKind::Fixed)])];
        let mut text = String::new();
        for (index, (key, deployment)) in table.iter().enumerate() {
            let id: EntityId = format!("deployment:cd:{key}").parse().unwrap();
            let next = table.get(index + 1).map(|(_, next)| next).filter(|next| is_rollout(next));
            let linked = incidents.iter().find(|(linked, _)| linked == key).map_or(&[][..], |(_, linked)| linked);
            let facts = DeploymentFacts { deployment, incidents: linked, next };
            text += key;
            let samples = is_counted(&id, deployment, &Context::default())
                .then(|| deployment_samples(&id, &facts, &Context::default()));
            for sample in samples.unwrap_or_default() {
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

    /// A case is "key attempt build day" of successful deployments.
    #[test]
    fn attempts_of_one_rollout_are_one_deployment() {
        let table = [
            ("a/1", 1, None, "02T10:00"),
            ("a/2", 2, None, "02T09:00"),
            ("b", 1, Some("run/7/1"), "03T09:00"),
            ("c", 1, Some("run/7/1"), "03T10:00"),
            ("d", 2, Some("run/7/2"), "03T11:00"),
            ("e/1", 1, None, "04T10:00"),
        ];
        let row = |(key, attempt, build, finished): (&str, u32, Option<&str>, &str)| {
            let build = build.map(|build| Reference::Key(build.to_owned()));
            let deployment = deployment(finished, DeploymentKind::Deploy, RunResult::Success);
            (format!("deployment:cd:{key}").parse().unwrap(), deployment.attempt(attempt).build(build))
        };
        let kept = |rows: Vec<(EntityId, Deployment)>| {
            Rollouts::of(rows).counted.into_iter().map(|(id, _)| id.key).collect::<Vec<_>>().join(" ")
        };
        let mut rows: Vec<(EntityId, Deployment)> = table.into_iter().map(row).collect();
        expect!["a/2 b c e/1"].assert_eq(&kept(rows.clone()));
        rows.reverse();
        expect!["a/2 b c e/1"].assert_eq(&kept(rows));
    }

    #[test]
    fn an_unresolved_incident_has_no_recovery() {
        let deployment = deployment("02T10:00", DeploymentKind::Deploy, RunResult::Success);
        let incidents = [incident("", IncidentLinkKind::Caused), incident("02T11:00", IncidentLinkKind::Caused)];
        let facts = DeploymentFacts { deployment: &deployment, incidents: &incidents, next: None };
        let outcome = outcome(&facts);
        assert_eq!(outcome, Outcome { failed: true, recovered_at: None, rework: false });
    }
}
