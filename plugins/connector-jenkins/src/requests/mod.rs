//! From a position to requests: which jobs have new builds, and what is read of each.
//!
//! Jenkins throws old builds away, so nothing is taken as deleted because it is no longer listed.

mod builds;
mod check;
mod children;
mod jobs;
mod position;

use weir_sdk::prelude::*;

use crate::settings::Settings;
pub(crate) use check::check;
pub(crate) use position::Position;

/// What can be read.
pub(crate) const DATASETS: &[Dataset] = &[
    Dataset::new("builds", &["build", "commit", "test-report", "artifact", "deployment"]).rotating(),
    Dataset::new("stages", &["build"]).full_only().rotating().under("builds"),
    Dataset::new("tests", &["test-report"]).full_only().rotating().under("builds"),
    Dataset::new("queue", &["build"]).full_only().rotating().under("builds"),
];

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    match run.dataset.as_str() {
        "builds" => builds::step(run, position),
        "stages" => children::stages(run),
        "tests" => children::tests(run),
        "queue" => children::queue_item(run),
        _ => Err(run.unknown_dataset()),
    }
}

/// An answer of another shape than asked for: a page for people, or something in between that answers for Jenkins.
fn unreadable(what: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::transient("jenkins.unreadable", format!("{what} cannot be read: {error}"))
}
