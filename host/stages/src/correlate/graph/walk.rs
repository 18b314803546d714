//! Walks of the commit graph that go no farther back than their question does.
//!
//! Each commit stands on a level above those of its parents. So a walk that takes the highest first knows all about a
//! commit when it comes to it, and one that looks for a commit passes by all that stand lower.

use std::collections::{BinaryHeap, HashMap, HashSet};

use super::{CommitGraph, count};

/// Level of the commits that are their own ancestors, or have such an ancestor: no history has any, but a source may
/// say so. Nothing can be told by it.
const NO_LEVEL: u32 = u32::MAX;

/// Levels of all commits, by number.
pub(super) fn levels(graph: &CommitGraph) -> Vec<u32> {
    let mut children = Children::of(graph);
    let mut levels = vec![NO_LEVEL; graph.nodes.len()];
    let mut ready: Vec<u32> = (0..count(levels.len())).filter(|node| graph.parents_of(*node).is_empty()).collect();
    while let Some(node) = ready.pop() {
        levels[node as usize] = level_above(graph.parents_of(node), &levels);
        ready.extend(children.that_wait_for_no_other(node));
    }
    levels
}

/// Level of a commit, by those of its parents.
pub(super) fn level_above(parents: &[u32], levels: &[u32]) -> u32 {
    parents.iter().map(|parent| levels[*parent as usize].saturating_add(1)).max().unwrap_or_default()
}

/// Who is whose child.
struct Children {
    /// Children of all commits, one after the other, by number of the parent.
    all: Vec<u32>,
    /// Where those of each commit end; they begin where those of the one before end.
    ends: Vec<u32>,
    /// How many parents of each commit have no level yet.
    n_waited_for: Vec<u32>,
}

impl Children {
    fn of(graph: &CommitGraph) -> Self {
        let mut ends = vec![0; graph.nodes.len()];
        for parent in &graph.parents {
            ends[*parent as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            // Where they begin, until they are filled in.
            (*end, sum) = (sum, sum + *end);
        }
        let mut children = Self { all: vec![0; graph.parents.len()], ends, n_waited_for: Vec::new() };
        for (number, node) in graph.nodes.iter().enumerate() {
            let parents = node.parents(&graph.parents);
            children.n_waited_for.push(count(parents.len()));
            for parent in parents {
                let end = &mut children.ends[*parent as usize];
                children.all[*end as usize] = count(number);
                *end += 1;
            }
        }
        children
    }

    /// The children of a commit whose last parent without a level it was.
    fn that_wait_for_no_other(&mut self, node: u32) -> impl Iterator<Item = u32> {
        let start = node.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        let waited_for = &mut self.n_waited_for;
        self.all[start as usize..self.ends[node as usize] as usize].iter().copied().filter(move |child| {
            waited_for[*child as usize] -= 1;
            waited_for[*child as usize] == 0
        })
    }
}

/// Whether `ancestor` is reachable from `commit`; a commit is its own ancestor.
pub(super) fn is_ancestor(graph: &CommitGraph, ancestor: u32, commit: u32) -> bool {
    let levels = graph.levels();
    let stands_lower = |node: u32| levels[node as usize] < levels[ancestor as usize];
    let (mut seen, mut stack) = (HashSet::from([commit]), vec![commit]);
    while let Some(node) = stack.pop() {
        if node == ancestor {
            return true;
        }
        let parents = graph.parents_of(node).iter().copied();
        stack.extend(parents.filter(|parent| !stands_lower(*parent) && seen.insert(*parent)));
    }
    false
}

/// What is reachable from `head` and from none of `excluded`.
pub(super) fn difference(graph: &CommitGraph, head: u32, excluded: &[u32]) -> HashSet<u32> {
    let mut walk =
        Walk { graph, levels: graph.levels(), met: HashMap::new(), queue: BinaryHeap::new(), n_inside_queued: 0 };
    walk.meet(head, Side::Inside);
    for node in excluded {
        walk.meet(*node, Side::Excluded);
    }
    while let Some((level, node)) = walk.queue.pop() {
        if walk.n_inside_queued == 0 && level != NO_LEVEL {
            break;
        }
        walk.go_on(node);
    }
    walk.met.into_iter().filter(|(_, met)| *met != Met::Excluded).map(|(node, _)| node).collect()
}

struct Walk<'a> {
    graph: &'a CommitGraph,
    levels: &'a [u32],
    met: HashMap<u32, Met>,
    /// By level, the highest first.
    queue: BinaryHeap<(u32, u32)>,
    n_inside_queued: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Inside,
    Excluded,
}

/// What is known of a commit that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    InsideQueued,
    Inside,
    Excluded,
}

impl Walk<'_> {
    fn meet(&mut self, node: u32, side: Side) {
        match (self.met.get(&node), side) {
            (None, Side::Inside) => {
                self.met.insert(node, Met::InsideQueued);
                self.n_inside_queued += 1;
            }
            (Some(_), Side::Inside) | (Some(Met::Excluded), Side::Excluded) => return,
            (before, Side::Excluded) => {
                self.n_inside_queued -= usize::from(before == Some(&Met::InsideQueued));
                self.met.insert(node, Met::Excluded);
            }
        }
        self.queue.push((self.levels[node as usize], node));
    }

    fn go_on(&mut self, node: u32) {
        let side = match self.met.get_mut(&node) {
            Some(met @ Met::InsideQueued) => {
                *met = Met::Inside;
                self.n_inside_queued -= 1;
                Side::Inside
            }
            Some(Met::Excluded) => Side::Excluded,
            Some(Met::Inside) | None => return,
        };
        for parent in self.graph.parents_of(node) {
            self.meet(*parent, side);
        }
    }
}
