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
use pass::Pass;
pub(crate) use position::Position;
use position::{Leaf, Next, Place, Read};

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
        "repositories" if run.settings.repositories.is_empty() => {
            position.step_whole(run, |place| repositories::page(run, deployment, place.page))
        }
        "pull-commits" | "pull-activity" | "pipeline-steps" => {
            position.step_whole(run, |place| children::page(run, deployment, place.page))
        }
        dataset => match listing::find(deployment, dataset) {
            Some(listing) => {
                let repositories = repositories::repositories(run, deployment)?;
                position.step(run, &repositories, |place| Pass { run, deployment, listing }.read(&place))
            }
            None => Ok(Page::empty().done()),
        },
    }
}
