//! `ServiceNow`: incidents, change requests and people, over the Table API.
//!
//! Every column is asked for as stored and as shown, so no table of words has to be read beside it, and no time is local.

mod cell;
mod entities;
mod requests;
mod settings;

use weir_sdk::prelude::*;

use requests::Position;
use settings::Settings;

/// The connector.
pub struct ServiceNow;

impl Connector for ServiceNow {
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
        match dataset {
            "incidents" => entities::incident(raw, settings),
            "change-requests" => entities::change_request(raw, settings),
            "users" => entities::user(raw),
            "group-members" => entities::group_member(raw),
            _ => raw.unknown_dataset(),
        }
    }
}

weir_sdk::export_connector!(ServiceNow, manifest = "../manifest.json");
