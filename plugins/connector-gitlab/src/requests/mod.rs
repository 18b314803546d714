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

use crate::settings::Settings;
pub(crate) use check::check;
pub(crate) use head::Head;
use listing::LISTINGS;
use position::Place;
pub(crate) use position::Position;

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
    match DATASETS.iter().find(|dataset| dataset.name == run.dataset) {
        Some(dataset) if dataset.parent.is_some() => children::page(run, &position),
        _ => step_through(run, position),
    }
}

/// One page of a dataset that is read project by project.
fn step_through(run: &Run<Settings>, mut position: Position) -> Result<Page<Position>, Failure> {
    let unknown = || Failure::config("gitlab.dataset", format!("there is no dataset `{}` to read", run.dataset));
    let listing = LISTINGS.iter().find(|listing| listing.dataset == run.dataset).ok_or_else(unknown)?;
    let projects = projects::places(run)?;
    let Some(place) = position.place(&projects) else {
        return Ok(Page::empty().done_at(position));
    };
    match listing.request(run, &position, &place)?.send_any()?.accepted() {
        Ok(answer) => listing.page(run, answer, place, position, &projects),
        Err(refused) if matches!(refused.kind, FailureKind::Forbidden | FailureKind::Gone) => {
            if !projects::lacks(run, &place.project, listing.feature)? {
                put_off(run, &mut position, &place, refused)?;
            }
            position.pass_over(&projects);
            Ok(page_or_end(Page::empty(), position))
        }
        Err(failure) => Err(failure),
    }
}

/// Goes on, or ends the pass when no project is left.
fn page_or_end(page: Page<Position>, position: Position) -> Page<Position> {
    if position.is_between_passes() { page.done_at(position) } else { page.next(position) }
}

/// One project that cannot be read does not stop the others. A full pass reads the others too, but does not end well,
/// for its end would count everything of this one as deleted.
fn put_off(run: &Run<Settings>, position: &mut Position, place: &Place, refused: Failure) -> Result<(), Failure> {
    let project = place.project.as_str();
    if run.is_incremental() {
        weir_sdk::log::warn("skipped a project that cannot be read", &[("project", project)]);
        return Ok(());
    }
    if position.put_off(place) {
        return Ok(());
    }
    let message = format!("`{project}` cannot be read: it is not there, or the token may not see its {}", run.dataset);
    Err(Failure { message, ..Failure::forbidden("gitlab.project.unreadable", refused.message) })
}
