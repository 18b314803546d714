//! Settings of the connector, as in `weir.toml`.

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;
use weir_sdk::settings::Since;

/// Which of the two products is on the other side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deployment {
    /// Bitbucket Cloud, REST 2.0.
    #[default]
    Cloud,
    /// Bitbucket Server or Data Center, REST 1.0.
    Server,
}

impl Deployment {
    /// The product a site belongs to: only Atlassian's own is Cloud.
    fn of_site(site: &str) -> Self {
        let host = site.split_once("://").map_or(site, |(_, rest)| rest).split(['/', ':']).next().unwrap_or_default();
        if host == "bitbucket.org" || host.ends_with(".bitbucket.org") { Self::Cloud } else { Self::Server }
    }
}

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The product; by the host of the connection when left out.
    pub deployment: Option<Deployment>,
    /// Repositories, "owner/slug". None: all of the owner.
    pub repositories: Vec<String>,
    /// Workspace or project key to list repositories of, when none are given.
    pub owner: Option<String>,
    /// Nothing older than this day or instant.
    pub since: Option<Since>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
    /// The product on the other side of a connection.
    pub(crate) fn deployment_of(&self, connection: &Connection<'_>) -> Deployment {
        self.deployment.unwrap_or_else(|| Deployment::of_site(&connection.site()))
    }

    /// Whether records of a repository are wanted; Bitbucket compares names without case.
    pub(crate) fn chooses(&self, repository: &str) -> bool {
        if !self.repositories.is_empty() {
            return self.repositories.iter().any(|chosen| chosen.eq_ignore_ascii_case(repository));
        }
        let owner = repository.split('/').next().unwrap_or_default();
        self.owner.as_ref().is_none_or(|chosen| chosen.eq_ignore_ascii_case(owner))
    }

    /// The repositories given, in the order they are read in.
    pub(crate) fn given_repositories(&self) -> Result<Vec<String>, Failure> {
        let is_odd = |name: &&String| name.split('/').filter(|part| !part.is_empty()).count() != 2;
        if let Some(odd) = self.repositories.iter().find(is_odd) {
            let message = format!("`{odd}` is no repository; write it like workspace/slug, or PROJECT/slug");
            return Err(Failure::config("bitbucket.settings.repositories", message));
        }
        let mut repositories = self.repositories.clone();
        repositories.sort_unstable();
        repositories.dedup();
        Ok(repositories)
    }

    /// The owner whose repositories are all read.
    pub(crate) fn owner(&self) -> Result<&str, Failure> {
        let unset = || Failure::config("bitbucket.settings.repositories", "set `repositories` or `owner`");
        self.owner.as_deref().ok_or_else(unset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_tells_the_product() {
        assert_eq!(Deployment::of_site("https://api.bitbucket.org/2.0"), Deployment::Cloud);
        assert_eq!(Deployment::of_site("https://bitbucket.org"), Deployment::Cloud);
        assert_eq!(Deployment::of_site("https://git.acme.example:7990/bitbucket.org"), Deployment::Server);
        assert_eq!(Deployment::of_site("https://notbitbucket.org"), Deployment::Server);
    }
}
