//! The builds of one line (instance, job, branch) as the search for culprits sees them.

use std::collections::BTreeSet;

use weir_model::entity::{Build, RunResult, RunState};
use weir_model::{EntityId, ObjectId};

use super::graph::CommitGraph;

/// One build of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildPoint {
    /// Which.
    pub id: EntityId,
    /// Its number.
    pub number: u64,
    /// Its attempt.
    pub attempt: u32,
    /// How it ended; none while it is not over.
    pub result: Option<RunResult>,
    /// Commit of the main checkout.
    pub head: Option<ObjectId>,
    /// Commit of the base branch it was built against, for a build of a change.
    pub base: Option<ObjectId>,
    /// Names of the failing tests; none when they are not known.
    pub failing: Option<BTreeSet<String>>,
}

/// What a build says about its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Success.
    Green,
    /// Failure, unstable or timeout.
    Red,
    /// Error, cancelled, skipped or unknown: nothing.
    Ignored,
    /// Not over.
    Unfinished,
}

impl BuildPoint {
    /// The point of a build, with the names of its failing tests where its test reports are known. A build that does
    /// not name its head has the newest of the commits it lists as new.
    pub fn new(id: EntityId, build: &Build, failing: Option<BTreeSet<String>>, graph: &CommitGraph) -> Self {
        let checkout = build.checkouts.first();
        let head = checkout.and_then(|checkout| checkout.commit.clone());
        Self {
            id,
            number: build.number.unwrap_or(0),
            attempt: build.attempt.unwrap_or(1),
            result: result(build),
            head: head.or_else(|| graph.tip(&build.commits)),
            base: checkout.and_then(|checkout| checkout.base_commit.clone()),
            failing,
        }
    }

    /// Its colour.
    pub fn colour(&self) -> Colour {
        match &self.result {
            None => Colour::Unfinished,
            Some(result) if result.is_green() => Colour::Green,
            Some(result) if result.is_red() => Colour::Red,
            Some(_) => Colour::Ignored,
        }
    }

    pub(super) fn same_revision(&self, other: &Self) -> bool {
        let heads = self.head.as_ref().zip(other.head.as_ref());
        // One of them may be abbreviated.
        heads.is_some_and(|(one, other)| {
            one.as_str().starts_with(other.as_str()) || other.as_str().starts_with(one.as_str())
        })
    }
}

/// None while the build is not over; one that is over and does not tell how has an unknown result.
fn result(build: &Build) -> Option<RunResult> {
    match build.state {
        Some(RunState::Finished) => build.result.clone().or_else(|| Some(RunResult::Unknown(String::new()))),
        None => build.result.clone(),
        Some(_) => None,
    }
}
