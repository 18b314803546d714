//! Jenkins over its remote API: builds of every job, their stages, tests, commits and artifacts. No plugin of Jenkins is
//! needed; what some of them add is taken where it is there.
//!
//! A build is "job/number"; what a job is called, and where it is found, is the context of all its records.

mod entities;
mod glob;
mod origin;
mod requests;
mod settings;

use weir_sdk::prelude::*;

use requests::Position;
use settings::Settings;

/// The connector.
pub struct Jenkins;

impl Connector for Jenkins {
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
            "stages" => entities::stages(raw, settings),
            "tests" => raw.read(|json, raw| entities::tests(json, raw, settings)),
            "queue" => raw.read(|json, raw| entities::queue_item(json, raw, settings)),
            _ => raw.unknown_dataset(),
        }
    }
}

weir_sdk::export_connector!(Jenkins, manifest = "../manifest.json");
