//! Slack: the members of a workspace as persons, and webhooks of every sort by name.
//!
//! Of what people say to each other nothing is taken: a delivery is a person, a handshake, or ignored.

mod person;
mod users;
mod webhook;

use serde::Deserialize;
use weir_sdk::prelude::*;

use users::Position;

/// The connector.
pub struct Slack;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Datasets to read. Left out: all; an empty list: none.
    pub datasets: Option<Vec<String>>,
}

const DATASETS: &[Dataset] = &[Dataset::new("users", &["person"]).full_only()];

impl Connector for Slack {
    type Settings = Settings;
    type Cursor = Position;

    fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
        if Self::datasets(settings)?.is_empty() {
            return Ok(Checkup { tool: "Slack, webhooks only".to_owned(), ..Checkup::default() });
        }
        users::check(connection)
    }

    fn datasets(settings: &Settings) -> Result<Vec<Dataset>, Failure> {
        match settings.datasets.as_deref() {
            Some([]) => Ok(Vec::new()),
            wanted => Dataset::chosen(DATASETS, wanted.unwrap_or_default()),
        }
    }

    fn step(run: &Run<Settings>, cursor: Option<Position>) -> Result<Page<Position>, Failure> {
        users::step(run, &cursor.unwrap_or_default())
    }

    fn normalize(dataset: &str, _: &Settings, raw: &Raw<'_>) -> Outcome {
        match dataset {
            "users" => raw.read(person::person),
            _ => raw.unknown_dataset(),
        }
    }
}

impl Webhook for Slack {
    fn decode(_: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(delivery)
    }
}

weir_sdk::export_connector_with_webhook!(Slack, manifest = "../manifest.json");
