//! Settings of the connector, as in `weir.toml`.

use serde::Deserialize;
use weir_sdk::prelude::*;

use crate::glob;
use crate::origin::Origin;
use crate::requests::DATASETS;

/// What to read.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Jobs to read, as globs.
    pub jobs: Vec<String>,
    /// Jobs that deploy, as globs.
    pub deployments: Vec<String>,
    /// Id of the instance, put before the keys of its builds.
    pub instance: Option<String>,
    /// Nothing older than this day or instant.
    pub since: Option<String>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let (jobs, deployments) = (vec!["**".to_owned()], vec!["deploy-*".to_owned()]);
        Self { jobs, deployments, instance: None, since: None, datasets: Vec::new() }
    }
}

impl Settings {
    /// Earliest start of interest in milliseconds.
    pub(crate) fn since_ms(&self) -> Result<Option<i64>, Failure> {
        let Some(since) = &self.since else { return Ok(None) };
        let spelled = if since.len() == "2025-01-01".len() { format!("{since}T00:00:00Z") } else { since.clone() };
        let unreadable =
            |_| Failure::config("jenkins.settings.since", format!("`since` is `{since}`; write it like 2025-01-01"));
        spelled.parse().map(Timestamp::ms).map(Some).map_err(unreadable)
    }

    /// Whether a dataset is wanted; the one it is read under comes with it.
    pub(crate) fn reads(&self, dataset: &Dataset) -> bool {
        let wanted = |name: &str| self.datasets.is_empty() || self.datasets.iter().any(|wanted| wanted == name);
        wanted(dataset.name) || DATASETS.iter().any(|child| child.parent == Some(dataset.name) && wanted(child.name))
    }

    /// Whether builds of a job are wanted.
    pub(crate) fn chooses(&self, job: &Origin) -> bool {
        fits(&self.jobs, job)
    }

    /// Whether builds of a job bring something to an environment.
    pub(crate) fn deploys(&self, job: &Origin) -> bool {
        fits(&self.deployments, job)
    }
}

/// A pattern is meant for the full name, with its branch or without, or for the job's own name.
fn fits(patterns: &[String], job: &Origin) -> bool {
    let whole = job.readable();
    let pipeline = job.pipeline();
    let own = pipeline.rsplit('/').next().unwrap_or_default();
    patterns.iter().any(|pattern| [&whole, &pipeline, own].iter().any(|name| glob::matches(pattern, name)))
}
