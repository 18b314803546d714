//! Which deployment first brought a commit to an environment.
//!
//! The first deployment of a target is the base of the others: what it held was delivered at some unknown time before.

use std::collections::BTreeMap;

use weir_model::entity::Deployment;
use weir_model::{EntityId, ObjectId, Timestamp};

use super::graph::{CommitGraph, Walk};

/// One successful deployment of a target (a service or repository in one environment).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// Which.
    pub id: EntityId,
    /// When it was over.
    pub finished_at: Timestamp,
    /// Head commits deployed.
    pub commits: Vec<ObjectId>,
}

impl Rollout {
    /// The rollout a deployment was; none when it did not succeed, took something away, or does not say when it
    /// ended.
    pub fn new(id: EntityId, deployment: &Deployment) -> Option<Self> {
        let finished_at = deployment.finished_at.filter(|_| crate::aggregate::is_rollout(deployment))?;
        Some(Self { id, finished_at, commits: deployment.commits.clone() })
    }
}

/// The delivery of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// By which deployment.
    pub deployment: EntityId,
    /// When that was over.
    pub at: Timestamp,
}

/// Whether and how a commit reached the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered<'a> {
    /// By this deployment.
    By(&'a Delivery),
    /// With or before the first known deployment.
    NoBase,
    /// Not yet.
    NotReached,
}

/// First deployments of all commits that reached one target.
#[derive(Debug)]
pub struct FirstDeployments<'g> {
    by_commit: BTreeMap<ObjectId, Delivery>,
    walk: Walk<'g>,
}

/// Finds the first deployment of every commit. `rollouts` are those of one target, in any order.
pub fn first_deployments<'g>(rollouts: &[Rollout], graph: &'g CommitGraph) -> FirstDeployments<'g> {
    let mut ordered: Vec<&Rollout> = rollouts.iter().filter(|rollout| !rollout.commits.is_empty()).collect();
    ordered.sort_by(|a, b| (a.finished_at, &a.id).cmp(&(b.finished_at, &b.id)));
    let mut found = FirstDeployments { by_commit: BTreeMap::new(), walk: graph.walk() };
    for (index, rollout) in ordered.into_iter().enumerate() {
        let delivery = Delivery { deployment: rollout.id.clone(), at: rollout.finished_at };
        let new: Vec<ObjectId> = rollout.commits.iter().flat_map(|head| found.walk.advance(head).commits).collect();
        if index > 0 {
            found.by_commit.extend(new.into_iter().map(|commit| (commit, delivery.clone())));
        }
    }
    found
}

impl FirstDeployments<'_> {
    /// How a commit reached the target.
    pub fn of(&self, commit: &ObjectId) -> Delivered<'_> {
        match self.by_commit.get(commit) {
            Some(delivery) => Delivered::By(delivery),
            None if self.walk.visited(commit) => Delivered::NoBase,
            None => Delivered::NotReached,
        }
    }

    /// The deployment that first brought a commit, where that is known.
    pub fn brought(&self, commit: &ObjectId) -> Option<&EntityId> {
        match self.of(commit) {
            Delivered::By(delivery) => Some(&delivery.deployment),
            Delivered::NoBase | Delivered::NotReached => None,
        }
    }

    /// The commits with a known delivery, by object id.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectId, &Delivery)> {
        self.by_commit.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn commit(name: char) -> ObjectId {
        ObjectId::new(&format!("{:040x}", u32::from(name))).unwrap()
    }

    /// A straight history a, b, c, ...; each rollout is its day and its head.
    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(rollouts: &[(u8, char)], expected: Expect) {
        let mut graph = CommitGraph::new();
        graph.insert(&commit('a'), &[]);
        ('b'..='f').zip('a'..).for_each(|(child, parent)| graph.insert(&commit(child), &[commit(parent)]));
        let rollout = |(day, head): &(u8, char)| Rollout {
            id: format!("deployment:cd:{day}").parse().unwrap(),
            finished_at: format!("2026-03-{day:02}T10:00:00Z").parse().unwrap(),
            commits: vec![commit(*head)],
        };
        let rollouts: Vec<Rollout> = rollouts.iter().map(rollout).collect();
        let found = first_deployments(&rollouts, &graph);
        let line = |name: char| match found.of(&commit(name)) {
            Delivered::By(delivery) => format!("{name} {}\n", delivery.deployment.key),
            Delivered::NoBase => format!("{name} no-base\n"),
            Delivered::NotReached => format!("{name} not-reached\n"),
        };
        expected.assert_eq(&('a'..='f').map(line).collect::<String>());
    }

    #[test]
    fn the_first_deployment_is_the_base() {
        check(
            &[(1, 'b'), (2, 'c'), (3, 'e')],
            expect![[r"
            a no-base
            b no-base
            c 2
            d 3
            e 3
            f not-reached
        "]],
        );
    }

    #[test]
    fn a_rollback_delivers_nothing_and_arrival_does_not_matter() {
        check(
            &[(5, 'd'), (4, 'c'), (2, 'd'), (1, 'c'), (3, 'a')],
            expect![[r"
            a no-base
            b no-base
            c no-base
            d 2
            e not-reached
            f not-reached
        "]],
        );
    }
}
