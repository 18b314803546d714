//! From a position to requests: which listing comes next, where it stops, what is left for the next pass.
//!
//! Listings that can are read newest change first, down to the newest change of the last pass. So what is changed while
//! a pass runs only comes again, and nothing is skipped.

mod check;
mod head;
mod listing;
mod position;
mod repositories;
mod runs;

use weir_sdk::prelude::*;

use crate::settings::Settings;
pub(crate) use check::check;
pub(crate) use head::{Head, attempt_key};
use listing::LISTINGS;
pub(crate) use position::Position;

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
        "repositories" if run.settings.repositories.is_empty() => repositories::page(run, &position),
        "pull-commits" | "reviews" | "jobs" | "deployment-statuses" => listing::child(run, &position),
        dataset => step_through(run, dataset, position),
    }
}

/// One page of a dataset that is read repository by repository.
fn step_through(run: &Run<Settings>, dataset: &str, mut position: Position) -> Result<Page<Position>, Failure> {
    let unknown = || Failure::config("github.dataset", format!("there is no dataset `{dataset}` to read"));
    let listing = LISTINGS.iter().find(|listing| listing.dataset == dataset).ok_or_else(unknown)?;
    let repositories = repositories::repositories(run)?;
    let Some(place) = position.place(&repositories) else {
        return Ok(Page::empty().done_at(position));
    };
    let answer = listing.request(run, &place)?.send_any()?;
    match answer.status() {
        // Not there, or not for these eyes: GitHub does not tell which.
        404 | 451 => {
            skip(run, &mut position, &place.repository)?;
            position.leave(&repositories);
            Ok(page_or_end(Page::empty(), position))
        }
        // An empty repository has no commits; issues can be switched off.
        409 | 410 => {
            position.leave(&repositories);
            Ok(page_or_end(Page::empty(), position))
        }
        _ => listing.page(run, answer.accepted()?, place, position, &repositories),
    }
}

/// Goes on, or ends the pass when no repository is left.
fn page_or_end(page: Page<Position>, position: Position) -> Page<Position> {
    if position.is_between_passes() { page.done_at(position) } else { page.next(position) }
}

/// One repository that cannot be read does not stop the others. A full pass reads the others too, but does not end well,
/// for its end would count everything of this one as deleted.
fn skip(run: &Run<Settings>, position: &mut Position, repository: &str) -> Result<(), Failure> {
    let message = format!("`{repository}` cannot be read: it is not there, or the token may not see it");
    if run.is_incremental() {
        weir_sdk::log::warn("skipped a repository that cannot be read", &[("repository", repository)]);
        return Ok(());
    }
    if position.skip(repository) { Ok(()) } else { Err(Failure::forbidden("github.repository.unreadable", message)) }
}
