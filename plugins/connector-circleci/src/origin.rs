//! What the payload of a workflow or job does not say: its pipeline. The same from polls and webhooks, but for the
//! attempt, which only those know who see all workflows of a pipeline.

use std::borrow::Cow;

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
    pub(crate) id: Field<Cow<'a, str>>,
    pub(crate) number: Field<u64>,
    #[serde(borrow)]
    pub(crate) state: Field<Cow<'a, str>>,
    pub(crate) created_at: Field<Timestamp>,
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
    branch: Field<Cow<'a, str>>,
    #[serde(borrow)]
    tag: Field<Cow<'a, str>>,
    revision: Field<ObjectId>,
    #[serde(borrow)]
    commit: Nested<Subject<'a>>,
    #[serde(borrow)]
    target_repository_url: Field<Cow<'a, str>>,
    #[serde(borrow)]
    review_url: Field<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Subject<'a> {
    #[serde(borrow)]
    subject: Field<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TriggerJson<'a> {
    #[serde(rename = "type", borrow)]
    kind: Field<Cow<'a, str>>,
    #[serde(borrow)]
    actor: Nested<Actor<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Actor<'a> {
    #[serde(borrow)]
    login: Field<Cow<'a, str>>,
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
    branch: Field<Cow<'a, str>>,
    checkout_sha: Field<ObjectId>,
    #[serde(borrow)]
    repo_url: Field<Cow<'a, str>>,
}

impl Origin {
    /// What a pipeline says about its workflows. Odd fields are left out: the pipeline itself is no record.
    pub(crate) fn of(project: &str, pipeline: &PipelineJson<'_>) -> Self {
        let (vcs_unstated, trigger_unstated, git_unstated) = Default::default();
        let vcs = nested(&pipeline.vcs).unwrap_or(&vcs_unstated);
        let trigger = nested(&pipeline.trigger).unwrap_or(&trigger_unstated);
        let git = nested(&pipeline.trigger_parameters).and_then(|given| nested(&given.git)).unwrap_or(&git_unstated);
        Self {
            project: canonical(project),
            number: pipeline.number.quietly().copied(),
            branch: filled(&vcs.branch).or_else(|| filled(&git.branch)),
            tag: filled(&vcs.tag),
            commit: vcs.revision.quietly().or(git.checkout_sha.quietly()).cloned(),
            subject: nested(&vcs.commit).and_then(|commit| filled(&commit.subject)),
            repository: filled(&vcs.target_repository_url).or_else(|| filled(&git.repo_url)),
            review: filled(&vcs.review_url),
            trigger: filled(&trigger.kind),
            actor: nested(&trigger.actor).and_then(|actor| filled(&actor.login)),
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

fn nested<T>(field: &Nested<T>) -> Option<&T> {
    field.quietly().map(|object| &object.0)
}

fn filled(field: &Field<Cow<'_, str>>) -> Option<String> {
    field.quietly().filter(|text| !text.trim().is_empty()).map(|text| text.clone().into_owned())
}
