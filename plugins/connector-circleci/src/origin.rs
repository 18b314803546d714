//! What the payload of a workflow or job does not say: its pipeline. The same from polls and webhooks, but for the
//! attempt, which only those know who see all workflows of a pipeline.

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;

/// Where a workflow comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Origin {
    /// Slug of the project.
    pub(crate) project: String,
    /// Number of the pipeline in its project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<ObjectId>,
    /// First line of the message of the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// Address of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repository: Option<String>,
    /// Address of the pull request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) review: Option<String>,
    /// What began the pipeline, in the tool's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trigger: Option<String>,
    /// Login of who began it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<String>,
    /// Which of the workflows of that name in the pipeline it is, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u32>,
}

/// Where a job comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobOrigin {
    pub(crate) project: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u64>,
    /// Id of the workflow.
    pub(crate) workflow: String,
}

/// A pipeline, as listed or as a webhook has it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PipelineJson<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    pub(crate) number: Field<u64>,
    #[serde(borrow)]
    pub(crate) state: Text<'a>,
    pub(crate) created_at: Instant,
    #[serde(borrow)]
    vcs: Nested<Vcs<'a>>,
    #[serde(borrow)]
    trigger: Nested<TriggerJson<'a>>,
    #[serde(borrow)]
    trigger_parameters: Nested<TriggerParameters<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Vcs<'a> {
    #[serde(borrow)]
    branch: Text<'a>,
    #[serde(borrow)]
    tag: Text<'a>,
    revision: Sha,
    #[serde(borrow)]
    commit: Nested<Subject<'a>>,
    #[serde(borrow)]
    target_repository_url: Text<'a>,
    #[serde(borrow)]
    review_url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Subject<'a> {
    #[serde(borrow)]
    subject: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TriggerJson<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    actor: Nested<Actor<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Actor<'a> {
    #[serde(borrow)]
    login: Text<'a>,
}

/// What projects that are no longer tied to one code host have in place of `vcs`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TriggerParameters<'a> {
    #[serde(borrow)]
    git: Nested<Git<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Git<'a> {
    #[serde(borrow)]
    branch: Text<'a>,
    checkout_sha: Sha,
    #[serde(borrow)]
    repo_url: Text<'a>,
}

impl Origin {
    /// What a pipeline says about its workflows. Odd fields are left out: the pipeline itself is no record.
    pub(crate) fn of(project: &str, pipeline: &PipelineJson<'_>) -> Self {
        let (vcs_unstated, trigger_unstated, git_unstated) = Default::default();
        let vcs = pipeline.vcs.inner().unwrap_or(&vcs_unstated);
        let trigger = pipeline.trigger.inner().unwrap_or(&trigger_unstated);
        let git = pipeline.trigger_parameters.inner().and_then(|given| given.git.inner()).unwrap_or(&git_unstated);
        Self {
            project: canonical(project),
            number: pipeline.number.quietly().copied(),
            branch: vcs.branch.filled().or_else(|| git.branch.filled()),
            tag: vcs.tag.filled(),
            commit: vcs.revision.quietly().or(git.checkout_sha.quietly()).cloned(),
            subject: vcs.commit.inner().and_then(|commit| commit.subject.filled()),
            repository: vcs.target_repository_url.filled().or_else(|| git.repo_url.filled()),
            review: vcs.review_url.filled(),
            trigger: trigger.kind.filled(),
            actor: trigger.actor.inner().and_then(|actor| actor.login.filled()),
            attempt: None,
        }
    }

    /// Where a job of a workflow comes from.
    pub(crate) fn of_job(&self, workflow: &str) -> JobOrigin {
        JobOrigin { project: self.project.clone(), number: self.number, workflow: workflow.to_owned() }
    }
}

/// A slug as the API spells it: `github` is another way to write `gh`, and `bitbucket` of `bb`.
pub(crate) fn canonical(slug: &str) -> String {
    match slug.split_once('/') {
        Some((host, rest)) if host.eq_ignore_ascii_case("github") => format!("gh/{rest}"),
        Some((host, rest)) if host.eq_ignore_ascii_case("bitbucket") => format!("bb/{rest}"),
        _ => slug.to_owned(),
    }
}
