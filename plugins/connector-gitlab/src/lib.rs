//! GitLab: projects, members, commits, merge requests with notes and approvals, pipelines and jobs, deployments,
//! issues with their events, releases, tags.
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
pub struct GitLab;

impl Connector for GitLab {
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

    fn normalize(dataset: &str, settings: &Settings, raw: &Raw<'_>) -> Outcome {
        match dataset {
            "projects" => raw.read(entities::project),
            "members" => raw.read(entities::member),
            "commits" => raw.read(entities::commit),
            "merge-requests" => raw.read(entities::merge_request),
            "merge-request-commits" => raw.read(entities::merge_request_commit),
            "notes" => raw.read(entities::note),
            "approvals" => raw.read(entities::approvals),
            "pipelines" => raw.read(entities::pipeline),
            "jobs" | "bridges" => raw.read(entities::job),
            "deployments" => raw.read(entities::deployment),
            "issues" => raw.read(|json, raw| entities::issue(json, settings, raw)),
            "issue-states" => raw.read(entities::issue_state),
            "issue-labels" => raw.read(entities::issue_label),
            "releases" => raw.read(entities::release),
            "tags" => raw.read(entities::tag),
            "pushes" => raw.read(entities::push),
            _ => raw.unknown_dataset(),
        }
    }
}

impl Webhook for GitLab {
    fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(settings, delivery)
    }
}

weir_sdk::export_connector_with_webhook!(GitLab, manifest = "../manifest.json");
