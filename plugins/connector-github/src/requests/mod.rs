//! From a position to requests: which listing comes next, where it stops, what is left for the next pass.
//!
//! Listings that can are read newest change first, down to the newest change of the last pass. So what is changed while
//! a pass runs only comes again, and nothing is skipped.

mod check;
mod children;
mod head;
mod listing;
mod position;
mod repositories;
mod runs;

use weir_sdk::prelude::*;
use weir_sdk::walk::Then;

use crate::settings::Settings;
pub(crate) use check::check;
pub(crate) use head::{Head, attempt_key};
use listing::{LISTINGS, Listing};
pub(crate) use position::Position;
use position::{Leaf, Place, Read, follow};

/// Elements of one page; the most GitHub gives.
const PAGE: &str = "100";

/// What can be read.
pub(crate) const DATASETS: &[Dataset] = &[
    Dataset::new("repositories", &["repository"]),
    Dataset::new("commits", &["commit", "person"]),
    Dataset::new("pulls", &["change"]),
    Dataset::new("pull-commits", &["commit", "change", "person"]).full_only().under("pulls"),
    Dataset::new("reviews", &["review"]).full_only().under("pulls"),
    Dataset::new("review-comments", &["review"]),
    Dataset::new("issues", &["work-item"]),
    Dataset::new("issue-comments", &["review"]),
    Dataset::new("workflow-runs", &["build"]).rotating(),
    Dataset::new("jobs", &["build"]).full_only().rotating().under("workflow-runs"),
    Dataset::new("deployments", &["deployment"]),
    Dataset::new("deployment-statuses", &["deployment"]).full_only().under("deployments"),
    Dataset::new("releases", &["artifact"]),
    Dataset::new("tags", &["commit"]),
];

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    match run.dataset.as_str() {
        "repositories" if run.settings.repositories.is_empty() => {
            position.step_whole(run, |place| repositories::page(run, &place))
        }
        "pull-commits" | "reviews" | "jobs" | "deployment-statuses" => {
            position.step_whole(run, |place| children::page(run, &place))
        }
        dataset => {
            let listing = LISTINGS.iter().find(|listing| listing.dataset == dataset);
            let listing = listing.ok_or_else(|| run.unknown_dataset())?;
            position.step(run, &repositories::repositories(run)?, |place| page(run, listing, place))
        }
    }
}

/// One page of a repository.
fn page(run: &Run<Settings>, listing: &Listing, place: Place) -> Result<Read, Failure> {
    let answer = listing.request(run, &place).send_any()?;
    match answer.status() {
        // Not there, or not for these eyes: GitHub does not tell which.
        404 | 451 => {
            let message = format!("`{}` cannot be read: it is not there, or the token may not see it", place.scope);
            let unreadable = Failure::forbidden("github.repository.unreadable", message);
            Ok((Page::empty(), Then::PutOff(unreadable)))
        }
        // An empty repository has no commits; issues can be switched off.
        409 | 410 => Ok((Page::empty(), Then::Leave(None))),
        _ => listing.page(run, answer.accepted()?, place),
    }
}
