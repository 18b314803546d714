//! From a position to requests: which listing comes next, where it stops, what is left for the next pass.

mod answer;
mod check;
mod children;
mod listing;
mod pass;
mod position;
mod repositories;

use weir_sdk::prelude::*;

use crate::settings::{Deployment, Settings};
pub(crate) use answer::Head;
pub(crate) use check::check;
pub(crate) use children::activity_key;
pub(crate) use position::Position;

/// What can be read.
const DATASETS: &[Dataset] = &[
    Dataset::new("repositories", &["repository"]),
    Dataset::new("commits", &["commit", "person"]),
    Dataset::new("pulls", &["change"]),
    Dataset::new("pull-commits", &["commit", "change", "person"]).full_only().under("pulls"),
    Dataset::new("pull-activity", &["review", "change"]).full_only().under("pulls"),
    Dataset::new("pipelines", &["build"]),
    Dataset::new("pipeline-steps", &["build"]).full_only().under("pipelines"),
    Dataset::new("deployments", &["deployment"]),
    Dataset::new("issues", &["work-item"]),
    Dataset::new("tags", &["commit"]),
];

/// What only Bitbucket Cloud has.
const OF_CLOUD: &[&str] = &["pipelines", "pipeline-steps", "deployments", "issues"];

/// What can be read with these settings.
pub(crate) fn datasets(settings: &Settings) -> Result<Vec<Dataset>, Failure> {
    let of_server = settings.deployment == Some(Deployment::Server);
    let chosen = Dataset::chosen(DATASETS, &settings.datasets)?;
    Ok(chosen.into_iter().filter(|dataset| !of_server || !OF_CLOUD.contains(&dataset.name)).collect())
}

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    let deployment = run.settings.deployment_of(run.connection());
    match run.dataset.as_str() {
        "repositories" if run.settings.repositories.is_empty() => repositories::page(run, deployment, &position),
        "pull-commits" | "pull-activity" | "pipeline-steps" => children::page(run, deployment, &position),
        dataset => match listing::find(deployment, dataset) {
            Some(listing) => pass::step(run, deployment, listing, position),
            None => Ok(Page::empty().done()),
        },
    }
}

/// Goes on to the next page of a listing that is not read repository by repository, or ends the pass.
fn follow_or_end(page: Page<Position>, next: Option<position::Next>) -> Page<Position> {
    match next {
        Some(next) => page.next(Position::at(next)),
        None => page.done_at(Position::default()),
    }
}
