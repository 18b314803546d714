//! Jira Cloud, Server and Data Center: issues with their histories, boards and sprints, users, projects.
//!
//! What a webhook brings takes the place of what a poll brought only where it says as much: so an issue, its custom
//! fields and the entries of its history are datasets of their own.

mod entities;
mod issue;
mod requests;
mod settings;
mod webhook;

use weir_sdk::prelude::*;

use requests::Position;
use settings::Settings;

/// The connector.
pub struct Jira;

impl Connector for Jira {
    type Settings = Settings;
    type Cursor = Position;

    fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
        requests::check(connection, settings)
    }

    fn datasets(settings: &Settings) -> Result<Vec<Dataset>, Failure> {
        settings.datasets()
    }

    fn step(run: &Run<Settings>, cursor: Option<Position>) -> Result<Page<Position>, Failure> {
        requests::step(run, cursor.unwrap_or_default())
    }

    fn normalize(dataset: &str, settings: &Settings, raw: &Raw<'_>) -> Outcome {
        match dataset {
            "projects" => raw.read(entities::project),
            "statuses" => raw.read(|json, raw| entities::status(json, settings, raw)),
            "users" => raw.read(entities::user),
            "boards" => raw.read(entities::board),
            "sprints" => raw.read(entities::sprint),
            "issues" => raw.read(|json, raw| entities::issue(json, settings, raw)),
            "custom-fields" => raw.read(entities::custom_fields),
            "changelogs" => raw.read(|json, raw| entities::history(json, settings, raw)),
            "worklogs" => raw.read(entities::worklog),
            "comments" => raw.read(entities::comment),
            "remote-links" => raw.read(entities::remote_link),
            _ => raw.unknown_dataset(),
        }
    }
}

impl Webhook for Jira {
    fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(settings, delivery)
    }
}

weir_sdk::export_connector_with_webhook!(Jira, manifest = "../manifest.json");
