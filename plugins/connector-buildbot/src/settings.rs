//! Settings of the connector, as in `weir.toml`.

use serde::Deserialize;
use weir_sdk::prelude::*;

use crate::requests::DATASETS;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Builders to read. None: all.
    pub builders: Vec<String>,
    /// Properties of builds to keep as their parameters.
    pub parameters: Vec<String>,
    /// Nothing older than this day or instant.
    pub since: Option<String>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
    /// Earliest start of interest in milliseconds.
    pub(crate) fn since_ms(&self) -> Result<Option<i64>, Failure> {
        let Some(since) = &self.since else { return Ok(None) };
        let spelled = if since.len() == "2025-01-01".len() { format!("{since}T00:00:00Z") } else { since.clone() };
        let unreadable =
            |_| Failure::config("buildbot.settings.since", format!("`since` is `{since}`; write it like 2025-01-01"));
        spelled.parse().map(Timestamp::ms).map(Some).map_err(unreadable)
    }

    /// Whether a dataset is wanted; the one it is read under comes with it.
    pub(crate) fn reads(&self, dataset: &Dataset) -> bool {
        let wanted = |name: &str| self.datasets.is_empty() || self.datasets.iter().any(|wanted| wanted == name);
        wanted(dataset.name) || DATASETS.iter().any(|child| child.parent == Some(dataset.name) && wanted(child.name))
    }

    /// Whether builds of a builder are wanted.
    pub(crate) fn chooses(&self, builder: &str) -> bool {
        self.builders.is_empty() || self.builders.iter().any(|chosen| chosen == builder)
    }
}
