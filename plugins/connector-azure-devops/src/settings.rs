//! Settings of the connector, as in `weir.toml`.

use serde::Deserialize;
use weir_sdk::settings::Since;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Projects by name. None: all of the organisation.
    pub projects: Vec<String>,
    /// Nothing older than this day or instant.
    pub since: Option<Since>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
    /// Whether records of a project are wanted; Azure DevOps compares names without case.
    pub(crate) fn chooses(&self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|chosen| chosen.eq_ignore_ascii_case(project))
    }
}
