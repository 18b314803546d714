//! `CircleCI`: each workflow of each pipeline as a build, with its jobs as stages.
//!
//! A pipeline has no result of its own and can have any number of workflows, each repeated on its own; so the workflow is
//! the run, and what the pipeline knows (commit, branch, cause) travels with it as context.

mod entities;
mod origin;
mod requests;
mod webhook;

use serde::Deserialize;
use weir_sdk::prelude::*;
use weir_sdk::settings::Since;

use requests::Position;

/// The connector.
pub struct CircleCi;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Slugs of projects: "gh/acme/api".
    pub projects: Vec<String>,
    /// No pipeline created before this.
    pub since: Option<Since>,
    /// Address of the pages for people. None: that of the cloud.
    pub app: Option<String>,
}

impl Settings {
    /// The projects, if each is one.
    fn checked_projects(&self) -> Result<&[String], Failure> {
        let is_slug = |slug: &str| slug.split('/').filter(|part| !part.is_empty()).count() == 3;
        if let Some(odd) = self.projects.iter().find(|slug| !is_slug(slug)) {
            let message = format!("`{odd}` is no project; write it like gh/acme/api");
            return Err(Failure::config("circleci.settings.projects", message));
        }
        if self.projects.is_empty() {
            return Err(Failure::config("circleci.settings.projects", "set `projects`"));
        }
        Ok(&self.projects)
    }

    /// Whether a project is wanted.
    fn chooses(&self, slug: &str) -> bool {
        let wanted = origin::canonical(slug);
        self.projects.iter().any(|chosen| origin::canonical(chosen).eq_ignore_ascii_case(&wanted))
    }
}

impl Connector for CircleCi {
    type Settings = Settings;
    type Cursor = Position;

    fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
        requests::check(connection, settings)
    }

    fn datasets(_: &Settings) -> Result<Vec<Dataset>, Failure> {
        Ok(vec![
            Dataset::new("runs", &["build"]).rotating(),
            Dataset::new("jobs", &["build"]).full_only().rotating().under("runs"),
        ])
    }

    fn step(run: &Run<Settings>, cursor: Option<Position>) -> Result<Page<Position>, Failure> {
        requests::step(run, cursor.unwrap_or_default())
    }

    fn normalize(dataset: &str, settings: &Settings, raw: &Raw<'_>) -> Outcome {
        match dataset {
            "runs" => raw.read(|json, raw| entities::run(json, raw, settings)),
            "jobs" => raw.read(|json, raw| entities::job(json, raw, settings)),
            _ => raw.unknown_dataset(),
        }
    }
}

impl Webhook for CircleCi {
    fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
        webhook::decode(settings, delivery)
    }
}

weir_sdk::export_connector_with_webhook!(CircleCi, manifest = "../manifest.json");
