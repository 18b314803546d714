//! Azure DevOps: repositories, commits, pull requests, builds, work items, and deployments of releases.
//!
//! One connection is one organisation (or collection of an Azure DevOps Server); projects are what is chosen in it.

mod entities;
mod origin;
mod requests;
mod settings;
mod webhook;

use weir_sdk::prelude::*;

use requests::Position;
use settings::Settings;

/// The connector.
pub struct AzureDevOps;

impl Connector for AzureDevOps {
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
            "pull-threads" => raw.read(entities::thread),
            "builds" => raw.read(entities::build),
            "build-timelines" => raw.read(entities::timeline),
            "build-changes" => raw.read(entities::build_change),
            "deployments" => raw.read(entities::deployment),
            "work-items" => raw.read(entities::work_item),
            "work-item-updates" => raw.read(entities::update),
            _ => raw.unknown_dataset(),
        }
    }
}

impl Webhook for AzureDevOps {
    fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(settings, delivery)
    }
}

weir_sdk::export_connector_with_webhook!(AzureDevOps, manifest = "../manifest.json");
