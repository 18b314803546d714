//! Incidents and the targets they may have to do with, found by the names both go by.
//!
//! Invariant: an incident that names a deployment, an artifact, a place or a commit is among those of each target it
//! could be linked to, so that marking these targets suffices when it changes.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::entity::{Deployment, Incident};
use weir_model::{Entity, EntityId, EntityKind, ObjectId};
use weir_stages::correlate::{KeyRules, Moved, Name, claims, commits_named, names};
use weir_stages::{Context, facets};
use weir_store::{Apply, EntityRow, Reader};

use super::EVERY_ONE;
use super::neighbours::Dirty;
use crate::error::Fault;

/// Adds the targets an incident may have to do with, by all but the commits it names.
pub(crate) fn related_targets(
    reader: &Reader<'_>,
    id: &EntityId,
    incident: &Incident,
    targets: &mut BTreeSet<String>,
) -> Result<(), Fault> {
    let entity = Entity::from(incident.clone());
    for place in facets::places(incident) {
        match place.strip_suffix('|') {
            Some(service) => targets.extend(deployed(&lookup(reader, "service", service)?)),
            None => drop(targets.insert(place)),
        }
    }
    for claim in claims(id, &entity, &KeyRules::default()) {
        match &claim.name {
            Name::Entity(named) if named.kind == EntityKind::Deployment => {
                let row = reader.entity(named).map_err(Fault::from_derived)?;
                targets.extend(deployed(row.as_slice()));
            }
            Name::Entity(named) if named.kind == EntityKind::Commit => {
                let row = reader.entity(named).map_err(Fault::from_derived)?;
                let Some(Entity::Commit(commit)) = row.and_then(|row| row.entity) else { continue };
                for repository in &commit.repositories {
                    let name = weir_stages::normalise::repository_name(repository.text()).to_lowercase();
                    targets.extend(deployed(&lookup(reader, "deployed", &name)?));
                }
            }
            name @ Name::Artifact(text) => {
                targets.extend(deployed(&lookup(reader, &name.calls(&EntityKind::Deployment), text)?));
            }
            _ => {}
        }
    }
    let own = names(id, &entity).into_iter().chain([Name::Entity(id.clone())]);
    for name in own {
        targets.extend(deployed(&lookup(reader, &name.calls(&EntityKind::Deployment), &name.text())?));
    }
    Ok(())
}

fn deployed(rows: &[EntityRow]) -> Vec<String> {
    let target = |row: &EntityRow| match &row.entity {
        Some(Entity::Deployment(deployment)) => facets::target(deployment),
        _ => None,
    };
    rows.iter().filter_map(target).collect()
}

/// Every incident that may have to do with the deployments to a target.
pub(super) fn incidents_of(
    reader: &Reader<'_>,
    context: &Context,
    target: &str,
    rows: &[(EntityId, Deployment)],
) -> Result<BTreeMap<EntityId, Incident>, Fault> {
    let anywhere = target.split('|').next().map(|service| format!("{service}|")).unwrap_or_default();
    let mut found = lookup(reader, "incidents", target)?;
    found.extend(lookup(reader, "incidents", &anywhere)?);
    found.extend(lookup(reader, "root-cause", "commit")?);
    for (id, deployment) in rows {
        found.extend(lookup(reader, "incident>deployment", &id.to_string())?);
        let entity = Entity::from(deployment.clone());
        for claim in claims(id, &entity, context.keys()) {
            if let name @ Name::Artifact(_) = &claim.name {
                found.extend(lookup(reader, &name.calls(&EntityKind::Incident), &name.text())?);
            }
        }
    }
    let incident = |row: EntityRow| {
        let incident = facets::incident(&row.id, row.entity.as_ref()?, context)?;
        Some((row.id, incident))
    };
    Ok(found.into_iter().filter_map(incident).collect())
}

fn lookup(reader: &Reader<'_>, name: &str, value: &str) -> Result<Vec<EntityRow>, Fault> {
    reader.lookup(name, value, i64::MIN..=i64::MAX, false, EVERY_ONE).map_err(Fault::from_derived)
}

/// The commits that incidents name as their causes.
#[derive(Default)]
pub(super) struct RootCauses {
    commits: BTreeSet<ObjectId>,
    /// One of these incidents changed, so that any target may be concerned.
    changed: bool,
}

impl RootCauses {
    pub(super) fn read(apply: &Apply<'_>, context: &Context, dirty: &Dirty) -> Result<Self, Fault> {
        let mut causes = Self::default();
        for row in lookup(apply, "root-cause", "commit")? {
            let incident = row.entity.as_ref().and_then(|entity| facets::incident(&row.id, entity, context));
            causes.commits.extend(incident.iter().flat_map(commits_named));
        }
        causes.changed = dirty.incidents().iter().any(|(_, incident)| !commits_named(incident).is_empty());
        Ok(causes)
    }

    /// The targets whose deployments these incidents may be linked to otherwise, now that deliveries moved.
    pub(super) fn concerned<'t>(&self, moved: &Moved, all: impl Iterator<Item = &'t str>) -> Vec<String> {
        if self.changed {
            return all.map(str::to_owned).collect();
        }
        let names_one = |commits: &BTreeSet<ObjectId>| self.commits.iter().any(|commit| commits.contains(commit));
        moved.iter().filter(|(_, commits)| names_one(commits)).map(|(target, _)| target.clone()).collect()
    }
}
