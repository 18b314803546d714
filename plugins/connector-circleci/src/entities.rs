//! From workflows and jobs to builds. Pure; an odd field is reported and left out, never the record.

use serde::Deserialize;
use serde::de::IgnoredAny;
use weir_sdk::model::entity::{Checkout, RunResult, RunState, Stage, StageKind, Trigger, TriggerKind};
use weir_sdk::prelude::*;

use crate::Settings;
use crate::origin::{JobOrigin, Origin};

/// A workflow, or a pipeline that never got to have one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RunJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    /// Of a repeat: `rerun-workflow-from-failed` and the like.
    #[serde(borrow)]
    tag: Text<'a>,
    created_at: Instant,
    stopped_at: Instant,
    /// Of a pipeline.
    #[serde(borrow)]
    state: Text<'a>,
    errors: Option<IgnoredAny>,
}

pub(crate) fn run(json: RunJson<'_>, raw: &Raw<'_>, settings: &Settings) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let Some(origin) = raw.context::<Origin>() else { return raw.missing("/project_slug") };
    let created_at = raw.take("/created_at", json.created_at);
    let is_repeat = raw.filled("/tag", json.tag).is_some_and(|tag| tag.starts_with("rerun"));
    let build = about(&origin).queued_at(created_at).triggers(triggers(&origin, is_repeat));
    if json.errors.is_some() {
        let build = build.attempt(1).job(origin.project).state(RunState::Finished).result(RunResult::Error);
        return Outcome::entity(format!("pipeline/{id}"), &build.result_word(raw.filled("/state", json.state)));
    }
    let word = raw.filled("/status", json.status);
    let (state, result) = word.as_deref().map(|word| judged(raw, word)).unzip();
    let result = result.flatten();
    let finished_at = raw.take("/stopped_at", json.stopped_at).filter(|_| state == Some(RunState::Finished));
    let duration = finished_at.zip(created_at).map(|(finished, started)| finished.since(started));
    if duration == Some(None) {
        raw.report(DiagnosticKind::Conflicting, "/stopped_at", "it stopped before it was created");
    }
    let name = raw.filled("/name", json.name);
    let build = build
        .attempt(origin.attempt)
        .job(name.map(|name| format!("{}/{name}", origin.project)))
        .url(page(settings, &origin.project, origin.number, &id))
        .state(state)
        .result_word(word.filter(|_| result.is_some()))
        .result(result)
        // A workflow begins when it is created; what queues after that are its jobs.
        .started_at(created_at)
        .finished_at(finished_at)
        .duration(duration.flatten());
    Outcome::entity(id, &build)
}

/// What the pipeline says about each of its workflows.
fn about(origin: &Origin) -> Build {
    let checkout = Checkout {
        repository: origin.repository.clone().map(Reference::Name),
        branch: origin.branch.clone().or_else(|| origin.tag.clone()),
        commit: origin.commit.clone(),
        ..Checkout::default()
    };
    Build::default()
        .number(origin.number)
        .title(origin.subject.clone())
        .checkouts(Some(checkout).filter(|checkout| *checkout != Checkout::default()))
        .change(origin.review.as_deref().and_then(change).map(Reference::Name))
}

/// "acme/api#12" for ".../acme/api/pull/12".
fn change(review: &str) -> Option<String> {
    let (repository, number) = review.rsplit_once("/pull/")?;
    let mut parts = repository.rsplit('/');
    let (name, owner) = (parts.next()?, parts.next()?);
    let number: u64 = number.parse().ok()?;
    Some(format!("{owner}/{name}#{number}"))
}

/// Direct cause first: a repeat was asked for by somebody, its pipeline brought about by its trigger.
fn triggers(origin: &Origin, is_repeat: bool) -> Vec<Trigger> {
    let again = Trigger { kind: TriggerKind::Rerun, text: None, person: None, build: None, led_to: None };
    let first = origin.trigger.as_ref().map(|word| Trigger {
        kind: trigger_kind(word, origin.review.is_some()),
        text: Some(word.clone()),
        person: origin.actor.clone().map(Reference::Name),
        build: None,
        led_to: is_repeat.then_some(0),
    });
    Some(again).filter(|_| is_repeat).into_iter().chain(first).collect()
}

fn trigger_kind(word: &str, has_review: bool) -> TriggerKind {
    match word {
        "webhook" if has_review => TriggerKind::Change,
        "webhook" => TriggerKind::Push,
        "api" => TriggerKind::Api,
        "explicit" => TriggerKind::Manual,
        "schedule" | "scheduled_pipeline" => TriggerKind::Schedule,
        other => TriggerKind::Unknown(other.to_owned()),
    }
}

/// Where a workflow or job stands, and how it ended; none while it has not.
fn judged(raw: &Raw<'_>, word: &str) -> (RunState, Option<RunResult>) {
    let result = match word {
        "queued" | "not_running" | "blocked" => return (RunState::Queued, None),
        "running" | "failing" => return (RunState::Running, None),
        "on_hold" => return (RunState::Waiting, None),
        "success" => RunResult::Success,
        "failed" => RunResult::Failure,
        "error" | "infrastructure_fail" => RunResult::Error,
        "timedout" => RunResult::Timeout,
        "canceled" => RunResult::Cancelled,
        "not_run" => RunResult::Skipped,
        // Over, and how is not told.
        "unauthorized" | "retried" | "terminated-unknown" => RunResult::Unknown(word.to_owned()),
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/status", other);
            return (RunState::Unknown(other.to_owned()), None);
        }
    };
    (RunState::Finished, Some(result))
}

/// Page of a workflow for people.
fn page(settings: &Settings, project: &str, number: Option<u64>, workflow: &str) -> Option<String> {
    let app = settings.app.as_deref().map_or("https://app.circleci.com", |app| app.trim_end_matches('/'));
    Some(format!("{app}/pipelines/{project}/{}/workflows/{workflow}", number?))
}

/// A job, as listed or as a webhook has it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct JobJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(alias = "number")]
    job_number: Field<u64>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    started_at: Instant,
    stopped_at: Instant,
}

/// A job contributes a stage to the build of its workflow.
pub(crate) fn job(json: JobJson<'_>, raw: &Raw<'_>, settings: &Settings) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let Some(origin) = raw.context::<JobOrigin>() else { return raw.missing("/workflow/id") };
    let word = raw.filled("/status", json.status);
    let (state, result) = word.as_deref().map(|word| judged(raw, word)).unzip();
    let result = result.flatten();
    let started_at = raw.take("/started_at", json.started_at);
    let finished_at = raw.take("/stopped_at", json.stopped_at).filter(|_| state == Some(RunState::Finished));
    let number = raw.take("/job_number", json.job_number);
    let page = page(settings, &origin.project, origin.number, &origin.workflow);
    let part = Stage {
        key: id,
        name: raw.filled("/name", json.name),
        kind: Some(StageKind::Job),
        state,
        result_word: word.filter(|_| result.is_some()),
        result,
        started_at,
        finished_at,
        duration: finished_at.zip(started_at).and_then(|(finished, started)| finished.since(started)),
        url: page.zip(number).map(|(page, number)| format!("{page}/jobs/{number}")),
        ..Stage::default()
    };
    Outcome::entity(origin.workflow, &Build::default().stages([part]))
}
