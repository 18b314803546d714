//! Which build this is: what the environment tells, under what the caller says.

use serde::Serialize;
use weir_protocol::Change;

use crate::systems::{SYSTEMS, System};
use crate::template::{Lookup, first};

/// What the caller says; it goes before what the environment tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The CI installation.
    pub instance: Option<String>,
    /// Full name of the job.
    pub job: Option<String>,
    /// Number of the run, or what its system calls it instead.
    pub number: Option<String>,
    /// Counts repeats under the same number from 1.
    pub attempt: Option<u32>,
    /// Page of the run.
    pub url: Option<String>,
    /// Repository.
    pub repository: Option<String>,
    /// Branch.
    pub branch: Option<String>,
    /// Commit.
    pub commit: Option<String>,
    /// Number of the pull or merge request.
    pub change: Option<String>,
    /// Who started it.
    pub actor: Option<String>,
    /// Integration of the system's connector, to which the reports are added.
    pub integration: Option<String>,
}

/// A build, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub(crate) build: BuildId,
    pub(crate) about: About,
    pub(crate) stage: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) started: Option<String>,
}

/// What makes a build this one: the same in every report about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct BuildId {
    pub(crate) instance_name: String,
    pub(crate) job_full_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build_number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_id: Option<String>,
    pub(crate) attempt: u32,
    /// Key under which the integration's connector has the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build_key: Option<String>,
}

/// What is known of a build besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct About {
    /// Job and branch with "/" between, for systems that have a job for each branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) qualified_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) web_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repo_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) branch_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base_branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) causes: Vec<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<String>,
}

/// Why a build ran, in Weir's words or the system's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// Why no build can be told.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ContextError {
    /// Neither the environment nor the caller names it.
    #[error("cannot tell which build this is: no {missing} {}", system.map_or_else(|| "and no CI system that is known".to_owned(), |system| format!("in the environment of {system}")))]
    Unknown {
        /// What is missing.
        missing: &'static str,
        /// The system that was found.
        system: Option<&'static str>,
    },
}

/// What the environment tells.
struct Told<'a> {
    system: Option<&'static System>,
    lookup: Lookup<'a>,
}

impl Context {
    /// Tells the build from environment variables and what the caller says.
    pub fn detect(lookup: &dyn Fn(&str) -> Option<String>, given: &Given) -> Result<Self, ContextError> {
        let told = Told { system: system(lookup), lookup };
        Ok(Self {
            build: told.build(given)?,
            about: told.about(given),
            stage: told.get(|system| system.stage),
            result: told.get(|system| system.result),
            started: told.get(|system| system.started),
        })
    }
}

impl Context {
    /// A result as the caller names it: a word, an exit status, or "auto" for what the environment tells of the step.
    pub fn result(&self, named: &str) -> Option<String> {
        let word = if named == "auto" { self.result.as_deref()? } else { named };
        Some(result_word(word))
    }
}

impl Told<'_> {
    fn get(&self, templates: fn(&System) -> &'static [&'static str]) -> Option<String> {
        first(templates(self.system?), self.lookup)
    }

    fn or(&self, given: Option<&str>, templates: fn(&System) -> &'static [&'static str]) -> Option<String> {
        given.map(str::to_owned).or_else(|| self.get(templates))
    }

    fn build(&self, given: &Given) -> Result<BuildId, ContextError> {
        let unknown = |missing| ContextError::Unknown { missing, system: self.system.map(|system| system.name) };
        let run = self.or(given.number.as_deref(), |system| system.number).or_else(|| self.get(|system| system.run));
        let run = run.ok_or_else(|| unknown("number of the run"))?;
        let build_number = run.parse().ok();
        let instance = self.or(given.instance.as_deref(), |system| system.instance).unwrap_or_else(|| "ci".to_owned());
        Ok(BuildId {
            instance_name: instance.trim_end_matches('/').to_owned(),
            job_full_name: self.or(given.job.as_deref(), |system| system.job).ok_or_else(|| unknown("job"))?,
            execution_id: Some(run).filter(|_| build_number.is_none()),
            build_number,
            attempt: given.attempt.or_else(|| self.get(|system| system.attempt)?.parse().ok()).unwrap_or(1),
            build_key: given.integration.as_ref().and_then(|_| self.get(|system| system.key)),
        })
    }

    fn about(&self, given: &Given) -> About {
        let branch_name = self.or(given.branch.as_deref(), |system| system.branch);
        let base_branch = self.get(|system| system.base_branch);
        let change = self.or(given.change.as_deref(), |system| system.change).map(|id| Change {
            id,
            source_branch: branch_name.clone(),
            target_branch: base_branch.clone(),
            ..Change::default()
        });
        let cause = self.get(|system| system.trigger).map(|word| Cause { kind: cause(&word) });
        About {
            qualified_name: self.get(|system| system.job_of_branch).map(|job| job.replace("%2F", "/")),
            display_name: self.get(|system| system.title),
            web_url: self.or(given.url.as_deref(), |system| system.url),
            repo_url: self
                .or(given.repository.as_deref(), |system| system.repository)
                .map(|url| without_credentials(&url)),
            branch_name,
            base_branch,
            commit: self.or(given.commit.as_deref(), |system| system.commit),
            change,
            user_id: self.or(given.actor.as_deref(), |system| system.actor),
            causes: cause.into_iter().collect(),
            node: self.get(|system| system.node),
        }
    }
}

impl BuildId {
    /// The key the host keeps the build under.
    pub(crate) fn key(&self) -> String {
        if let Some(key) = &self.build_key {
            return key.clone();
        }
        let number = self.build_number.map(|number| number.to_string()).or_else(|| self.execution_id.clone());
        format!("{}/{}/{}/{}", self.instance_name, self.job_full_name, number.unwrap_or_default(), self.attempt)
    }
}

fn system(lookup: Lookup<'_>) -> Option<&'static System> {
    SYSTEMS.iter().find(|system| {
        let (name, value) = system.mark;
        lookup(name).is_some_and(|found| !found.is_empty() && value.is_none_or(|value| value == found))
    })
}

/// An exit status as a word; words stay what they are.
pub(crate) fn result_word(word: &str) -> String {
    match word.parse::<i32>() {
        Ok(0) => "success".to_owned(),
        Ok(_) => "failure".to_owned(),
        Err(_) => word.to_owned(),
    }
}

/// Weir's word for why a build ran, where the system's is another one.
fn cause(word: &str) -> String {
    let known = match word.to_ascii_lowercase().as_str() {
        "push" | "individualci" | "batchedci" | "tag" | "webhook" => "push",
        "pull_request"
        | "pull_request_target"
        | "pullrequest"
        | "merge_request_event"
        | "external_pull_request_event"
        | "pull_request_closed" => "change",
        "schedule" | "cron" => "schedule",
        "workflow_dispatch" | "web" | "manual" | "ui" | "custom" | "promote" | "deployment" => "manual",
        "repository_dispatch" | "api" | "trigger" | "trigger_job" => "api",
        "workflow_run" | "workflow_call" | "pipeline" | "parent_pipeline" | "buildcompletion" => "upstream",
        _ => return word.to_owned(),
    };
    known.to_owned()
}

/// A URL without user and password, but for the user of SSH.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) if !scheme.ends_with("ssh") => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        _ => url.to_owned(),
    }
}
