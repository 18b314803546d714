//! Samples that need more than one entity: a change with its commits, reviews and deployment, a deployment with its
//! incidents and successor.
//!
//! Invariant: when a batch is over, each such sample is what its facts say now. Everything a fact belongs to is marked
//! while the batch is applied, and computed anew at its end.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

use weir_model::entity::{Build, Deployment, Incident, IncidentLinkKind, Review};
use weir_model::metric::Sample;
use weir_model::{Entity, EntityId, EntityKind, ObjectId, Reference, Timestamp};
use weir_stages::aggregate::{
    BREAK_METRIC, CHANGE_METRICS, COMMIT_METRIC, ChangeFacts, DEPLOYMENT_METRICS, Deployed, DeploymentFacts, Rollouts,
    change_samples, deployment_samples, first_commit_at, is_counted, line_samples,
};
use weir_stages::correlate::{
    BuildPoint, Colour, CommitGraph, Delivered, Deliveries, Moved, Rollout, commit_name, decisive, involved,
};
use weir_stages::{Context, facets};
use weir_store::{Apply, Changed, Derived, EntityRow, Reader};

use super::EVERY_ONE;
use super::incidents::{RootCauses, incidents_of, related_targets};
use super::lines::{self, Remembered, Spot, Spots};
use crate::error::Fault;

/// What must be computed anew.
#[derive(Default)]
pub(super) struct Dirty {
    changes: BTreeSet<EntityId>,
    deployments: BTreeSet<EntityId>,
    targets: BTreeSet<String>,
    builds: BTreeSet<EntityId>,
    /// Places in lines at which something changed.
    places: BTreeMap<String, BTreeSet<i64>>,
    /// Commits with their line of which builds changed.
    heads: BTreeSet<(String, ObjectId)>,
    commits: BTreeSet<EntityId>,
    /// Incidents as they were and as they are.
    incidents: Vec<(EntityId, Incident)>,
}

impl Dirty {
    /// Marks everything a changed entity is a fact of, as it was and as it is.
    pub(super) fn mark(&mut self, changed: &Changed, context: &Context) {
        if let (Some(Entity::Build(before)), Some(Entity::Build(after))) = (&changed.before, &changed.after)
            && outline(before) == outline(after)
        {
            return;
        }
        for entity in [&changed.before, &changed.after].into_iter().flatten() {
            self.mark_one(&changed.id, entity, context);
        }
    }

    fn mark_one(&mut self, id: &EntityId, entity: &Entity, context: &Context) {
        match entity {
            Entity::Change(_) => self.changes.extend([id.clone()]),
            Entity::Commit(_) => self.commits.extend([id.clone()]),
            Entity::Build(build) => self.mark_build(id, build),
            Entity::Review(review) => self.changes.extend(of(id, EntityKind::Change, review.change.as_ref())),
            Entity::Deployment(deployment) => {
                self.deployments.insert(id.clone());
                self.targets.extend(facets::target(deployment));
            }
            Entity::Incident(_) | Entity::WorkItem(_) => {
                self.incidents.extend(facets::incident(id, entity, context).map(|incident| (id.clone(), incident)));
            }
            _ => {}
        }
    }

    /// Incidents as they were and as they are.
    pub(super) fn incidents(&self) -> &[(EntityId, Incident)] {
        &self.incidents
    }

    /// Commits that came, changed or went.
    pub(super) fn commits(&self) -> &BTreeSet<EntityId> {
        &self.commits
    }

    fn mark_build(&mut self, id: &EntityId, build: &Build) {
        self.builds.insert(id.clone());
        if let Some(Spot { line, order, head, .. }) = Spot::of(id, build) {
            self.heads.extend(head.map(|head| (line.clone(), head)));
            self.places.entry(line).or_default().insert(order);
        }
    }

    /// Whether only builds changed, which nothing but their lines depends on.
    fn is_of_builds(&self) -> bool {
        self.changes.is_empty()
            && self.deployments.is_empty()
            && self.targets.is_empty()
            && self.commits.is_empty()
            && self.incidents.is_empty()
    }
}

/// What a build is to its line: the rest says nothing about it, and often comes one by one.
fn outline(build: &Build) -> impl PartialEq {
    let Build {
        attempt,
        system,
        job,
        number,
        purposes,
        state,
        result,
        triggers,
        checkouts,
        commits,
        change,
        parent,
        environment,
        queued_at,
        started_at,
        finished_at,
        attributes,
        title: _,
        url: _,
        result_word: _,
        parameters: _,
        stages: _,
        artifacts: _,
        worker: _,
        queued_for: _,
        duration: _,
        log: _,
        log_tail: _,
    } = build;
    let place = (attempt, system, job, number, parent, environment, attributes);
    let verdict = (purposes, state, result, triggers, queued_at, started_at, finished_at);
    (place, verdict, (checkouts, commits, change))
}

fn of(id: &EntityId, kind: EntityKind, reference: Option<&Reference>) -> Option<EntityId> {
    Some(EntityId { kind, integration: id.integration.clone(), key: reference?.text().to_owned() })
}

/// Which deployment first brought each commit anywhere, kept from batch to batch. Read when it is needed: builds alone
/// need none of it.
#[derive(Default)]
pub(super) struct Neighbours(Option<Deliveries>);

/// One batch's view.
struct View<'a, 'p> {
    apply: &'a mut Apply<'p>,
    context: &'a Context,
    graph: &'a CommitGraph,
    deliveries: &'a mut Deliveries,
}

impl Neighbours {
    /// Those of stores that are empty: there is nothing to read.
    pub(super) fn of_nothing() -> Self {
        Self(Some(Deliveries::default()))
    }

    /// Makes ready for an update: the stores hold, and `graph` has the commits, what the last batch left.
    pub(super) fn prepare(
        &mut self,
        dirty: &Dirty,
        derived: &Derived,
        graph: &CommitGraph,
        context: &Context,
    ) -> Result<(), Fault> {
        if self.0.is_none() && !dirty.is_of_builds() {
            let before = derived.projection.reader().map_err(Fault::from_derived)?;
            self.0 = Some(Self::read(&before, graph, context)?);
        }
        Ok(())
    }

    /// Reads the deliveries of all targets.
    fn read(reader: &Reader<'_>, graph: &CommitGraph, context: &Context) -> Result<Deliveries, Fault> {
        let mut deliveries = Deliveries::default();
        for target in reader.lookup_values("deployments").map_err(Fault::from_derived)? {
            let rows = rollouts_to(reader, &target, context)?.counted;
            deliveries.set(&target, &service(&rows), rollouts(&rows), graph);
        }
        Ok(deliveries)
    }

    /// Brings the samples up to date, once it is prepared.
    pub(super) fn update(
        &mut self,
        apply: &mut Apply<'_>,
        graph: &CommitGraph,
        context: &Context,
        remembered: &mut Remembered,
        mut dirty: Dirty,
    ) -> Result<(), Fault> {
        // Not read: nothing but lines is asked for.
        let mut none = Deliveries::default();
        let deliveries = self.0.as_mut().unwrap_or(&mut none);
        let mut view = View { apply, context, graph, deliveries };
        view.lines(&dirty, remembered)?;
        if dirty.is_of_builds() {
            return Ok(());
        }
        view.mark_targets(&mut dirty)?;
        let commits: Vec<ObjectId> = dirty.commits.iter().filter_map(|id| ObjectId::new(&id.key)).collect();
        let mut moved = view.deliveries.follow(&commits, graph);
        let mut targets = BTreeMap::new();
        for target in &dirty.targets {
            targets.insert(target.clone(), view.take_target(target, &mut moved)?);
        }
        let causes = RootCauses::read(view.apply, context, &dirty)?;
        for target in causes.concerned(&moved, view.deliveries.targets()) {
            if let Entry::Vacant(place) = targets.entry(target) {
                let rollouts = rollouts_to(view.apply, place.key(), context)?;
                place.insert(rollouts);
            }
        }
        for (target, Rollouts { counted, repeats }) in &targets {
            repeats.iter().try_for_each(|id| view.set(id, &DEPLOYMENT_METRICS, &[]))?;
            view.deployments(target, counted)?;
            for (id, _) in counted {
                dirty.deployments.remove(id);
            }
        }
        view.mark_changes(&moved, &mut dirty)?;
        dirty.changes.iter().try_for_each(|id| view.change(id))?;
        dirty.deployments.iter().try_for_each(|id| view.deployment(id))
    }
}

/// Deployments to a target that count, by end.
fn rollouts_to(reader: &Reader<'_>, target: &str, context: &Context) -> Result<Rollouts, Fault> {
    let rows = reader.lookup("deployments", target, i64::MIN..=i64::MAX, false, EVERY_ONE);
    let deployments = rows.map_err(Fault::from_derived)?.into_iter().filter_map(|row| match row.entity {
        Some(Entity::Deployment(deployment)) => Some((row.id, *deployment)),
        _ => None,
    });
    Ok(Rollouts::of(deployments.filter(|(id, deployment)| is_counted(id, deployment, context)).collect()))
}

fn rollouts(rows: &[(EntityId, Deployment)]) -> Vec<Rollout> {
    rows.iter().filter_map(|(id, deployment)| Rollout::new(id.clone(), deployment)).collect()
}

/// The service of a target, as its first deployment spells it.
fn service(rows: &[(EntityId, Deployment)]) -> String {
    rows.first().and_then(|(_, deployment)| facets::service(&Entity::from(deployment.clone()))).unwrap_or_default()
}

impl View<'_, '_> {
    /// Takes the deployments to a target as they are now, adds the commits of which the delivery changed, and gives
    /// the deployments.
    fn take_target(&mut self, target: &str, moved: &mut Moved) -> Result<Rollouts, Fault> {
        let found = rollouts_to(self.apply, target, self.context)?;
        let now = self.deliveries.set(target, &service(&found.counted), rollouts(&found.counted), self.graph);
        for (target, commits) in now {
            moved.entry(target).or_default().extend(commits);
        }
        Ok(found)
    }

    /// Marks the changes of commits that came, or of which the delivery is not what it was.
    fn mark_changes(&self, moved: &Moved, dirty: &mut Dirty) -> Result<(), Fault> {
        let mut commits: BTreeSet<String> = dirty.commits.iter().map(ToString::to_string).collect();
        commits.extend(moved.values().flatten().map(|commit| commit_name(commit).text()));
        for commit in commits {
            dirty.changes.extend(self.changes_of(&commit)?);
        }
        Ok(())
    }

    fn changes_of(&self, commit: &str) -> Result<impl Iterator<Item = EntityId> + use<>, Fault> {
        let ids = self.apply.lookup_ids("change>commit", commit, i64::MIN..=i64::MAX, false, EVERY_ONE);
        Ok(ids.map_err(Fault::from_derived)?.into_iter().filter(|id| id.kind == EntityKind::Change))
    }

    fn change(&mut self, id: &EntityId) -> Result<(), Fault> {
        let row = self.apply.entity(id).map_err(Fault::from_derived)?;
        let samples = match row.and_then(|row| row.entity) {
            Some(Entity::Change(change)) => {
                let reviews =
                    self.apply.lookup("review>change", &id.to_string(), i64::MIN..=i64::MAX, false, EVERY_ONE);
                let reviews: Vec<Review> =
                    reviews.map_err(Fault::from_derived)?.into_iter().filter_map(review).collect();
                let first_commit_at = first_commit_at(&change, |sha| self.authored_at(sha));
                let delivered = change.merge_commit.as_ref().or(change.head_commit.as_ref());
                let deployed = delivered.map_or_else(Vec::new, |commit| self.deployed(commit));
                let facts = ChangeFacts { change: &change, reviews: &reviews, first_commit_at, deployed: &deployed };
                change_samples(id, &facts, self.context)
            }
            _ => Vec::new(),
        };
        self.set(id, &CHANGE_METRICS, &samples)
    }

    /// How a commit reached each service, by name. A service is reached when the first of its targets is.
    fn deployed(&self, commit: &ObjectId) -> Vec<(String, Deployed)> {
        let mut services: BTreeMap<&str, Deployed> = BTreeMap::new();
        for (service, delivered) in self.deliveries.reached(commit, self.graph) {
            let deployed = match delivered {
                Delivered::By(rollout) => Deployed::At(rollout.finished_at),
                Delivered::NoBase => Deployed::NoBase,
                Delivered::NotReached => continue,
            };
            let best = services.entry(service).or_insert(deployed);
            *best = earlier(*best, deployed);
        }
        services.into_iter().map(|(service, deployed)| (service.to_owned(), deployed)).collect()
    }

    /// Authored time of a commit that is no merge.
    fn authored_at(&self, sha: &ObjectId) -> Option<Timestamp> {
        let id = EntityId { kind: EntityKind::Commit, integration: None, key: sha.as_str().to_owned() };
        match self.apply.entity(&id).ok()??.entity? {
            Entity::Commit(commit) if commit.parents.len() < 2 => commit.authored_at,
            _ => None,
        }
    }

    /// A deployment that is none of its target: it has none, or does not count, or not any more.
    fn deployment(&mut self, id: &EntityId) -> Result<(), Fault> {
        let row = self.apply.entity(id).map_err(Fault::from_derived)?;
        let is_alone = |it: &&Deployment| facets::target(it).is_none() && is_counted(id, it, self.context);
        match row.as_ref().and_then(deployment).filter(is_alone) {
            Some(alone) => self.deployments("", &[(id.clone(), alone.clone())]),
            None => self.set(id, &DEPLOYMENT_METRICS, &[]),
        }
    }

    /// Samples of the deployments to one target, given by end.
    fn deployments(&mut self, target: &str, rows: &[(EntityId, Deployment)]) -> Result<(), Fault> {
        let first = |commit: &ObjectId| self.deliveries.brought(target, commit, self.graph).cloned();
        let incidents = incidents_of(self.apply, self.context, target, rows)?;
        let mut linked: BTreeMap<EntityId, Vec<(IncidentLinkKind, Incident)>> = BTreeMap::new();
        for (id, incident) in &incidents {
            for it in decisive(incident, involved(id, incident, rows, first, self.context.look_back())) {
                linked.entry(it.deployment).or_default().push((it.kind, incident.clone()));
            }
        }
        for (index, (id, deployment)) in rows.iter().enumerate() {
            let later = |(_, next): &&(EntityId, Deployment)| next.finished_at > deployment.finished_at;
            let next = rows[index + 1..].iter().find(later).map(|(_, next)| next);
            let incidents = linked.get(id).map_or(&[][..], Vec::as_slice);
            let samples = deployment_samples(id, &DeploymentFacts { deployment, incidents, next }, self.context);
            self.set(id, &DEPLOYMENT_METRICS, &samples)?;
        }
        Ok(())
    }

    /// A deployment, and an incident, is looked at with the whole targets it has to do with.
    fn mark_targets(&self, dirty: &mut Dirty) -> Result<(), Fault> {
        for (id, incident) in &dirty.incidents {
            related_targets(self.apply, id, incident, &mut dirty.targets)?;
        }
        for id in &dirty.deployments {
            let row = self.apply.entity(id).map_err(Fault::from_derived)?;
            dirty.targets.extend(row.as_ref().and_then(deployment).and_then(facets::target));
        }
        Ok(())
    }

    /// Samples that compare the builds of a line: of the breaks around every place that changed, and of the commits.
    fn lines(&mut self, dirty: &Dirty, remembered: &mut Remembered) -> Result<(), Fault> {
        let none = || dirty.builds.iter().map(|id| (id.clone(), None)).collect::<BTreeMap<_, Option<Sample>>>();
        let (mut of_breaks, mut of_commits) = (none(), none());
        for (line, places) in &dirty.places {
            let mut reached = None;
            for place in places {
                if reached.is_some_and(|reached| *place <= reached) {
                    continue;
                }
                let around = self.around(remembered, line, places, *place)?;
                reached = around.last().map(|(_, spot)| spot.order);
                of_breaks.extend(around.iter().map(|(id, _)| (id.clone(), None)));
                of_breaks.extend(self.line_samples(&of_break(around), BREAK_METRIC)?);
            }
        }
        for (line, head) in &dirty.heads {
            let builds = remembered.of_head(self.apply, line, head)?;
            of_commits.extend(builds.iter().map(|(id, _)| (id.clone(), None)));
            if builds.len() > 1 {
                of_commits.extend(self.line_samples(&builds, COMMIT_METRIC)?);
            }
        }
        for (metric, samples) in [(BREAK_METRIC, of_breaks), (COMMIT_METRIC, of_commits)] {
            samples.iter().try_for_each(|(id, sample)| self.set(id, &[metric], sample.as_slice()))?;
        }
        Ok(())
    }

    /// The builds around a place of which samples may depend on it: from behind the build before it that ends a break
    /// to the one after it, and after all other changed places up to there.
    fn around(
        &self,
        remembered: &mut Remembered,
        line: &str,
        places: &BTreeSet<i64>,
        place: i64,
    ) -> Result<Spots, Fault> {
        let ends = |spots: &[(EntityId, _)]| spots.iter().any(|(_, spot): &(_, Arc<Spot>)| spot.ends_break);
        let before = i64::MIN..=place.saturating_sub(1);
        let mut around = remembered.walk(self.apply, line, before, true, ends)?;
        around.sort_by(|a, b| (a.1.order, &a.0).cmp(&(b.1.order, &b.0)));
        let start = around.iter().rposition(|(_, spot)| spot.ends_break).map_or(0, |end| end + 1);
        around.drain(..start);
        let is_end = |spot: &Spot| spot.ends_break && !places.contains(&spot.order);
        let ends = |spots: &[(EntityId, _)]| spots.iter().any(|(_, spot): &(_, Arc<Spot>)| is_end(spot));
        let mut after = remembered.walk(self.apply, line, place..=i64::MAX, false, ends)?;
        after.sort_by(|a, b| (a.1.order, &a.0).cmp(&(b.1.order, &b.0)));
        let end = after.iter().position(|(_, spot)| is_end(spot)).map_or(after.len(), |end| end + 1);
        after.truncate(end);
        around.extend(after);
        Ok(around)
    }

    /// Samples of one of the metrics, of some builds of one line.
    fn line_samples(&self, spots: &Spots, metric: &str) -> Result<Vec<(EntityId, Option<Sample>)>, Fault> {
        let mut builds = Vec::with_capacity(spots.len());
        for (id, _) in spots {
            builds.extend(lines::build(self.apply, id)?.map(|build| (id.clone(), build)));
        }
        let graph = CommitGraph::new();
        let point = |(id, build): &(EntityId, Build)| BuildPoint::new(id.clone(), build, None, &graph);
        let points: Vec<_> = builds.iter().map(point).collect();
        let samples = line_samples(&builds, &points, self.context).into_iter();
        Ok(samples.filter(|(_, sample)| sample.metric == metric).map(|(id, sample)| (id, Some(sample))).collect())
    }

    /// A neighbour may name what no record has brought yet; its samples come when it does.
    fn set(&mut self, id: &EntityId, metrics: &[&str], samples: &[Sample]) -> Result<(), Fault> {
        if samples.is_empty() && !self.apply.knows(id).map_err(Fault::from_derived)? {
            return Ok(());
        }
        self.apply.set_samples(metrics, id, samples).map_err(Fault::from_derived)
    }
}

/// The earlier of two; when it was counts more than that it was before the first known deployment.
fn earlier(one: Deployed, other: Deployed) -> Deployed {
    match (one, other) {
        (Deployed::At(one), Deployed::At(other)) => Deployed::At(one.min(other)),
        (Deployed::At(_), _) => one,
        (_, Deployed::At(_)) | (Deployed::NotReached, _) => other,
        _ => one,
    }
}

fn deployment(row: &EntityRow) -> Option<&Deployment> {
    match &row.entity {
        Some(Entity::Deployment(deployment)) => Some(deployment),
        _ => None,
    }
}

/// What the samples of breaks need of some builds: the red ones, and the ends that follow them.
fn of_break(spots: Spots) -> Spots {
    let mut is_red = false;
    let needed = |(_, spot): &(EntityId, Arc<Spot>)| {
        let ends = is_red && spot.ends_break;
        is_red = spot.colour == Colour::Red || (is_red && !ends);
        spot.colour == Colour::Red || ends
    };
    spots.into_iter().filter(needed).collect()
}

fn review(row: EntityRow) -> Option<Review> {
    match row.entity {
        Some(Entity::Review(review)) => Some(*review),
        _ => None,
    }
}
