//! Pipelines and their jobs.
//!
//! A build is a pipeline: its key is the id of the pipeline, which jobs, deployments and webhooks all know. A job that is
//! repeated is another job of the same pipeline, so there is one attempt.

use serde::Deserialize;
use weir_sdk::model::entity::{Checkout, RunResult, RunState, Stage, StageKind, Trigger, TriggerKind};
use weir_sdk::prelude::*;

use super::{Account, Seconds, duration, host, person, status};
use crate::origin::Origin;

/// A pipeline of the API; or a delivery of a webhook, whose `object_attributes` are one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PipelineJson<'a> {
    id: Field<u64>,
    iid: Field<u64>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, alias = "url")]
    web_url: Text<'a>,
    #[serde(rename = "ref", borrow)]
    reference: Text<'a>,
    sha: Sha,
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
    created_at: Instant,
    started_at: Instant,
    finished_at: Instant,
    duration: Field<Seconds>,
    queued_duration: Field<Seconds>,
    #[serde(borrow)]
    object_attributes: Nested<Box<PipelineJson<'a>>>,
    #[serde(borrow)]
    merge_request: Nested<MergeRequestOfPipeline<'a>>,
    source_pipeline: Nested<SourcePipeline>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MergeRequestOfPipeline<'a> {
    iid: Field<u64>,
    #[serde(borrow)]
    source_branch: Text<'a>,
    #[serde(borrow)]
    target_branch: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SourcePipeline {
    pipeline_id: Field<u64>,
}

impl PipelineJson<'_> {
    /// What the API would have given, as far as a delivery tells.
    fn flattened(mut self) -> Self {
        match std::mem::take(&mut self.object_attributes) {
            Field::Stated(Object(inner)) => Self {
                user: self.user,
                merge_request: self.merge_request,
                source_pipeline: self.source_pipeline,
                ..*inner
            },
            _ => self,
        }
    }
}

pub(crate) fn pipeline(json: PipelineJson<'_>, raw: &Raw<'_>) -> Outcome {
    let json = json.flattened();
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let web_url = raw.text("/web_url", json.web_url);
    let Some(origin) = Origin::read(raw, web_url.as_deref()) else { return raw.missing("/web_url") };
    let merge_request = raw.take("/merge_request", json.merge_request).unwrap_or_default().0;
    let run_for = RunFor::read(&raw.take("/ref", json.reference).unwrap_or_default());
    let number = run_for.merge_request.or(raw.take("/merge_request/iid", merge_request.iid));
    let sha = raw.take("/sha", json.sha);
    let checkout = Checkout {
        repository: Some(origin.reference()),
        branch: run_for.branch.or(raw.text("/merge_request/source_branch", merge_request.source_branch)),
        commit: sha.clone(),
        base_branch: raw.text("/merge_request/target_branch", merge_request.target_branch),
        base_commit: None,
    };
    let source_pipeline = raw.take("/source_pipeline", json.source_pipeline).unwrap_or_default().0;
    let trigger = Trigger {
        kind: TriggerKind::Api,
        text: raw.text("/source", json.source),
        person: person(raw, "/user", json.user),
        build: raw.take("/source_pipeline/pipeline_id", source_pipeline.pipeline_id).map(key),
        led_to: None,
    };
    let word = raw.text("/status", json.status);
    let finished_at = raw.take("/finished_at", json.finished_at);
    let (state, result) = word.as_deref().map(|word| ended(raw, word, finished_at)).unzip();
    let build = Build::default()
        .attempt(1)
        .system(web_url.as_deref().and_then(host))
        .job(origin.project.clone().into_owned())
        .number(raw.take("/iid", json.iid))
        .title(raw.filled("/name", json.name))
        .url(web_url)
        .result_word(word.filter(|_| state == Some(RunState::Finished)))
        .state(state)
        .result(result.flatten())
        .triggers(trigger.text.clone().map(|source| Trigger { kind: trigger_kind(&source), ..trigger }))
        .checkouts([checkout])
        // The commit of a merged result is a trial that no branch has.
        .commits(sha.filter(|_| !run_for.is_trial))
        .change(number.map(|number| Reference::Key(origin.change(number))))
        .queued_at(raw.take("/created_at", json.created_at))
        .started_at(raw.take("/started_at", json.started_at))
        .finished_at(finished_at)
        .queued_for(duration(raw, "/queued_duration", json.queued_duration))
        .duration(duration(raw, "/duration", json.duration));
    Outcome::entity(id.to_string(), &build)
}

fn key(pipeline: u64) -> Reference {
    Reference::Key(pipeline.to_string())
}

/// One that waits for a hand is over when GitLab says when.
fn ended(raw: &Raw<'_>, word: &str, finished_at: Option<Timestamp>) -> (RunState, Option<RunResult>) {
    let status = status(raw, "/status", word, None);
    match (status.state, finished_at) {
        (RunState::Waiting, Some(_)) => (RunState::Finished, Some(RunResult::Unknown(word.to_owned()))),
        (state, _) => (state, status.result),
    }
}

/// What a pipeline was run for, as its ref says: a branch or tag, or "refs/merge-requests/42/head".
struct RunFor {
    branch: Option<String>,
    merge_request: Option<u64>,
    /// Of the merged result or of a place in the merge train.
    is_trial: bool,
}

impl RunFor {
    fn read(reference: &str) -> Self {
        let Some((number, sort)) = reference.strip_prefix("refs/merge-requests/").and_then(|rest| rest.split_once('/'))
        else {
            let branch = Some(reference.to_owned()).filter(|name| !name.is_empty());
            return Self { branch, merge_request: None, is_trial: false };
        };
        Self { branch: None, merge_request: number.parse().ok(), is_trial: sort != "head" }
    }
}

fn trigger_kind(source: &str) -> TriggerKind {
    match source {
        "push" => TriggerKind::Push,
        "web" | "webide" | "chat" => TriggerKind::Manual,
        "schedule" => TriggerKind::Schedule,
        "api" | "trigger" | "external" => TriggerKind::Api,
        "merge_request_event" | "external_pull_request_event" => TriggerKind::Change,
        "pipeline" | "parent_pipeline" => TriggerKind::Upstream,
        other => TriggerKind::Unknown(other.to_owned()),
    }
}

/// One job, or one bridge to another pipeline. A webhook of a job writes the names of its fields in full.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct JobJson<'a> {
    #[serde(alias = "build_id", alias = "job_id")]
    id: Field<u64>,
    #[serde(borrow, alias = "build_name", alias = "job_name")]
    name: Text<'a>,
    #[serde(borrow, alias = "build_stage", alias = "job_stage")]
    stage: Text<'a>,
    #[serde(borrow, alias = "build_status", alias = "job_status")]
    status: Text<'a>,
    #[serde(borrow, alias = "build_failure_reason", alias = "job_failure_reason")]
    failure_reason: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
    #[serde(borrow)]
    runner: Nested<Runner<'a>>,
    #[serde(alias = "build_created_at")]
    created_at: Instant,
    #[serde(alias = "build_started_at")]
    started_at: Instant,
    #[serde(alias = "build_finished_at")]
    finished_at: Instant,
    #[serde(alias = "build_duration")]
    duration: Field<Seconds>,
    pipeline: Nested<PipelineOfJob>,
    pipeline_id: Field<u64>,
    downstream_pipeline: Nested<PipelineOfJob>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Runner<'a> {
    #[serde(borrow)]
    description: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PipelineOfJob {
    id: Field<u64>,
}

/// A job contributes itself and the stage it lies in to the build of its pipeline.
pub(crate) fn job(json: JobJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let pipeline = raw.take("/pipeline", json.pipeline).unwrap_or_default().0;
    let named = raw.take("/pipeline/id", pipeline.id).or(raw.take("/pipeline_id", json.pipeline_id));
    let origin: Option<Origin<'_>> = raw.context();
    let Some(pipeline) = named.or(origin.and_then(|origin| origin.pipeline)) else {
        return raw.missing("/pipeline/id");
    };
    let word = raw.text("/status", json.status);
    let reason = raw.take("/failure_reason", json.failure_reason).filter(|_| word.as_deref() == Some("failed"));
    let status = word.as_deref().map(|word| status(raw, "/status", word, reason.as_deref()));
    let (state, result) = status.map(|status| (status.state, status.result)).unzip();
    let runner = raw.take("/runner", json.runner).unwrap_or_default().0;
    let downstream = raw.take("/downstream_pipeline", json.downstream_pipeline).unwrap_or_default().0;
    let parent = raw.filled("/stage", json.stage).map(|name| Stage {
        key: format!("stage/{name}"),
        name: Some(name),
        kind: Some(StageKind::Stage),
        ..Stage::default()
    });
    let job = Stage {
        key: id.to_string(),
        parent: parent.as_ref().map(|stage| stage.key.clone()),
        name: raw.text("/name", json.name),
        kind: Some(StageKind::Job),
        result_word: word.filter(|_| state == Some(RunState::Finished)).map(|word| result_word(&word, reason)),
        state,
        result: result.flatten(),
        queued_at: raw.take("/created_at", json.created_at),
        started_at: raw.take("/started_at", json.started_at),
        finished_at: raw.take("/finished_at", json.finished_at),
        duration: duration(raw, "/duration", json.duration),
        worker: raw.filled("/runner/description", runner.description),
        child: raw.take("/downstream_pipeline/id", downstream.id).map(key),
        url: raw.text("/web_url", json.web_url),
        ..Stage::default()
    };
    let build = Build::default().stages(parent.into_iter().chain([job]));
    Outcome::entity(pipeline.to_string(), &build)
}

/// GitLab's word, with its reason where it gives one: `failed (script_failure)`.
fn result_word(word: &str, reason: Option<std::borrow::Cow<'_, str>>) -> String {
    reason.map_or_else(|| word.to_owned(), |reason| format!("{word} ({reason})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_say_what_a_pipeline_was_run_for() {
        let check = |reference| {
            let RunFor { branch, merge_request, is_trial } = RunFor::read(reference);
            format!("{} {} {is_trial}", branch.unwrap_or_default(), merge_request.unwrap_or_default())
        };
        assert_eq!(check("feature/x"), "feature/x 0 false");
        assert_eq!(check("refs/merge-requests/42/head"), " 42 false");
        assert_eq!(check("refs/merge-requests/42/merge"), " 42 true");
        assert_eq!(check("refs/merge-requests/42/train"), " 42 true");
        assert_eq!(check(""), " 0 false");
    }
}
