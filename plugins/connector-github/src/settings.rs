//! Settings of the connector, as in `weir.toml`.

use serde::Deserialize;
use weir_sdk::prelude::*;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Repositories, "owner/name", spelled as GitHub spells them. None: all of the organisation.
    pub repositories: Vec<String>,
    /// Organisation to list repositories of, when none are given.
    pub organisation: Option<String>,
    /// Nothing older than this day or instant.
    pub since: Option<String>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
    /// Earliest time of interest in milliseconds.
    pub(crate) fn since_ms(&self) -> Result<Option<i64>, Failure> {
        let Some(since) = &self.since else { return Ok(None) };
        let spelled = if since.len() == "2025-01-01".len() { format!("{since}T00:00:00Z") } else { since.clone() };
        let unreadable = |_| Failure::config("github.settings.since", format!("`since` is `{since}`; write it like 2025-01-01"));
        spelled.parse().map(Timestamp::ms).map(Some).map_err(unreadable)
    }

    /// Whether a dataset is wanted; the ones it is read under come with it.
    pub(crate) fn reads(&self, dataset: &Dataset) -> bool {
        let wanted = |name: &str| self.datasets.is_empty() || self.datasets.iter().any(|wanted| wanted == name);
        wanted(dataset.name) || crate::requests::DATASETS.iter().any(|child| child.parent == Some(dataset.name) && wanted(child.name))
    }

    /// Whether records of a repository are wanted; GitHub compares names without case.
    pub(crate) fn chooses(&self, repository: &str) -> bool {
        if !self.repositories.is_empty() {
            return self.repositories.iter().any(|chosen| chosen.eq_ignore_ascii_case(repository));
        }
        let owner = repository.split('/').next().unwrap_or_default();
        self.organisation.as_ref().is_none_or(|organisation| organisation.eq_ignore_ascii_case(owner))
    }

    /// The repositories given, in the order they are read in.
    pub(crate) fn given_repositories(&self) -> Result<Vec<String>, Failure> {
        if let Some(odd) = self.repositories.iter().find(|name| name.split('/').filter(|part| !part.is_empty()).count() != 2) {
            return Err(Failure::config("github.settings.repositories", format!("`{odd}` is no repository; write it like owner/name")));
        }
        let mut repositories = self.repositories.clone();
        repositories.sort_unstable();
        repositories.dedup();
        Ok(repositories)
    }
}
