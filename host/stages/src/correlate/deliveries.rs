//! Which deployment first brought a commit to each target.
//!
//! The first deployment of a target is the base of the others: what it held was delivered at some unknown time before.
//!
//! Invariant: a commit belongs to the earliest rollout from whose heads it is reachable in the graph, whatever came in
//! which order. What comes only ever makes it earlier, so each piece of news is followed as far as it changes
//! something; only a rollout that is gone or another one makes its target begin again.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::entity::Deployment;
use weir_model::{EntityId, ObjectId, Timestamp};

use super::graph::{CommitGraph, count};

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

    /// Whether it had a commit.
    pub fn has(&self, commit: &ObjectId, graph: &CommitGraph) -> bool {
        self.commits.iter().any(|head| graph.is_ancestor(commit, head))
    }

    /// Its place among those of its target.
    pub fn order(&self) -> (Timestamp, &EntityId) {
        (self.finished_at, &self.id)
    }
}

/// Whether and how a commit reached a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered<'a> {
    /// By this rollout.
    By(&'a Rollout),
    /// With or before the first known deployment.
    NoBase,
    /// Not yet.
    NotReached,
}

/// How one commit reached a target, by all rollouts to it. For whoever asks about a few: [`Deliveries`] follows all
/// there are.
pub fn delivered<'a>(rollouts: &'a [Rollout], commit: &ObjectId, graph: &CommitGraph) -> Delivered<'a> {
    let mut by_end: Vec<&Rollout> = rollouts.iter().filter(|rollout| !rollout.commits.is_empty()).collect();
    by_end.sort_by(|a, b| a.order().cmp(&b.order()));
    match by_end.iter().position(|rollout| rollout.has(commit, graph)) {
        None => Delivered::NotReached,
        Some(0) => Delivered::NoBase,
        Some(first) => Delivered::By(by_end[first]),
    }
}

/// Commits of which the delivery is not what it was, by target.
pub type Moved = BTreeMap<String, BTreeSet<ObjectId>>;

/// First deployments of all commits, target by target.
#[derive(Debug, Default)]
pub struct Deliveries {
    numbers: BTreeMap<String, u32>,
    targets: Vec<Target>,
    /// Number of the earliest rollout, by commit and target.
    first: BTreeMap<(u32, u32), u32>,
    /// Heads that the graph did not have yet, with target and rollout.
    awaited: BTreeMap<ObjectId, BTreeSet<(u32, u32)>>,
}

#[derive(Debug, Default)]
struct Target {
    name: String,
    /// Name of the service, as its first deployment spells it.
    service: String,
    /// In order of arrival.
    rollouts: Vec<Rollout>,
    by_id: BTreeMap<EntityId, u32>,
    /// The earliest.
    base: Option<u32>,
    /// Abbreviated heads with their rollouts, and what each means by now.
    abbreviated: BTreeMap<(ObjectId, u32), Option<u32>>,
}

/// Commits with targets, as numbers.
type Nodes = BTreeSet<(u32, u32)>;

impl Target {
    fn has(&self, rollout: &Rollout) -> bool {
        self.by_id.get(&rollout.id).is_some_and(|number| self.rollouts[*number as usize] == *rollout)
    }
}

impl Deliveries {
    /// Takes all rollouts to one target as they are now, in any order, and gives the commits of which the delivery
    /// changed. One that does not say what it brought brings nothing.
    pub fn set(&mut self, target: &str, service: &str, mut rollouts: Vec<Rollout>, graph: &CommitGraph) -> Moved {
        rollouts.retain(|rollout| !rollout.commits.is_empty());
        let number = self.number(target);
        let known = &self.targets[number as usize];
        let (old, new): (Vec<_>, Vec<_>) = rollouts.into_iter().partition(|rollout| known.has(rollout));
        let mut moved = Nodes::new();
        if known.service == service && known.rollouts.len() == old.len() {
            self.add(number, new, graph, &mut moved);
        } else {
            self.begin_again(number, service, [old, new].concat(), graph, &mut moved);
        }
        self.named(&moved, graph)
    }

    /// Takes commits that the graph has by now, and gives those of which the delivery changed.
    pub fn follow(&mut self, commits: &[ObjectId], graph: &CommitGraph) -> Moved {
        let mut moved = Nodes::new();
        for commit in commits {
            let Some(node) = graph.find(commit) else { continue };
            let parents = graph.parents_of(node);
            for &named in parents.iter().chain([&node]) {
                self.meet(named, graph, &mut moved);
            }
            let reached: Vec<_> =
                self.first.range((node, 0)..=(node, u32::MAX)).map(|(key, by)| (key.1, *by)).collect();
            for (target, rollout) in reached {
                self.spread(target, rollout, parents.to_vec(), graph, &mut moved);
            }
        }
        if !commits.is_empty() {
            (0..self.targets.len()).for_each(|target| self.resolve_again(count(target), graph, &mut moved));
        }
        self.named(&moved, graph)
    }

    /// How a commit reached a target.
    pub fn of(&self, target: &str, commit: &ObjectId, graph: &CommitGraph) -> Delivered<'_> {
        match (self.numbers.get(target), graph.find(commit)) {
            (Some(target), Some(node)) => self.delivered(*target, node),
            _ => Delivered::NotReached,
        }
    }

    /// The deployment that first brought a commit to a target, where that is known.
    pub fn brought(&self, target: &str, commit: &ObjectId, graph: &CommitGraph) -> Option<&EntityId> {
        match self.of(target, commit, graph) {
            Delivered::By(rollout) => Some(&rollout.id),
            Delivered::NoBase | Delivered::NotReached => None,
        }
    }

    /// The targets a commit reached, each with the name of its service.
    pub fn reached(&self, commit: &ObjectId, graph: &CommitGraph) -> impl Iterator<Item = (&str, Delivered<'_>)> {
        let keys = graph.find(commit).map(|node| (node, 0)..=(node, u32::MAX));
        let entries = keys.into_iter().flat_map(|keys| self.first.range(keys));
        entries.map(|((node, target), _)| {
            (self.targets[*target as usize].service.as_str(), self.delivered(*target, *node))
        })
    }

    /// Names of the targets.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.numbers.keys().map(String::as_str)
    }

    fn number(&mut self, target: &str) -> u32 {
        if let Some(number) = self.numbers.get(target) {
            return *number;
        }
        let number = count(self.targets.len());
        self.numbers.insert(target.to_owned(), number);
        self.targets.push(Target { name: target.to_owned(), ..Target::default() });
        number
    }

    fn delivered(&self, target: u32, node: u32) -> Delivered<'_> {
        let Some(rollout) = self.first.get(&(node, target)) else { return Delivered::NotReached };
        match self.base(target) {
            Some(base) if base == *rollout => Delivered::NoBase,
            _ => Delivered::By(self.rollout(target, *rollout)),
        }
    }

    fn rollout(&self, target: u32, rollout: u32) -> &Rollout {
        &self.targets[target as usize].rollouts[rollout as usize]
    }

    fn base(&self, target: u32) -> Option<u32> {
        self.targets[target as usize].base
    }

    fn add(&mut self, target: u32, rollouts: Vec<Rollout>, graph: &CommitGraph, moved: &mut Nodes) {
        let base = self.base(target);
        for rollout in rollouts {
            let known = &mut self.targets[target as usize];
            let number = count(known.rollouts.len());
            let is_earliest = known.base.is_none_or(|base| rollout.order() < known.rollouts[base as usize].order());
            if is_earliest {
                known.base = Some(number);
            }
            let heads = rollout.commits.clone();
            known.by_id.insert(rollout.id.clone(), number);
            known.rollouts.push(rollout);
            for head in heads {
                self.head(target, number, head, graph, moved);
            }
        }
        if let Some(base) = base.filter(|_| base != self.base(target)) {
            // No longer the base: what it brought is known to be brought by it.
            moved.extend(self.of_rollout(target, base, graph));
        }
    }

    /// Follows a head of a rollout, or waits for it.
    fn head(&mut self, target: u32, rollout: u32, head: ObjectId, graph: &CommitGraph, moved: &mut Nodes) {
        let node = graph.find(&head);
        if let Some(node) = node {
            self.spread(target, rollout, vec![node], graph, moved);
        }
        if !CommitGraph::is_full(&head) {
            self.targets[target as usize].abbreviated.insert((head, rollout), node);
        } else if node.is_none() {
            self.awaited.entry(head).or_default().insert((target, rollout));
        }
    }

    /// A commit is in the graph by now, or named by one that is.
    fn meet(&mut self, node: u32, graph: &CommitGraph, moved: &mut Nodes) {
        if self.awaited.is_empty() {
            return;
        }
        for (target, rollout) in self.awaited.remove(&graph.object_id(node)).unwrap_or_default() {
            self.spread(target, rollout, vec![node], graph, moved);
        }
    }

    /// Looks up the abbreviated heads of a target again: more of them mean something by now, or no longer only one
    /// thing.
    fn resolve_again(&mut self, target: u32, graph: &CommitGraph, moved: &mut Nodes) {
        let known = &mut self.targets[target as usize];
        let (mut found, mut is_other) = (Vec::new(), false);
        for ((head, rollout), node) in &mut known.abbreviated {
            let before = std::mem::replace(node, graph.find(head));
            is_other |= before.is_some() && before != *node;
            found.extend(node.filter(|_| before.is_none()).map(|node| (*rollout, node)));
        }
        if is_other {
            let (service, rollouts) = (known.service.clone(), known.rollouts.clone());
            return self.begin_again(target, &service, rollouts, graph, moved);
        }
        for (rollout, node) in found {
            self.spread(target, rollout, vec![node], graph, moved);
        }
    }

    /// Everything from some commits on belongs to a rollout, unless it does to an earlier one.
    fn spread(&mut self, target: u32, rollout: u32, mut stack: Vec<u32>, graph: &CommitGraph, moved: &mut Nodes) {
        let Self { targets, first, .. } = self;
        let rollouts = &targets[target as usize].rollouts;
        let order = |rollout: u32| rollouts[rollout as usize].order();
        while let Some(node) = stack.pop() {
            let known = first.entry((node, target)).or_insert(u32::MAX);
            if *known == u32::MAX || order(rollout) < order(*known) {
                *known = rollout;
                moved.insert((node, target));
                stack.extend_from_slice(graph.parents_of(node));
            }
        }
    }

    /// The commits that belong to a rollout. All between one of them and the head it is reached from do.
    fn of_rollout(&self, target: u32, rollout: u32, graph: &CommitGraph) -> Nodes {
        let mut found = Nodes::new();
        let mut stack: Vec<u32> =
            self.rollout(target, rollout).commits.iter().filter_map(|head| graph.find(head)).collect();
        while let Some(node) = stack.pop() {
            if self.first.get(&(node, target)) == Some(&rollout) && found.insert((node, target)) {
                stack.extend_from_slice(graph.parents_of(node));
            }
        }
        found
    }

    fn begin_again(
        &mut self,
        target: u32,
        service: &str,
        rollouts: Vec<Rollout>,
        graph: &CommitGraph,
        moved: &mut Nodes,
    ) {
        let before: Nodes = self.first.keys().filter(|(_, of)| *of == target).copied().collect();
        for key in &before {
            self.first.remove(key);
        }
        for waiting in self.awaited.values_mut() {
            waiting.retain(|(of, _)| *of != target);
        }
        let known = &mut self.targets[target as usize];
        *known = Target { name: std::mem::take(&mut known.name), service: service.to_owned(), ..Target::default() };
        moved.extend(before);
        self.add(target, rollouts, graph, moved);
    }

    fn named(&self, moved: &Nodes, graph: &CommitGraph) -> Moved {
        let mut named = Moved::new();
        for (node, target) in moved {
            let name = &self.targets[*target as usize].name;
            match named.get_mut(name) {
                Some(commits) => drop(commits.insert(graph.object_id(*node))),
                None => drop(named.insert(name.clone(), BTreeSet::from([graph.object_id(*node)]))),
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn commit(number: u32) -> ObjectId {
        ObjectId::new(&format!("{:08x}{number:032x}", 0xa000_0000 + number)).unwrap()
    }

    fn rollout(day: u8, heads: &[ObjectId]) -> Rollout {
        let finished_at = format!("2026-03-{day:02}T10:00:00Z").parse().unwrap();
        Rollout { id: format!("deployment:cd:{day}").parse().unwrap(), finished_at, commits: heads.to_vec() }
    }

    fn told(deliveries: &Deliveries, graph: &CommitGraph, number: u32) -> String {
        said_of(deliveries.of("shop|", &commit(number), graph))
    }

    fn said_of(delivered: Delivered<'_>) -> String {
        match delivered {
            Delivered::By(rollout) => rollout.id.key.clone(),
            Delivered::NoBase => "no-base".to_owned(),
            Delivered::NotReached => "not-reached".to_owned(),
        }
    }

    /// A straight history 0, 1, 2, ...; each rollout is its day and its head.
    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(rollouts: &[(u8, u32)], expected: Expect) {
        let mut graph = CommitGraph::new();
        graph.insert(&commit(0), &[]);
        (1..6).for_each(|child| graph.insert(&commit(child), &[commit(child - 1)]));
        let rollouts = rollouts.iter().map(|(day, head)| rollout(*day, &[commit(*head)])).collect();
        let mut deliveries = Deliveries::default();
        deliveries.set("shop|", "shop", rollouts, &graph);
        let line = |number| format!("{number} {}\n", told(&deliveries, &graph, number));
        expected.assert_eq(&(0..6).map(line).collect::<String>());
    }

    #[test]
    fn the_first_deployment_is_the_base() {
        check(
            &[(1, 1), (2, 2), (3, 4)],
            expect![[r"
            0 no-base
            1 no-base
            2 2
            3 3
            4 3
            5 not-reached
        "]],
        );
    }

    #[test]
    fn a_rollback_delivers_nothing_and_arrival_does_not_matter() {
        check(
            &[(5, 3), (4, 2), (2, 3), (1, 2), (3, 0)],
            expect![[r"
            0 no-base
            1 no-base
            2 no-base
            3 2
            4 not-reached
            5 not-reached
        "]],
        );
    }

    /// Something new: a commit with its parents, or all rollouts as they are from now on.
    #[derive(Debug, Clone)]
    enum News {
        Commit(u32, Vec<u32>),
        Rollouts(Vec<(u8, u32, bool)>),
    }

    const COMMITS: u32 = 12;

    fn news() -> impl Strategy<Value = Vec<News>> {
        let commits: Vec<_> = (0..COMMITS)
            .map(|n| {
                proptest::collection::vec(0..n.max(1), 0..=2)
                    .prop_map(move |p| News::Commit(n, if n == 0 { vec![] } else { p }))
            })
            .collect();
        let rollouts = proptest::collection::vec((1..20_u8, 0..COMMITS, any::<bool>()), 0..6).prop_map(|mut all| {
            all.sort_by_key(|(day, ..)| *day);
            all.dedup_by_key(|(day, ..)| *day);
            News::Rollouts(all)
        });
        (commits, proptest::collection::vec(rollouts, 1..6))
            .prop_map(|(commits, rollouts)| [commits, rollouts].concat())
            .prop_shuffle()
    }

    fn rollouts(said: &[(u8, u32, bool)]) -> Vec<Rollout> {
        let head = |(day, head, short): &(u8, u32, bool)| {
            let full = commit(*head);
            let head = if *short { ObjectId::new(&full.as_str()[..8]).unwrap() } else { full };
            rollout(*day, &[head])
        };
        said.iter().map(head).collect()
    }

    proptest! {
        /// Bit by bit gives what everything at once gives, and whatever changed was told.
        #[test]
        fn bit_by_bit_is_at_once(news in news()) {
            let (mut graph, mut deliveries, mut now) = (CommitGraph::new(), Deliveries::default(), Vec::new());
            for news in &news {
                let before: Vec<String> = (0..COMMITS).map(|n| told(&deliveries, &graph, n)).collect();
                let moved = match news {
                    News::Commit(number, parents) => {
                        let parents: Vec<ObjectId> = parents.iter().map(|parent| commit(*parent)).collect();
                        graph.insert(&commit(*number), &parents);
                        deliveries.follow(&[commit(*number)], &graph)
                    }
                    News::Rollouts(said) => {
                        now = rollouts(said);
                        deliveries.set("shop|", "shop", now.clone(), &graph)
                    }
                };
                let moved = moved.into_values().next().unwrap_or_default();
                let mut at_once = Deliveries::default();
                at_once.set("shop|", "shop", now.clone(), &graph);
                for number in 0..COMMITS {
                    let told_now = told(&deliveries, &graph, number);
                    prop_assert_eq!(&told_now, &told(&at_once, &graph, number));
                    prop_assert!(told_now == before[number as usize] || moved.contains(&commit(number)));
                }
            }
        }

        /// The first deployment is the earliest that reaches the commit.
        #[test]
        fn it_is_the_earliest_that_reaches(news in news()) {
            let (mut graph, mut said) = (CommitGraph::new(), Vec::new());
            for news in &news {
                match news {
                    News::Commit(number, parents) => {
                        graph.insert(&commit(*number), &parents.iter().map(|p| commit(*p)).collect::<Vec<_>>());
                    }
                    News::Rollouts(rollouts) => said.clone_from(rollouts),
                }
            }
            let mut deliveries = Deliveries::default();
            deliveries.set("shop|", "shop", rollouts(&said), &graph);
            for number in 0..COMMITS {
                let mut reaching = said.iter().filter(|(_, head, _)| graph.is_ancestor(&commit(number), &commit(*head)));
                let expected = match reaching.next() {
                    None => "not-reached".to_owned(),
                    Some(first) if Some(first) == said.first() => "no-base".to_owned(),
                    Some((day, ..)) => day.to_string(),
                };
                prop_assert_eq!(&told(&deliveries, &graph, number), &expected);
                prop_assert_eq!(said_of(delivered(&rollouts(&said), &commit(number), &graph)), expected);
            }
        }
    }
}
