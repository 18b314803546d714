//! `SonarQube`: analyses with their quality gates as test reports; projects with their measures, issues and security
//! hotspots as kinds of their own.
//!
//! An issue of a scanner is no work item: thousands would come and go with every analysis and drown what people plan.

mod entities;
mod requests;
mod webhook;

use serde::Deserialize;
use weir_sdk::prelude::*;
use weir_sdk::settings::Since;

use requests::Position;

/// The connector.
pub struct SonarQube;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Keys of projects. None: all.
    pub projects: Vec<String>,
    /// Key of the organisation, for `SonarQube` Cloud.
    pub organization: Option<String>,
    /// No analysis before this.
    pub since: Option<Since>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
    /// Whether a project is wanted.
    fn chooses(&self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|chosen| chosen == project)
    }
}

const DATASETS: &[Dataset] = &[
    Dataset::new("projects", &["code-project"]).full_only(),
    Dataset::new("measures", &["code-project"]).full_only().under("projects"),
    Dataset::new("analyses", &["test-report"]).full_only().rotating().under("projects"),
    Dataset::new("quality-gates", &["test-report"]).full_only().rotating().under("analyses"),
    Dataset::new("hotspots", &["security-hotspot"]).full_only().under("projects"),
    Dataset::new("issues", &["code-issue"]),
    Dataset::new("users", &["person"]).full_only(),
];

impl Connector for SonarQube {
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
            "projects" => entities::project(raw),
            "measures" => entities::measures(raw),
            "analyses" => entities::analysis(raw),
            "quality-gates" => entities::quality_gate(raw),
            "hotspots" => entities::hotspot(raw),
            "issues" => entities::issue(raw),
            "users" => entities::user(raw),
            _ => raw.unknown_dataset(),
        }
    }
}

impl Webhook for SonarQube {
    fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(settings, delivery)
    }
}

weir_sdk::export_connector_with_webhook!(SonarQube, manifest = "../manifest.json");
