//! What the numbers of other systems are computed from, read when they are asked for.

use weir_model::entity::{Deployment, ReviewVerdict, RunResult};
use weir_model::{Entity, EntityId, EntityKind, Timestamp};
use weir_stages::aggregate::{
    self, CompatChange, CompatDeployment, CompatFacts, CompatIncident, CompatValue, Family, first_commit_at, is_attempt,
};
use weir_stages::{Context, facets};
use weir_store::{EntityRow, Reader, SampleQuery};

use crate::error::Fault;
use crate::process::EVERY_ONE;

/// Entities read at a time.
const PAGE: usize = 5_000;

/// The number of a window as a family computes it; none where it has no such metric.
pub(super) fn value(
    reader: &Reader<'_>,
    family: Family,
    query: &SampleQuery,
    context: &Context,
) -> Result<Option<CompatValue>, Fault> {
    let Some(window) = query.from.zip(query.to) else {
        return Err(Fault::config("the numbers of other systems are of a window").hint("give `from` and `to`"));
    };
    let mut deployments = deployments(reader, query, context)?;
    deployments.sort_by_key(|deployment| deployment.finished_at);
    let facts = CompatFacts {
        deployments: &deployments,
        incidents: &incidents(reader, query, context)?,
        changes: &changes(reader, query)?,
        window,
        calendar: reader.calendar(),
    };
    Ok(aggregate::compat(family, &query.metric, &facts))
}

/// Attempts to deploy that the operator counts.
fn deployments(reader: &Reader<'_>, query: &SampleQuery, context: &Context) -> Result<Vec<CompatDeployment>, Fault> {
    let mut found = Vec::new();
    each(reader, &EntityKind::Deployment, &mut |id, entity| {
        let Entity::Deployment(deployment) = entity else { return };
        if asked_for(query, id, entity, context) && is_attempt(id, deployment, context) {
            found.extend(attempt(deployment));
        }
    })?;
    Ok(found)
}

fn attempt(deployment: &Deployment) -> Option<CompatDeployment> {
    let succeeded = deployment.result == Some(RunResult::Success);
    let failed = deployment.result.as_ref().is_some_and(RunResult::is_red);
    let finished_at = deployment.finished_at.filter(|_| succeeded || failed)?;
    Some(CompatDeployment { finished_at, succeeded })
}

fn incidents(reader: &Reader<'_>, query: &SampleQuery, context: &Context) -> Result<Vec<CompatIncident>, Fault> {
    let mut found = Vec::new();
    for kind in [EntityKind::Incident, EntityKind::WorkItem] {
        each(reader, &kind, &mut |id, entity| {
            let (created_at, resolved_at) = match entity {
                Entity::Incident(it) => (it.detected_at.or(it.started_at), it.resolved_at.or(it.closed_at)),
                Entity::WorkItem(it) => (it.created_at, it.resolved_at),
                _ => return,
            };
            let is_incident = || context.is_incident(&facets::search_document(id, entity, context));
            if asked_for(query, id, entity, context) && is_incident() {
                found.extend(created_at.map(|created_at| CompatIncident { created_at, resolved_at }));
            }
        })?;
    }
    Ok(found)
}

/// Changes that reached production in the window.
fn changes(reader: &Reader<'_>, query: &SampleQuery) -> Result<Vec<CompatChange>, Fault> {
    let query = SampleQuery { metric: "change-lead-time".to_owned(), ..query.clone() };
    let mut found = Vec::new();
    for row in reader.samples(&query).map_err(Fault::from_derived)? {
        let reached = !matches!(row.sample.unknown.as_deref(), Some("not-reached" | "no-base"));
        if reached {
            found.extend(change(reader, &row.entity, row.sample.at)?);
        }
    }
    Ok(found)
}

fn change(reader: &Reader<'_>, id: &EntityId, deployed: Timestamp) -> Result<Option<CompatChange>, Fault> {
    let row = reader.entity(id).map_err(Fault::from_derived)?;
    let Some(Entity::Change(change)) = row.and_then(|row| row.entity) else { return Ok(None) };
    let reviews = reader.lookup("review>change", &id.to_string(), i64::MIN..=i64::MAX, false, EVERY_ONE);
    let mut found = CompatChange {
        first_commit: first_commit_at(&change, |sha| authored_at(reader, sha.as_str())),
        opened: change.created_at,
        ready: change.ready_at,
        merged: change.merged_at,
        deployed: Some(deployed),
        ..CompatChange::default()
    };
    for row in reviews.map_err(Fault::from_derived)? {
        let Some(Entity::Review(review)) = row.entity else { continue };
        let Some(at) = review.submitted_at else { continue };
        let earlier = |before: Option<Timestamp>| Some(before.map_or(at, |before| before.min(at)));
        if review.author != change.author {
            found.first_comment = earlier(found.first_comment);
        }
        if review.verdict.is_some() {
            found.first_review = earlier(found.first_review);
        }
        if review.verdict == Some(ReviewVerdict::Approved) {
            found.approved = earlier(found.approved);
        }
    }
    Ok(Some(found))
}

fn authored_at(reader: &Reader<'_>, sha: &str) -> Option<Timestamp> {
    let id = EntityId { kind: EntityKind::Commit, integration: None, key: sha.to_owned() };
    match reader.entity(&id).ok()??.entity? {
        Entity::Commit(commit) if commit.parents.len() < 2 => commit.authored_at,
        _ => None,
    }
}

/// Whether an entity is of the team, project and service that are asked for.
fn asked_for(query: &SampleQuery, id: &EntityId, entity: &Entity, context: &Context) -> bool {
    let project = facets::project(id, entity);
    let in_team = |team: &String| {
        context.teams().line(project.as_deref(), &facets::people(entity), None).contains(&team.as_str())
    };
    (query.project.is_none() || query.project == project)
        && (query.service.is_none() || query.service == facets::service(entity))
        && query.team.as_ref().is_none_or(in_team)
}

fn each(reader: &Reader<'_>, kind: &EntityKind, visit: &mut dyn FnMut(&EntityId, &Entity)) -> Result<(), Fault> {
    let mut after: Option<EntityId> = None;
    loop {
        let rows = reader.kind(kind, after.as_ref(), PAGE).map_err(Fault::from_derived)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.id.clone());
        for EntityRow { id, entity, .. } in &rows {
            if let Some(entity) = entity {
                visit(id, entity);
            }
        }
    }
}
