//! What an operator says about repositories.
//!
//! Invariant: an unknown key is an error.

use serde::{Deserialize, Serialize};

/// The settings of the collector `git`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folders of clones or bare repositories, with `*` and `**` in them or not.
    pub repositories: Vec<String>,
    /// Branches to read, as globs over the name without `refs/heads/`.
    #[serde(default = "all")]
    pub branches: Vec<String>,
    /// Tags to read, as globs over the name without `refs/tags/`.
    #[serde(default = "all")]
    pub tags: Vec<String>,
    /// Whether to count the lines that each commit adds and removes.
    #[serde(default = "yes")]
    pub stats: bool,
    /// Address of repositories that have no remote `origin`; `{name}` stands for the name of the folder without `.git`.
    #[serde(default)]
    pub url: Option<String>,
}

impl Settings {
    /// Everything of the repositories in or below a folder.
    pub fn new(folder: impl Into<String>) -> Self {
        Self { repositories: vec![folder.into()], branches: all(), tags: all(), stats: true, url: None }
    }
}

fn all() -> Vec<String> {
    vec!["**".to_owned()]
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_repositories_are_needed_and_unknown_keys_are_errors() {
        let read = |json| serde_json::from_str::<Settings>(json).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"repositories": ["/srv/git/*.git"]}"#), Ok(Settings::new("/srv/git/*.git")));
        assert!(read(r#"{"repositories": [], "branch": []}"#).unwrap_err().contains("unknown field `branch`"));
    }
}
