//! `PagerDuty`: incidents with the moments they were noticed, taken and over, and the people who take them.
//!
//! The log of the account says which incidents changed, so a pass costs what happened since the one before.

mod entities;
mod requests;
mod webhook;

use serde::Deserialize;
use weir_sdk::prelude::*;
use weir_sdk::settings::Since;

use requests::Position;

/// The connector.
pub struct PagerDuty;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// No incident triggered before this.
    pub since: Option<Since>,
    /// Ids of services whose incidents are wanted. None: all.
    pub services: Vec<String>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
    /// Whether incidents of a service are wanted; one that names no service is.
    fn chooses(&self, service: Option<&str>) -> bool {
        self.services.is_empty() || service.is_none_or(|id| self.services.iter().any(|chosen| chosen == id))
    }
}

const DATASETS: &[Dataset] = &[
    Dataset::new("incidents", &["incident"]),
    Dataset::new("log-entries", &["incident"]).full_only().under("incidents"),
    Dataset::new("users", &["person"]).full_only(),
];

impl Connector for PagerDuty {
    type Settings = Settings;
    type Cursor = Position;

    fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
        requests::check(connection, settings)
    }

    fn datasets(settings: &Settings) -> Result<Vec<Dataset>, Failure> {
        Dataset::chosen(DATASETS, &settings.datasets)
    }

    fn step(run: &Run<Settings>, cursor: Option<Position>) -> Result<Page<Position>, Failure> {
        requests::step(run, cursor.unwrap_or_default())
    }

    fn normalize(dataset: &str, _: &Settings, raw: &Raw<'_>) -> Outcome {
        match dataset {
            "incidents" => raw.read(entities::incident),
            "log-entries" => raw.read(entities::log_entries),
            "users" => raw.read(entities::user),
            _ => raw.unknown_dataset(),
        }
    }
}

impl Webhook for PagerDuty {
    fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(settings, delivery)
    }
}

weir_sdk::export_connector_with_webhook!(PagerDuty, manifest = "../manifest.json");
