//! From a position to requests: which listing comes next, where it stops, what is left for the next pass.

mod check;
mod children;
mod deployments;
mod head;
mod listing;
mod pipelines;
mod position;
mod projects;

use weir_sdk::prelude::*;
use weir_sdk::walk::Then;

use crate::settings::Settings;
pub(crate) use check::check;
pub(crate) use head::Head;
use listing::{LISTINGS, Listing};
pub(crate) use position::Position;
use position::{Leaf, Place, Read};

/// Elements of one page; the most GitLab gives.
const PAGE: &str = "100";
/// Requests sent at once.
const REQUESTS_MAX: usize = 64;

/// What can be read.
pub(crate) const DATASETS: &[Dataset] = &[
    Dataset::new("projects", &["repository"]),
    Dataset::new("members", &["person"]),
    Dataset::new("commits", &["commit"]),
    Dataset::new("merge-requests", &["change"]),
    Dataset::new("merge-request-commits", &["commit", "change"]).full_only().under("merge-requests"),
    Dataset::new("notes", &["review"]).full_only().under("merge-requests"),
    Dataset::new("approvals", &["change"]).full_only().under("merge-requests"),
    // Where the administrator says so, GitLab drops old pipelines with their jobs.
    Dataset::new("pipelines", &["build"]).rotating(),
    Dataset::new("jobs", &["build"]).full_only().rotating().under("pipelines"),
    Dataset::new("bridges", &["build"]).full_only().rotating().under("pipelines"),
    Dataset::new("deployments", &["deployment"]),
    Dataset::new("issues", &["work-item"]),
    Dataset::new("issue-states", &["work-item"]).full_only().under("issues"),
    Dataset::new("issue-labels", &["work-item"]).full_only().under("issues"),
    Dataset::new("releases", &["artifact"]),
    Dataset::new("tags", &["commit"]),
];

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    if DATASETS.iter().any(|dataset| dataset.name == run.dataset && dataset.parent.is_some()) {
        return position.step_whole(run, |place| children::page(run, place));
    }
    let listing = LISTINGS.iter().find(|listing| listing.dataset == run.dataset);
    let listing = listing.ok_or_else(|| run.unknown_dataset())?;
    position.step(run, &projects::places(run)?, |place| page(run, listing, place))
}

/// One page of a project.
fn page(run: &Run<Settings>, listing: &Listing, place: Place) -> Result<Read, Failure> {
    match listing.request(run, &place).send() {
        Err(refused) if matches!(refused.kind, FailureKind::Forbidden | FailureKind::Gone) => {
            let (project, dataset) = (&place.scope, &run.dataset);
            if projects::lacks(run, project, listing.feature)? {
                return Ok((Page::empty(), Then::Leave(None)));
            }
            let message =
                format!("`{project}` cannot be read: it is not there, or the token may not see its {dataset}");
            Ok((Page::empty(), Then::PutOff(Failure::forbidden("gitlab.project.unreadable", message))))
        }
        answer => listing.page(run, answer?, place),
    }
}
