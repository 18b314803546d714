//! Ranges of commits in a repository of a million, beside a walk of its whole history.

use std::time::{Duration, Instant};

use weir_model::ObjectId;
use weir_stages::correlate::CommitGraph;

use crate::figures::{best, ms, print, print_spread};

/// Commits of the repository.
const COMMITS: usize = 1_000_000;
/// Every so many of them a branch of as many commits is merged.
const BRANCH: usize = 10;
/// Ranges that are asked for.
const ASKED: usize = 200;
/// Commits between the two ends of a range.
const APART: usize = 50;

/// Measures.
pub(crate) fn run() {
    let graph = graph();
    let note = format!("{COMMITS} commits");
    let (first, last) = (id(0), id(COMMITS - 1));
    let levels = timed(|| assert!(!graph.is_ancestor(&last, &first)));
    print("history: first question after a late parent", ms(levels), "ms", "", &note);
    let whole = best(3, || timed(|| assert_eq!(graph.range(&last, &[]).commits.len(), COMMITS)));
    print("history: the whole walked", ms(whole), "ms", "", &note);

    let ends = (0..ASKED).map(|n| COMMITS - 1 - n * (COMMITS / ASKED / 2));
    let mut ranges: Vec<Duration> =
        ends.clone().map(|head| timed(|| assert!(!new_commits(&graph, head).is_empty()))).collect();
    print_spread("history: commits between two builds", &mut ranges, "< 1", &format!("{APART} apart"));
    let mut ancestry: Vec<Duration> =
        ends.map(|head| timed(|| assert!(!graph.is_ancestor(&last, &id(head - APART))))).collect();
    print_spread("history: not delivered by a deployment", &mut ancestry, "< 1", "a commit newer than it");
}

fn new_commits(graph: &CommitGraph, head: usize) -> Vec<ObjectId> {
    graph.range(&id(head), &[&id(head - APART)]).commits
}

/// A main line with branches that are merged; it comes newest first, as tools list it.
fn graph() -> CommitGraph {
    let mut graph = CommitGraph::new();
    for commit in (0..COMMITS).rev() {
        let parents: Vec<ObjectId> = parents(commit).into_iter().map(id).collect();
        graph.insert(&id(commit), &parents);
    }
    graph
}

/// Commits in tens: nine one after the other upon the main line, and then one that merges them into it.
fn parents(commit: usize) -> Vec<usize> {
    match (commit.checked_sub(BRANCH), commit % BRANCH) {
        (None, 0) => Vec::new(),
        (Some(main), 0) => vec![main, commit - 1],
        _ => vec![commit - 1],
    }
}

fn id(commit: usize) -> ObjectId {
    // Digits that are spread, as those of real commits are.
    let spread = (commit as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ObjectId::new(&format!("{spread:016x}{commit:024x}")).unwrap()
}

fn timed(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}
