//! Settings of the connector, as in `weir.toml`.

use serde::Deserialize;
use weir_sdk::prelude::*;
use weir_sdk::settings::Since;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Repositories, "owner/name", spelled as GitHub spells them. None: all of the organisation.
    pub repositories: Vec<String>,
    /// Organisation to list repositories of, when none are given.
    pub organisation: Option<String>,
    /// Nothing older than this day or instant.
    pub since: Option<Since>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
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
        if let Some(odd) =
            self.repositories.iter().find(|name| name.split('/').filter(|part| !part.is_empty()).count() != 2)
        {
            return Err(Failure::config(
                "github.settings.repositories",
                format!("`{odd}` is no repository; write it like owner/name"),
            ));
        }
        let mut repositories = self.repositories.clone();
        repositories.sort_unstable();
        repositories.dedup();
        Ok(repositories)
    }
}
