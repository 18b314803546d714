//! What an operator says about a home.
//!
//! Invariant: an unknown key is an error.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The settings of the collector `jenkins-home`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder of Jenkins, the one with `jobs` in it.
    pub home: PathBuf,
    /// Jobs to read, as globs over the full name (`Team/api/main`) or the job's own name.
    #[serde(default = "all")]
    pub jobs: Vec<String>,
    /// Jobs that deploy, as globs of the same sort. Their builds say `cd: true` and an environment.
    #[serde(default = "deployments")]
    pub deployments: Vec<String>,
    /// Id of the Jenkins instance. Otherwise made from the place of the home and the address of Jenkins.
    #[serde(default)]
    pub instance: Option<String>,
    /// Zone of the controller, such as `Europe/Berlin`, for times that are written without one. Otherwise they stay unknown.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Whether reports of builds that did not succeed hold the end of their log.
    #[serde(default = "yes")]
    pub log_tail: bool,
}

impl Settings {
    /// All jobs of `home`; those called `deploy-...` deploy.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            jobs: all(),
            deployments: deployments(),
            instance: None,
            time_zone: None,
            log_tail: true,
        }
    }
}

fn all() -> Vec<String> {
    vec!["**".into()]
}

fn deployments() -> Vec<String> {
    vec!["deploy-*".into()]
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_home_is_needed_and_unknown_keys_are_errors() {
        let read = |json| serde_json::from_str::<Settings>(json).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"home": "/var/lib/jenkins"}"#), Ok(Settings::new("/var/lib/jenkins")));
        assert!(read(r#"{"home": "/", "job": []}"#).unwrap_err().contains("unknown field `job`"));
    }
}
