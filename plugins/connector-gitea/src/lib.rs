//! Gitea, Forgejo and Gogs: repositories, commits, pull requests and reviews, issues, runs of Actions, releases, tags.
//!
//! Pages stay on the host; polls and webhooks give the same records.

mod entities;
mod position;
mod requests;
mod settings;
mod webhook;

use weir_sdk::prelude::*;

use position::Position;
use settings::Settings;

/// The connector.
pub struct Gitea;

impl Connector for Gitea {
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
        entities::normalize(dataset, raw)
    }
}

impl Webhook for Gitea {
    fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(settings, delivery)
    }
}

weir_sdk::export_connector_with_webhook!(Gitea, manifest = "../manifest.json");
