//! Workflow runs and their jobs.
//!
//! A build is one attempt of one run: its key is "owner/name/run id/attempt", which runs, jobs and webhooks all know.

use serde::Deserialize;
use weir_sdk::model::entity::{Checkout, Stage, StageKind, Trigger, TriggerKind};
use weir_sdk::prelude::*;

use super::{Account, person, result, state};
use crate::origin::Origin;

/// One attempt of a workflow run.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RunJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    display_title: Text<'a>,
    run_number: Field<u64>,
    run_attempt: Field<u32>,
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    conclusion: Text<'a>,
    #[serde(borrow)]
    head_branch: Text<'a>,
    head_sha: Sha,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    actor: Nested<Account<'a>>,
    #[serde(borrow)]
    triggering_actor: Nested<Account<'a>>,
    #[serde(borrow)]
    pull_requests: List<Object<PullOfRun<'a>>>,
    created_at: Instant,
    updated_at: Instant,
    run_started_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PullOfRun<'a> {
    number: Field<u64>,
    #[serde(borrow)]
    base: Nested<BaseOfPull<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BaseOfPull<'a> {
    #[serde(rename = "ref", borrow)]
    branch: Text<'a>,
    sha: Sha,
}

fn build_key(origin: &Origin<'_>, run: u64, attempt: u32) -> String {
    format!("{}/{run}/{attempt}", origin.repository)
}

pub(crate) fn workflow_run(json: RunJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let url = raw.take("/url", json.url);
    let Some(origin) = Origin::read(raw, url.as_deref()) else { return raw.missing("/repository/full_name") };
    let attempt = raw.take("/run_attempt", json.run_attempt).unwrap_or(1);
    let head_sha = raw.take("/head_sha", json.head_sha);
    // A run of several pull requests with one head is a run of that head, not of one of them.
    let mut pulls = raw.list("/pull_requests", json.pull_requests);
    let pull = if pulls.len() == 1 { pulls.pop() } else { None }.unwrap_or_default().0;
    let base = raw.take("/pull_requests/0/base", pull.base).unwrap_or_default().0;
    let status = raw.take("/status", json.status);
    let finished = status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("completed"));
    let conclusion = raw.text("/conclusion", json.conclusion).filter(|_| finished);
    let started_at = raw.take("/run_started_at", json.run_started_at);
    let finished_at = raw.take("/updated_at", json.updated_at).filter(|_| finished);
    let checkout = Checkout {
        repository: Some(origin.reference()),
        branch: raw.text("/head_branch", json.head_branch),
        commit: head_sha.clone(),
        base_branch: raw.text("/pull_requests/0/base/ref", base.branch),
        base_commit: raw.take("/pull_requests/0/base/sha", base.sha),
    };
    let workflow = raw.filled("/name", json.name).or_else(|| raw.filled("/path", json.path));
    let actors = (person(raw, "/actor", json.actor), person(raw, "/triggering_actor", json.triggering_actor));
    let build = Build::default()
        .attempt(attempt)
        .system(system(url.as_deref()))
        .job(workflow.map(|workflow| format!("{}/{workflow}", origin.repository)))
        .number(raw.take("/run_number", json.run_number))
        .title(raw.filled("/display_title", json.display_title))
        .url(raw.text("/html_url", json.html_url))
        .state(status.as_deref().map(|word| state(raw, "/status", word)))
        .result(conclusion.as_deref().map(result))
        .result_word(conclusion)
        .triggers(triggers(raw.text("/event", json.event), attempt, actors))
        .checkouts([checkout])
        .commits(head_sha)
        .change(raw.take("/pull_requests/0/number", pull.number).map(|number| Reference::Key(origin.numbered(number))))
        // A repeat keeps the time its first attempt was created at.
        .queued_at(raw.take("/created_at", json.created_at).filter(|_| attempt == 1))
        .started_at(started_at)
        .finished_at(finished_at)
        .duration(finished_at.zip(started_at).and_then(|(finished, started)| finished.since(started)));
    Outcome::entity(build_key(&origin, id, attempt), &build)
}

/// The host of the API, by which the runs of two instances stay apart.
fn system(api_url: Option<&str>) -> Option<String> {
    let (_, rest) = api_url?.split_once("://")?;
    let host = rest.split('/').next()?;
    Some(host.strip_prefix("api.").unwrap_or(host).to_owned())
}

/// Direct cause first: a repeat was brought about by whoever asked for it, the run itself by its event.
fn triggers(
    event: Option<String>,
    attempt: u32,
    (actor, repeater): (Option<Reference>, Option<Reference>),
) -> Vec<Trigger> {
    let Some(event) = event else { return Vec::new() };
    let kind = trigger_kind(&event);
    let first = Trigger { kind, text: Some(event), person: actor, build: None, led_to: (attempt > 1).then_some(0) };
    if attempt == 1 {
        return vec![first];
    }
    vec![Trigger { kind: TriggerKind::Rerun, text: None, person: repeater, build: None, led_to: None }, first]
}

fn trigger_kind(event: &str) -> TriggerKind {
    match event {
        "push" | "create" | "delete" => TriggerKind::Push,
        "pull_request"
        | "pull_request_target"
        | "pull_request_review"
        | "pull_request_review_comment"
        | "merge_group" => TriggerKind::Change,
        "schedule" => TriggerKind::Schedule,
        "workflow_dispatch" => TriggerKind::Manual,
        "repository_dispatch" => TriggerKind::Api,
        "workflow_run" | "workflow_call" => TriggerKind::Upstream,
        other => TriggerKind::Unknown(other.to_owned()),
    }
}

/// One job of an attempt.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct JobJson<'a> {
    id: Field<u64>,
    run_id: Field<u64>,
    run_attempt: Field<u32>,
    #[serde(borrow)]
    run_url: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    conclusion: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    runner_name: Text<'a>,
    created_at: Instant,
    started_at: Instant,
    completed_at: Instant,
    #[serde(borrow)]
    steps: List<Object<StepJson<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StepJson<'a> {
    number: Field<u64>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    conclusion: Text<'a>,
    started_at: Instant,
    completed_at: Instant,
}

/// A job contributes its stages to the build of its attempt.
pub(crate) fn job(json: JobJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let Some(run) = raw.take("/run_id", json.run_id) else { return raw.missing("/run_id") };
    let run_url = raw.take("/run_url", json.run_url);
    let Some(origin) = Origin::read(raw, run_url.as_deref()) else { return raw.missing("/run_url") };
    let status = raw.take("/status", json.status);
    let conclusion = raw.text("/conclusion", json.conclusion);
    let started_at = raw.take("/started_at", json.started_at);
    let finished_at = raw.take("/completed_at", json.completed_at);
    let stage = Stage {
        key: id.to_string(),
        name: raw.text("/name", json.name),
        kind: Some(StageKind::Job),
        state: status.as_deref().map(|word| state(raw, "/status", word)),
        result: conclusion.as_deref().map(result),
        result_word: conclusion,
        queued_at: raw.take("/created_at", json.created_at),
        started_at,
        finished_at,
        duration: finished_at.zip(started_at).and_then(|(finished, started)| finished.since(started)),
        worker: raw.filled("/runner_name", json.runner_name),
        url: raw.text("/html_url", json.html_url),
        ..Stage::default()
    };
    let steps: Vec<Stage> = raw
        .list("/steps", json.steps)
        .into_iter()
        .enumerate()
        .map(|(at, step)| self::step(raw, &stage.key, at, step.0))
        .collect();
    let build = Build::default().stages(std::iter::once(stage).chain(steps));
    let attempt = raw.take("/run_attempt", json.run_attempt).unwrap_or(1);
    Outcome::entity(build_key(&origin, run, attempt), &build)
}

fn step(raw: &Raw<'_>, job: &str, at: usize, json: StepJson<'_>) -> Stage {
    let number = raw.take("/steps/number", json.number).map_or_else(|| format!("at-{at}"), |number| number.to_string());
    let status = raw.take("/steps/status", json.status);
    let conclusion = raw.text("/steps/conclusion", json.conclusion);
    let (started_at, finished_at) =
        (raw.take("/steps/started_at", json.started_at), raw.take("/steps/completed_at", json.completed_at));
    Stage {
        key: format!("{job}/{number}"),
        parent: Some(job.to_owned()),
        name: raw.text("/steps/name", json.name),
        kind: Some(StageKind::Step),
        state: status.as_deref().map(|word| state(raw, "/steps/status", word)),
        result: conclusion.as_deref().map(result),
        result_word: conclusion,
        started_at,
        finished_at,
        duration: finished_at.zip(started_at).and_then(|(finished, started)| finished.since(started)),
        ..Stage::default()
    }
}
