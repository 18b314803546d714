//! GitHub: repositories, commits, pull requests and reviews, issues, workflow runs, deployments, releases.
//!
//! Pages stay on the host wherever one pointer names the key of a record; polls and webhooks give the same records.

mod entities;
mod origin;
mod requests;
mod settings;
mod webhook;

use weir_sdk::prelude::*;

use requests::Position;
use settings::Settings;

/// The connector.
pub struct GitHub;

impl Connector for GitHub {
    type Settings = Settings;
    type Cursor = Position;

    fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
        requests::check(connection, settings)
    }

    fn datasets(settings: &Settings) -> Result<Vec<Dataset>, Failure> {
        Dataset::chosen(requests::DATASETS, &settings.datasets)
    }

    fn step(run: &Run<Settings>, cursor: Option<Position>) -> Result<Page<Position>, Failure> {
        requests::step(run, cursor.unwrap_or_default())
    }

    fn normalize(dataset: &str, _: &Settings, raw: &Raw<'_>) -> Outcome {
        match dataset {
            "repositories" => raw.read(entities::repository),
            "commits" => raw.read(entities::commit),
            "pulls" => raw.read(entities::pull),
            "pull-commits" => raw.read(entities::pull_commit),
            "reviews" => raw.read(entities::review),
            "review-comments" => raw.read(entities::review_comment),
            "issues" => raw.read(entities::issue),
            "issue-comments" => raw.read(entities::issue_comment),
            "workflow-runs" => raw.read(entities::workflow_run),
            "jobs" => raw.read(entities::job),
            "deployments" => raw.read(entities::deployment),
            "deployment-statuses" => raw.read(entities::deployment_status),
            "releases" => raw.read(entities::release),
            "tags" => raw.read(entities::tag),
            "pushes" => raw.read(entities::push),
            _ => raw.unknown_dataset(),
        }
    }
}

impl Webhook for GitHub {
    fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(settings, delivery)
    }
}

weir_sdk::export_connector_with_webhook!(GitHub, manifest = "../manifest.json");
