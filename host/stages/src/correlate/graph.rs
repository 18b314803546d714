//! The commit graph: who is whose parent, and which commits lie between.
//!
//! Commits may arrive in any order and any of them may be missing; a range tells whether it met a missing one.
//! Answers depend on the commits inserted, never on the order of inserting.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::sync::OnceLock;

use weir_model::ObjectId;
use weir_model::entity::{AttributeValue, Commit};

mod walk;

/// Attribute of a commit whose source said that it has no parents.
pub const ROOT_ATTRIBUTE: &str = "git.root";
/// Shortest abbreviation of an object id that is looked up, in digits.
const ABBREVIATION_DIGITS_MIN: usize = 7;
/// Full lengths of object ids, in digits: SHA-1 and SHA-256.
const FULL_DIGITS: [usize; 2] = [40, 64];

/// Commits and their parents. About 100 bytes a commit.
#[derive(Debug, Default)]
pub struct CommitGraph {
    /// Ordered, so that an abbreviation is a range of it.
    index: BTreeMap<Digits, u32>,
    nodes: Vec<Node>,
    /// Parents of all nodes, one after the other.
    parents: Vec<u32>,
    /// Levels of all nodes, made when they are asked for; none while they have to be made anew.
    levels: OnceLock<Vec<u32>>,
}

/// An object id in a fixed place: its digits as bytes, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Digits {
    bytes: [u8; 32],
    n_digits: u8,
}

#[derive(Debug)]
struct Node {
    id: Digits,
    /// Place in `parents`; none for a commit that is only known as a parent.
    parents: Option<(u32, u32)>,
}

/// The commits reachable from a head and from nothing excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// The known ones, nearest to the head first.
    pub commits: Vec<ObjectId>,
    /// Commits that belong to the range and are not known; what lies behind them cannot be told.
    pub missing: Vec<ObjectId>,
}

impl Range {
    /// Whether the range is known whole.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}

impl CommitGraph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a commit entity. One that names no parent is taken only when its source said that it has none; else it
    /// may be half known, and to take it for the first commit would make ranges look whole that are not.
    pub fn insert_commit(&mut self, commit: &ObjectId, entity: &Commit) {
        let is_root = entity.attributes.get(ROOT_ATTRIBUTE) == Some(&AttributeValue::Boolean(true));
        if is_root || !entity.parents.is_empty() {
            self.insert(commit, &entity.parents);
        }
    }

    /// Takes a commit with its parents. A second time changes nothing. Abbreviated ids are no commits and are left
    /// out.
    pub fn insert(&mut self, commit: &ObjectId, parents: &[ObjectId]) {
        let n_before = count(self.nodes.len());
        let Some(node) = self.intern(commit) else { return };
        if self.nodes[node as usize].parents.is_some() {
            return;
        }
        let parents: Vec<u32> = parents.iter().filter_map(|parent| self.intern(parent)).collect();
        let start = count(self.parents.len());
        self.nodes[node as usize].parents = Some((start, start + count(parents.len())));
        self.parents.extend(&parents);
        self.raise(node, node < n_before, &parents);
    }

    /// Puts a commit above its parents. When it has children already, they and all that come from them may have to
    /// rise too: that waits until somebody asks.
    fn raise(&mut self, node: u32, may_have_children: bool, parents: &[u32]) {
        if may_have_children || parents.contains(&node) {
            self.levels.take();
        } else if let Some(levels) = self.levels.get_mut() {
            levels.resize(self.nodes.len(), 0);
            levels[node as usize] = walk::level_above(parents, levels);
        }
    }

    fn levels(&self) -> &[u32] {
        self.levels.get_or_init(|| walk::levels(self))
    }

    /// Number of known commits.
    pub fn len(&self) -> usize {
        self.nodes.iter().filter(|node| node.parents.is_some()).count()
    }

    /// Whether no commit is known.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether the commit itself is known, not only named as a parent.
    pub fn contains(&self, commit: &ObjectId) -> bool {
        self.find(commit).is_some_and(|node| self.nodes[node as usize].parents.is_some())
    }

    /// The full id of a commit, or of the only one an abbreviation of 7 digits or more can mean.
    pub fn resolve(&self, commit: &ObjectId) -> Option<ObjectId> {
        self.find(commit).map(|node| self.nodes[node as usize].id.object_id())
    }

    /// Parents of a known commit, first parent first.
    pub fn parents(&self, commit: &ObjectId) -> Option<Vec<ObjectId>> {
        let node = self.find(commit)?;
        self.nodes[node as usize].parents?;
        Some(self.parents_of(node).iter().map(|parent| self.nodes[*parent as usize].id.object_id()).collect())
    }

    /// The one of some commits that none of the others comes from; none when there are several, or one is not known.
    pub fn tip(&self, commits: &[ObjectId]) -> Option<ObjectId> {
        let nodes: Vec<u32> = commits.iter().map(|commit| self.find(commit)).collect::<Option<_>>()?;
        let parents: BTreeSet<u32> = nodes.iter().flat_map(|node| self.parents_of(*node)).copied().collect();
        let mut tips = nodes.iter().filter(|node| !parents.contains(node));
        let tip = tips.next()?;
        tips.all(|other| other == tip).then(|| self.nodes[*tip as usize].id.object_id())
    }

    /// Whether `ancestor` is reachable from `commit`; a commit is its own ancestor.
    pub fn is_ancestor(&self, ancestor: &ObjectId, commit: &ObjectId) -> bool {
        let (Some(ancestor), Some(commit)) = (self.find(ancestor), self.find(commit)) else { return false };
        walk::is_ancestor(self, ancestor, commit)
    }

    /// The commits reachable from `head` and from none of `exclude`, like `git rev-list head --not exclude`. An
    /// excluded commit that is not known excludes only itself.
    pub fn range(&self, head: &ObjectId, exclude: &[&ObjectId]) -> Range {
        let Some(head_node) = self.find(head) else {
            return Range { commits: Vec::new(), missing: vec![head.clone()] };
        };
        let excluded: Vec<u32> = exclude.iter().filter_map(|commit| self.find(commit)).collect();
        self.nearest_first(head_node, walk::difference(self, head_node, &excluded))
    }

    /// The commits of a range, breadth first in the order of parents: the same whatever came in when.
    fn nearest_first(&self, head: u32, mut left: HashSet<u32>) -> Range {
        let mut range = Range::default();
        let mut queue: Vec<u32> = left.take(&head).into_iter().collect();
        let mut next = 0;
        while let Some(&node) = queue.get(next) {
            next += 1;
            let known = self.nodes[node as usize].parents.is_some();
            let found = if known { &mut range.commits } else { &mut range.missing };
            found.push(self.nodes[node as usize].id.object_id());
            queue.extend(self.parents_of(node).iter().filter_map(|parent| left.take(parent)));
        }
        range
    }

    pub(super) fn parents_of(&self, node: u32) -> &[u32] {
        self.nodes[node as usize].parents(&self.parents)
    }

    pub(super) fn object_id(&self, node: u32) -> ObjectId {
        self.nodes[node as usize].id.object_id()
    }

    /// Whether an id is whole, and no abbreviation.
    pub(super) fn is_full(commit: &ObjectId) -> bool {
        Digits::new(commit.as_str()).is_some_and(|id| id.is_full())
    }

    fn intern(&mut self, commit: &ObjectId) -> Option<u32> {
        let id = Digits::new(commit.as_str()).filter(Digits::is_full)?;
        let next = count(self.nodes.len());
        let node = *self.index.entry(id).or_insert(next);
        if node == next {
            self.nodes.push(Node { id, parents: None });
        }
        Some(node)
    }

    pub(super) fn find(&self, commit: &ObjectId) -> Option<u32> {
        let id = Digits::new(commit.as_str())?;
        if id.is_full() {
            return self.index.get(&id).copied();
        }
        let mut starting = self.index.range(id..).take_while(|(other, _)| id.begins(other));
        let (_, only) = starting.next().filter(|_| usize::from(id.n_digits) >= ABBREVIATION_DIGITS_MIN)?;
        starting.next().is_none().then_some(*only)
    }
}

impl Node {
    /// Its parents, of those of all.
    fn parents<'a>(&self, all: &'a [u32]) -> &'a [u32] {
        let (start, end) = self.parents.unwrap_or_default();
        &all[start as usize..end as usize]
    }
}

impl Digits {
    fn new(hex: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        for (at, digit) in hex.bytes().enumerate() {
            let value = u8::try_from(char::from(digit).to_digit(16)?).ok()?;
            *bytes.get_mut(at / 2)? |= if at % 2 == 0 { value << 4 } else { value };
        }
        Some(Self { bytes, n_digits: u8::try_from(hex.len()).ok()? })
    }

    fn is_full(&self) -> bool {
        FULL_DIGITS.contains(&usize::from(self.n_digits))
    }

    fn begins(&self, other: &Self) -> bool {
        let whole = usize::from(self.n_digits / 2);
        let half = self.n_digits.is_multiple_of(2) || self.bytes[whole] == other.bytes[whole] & 0xf0;
        self.n_digits <= other.n_digits && self.bytes[..whole] == other.bytes[..whole] && half
    }

    fn object_id(&self) -> ObjectId {
        let mut hex = String::with_capacity(64);
        for byte in &self.bytes[..usize::from(self.n_digits).div_ceil(2)] {
            write!(hex, "{byte:02x}").expect("a string takes all text");
        }
        ObjectId::new(&hex[..usize::from(self.n_digits)]).expect("the digits came from an object id")
    }
}

pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).expect("four thousand million commits do not fit in memory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: usize) -> ObjectId {
        ObjectId::new(&format!("{n:040x}")).unwrap()
    }

    fn graph(commits: &[(usize, Vec<usize>)]) -> CommitGraph {
        let mut graph = CommitGraph::new();
        for (commit, parents) in commits {
            graph.insert(&id(*commit), &parents.iter().map(|parent| id(*parent)).collect::<Vec<_>>());
        }
        graph
    }

    #[test]
    fn a_range_holds_what_the_head_has_and_the_excluded_have_not() {
        // 1 - 2 - 3 - 5 (merge of 3 and 4); 4 comes from 2.
        let graph = graph(&[(1, vec![]), (2, vec![1]), (3, vec![2]), (4, vec![2]), (5, vec![3, 4])]);
        assert_eq!(graph.range(&id(5), &[&id(3)]).commits, [id(5), id(4)]);
        assert_eq!(graph.range(&id(5), &[&id(3), &id(4)]).commits, [id(5)]);
        assert_eq!(graph.range(&id(3), &[&id(5)]), Range::default());
        assert!(graph.is_ancestor(&id(1), &id(5)) && !graph.is_ancestor(&id(4), &id(3)));
        assert_eq!(graph.tip(&[id(3), id(5), id(4)]), Some(id(5)));
        assert_eq!(graph.tip(&[id(3), id(4)]), None);
    }

    #[test]
    fn a_missing_commit_makes_a_range_incomplete() {
        let graph = graph(&[(3, vec![2]), (4, vec![3])]);
        assert_eq!(graph.range(&id(4), &[]), Range { commits: vec![id(4), id(3)], missing: vec![id(2)] });
        assert!(graph.range(&id(4), &[&id(2)]).is_complete());
        assert_eq!(graph.range(&id(9), &[]).missing, [id(9)]);
        assert!(!graph.contains(&id(2)) && graph.contains(&id(3)) && graph.len() == 2);
    }

    #[test]
    fn abbreviations_mean_the_only_commit_that_begins_so() {
        let mut graph = CommitGraph::new();
        let full = |text: &str| ObjectId::new(&format!("{text:0<40}")).unwrap();
        for text in ["abcdef12", "abcdef13", "1234567"] {
            graph.insert(&full(text), &[]);
        }
        let resolve = |text: &str| graph.resolve(&ObjectId::new(text).unwrap());
        assert_eq!(resolve("abcdef12"), Some(full("abcdef12")));
        assert_eq!(resolve("1234567"), Some(full("1234567")));
        assert_eq!(resolve("abcdef1"), None);
        assert_eq!(resolve("fffffff"), None);
    }

    /// Commits 0..n, each with up to two parents of smaller number, in any order of arrival.
    fn histories() -> impl Strategy<Value = Vec<(usize, Vec<usize>)>> {
        let parents = |n: usize| proptest::collection::vec(0..n.max(1), 0..=2);
        let commit = move |n: usize| parents(n).prop_map(move |p| (n, if n == 0 { vec![] } else { p }));
        (1..40_usize).prop_flat_map(move |n| (0..n).map(commit).collect::<Vec<_>>()).prop_shuffle()
    }

    /// Commits 0..n with any parents, themselves and what comes from them included.
    fn lies() -> impl Strategy<Value = Vec<(usize, Vec<usize>)>> {
        let commit = |n: usize| proptest::collection::vec(0..12_usize, 0..=2).prop_map(move |parents| (n, parents));
        (1..12_usize).prop_flat_map(move |n| (0..n).map(commit).collect::<Vec<_>>()).prop_shuffle()
    }

    /// What is reachable from a commit, itself and what is not known included.
    fn reachable(history: &[(usize, Vec<usize>)], commit: usize) -> BTreeSet<ObjectId> {
        let (mut found, mut stack) = (BTreeSet::new(), vec![commit]);
        while let Some(commit) = stack.pop() {
            if found.insert(commit) {
                stack.extend(history.iter().filter(|(n, _)| *n == commit).flat_map(|(_, parents)| parents));
            }
        }
        found.into_iter().map(id).collect()
    }

    /// Asks after each commit that comes, so that what was made for the question before is used for the next.
    fn ask_all_along(history: &[(usize, Vec<usize>)], n: usize) {
        let mut graph = CommitGraph::new();
        for (at, (commit, parents)) in history.iter().enumerate() {
            graph.insert(&id(*commit), &parents.iter().map(|parent| id(*parent)).collect::<Vec<_>>());
            let known = &history[..=at];
            for other in 0..n {
                let (has, other_has) = (reachable(known, *commit), reachable(known, other));
                let range = graph.range(&id(*commit), &[&id(other)]);
                let found: BTreeSet<_> = range.commits.into_iter().chain(range.missing).collect();
                assert_eq!(found, &has - &other_has, "{commit} without {other} after {known:?}");
                assert_eq!(graph.is_ancestor(&id(other), &id(*commit)), has.contains(&id(other)));
                assert_eq!(graph.is_ancestor(&id(*commit), &id(other)), other_has.contains(&id(*commit)));
            }
        }
    }

    proptest! {
        #[test]
        fn ranges_are_differences_of_ancestors(history in histories()) {
            ask_all_along(&history, history.len());
        }

        #[test]
        fn a_history_that_cannot_be_is_walked_all_the_same(history in lies()) {
            ask_all_along(&history, 12);
        }

        #[test]
        fn arrival_does_not_matter(history in histories(), head in 0..40_usize) {
            let head = id(head % history.len());
            let mut sorted = history.clone();
            sorted.sort();
            prop_assert_eq!(graph(&history).range(&head, &[]), graph(&sorted).range(&head, &[]));
        }
    }
}
