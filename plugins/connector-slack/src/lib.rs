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
    /// Datasets to read. None: all.
    pub datasets: Option<Vec<String>>,
}

impl Settings {
    fn reads(&self, dataset: &Dataset) -> bool {
        self.datasets.as_ref().is_none_or(|wanted| wanted.iter().any(|name| name == dataset.name))
    }
}

const USERS: Dataset = Dataset::new("users", &["person"]).full_only();

impl Connector for Slack {
    type Settings = Settings;
    type Cursor = Position;

    fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
        if settings.reads(&USERS) {
            return users::check(connection);
        }
        Ok(Checkup { tool: "Slack, webhooks only".to_owned(), ..Checkup::default() })
    }

    fn datasets(settings: &Settings) -> Vec<Dataset> {
        [USERS].into_iter().filter(|dataset| settings.reads(dataset)).collect()
    }

    fn step(run: &Run<Settings>, cursor: Option<Position>) -> Result<Page<Position>, Failure> {
        users::step(run, &cursor.unwrap_or_default())
    }

    fn normalize(dataset: &str, _: &Settings, raw: &Raw<'_>) -> Outcome {
        match dataset {
            "users" => raw.read(person::person),
            _ => Outcome::rejected(Diagnostic::new(DiagnosticKind::Unsupported, "slack.dataset").found(dataset)),
        }
    }
}

impl Webhook for Slack {
    fn decode(_: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(delivery)
    }
}

weir_sdk::export_connector_with_webhook!(Slack, manifest = "../manifest.json");
