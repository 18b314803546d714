//! Settings of the connector, as in `weir.toml`.

use serde::Deserialize;
use weir_sdk::prelude::*;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Projects by name. None: all of the organisation.
    pub projects: Vec<String>,
    /// Nothing older than this day or instant.
    pub since: Option<String>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
    /// Earliest time of interest.
    pub(crate) fn since(&self) -> Result<Option<Timestamp>, Failure> {
        let Some(since) = &self.since else { return Ok(None) };
        let spelled = if since.len() == "2025-01-01".len() { format!("{since}T00:00:00Z") } else { since.clone() };
        let message = || format!("`since` is `{since}`; write it like 2025-01-01");
        spelled.parse().map(Some).map_err(|_| Failure::config("azure-devops.settings.since", message()))
    }

    /// Whether a dataset is wanted; the ones it is read under come with it.
    pub(crate) fn reads(&self, dataset: &Dataset) -> bool {
        let wanted = |name: &str| self.datasets.is_empty() || self.datasets.iter().any(|wanted| wanted == name);
        let mut children = crate::requests::DATASETS.iter().filter(|child| child.parent == Some(dataset.name));
        wanted(dataset.name) || children.any(|child| wanted(child.name))
    }

    /// Whether records of a project are wanted; Azure DevOps compares names without case.
    pub(crate) fn chooses(&self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|chosen| chosen.eq_ignore_ascii_case(project))
    }
}
