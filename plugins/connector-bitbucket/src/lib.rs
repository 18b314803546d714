//! Bitbucket Cloud and Bitbucket Data Center: repositories, commits, pull requests, pipelines, deployments, issues.
//!
//! The two share names and little else: requests and payloads are told apart by the deployment, entities are the same.

mod entities;
mod origin;
mod requests;
mod settings;
mod webhook;

use weir_sdk::prelude::*;

use requests::Position;
use settings::Settings;

/// The connector.
pub struct Bitbucket;

impl Connector for Bitbucket {
    type Settings = Settings;
    type Cursor = Position;

    fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
        requests::check(connection, settings)
    }

    fn datasets(settings: &Settings) -> Result<Vec<Dataset>, Failure> {
        requests::datasets(settings)
    }

    fn step(run: &Run<Settings>, cursor: Option<Position>) -> Result<Page<Position>, Failure> {
        requests::step(run, cursor.unwrap_or_default())
    }

    fn normalize(dataset: &str, settings: &Settings, raw: &Raw<'_>) -> Outcome {
        entities::normalize(dataset, settings, raw)
    }
}

impl Webhook for Bitbucket {
    fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(settings, delivery)
    }
}

weir_sdk::export_connector_with_webhook!(Bitbucket, manifest = "../manifest.json");
