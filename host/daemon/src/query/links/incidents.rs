//! Which deployments an incident has to do with, and the reverse, by rule.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::entity::{Deployment, Incident, IncidentLinkKind};
use weir_model::metric::Link;
use weir_model::{Entity, EntityId, ObjectId};
use weir_stages::correlate::{CommitGraph, Delivered, Known, RULES, Rollout, delivered, involved};
use weir_stages::facets;

use super::{Around, Finder};
use crate::error::Fault;
use crate::process::{EVERY_ONE, related_targets};

/// Adds the links between an incident and deployments that nobody states.
pub(super) fn add(finder: &Finder<'_>, known: &Known, around: &mut Around) -> Result<(), Fault> {
    if let Some(incident) = facets::incident(&known.0, &known.1, finder.context) {
        return of_incident(finder, &known.0, &incident, around);
    }
    let Entity::Deployment(deployment) = &known.1 else { return Ok(()) };
    let mut own = Around::default();
    for (id, incident) in nearby(finder, deployment)? {
        of_incident(finder, &id, &incident, &mut own)?;
    }
    around.links.extend(own.links.into_iter().filter(|link| link.to == known.0));
    Ok(())
}

fn of_incident(finder: &Finder<'_>, id: &EntityId, incident: &Incident, around: &mut Around) -> Result<(), Fault> {
    let mut targets = BTreeSet::new();
    related_targets(finder.reader, id, incident, &mut targets)?;
    for target in targets {
        let rollouts = rollouts(finder, &target)?;
        let heads: Vec<Rollout> =
            rollouts.iter().filter_map(|(id, deployment)| Rollout::new(id.clone(), deployment)).collect();
        let by = |commit: &ObjectId| brought(&heads, commit, finder.graph);
        for it in involved(id, incident, &rollouts, by, finder.context.look_back()) {
            // What is stated is a claim.
            if it.reason != "stated" {
                around.links.push(Link::new(id, &it.deployment, kind(&it.kind), it.reason, it.confidence, RULES));
            }
        }
    }
    Ok(())
}

fn brought(rollouts: &[Rollout], commit: &ObjectId, graph: &CommitGraph) -> Option<EntityId> {
    match delivered(rollouts, commit, graph) {
        Delivered::By(rollout) => Some(rollout.id.clone()),
        Delivered::NoBase | Delivered::NotReached => None,
    }
}

fn kind(kind: &IncidentLinkKind) -> &'static str {
    match kind {
        IncidentLinkKind::Caused => "caused-by",
        IncidentLinkKind::Fixed => "fixed-by",
        IncidentLinkKind::Related | IncidentLinkKind::Unknown(_) => "relates",
    }
}

/// Successful deployments to a target, by end.
fn rollouts(finder: &Finder<'_>, target: &str) -> Result<Vec<(EntityId, Deployment)>, Fault> {
    let rows = finder.lookup_n("deployments", target, EVERY_ONE)?;
    let rollout = |(id, entity): Known| match entity {
        Entity::Deployment(deployment) => Rollout::new(id.clone(), &deployment).map(|_| (id, *deployment)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(rollout).collect())
}

/// Incidents that may have to do with a deployment.
fn nearby(finder: &Finder<'_>, deployment: &Deployment) -> Result<BTreeMap<EntityId, Incident>, Fault> {
    let Some(target) = facets::target(deployment) else { return Ok(BTreeMap::new()) };
    let anywhere = target.split('|').next().map(|service| format!("{service}|")).unwrap_or_default();
    let from = deployment.finished_at.map_or(i64::MIN, weir_model::Timestamp::ms);
    let mut rows = Vec::new();
    for place in [target.as_str(), &anywhere] {
        let found = finder.reader.lookup("incidents", place, from..=i64::MAX, false, super::CALLERS_MAX);
        rows.extend(found.map_err(Fault::from_derived)?);
    }
    let found = finder.reader.lookup("root-cause", "commit", i64::MIN..=i64::MAX, false, super::CALLERS_MAX);
    rows.extend(found.map_err(Fault::from_derived)?);
    let incident = |row: weir_store::EntityRow| {
        Some((row.id.clone(), facets::incident(&row.id, row.entity.as_ref()?, finder.context)?))
    };
    Ok(rows.into_iter().filter_map(incident).collect())
}
