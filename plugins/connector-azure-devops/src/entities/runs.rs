//! Builds, their timelines and changes.
//!
//! Azure DevOps numbers the builds of an organisation; with its project before it the number is the key of a build.

use serde::Deserialize;
use weir_sdk::model::entity::{Checkout, RunState, Stage, StageKind, Trigger, TriggerKind};
use weir_sdk::prelude::*;

use super::{Identity, Links, Named, Somebody, branch, name, page, result};
use crate::origin::Origin;

/// A build, or a run of a pipeline.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct BuildJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    project: Nested<Named<'a>>,
    #[serde(borrow, rename = "buildNumber")]
    number: Text<'a>,
    #[serde(borrow)]
    definition: Nested<Definition<'a>>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    result: Text<'a>,
    #[serde(borrow)]
    reason: Text<'a>,
    #[serde(borrow, rename = "requestedFor")]
    requested_for: Nested<Identity<'a>>,
    #[serde(borrow)]
    repository: Nested<RepositoryPointer<'a>>,
    #[serde(borrow, rename = "sourceBranch")]
    branch: Text<'a>,
    #[serde(rename = "sourceVersion")]
    commit: Sha,
    #[serde(borrow, rename = "triggerInfo")]
    trigger: Nested<TriggerInfo<'a>>,
    #[serde(borrow, rename = "triggeredByBuild")]
    upstream: Nested<BuildPointer<'a>>,
    #[serde(borrow, rename = "_links")]
    links: Nested<Links<'a>>,
    #[serde(rename = "queueTime")]
    queued_at: Instant,
    #[serde(rename = "startTime")]
    started_at: Instant,
    #[serde(rename = "finishTime")]
    finished_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Definition<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryPointer<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TriggerInfo<'a> {
    #[serde(borrow, rename = "pr.sourceBranch")]
    head: Text<'a>,
    #[serde(rename = "pr.sourceSha")]
    head_commit: Sha,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BuildPointer<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    project: Nested<Named<'a>>,
}

pub(crate) fn build(json: BuildJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let named = name(raw, "/project", json.project);
    let Some(origin) = Origin::read(raw).or_else(|| named.map(Origin::of)) else { return raw.missing("/project/name") };
    let repository = Repo::read(raw, &origin, json.repository);
    let source = raw.text("/sourceBranch", json.branch);
    let trigger = raw.take("/triggerInfo", json.trigger).unwrap_or_default().0;
    let head_commit = raw.take("/triggerInfo/pr.sourceSha", trigger.head_commit);
    let head = raw.take("/triggerInfo/pr.sourceBranch", trigger.head).map(|name| branch(&name));
    let commit = raw.take("/sourceVersion", json.commit);
    let definition = raw.take("/definition", json.definition).unwrap_or_default().0;
    let status = raw.take("/status", json.status);
    let state = status.as_deref().map(|word| state(raw, "/status", word));
    let word = raw.text("/result", json.result).filter(|_| state == Some(RunState::Finished));
    let (started_at, finished_at) =
        (raw.take("/startTime", json.started_at), raw.take("/finishTime", json.finished_at));
    let asked = Somebody::read(raw, "/requestedFor", json.requested_for);
    let upstream = upstream(raw, &origin, json.upstream);
    let pull = source.as_deref().and_then(pull_of).and_then(|number| repository.pull_key(number));
    let checkout = Checkout {
        repository: repository.reference(),
        // Of a pull request a trial merge is built; its head is what the change has.
        branch: head.or_else(|| source.as_deref().map(branch)),
        commit: head_commit.clone().or_else(|| commit.clone()),
        base_branch: None,
        base_commit: None,
    };
    let build = Build::default()
        .attempt(1)
        .system("azure-devops".to_owned())
        .job(job(raw, &origin, definition))
        .title(raw.filled("/buildNumber", json.number))
        .url(page(raw, json.links))
        .state(state)
        .result(word.as_deref().map(result))
        .result_word(word)
        .triggers(trigger_of(raw.take("/reason", json.reason).as_deref(), asked.reference(), upstream))
        .checkouts([checkout])
        .commits(head_commit.or(commit))
        .change(pull.map(Reference::Key))
        .queued_at(raw.take("/queueTime", json.queued_at))
        .started_at(started_at)
        .finished_at(finished_at)
        .duration(finished_at.zip(started_at).and_then(|(finished, started)| finished.since(started)));
    asked.add_person(Produced::default().with(origin.build_key(id), &build)).into()
}

/// Repository of a build: one of the project, or one elsewhere.
struct Repo {
    project: String,
    name: Option<String>,
    is_own: bool,
    url: Option<String>,
}

impl Repo {
    fn read(raw: &Raw<'_>, origin: &Origin<'_>, json: Nested<RepositoryPointer<'_>>) -> Self {
        let json = raw.take("/repository", json).unwrap_or_default().0;
        let kind = raw.take("/repository/type", json.kind);
        let id = raw.filled("/repository/id", json.id);
        let is_own = kind.as_deref() == Some("TfsGit");
        let url = raw.filled("/repository/url", json.url);
        let on_github = id.filter(|_| kind.as_deref() == Some("GitHub")).map(|id| format!("https://github.com/{id}"));
        let name = raw.filled("/repository/name", json.name);
        Self { project: origin.project.clone().into_owned(), name, is_own, url: on_github.or(url) }
    }

    fn reference(&self) -> Option<Reference> {
        let own = self.name.as_ref().filter(|_| self.is_own);
        let own = own.map(|name| Reference::Key(format!("{}/{name}", self.project)));
        own.or_else(|| self.url.clone().map(Reference::Name))
    }

    fn pull_key(&self, number: u64) -> Option<String> {
        let name = self.name.as_ref().filter(|_| self.is_own)?;
        Some(format!("{}/{name}!{number}", self.project))
    }
}

/// The number in "refs/pull/42/merge".
fn pull_of(source: &str) -> Option<u64> {
    source.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok()
}

/// "project/folder/pipeline"; Azure DevOps writes folders with backslashes.
fn job(raw: &Raw<'_>, origin: &Origin<'_>, definition: Definition<'_>) -> Option<String> {
    let name = raw.filled("/definition/name", definition.name)?;
    let path = raw.text("/definition/path", definition.path).unwrap_or_default();
    let folders = path.split('\\').filter(|folder| !folder.is_empty());
    let parts: Vec<&str> = std::iter::once(origin.project.as_ref()).chain(folders).chain([name.as_str()]).collect();
    Some(parts.join("/"))
}

fn upstream(raw: &Raw<'_>, origin: &Origin<'_>, pointer: Nested<BuildPointer<'_>>) -> Option<Reference> {
    let pointer = raw.take("/triggeredByBuild", pointer)?.0;
    let project = name(raw, "/triggeredByBuild/project", pointer.project);
    let id = raw.take("/triggeredByBuild/id", pointer.id)?;
    let origin = project.map_or_else(|| origin.clone(), Origin::of);
    Some(Reference::Key(origin.build_key(id)))
}

fn trigger_of(reason: Option<&str>, person: Option<Reference>, build: Option<Reference>) -> Vec<Trigger> {
    let Some(reason) = reason else { return Vec::new() };
    let kind = match reason {
        "manual" | "userCreated" => TriggerKind::Manual,
        "individualCI" | "batchedCI" => TriggerKind::Push,
        "pullRequest" | "validateShelveset" | "checkInShelveset" => TriggerKind::Change,
        "schedule" | "scheduleForced" => TriggerKind::Schedule,
        "buildCompletion" | "resourceTrigger" => TriggerKind::Upstream,
        other => TriggerKind::Unknown(other.to_owned()),
    };
    vec![Trigger { kind, text: Some(reason.to_owned()), person, build, led_to: None }]
}

fn state(raw: &Raw<'_>, place: &str, word: &str) -> RunState {
    match word {
        "notStarted" | "pending" => RunState::Queued,
        "postponed" => RunState::Waiting,
        "inProgress" | "cancelling" => RunState::Running,
        "completed" => RunState::Finished,
        other => {
            raw.report(DiagnosticKind::UnknownWord, place, other);
            RunState::Unknown(other.to_owned())
        }
    }
}

/// The timeline of a build: its stages, jobs and tasks in one list.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TimelineJson<'a> {
    #[serde(borrow)]
    records: List<Object<RecordJson<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RecordJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, rename = "parentId")]
    parent: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    result: Text<'a>,
    #[serde(borrow, rename = "workerName")]
    worker: Text<'a>,
    #[serde(rename = "startTime")]
    started_at: Instant,
    #[serde(rename = "finishTime")]
    finished_at: Instant,
}

pub(crate) fn timeline(json: TimelineJson<'_>, raw: &Raw<'_>) -> Outcome {
    let key = Origin::read(raw).and_then(|origin| Some(origin.build_key(origin.build?)));
    let Some(key) = key else { return raw.missing("") };
    let records = raw.list("/records", json.records).into_iter();
    let stages: Vec<_> = records.filter_map(|record| stage(record.0, raw)).collect();
    if stages.is_empty() {
        return Outcome::ignored("azure-devops.timeline.empty");
    }
    Outcome::entity(key, &Build::default().stages(stages))
}

fn stage(json: RecordJson<'_>, raw: &Raw<'_>) -> Option<Stage> {
    let Some(key) = raw.filled("/records/id", json.id) else {
        raw.report(DiagnosticKind::Missing, "/records/id", "");
        return None;
    };
    let kind = match raw.take("/records/type", json.kind).as_deref() {
        Some("Stage" | "Phase") => Some(StageKind::Stage),
        Some("Job") => Some(StageKind::Job),
        Some("Task") => Some(StageKind::Step),
        // Checkpoints are approvals and the like between the stages.
        _ => None,
    };
    let state = raw.take("/records/state", json.state).map(|word| self::state(raw, "/records/state", &word));
    let word = raw.text("/records/result", json.result).filter(|_| state == Some(RunState::Finished));
    let started_at = raw.take("/records/startTime", json.started_at);
    let finished_at = raw.take("/records/finishTime", json.finished_at);
    Some(Stage {
        key,
        parent: raw.filled("/records/parentId", json.parent),
        name: raw.filled("/records/name", json.name),
        kind,
        state,
        result: word.as_deref().map(result),
        result_word: word,
        started_at,
        finished_at,
        duration: finished_at.zip(started_at).and_then(|(finished, started)| finished.since(started)),
        worker: raw.filled("/records/workerName", json.worker),
        ..Stage::default()
    })
}

/// A commit that is new since the build before.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct BuildChangeJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

pub(crate) fn build_change(json: BuildChangeJson<'_>, raw: &Raw<'_>) -> Outcome {
    let key = Origin::read(raw).and_then(|origin| Some(origin.build_key(origin.build?)));
    let Some(key) = key else { return raw.missing("") };
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    match ObjectId::new(&id) {
        Some(commit) => Outcome::entity(key, &Build::default().commits([commit])),
        // TFVC counts its changesets.
        None => Outcome::ignored("azure-devops.change.no-commit"),
    }
}
