//! Settings of the connector, as in `weir.toml`.

use serde::Deserialize;
use weir_sdk::prelude::*;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Repositories, "owner/name".
    pub repositories: Vec<String>,
    /// Organisation of which all repositories are read, when none are given.
    pub organisation: Option<String>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
    /// Whether records of a repository are wanted; names are compared without case.
    pub(crate) fn chooses(&self, repository: &str) -> bool {
        if !self.repositories.is_empty() {
            return self.repositories.iter().any(|chosen| chosen.eq_ignore_ascii_case(repository));
        }
        let owner = repository.split('/').next().unwrap_or_default();
        self.organisation.as_ref().is_none_or(|organisation| organisation.eq_ignore_ascii_case(owner))
    }

    /// The repositories given, in the order they are read in.
    pub(crate) fn given_repositories(&self) -> Result<Vec<String>, Failure> {
        let is_odd = |name: &&String| name.split('/').filter(|part| !part.is_empty()).count() != 2;
        if let Some(odd) = self.repositories.iter().find(is_odd) {
            let message = format!("`{odd}` is no repository; write it like owner/name");
            return Err(Failure::config("gitea.settings.repositories", message));
        }
        let mut repositories = self.repositories.clone();
        repositories.sort_unstable();
        repositories.dedup();
        Ok(repositories)
    }
}
