//! From a position to requests: builds by their ids, which only grow, and what lies under them.

mod builds;
mod check;
mod children;
mod lookup;

use std::fmt;

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;

use crate::settings::Settings;
pub(crate) use builds::Head;
pub(crate) use check::check;

/// What can be read. Buildbot's old builds may be cleaned away; they stay history.
pub(crate) const DATASETS: &[Dataset] = &[
    Dataset::new("builds", &["build"]).rotating(),
    Dataset::new("steps", &["build"]).full_only().rotating().under("builds"),
    Dataset::new("changes", &["commit", "build"]).full_only().rotating().under("builds"),
];

/// Position of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Highest id read.
    last: u64,
    /// Builds that were not over.
    #[serde(skip_serializing_if = "std::collections::BTreeSet::is_empty")]
    unfinished: std::collections::BTreeSet<u64>,
    /// Id behind which the pass under way goes on, or number of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
}

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    match run.dataset.as_str() {
        "builds" => builds::step(run, position),
        "steps" => children::steps(run, &position),
        "changes" => children::changes(run),
        _ => Err(run.unknown_dataset()),
    }
}

/// An answer of another shape than asked for.
fn unreadable(what: &str, error: &dyn fmt::Display) -> Failure {
    Failure::transient("buildbot.unreadable", format!("{what} cannot be read: {error}"))
}
