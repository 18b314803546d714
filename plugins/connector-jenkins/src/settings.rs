//! Settings of the connector, as in `weir.toml`.

use serde::Deserialize;
use weir_sdk::settings::Since;

use crate::glob;
use crate::origin::Origin;

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
    pub since: Option<Since>,
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
