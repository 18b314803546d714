//! Buildbot over its REST API, version 2: builds with their steps, what was checked out, and the changes new in them; and
//! what its reporter `HttpStatusPush` sends.
//!
//! A build is its `buildid`, which polls and pushes both know.

mod context;
mod entities;
mod requests;
mod settings;
mod webhook;

use weir_sdk::prelude::*;

use requests::Position;
use settings::Settings;

/// The connector.
pub struct Buildbot;

impl Connector for Buildbot {
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
            "builds" => raw.read(|json, raw| entities::build(json, raw, settings)),
            "steps" => raw.read(entities::step),
            "changes" => raw.read(entities::change),
            _ => raw.unknown_dataset(),
        }
    }
}

impl Webhook for Buildbot {
    fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(settings, delivery)
    }
}

weir_sdk::export_connector_with_webhook!(Buildbot, manifest = "../manifest.json");
