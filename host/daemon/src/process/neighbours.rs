//! Samples that need more than one entity: a change with its commits, reviews and deployment, a deployment with its
//! incidents and successor.
//!
//! Invariant: when a batch is over, each such sample is what its facts say now. Everything a fact belongs to is marked
//! while the batch is applied, and computed anew at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use weir_model::entity::{Deployment, Incident, Review};
use weir_model::metric::Sample;
use weir_model::{Entity, EntityId, EntityKind, ObjectId, Reference, Timestamp};
use weir_stages::aggregate::{
    CHANGE_METRICS, ChangeFacts, DEPLOYMENT_METRICS, Deployed, DeploymentFacts, change_samples, deployment_samples,
    first_commit_at, is_counted,
};
use weir_stages::correlate::{CommitGraph, Delivered, FirstDeployments, Rollout, first_deployments};
use weir_stages::{Context, facets};
use weir_store::{Apply, Changed, EntityRow};

use crate::error::Fault;

/// Most neighbours of one sort that are looked at.
const NEIGHBOURS_MAX: usize = 10_000;

/// What must be computed anew.
#[derive(Default)]
pub(super) struct Dirty {
    changes: BTreeSet<EntityId>,
    deployments: BTreeSet<EntityId>,
    targets: BTreeSet<String>,
    commits: BTreeSet<EntityId>,
}

impl Dirty {
    /// Marks everything a changed entity is a fact of, as it was and as it is.
    pub(super) fn mark(&mut self, changed: &Changed) {
        for entity in [&changed.before, &changed.after].into_iter().flatten() {
            self.mark_one(&changed.id, entity);
        }
    }

    fn mark_one(&mut self, id: &EntityId, entity: &Entity) {
        match entity {
            Entity::Change(_) => drop(self.changes.insert(id.clone())),
            Entity::Commit(_) => drop(self.commits.insert(id.clone())),
            Entity::Review(review) => self.changes.extend(of(id, EntityKind::Change, review.change.as_ref())),
            Entity::Deployment(deployment) => {
                self.deployments.insert(id.clone());
                self.targets.extend(facets::target(deployment));
            }
            Entity::Incident(incident) => {
                let links = incident.deployments.iter();
                self.deployments.extend(links.filter_map(|link| of(id, EntityKind::Deployment, Some(&link.deployment))));
            }
            _ => {}
        }
    }

    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.deployments.is_empty() && self.targets.is_empty() && self.commits.is_empty()
    }
}

fn of(id: &EntityId, kind: EntityKind, reference: Option<&Reference>) -> Option<EntityId> {
    Some(EntityId { kind, integration: id.integration.clone(), key: reference?.text().to_owned() })
}

/// What is remembered between batches, so that only what moved is computed anew. Rebuilt when empty.
#[derive(Default)]
pub(super) struct Neighbours {
    targets: Option<BTreeSet<String>>,
    delivered: BTreeMap<String, Known>,
}

/// Deliveries of one target as of the last batch.
#[derive(Default, PartialEq, Eq)]
struct Known {
    first: Option<EntityId>,
    at: BTreeMap<ObjectId, Timestamp>,
}

/// One batch's view.
struct View<'a, 'p> {
    apply: &'a mut Apply<'p>,
    context: &'a Context,
}

impl Neighbours {
    /// Brings the samples up to date.
    pub(super) fn update(
        &mut self,
        apply: &mut Apply<'_>,
        graph: &RwLock<CommitGraph>,
        context: &Context,
        mut dirty: Dirty,
    ) -> Result<(), Fault> {
        if dirty.is_empty() {
            return Ok(());
        }
        let mut view = View { apply, context };
        let targets = self.targets(&mut view, &dirty)?;
        let graph = graph.read().unwrap_or_else(PoisonError::into_inner);
        let mut deliveries = Vec::with_capacity(targets.len());
        for target in &targets {
            let rows = view.target(target)?;
            if dirty.targets.contains(target) {
                dirty.deployments.extend(rows.iter().map(|(id, _)| id.clone()));
            }
            let found = view.first_deployments(&rows, &graph);
            self.mark_moved(&mut view, target, &rows, &found, &mut dirty)?;
            deliveries.push(found);
        }
        for commit in &dirty.commits {
            let rows = view.apply.lookup("sha", &commit.key, i64::MIN..=i64::MAX, false, NEIGHBOURS_MAX);
            let changes = rows.map_err(Fault::from_derived)?.into_iter().map(|row| row.id);
            dirty.changes.extend(changes.filter(|id| id.kind == EntityKind::Change));
        }
        dirty.changes.iter().try_for_each(|id| view.change(id, &deliveries))?;
        dirty.deployments.iter().try_for_each(|id| view.deployment(id))
    }

    fn targets(&mut self, view: &mut View<'_, '_>, dirty: &Dirty) -> Result<BTreeSet<String>, Fault> {
        let known = match self.targets.take() {
            Some(known) => known,
            None => view.all_targets()?,
        };
        let targets: BTreeSet<String> = known.into_iter().chain(dirty.targets.iter().cloned()).collect();
        self.targets = Some(targets.clone());
        Ok(targets)
    }

    /// Marks the changes whose delivery is not what it was.
    fn mark_moved(
        &mut self,
        view: &mut View<'_, '_>,
        target: &str,
        rows: &[(EntityId, Deployment)],
        found: &FirstDeployments<'_>,
        dirty: &mut Dirty,
    ) -> Result<(), Fault> {
        let first = rows.first().map(|(id, _)| id.clone());
        let now = Known { first, at: found.iter().map(|(commit, delivery)| (commit.clone(), delivery.at)).collect() };
        let before = self.delivered.remove(target).unwrap_or_default();
        if now.first != before.first {
            // Another base: every change of the repository may have been in it.
            for repository in rows.iter().flat_map(|(_, deployment)| &deployment.repositories).collect::<BTreeSet<_>>() {
                dirty.changes.extend(view.changes("repository", repository.text())?);
            }
        }
        let moved = now.at.iter().filter(|(commit, at)| before.at.get(*commit) != Some(*at)).map(|(commit, _)| commit);
        let gone = before.at.keys().filter(|commit| !now.at.contains_key(*commit));
        for commit in moved.chain(gone) {
            dirty.changes.extend(view.changes("sha", commit.as_str())?);
        }
        self.delivered.insert(target.to_owned(), now);
        Ok(())
    }
}

impl View<'_, '_> {
    fn all_targets(&self) -> Result<BTreeSet<String>, Fault> {
        let mut targets = BTreeSet::new();
        let mut after: Option<EntityId> = None;
        loop {
            let rows = self.apply.kind(&EntityKind::Deployment, after.as_ref(), 5_000).map_err(Fault::from_derived)?;
            let Some(last) = rows.last() else { return Ok(targets) };
            after = Some(last.id.clone());
            targets.extend(rows.iter().filter_map(deployment).filter_map(facets::target));
        }
    }

    /// Deployments to a target that count, by end.
    fn target(&self, target: &str) -> Result<Vec<(EntityId, Deployment)>, Fault> {
        let rows = self.apply.lookup("deployments", target, i64::MIN..=i64::MAX, false, NEIGHBOURS_MAX);
        let rows = rows.map_err(Fault::from_derived)?;
        let counted = rows.iter().filter_map(|row| Some((row.id.clone(), deployment(row)?.clone())));
        Ok(counted.filter(|(id, deployment)| is_counted(id, deployment, self.context)).collect())
    }

    fn first_deployments<'g>(&self, rows: &[(EntityId, Deployment)], graph: &'g CommitGraph) -> FirstDeployments<'g> {
        let rollouts: Vec<Rollout> = rows.iter().filter_map(|(id, row)| Rollout::new(id.clone(), row)).collect();
        first_deployments(&rollouts, graph)
    }

    fn changes(&self, name: &str, value: &str) -> Result<impl Iterator<Item = EntityId> + use<>, Fault> {
        let rows = self.apply.lookup(name, value, i64::MIN..=i64::MAX, false, NEIGHBOURS_MAX);
        let rows = rows.map_err(Fault::from_derived)?;
        Ok(rows.into_iter().map(|row| row.id).filter(|id| id.kind == EntityKind::Change))
    }

    fn change(&mut self, id: &EntityId, deliveries: &[FirstDeployments<'_>]) -> Result<(), Fault> {
        let row = self.apply.entity(id).map_err(Fault::from_derived)?;
        let samples = match row.and_then(|row| row.entity) {
            Some(Entity::Change(change)) => {
                let reviews = self.apply.lookup("change", &id.to_string(), i64::MIN..=i64::MAX, false, NEIGHBOURS_MAX);
                let reviews: Vec<Review> = reviews.map_err(Fault::from_derived)?.into_iter().filter_map(review).collect();
                let first_commit_at = first_commit_at(&change, |sha| self.authored_at(sha));
                let delivered = change.merge_commit.as_ref().or(change.head_commit.as_ref());
                let deployed = delivered.map_or(Deployed::NotReached, |commit| deployed(commit, deliveries));
                let facts = ChangeFacts { change: &change, reviews: &reviews, first_commit_at, deployed };
                change_samples(id, &facts, self.context)
            }
            _ => Vec::new(),
        };
        self.set(id, &CHANGE_METRICS, &samples)
    }

    /// Authored time of a commit that is no merge.
    fn authored_at(&self, sha: &ObjectId) -> Option<Timestamp> {
        let id = EntityId { kind: EntityKind::Commit, integration: None, key: sha.as_str().to_owned() };
        match self.apply.entity(&id).ok()??.entity? {
            Entity::Commit(commit) if commit.parents.len() < 2 => commit.authored_at,
            _ => None,
        }
    }

    fn deployment(&mut self, id: &EntityId) -> Result<(), Fault> {
        let row = self.apply.entity(id).map_err(Fault::from_derived)?;
        let samples = match row.as_ref().and_then(deployment) {
            Some(deployment) => {
                let incidents = self.apply.lookup("deployment", &id.to_string(), i64::MIN..=i64::MAX, false, NEIGHBOURS_MAX);
                let incidents: Vec<Incident> = incidents.map_err(Fault::from_derived)?.into_iter().filter_map(incident).collect();
                let next = self.next(id, deployment)?;
                deployment_samples(id, &DeploymentFacts { deployment, incidents: &incidents, next: next.as_ref() }, self.context)
            }
            None => Vec::new(),
        };
        self.set(id, &DEPLOYMENT_METRICS, &samples)
    }

    /// The next deployment to the same target.
    fn next(&self, id: &EntityId, deployment: &Deployment) -> Result<Option<Deployment>, Fault> {
        let (Some(target), Some(end)) = (facets::target(deployment), deployment.finished_at) else { return Ok(None) };
        let later = self.target(&target)?.into_iter().find(|(other, row)| other != id && row.finished_at > Some(end));
        Ok(later.map(|(_, row)| row))
    }

    fn set(&mut self, id: &EntityId, metrics: &[&str], samples: &[Sample]) -> Result<(), Fault> {
        metrics.iter().try_for_each(|metric| {
            let sample = samples.iter().find(|sample| sample.metric == *metric);
            self.apply.set_sample(&(*metric).to_owned(), id, sample).map_err(Fault::from_derived)
        })
    }
}

fn deployed(commit: &ObjectId, deliveries: &[FirstDeployments<'_>]) -> Deployed {
    let mut best = Deployed::NotReached;
    for target in deliveries {
        best = match (target.of(commit), best) {
            (Delivered::By(delivery), Deployed::At(at)) if delivery.at >= at => Deployed::At(at),
            (Delivered::By(delivery), _) => Deployed::At(delivery.at),
            (Delivered::NoBase, Deployed::NotReached) => Deployed::NoBase,
            (Delivered::NoBase | Delivered::NotReached, best) => best,
        };
    }
    best
}

fn deployment(row: &EntityRow) -> Option<&Deployment> {
    match &row.entity {
        Some(Entity::Deployment(deployment)) => Some(deployment),
        _ => None,
    }
}

fn review(row: EntityRow) -> Option<Review> {
    match row.entity {
        Some(Entity::Review(review)) => Some(*review),
        _ => None,
    }
}

fn incident(row: EntityRow) -> Option<Incident> {
    match row.entity {
        Some(Entity::Incident(incident)) => Some(*incident),
        _ => None,
    }
}
