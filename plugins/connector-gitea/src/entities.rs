//! From JSON of Gitea and its kin to entities. Pure; an odd field is reported and left out, never the record.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use weir_sdk::model::entity::{
    ArtifactKind, ChangeKind, ChangeState, Checkout, CommitRef, FileChange, FileChangeKind, ReviewVerdict, RunResult,
    RunState, Transition, Trigger, TriggerKind, WorkCategory, WorkKind, WorkStatus,
};
use weir_sdk::prelude::*;
use weir_sdk::raw::Json;

/// What a payload does not say about where it comes from: the context of a record, the same from polls and webhooks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Origin<'a> {
    /// "owner/name".
    #[serde(borrow)]
    pub(crate) repository: Cow<'a, str>,
    /// Number of the pull request it lies under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pull: Option<u64>,
}

impl<'a> Origin<'a> {
    /// A record of a repository.
    pub(crate) fn of(repository: &'a str) -> Self {
        Self { repository: Cow::Borrowed(repository), pull: None }
    }

    fn reference(&self) -> Reference {
        Reference::Key(self.repository.clone().into_owned())
    }

    /// Key of the issue or pull request of that number; both share one sequence.
    fn numbered(&self, number: u64) -> String {
        format!("{}#{number}", self.repository)
    }
}

pub(crate) fn normalize(dataset: &str, raw: &Raw<'_>) -> Outcome {
    let make: fn(&Raw<'_>, &Origin<'_>) -> Option<Produced> = match dataset {
        "repositories" => repository,
        "commits" => commit,
        "pulls" => pull,
        "reviews" if raw.json().text("/state").as_deref() == Some("PENDING") => {
            return Outcome::ignored("gitea.review.pending");
        }
        "reviews" => review,
        "issues" if raw.json().text("/pull_request/html_url").is_some() => {
            return Outcome::ignored("gitea.issue.is-pull");
        }
        "issues" => issue,
        "tasks" => task,
        "releases" if raw.json().flag("/draft") == Some(true) => return Outcome::ignored("gitea.release.draft"),
        "releases" => release,
        "tags" => tag,
        "pushes" => push,
        _ => return raw.unknown_dataset(),
    };
    let Some(origin) = raw.context::<Origin<'_>>() else { return raw.missing("") };
    make(raw, &origin).map_or_else(|| raw.missing("/id"), Outcome::from)
}

/// A person by login; Gogs and old versions of Gitea name it otherwise.
fn person(json: &Json<'_>, place: &str) -> Option<Reference> {
    let login = json.text(&format!("{place}/login")).or_else(|| json.text(&format!("{place}/username")));
    login.filter(|login| !login.is_empty()).map(Reference::Name)
}

fn people(json: &Json<'_>, list: &str) -> Vec<Reference> {
    json.items(list).iter().filter_map(|item| person(item, "")).collect()
}

fn names(json: &Json<'_>, list: &str) -> Vec<String> {
    json.items(list).iter().filter_map(|item| item.text("/name")).collect()
}

/// A word nobody knows is reported.
fn unknown(raw: &Raw<'_>, word: &str) -> String {
    raw.report(DiagnosticKind::UnknownWord, "/state", word);
    word.to_owned()
}

fn sha(json: &Json<'_>, place: &str) -> Option<ObjectId> {
    json.read(place)
}

fn repository(raw: &Raw<'_>, _: &Origin<'_>) -> Option<Produced> {
    let json = &raw.json();
    let name = json.text("/full_name")?;
    let remotes = [json.text("/clone_url"), json.text("/ssh_url")];
    let repository = Repository::default()
        .name(name.clone())
        .url(json.text("/html_url"))
        .remotes(remotes.into_iter().flatten())
        .owner(person(json, "/owner").map(|owner| owner.text().to_owned()))
        .description(json.filled("/description"))
        .default_branch(json.text("/default_branch"))
        .languages(json.filled("/language"))
        .forked_from(json.text("/parent/full_name").map(Reference::Key))
        .archived(json.flag("/archived"))
        .created_at(json.instant("/created_at"))
        .updated_at(json.instant("/updated_at"));
    Some(Produced::default().with(name, &repository))
}

fn commit(raw: &Raw<'_>, origin: &Origin<'_>) -> Option<Produced> {
    let json = &raw.json();
    let id = sha(json, "/sha")?;
    let by = |place: &str| person(json, place).or_else(|| email(json, &format!("/commit{place}")));
    let commit = Commit::default()
        .repositories([origin.reference()])
        .parents(json.items("/parents").iter().filter_map(|parent| sha(parent, "/sha")))
        .author(by("/author"))
        .authored_at(json.instant("/commit/author/date"))
        .committer(by("/committer"))
        .committed_at(json.instant("/commit/committer/date"))
        .message(json.text("/commit/message"))
        .additions(json.read::<u32>("/stats/additions"))
        .deletions(json.read::<u32>("/stats/deletions"));
    let produced = Produced::default().with(id.as_str(), &commit);
    let Some((user, Reference::Name(login))) = json.text("/author/id").zip(person(json, "/author")) else {
        return Some(produced);
    };
    let address = email(json, "/commit/author").map(|email| email.text().to_owned());
    let person = Person::default().login(login).name(json.filled("/author/full_name")).emails(address);
    Some(produced.with(user, &person))
}

fn email(json: &Json<'_>, place: &str) -> Option<Reference> {
    json.filled(&format!("{place}/email")).map(|email| Reference::Name(email.to_ascii_lowercase()))
}

fn tag(raw: &Raw<'_>, origin: &Origin<'_>) -> Option<Produced> {
    let json = &raw.json();
    let (name, id) = (json.text("/name")?, sha(json, "/commit/sha")?);
    let refs = [CommitRef { name: format!("refs/tags/{name}"), at: None }];
    Some(Produced::default().with(id.as_str(), &Commit::default().repositories([origin.reference()]).refs(refs)))
}

/// Commits with the files they touched. A branch is not named on them, for it moves on and this record stays.
fn push(raw: &Raw<'_>, origin: &Origin<'_>) -> Option<Produced> {
    let json = &raw.json();
    let mut produced = Produced::default();
    for json in json.items("/commits") {
        let Some(id) = sha(&json, "/id") else { continue };
        let files = [
            ("/added", FileChangeKind::Added),
            ("/removed", FileChangeKind::Deleted),
            ("/modified", FileChangeKind::Modified),
        ];
        let file = |path: String, kind: &FileChangeKind| FileChange {
            path,
            previous_path: None,
            kind: Some(kind.clone()),
            additions: None,
            deletions: None,
        };
        let paths = |list: &str| json.items(list).iter().filter_map(|path| path.text("")).collect::<Vec<_>>();
        let files = files.iter().flat_map(|(list, kind)| paths(list).into_iter().map(move |path| file(path, kind)));
        let commit = Commit::default()
            .repositories([origin.reference()])
            .author(person(&json, "/author").or_else(|| email(&json, "/author")))
            .authored_at(json.instant("/timestamp"))
            .committer(person(&json, "/committer").or_else(|| email(&json, "/committer")))
            .message(json.text("/message"))
            .files(files);
        produced = produced.with(id.as_str(), &commit);
    }
    // A push of nothing but a branch brings no commit.
    (!produced.entities.is_empty()).then_some(produced)
}

fn pull(raw: &Raw<'_>, origin: &Origin<'_>) -> Option<Produced> {
    let json = &raw.json();
    let number = json.count("/number")?;
    let is_merged = json.flag("/merged") == Some(true);
    let word = json.text("/state");
    let head_repository = json.text("/head/repo/full_name").filter(|name| *name != origin.repository);
    let branch = |place: &str, old: &str| json.text(place).or_else(|| json.text(old));
    let merged_at = json.instant("/merged_at");
    let change = Change::default()
        .kind(ChangeKind::Proposal)
        .handle(format!("#{number}"))
        .repository(origin.reference())
        .head_repository(head_repository.map(Reference::Key))
        .url(json.text("/html_url"))
        .title(json.text("/title"))
        .description(json.filled("/body"))
        .state(word.as_deref().map(|word| match word {
            _ if is_merged => ChangeState::Merged,
            "open" => ChangeState::Open,
            "closed" => ChangeState::Closed,
            other => ChangeState::Unknown(unknown(raw, other)),
        }))
        .state_word(word)
        .draft(json.flag("/draft"))
        .author(person(json, "/user"))
        .merged_by(person(json, "/merged_by"))
        .assignees(people(json, "/assignees"))
        .reviewers(people(json, "/requested_reviewers"))
        .labels(names(json, "/labels"))
        .base_branch(branch("/base/ref", "/base_branch"))
        .head_branch(branch("/head/ref", "/head_branch"))
        .base_commit(sha(json, "/merge_base").or_else(|| sha(json, "/base/sha")))
        .head_commit(sha(json, "/head/sha"))
        .merge_commit(sha(json, "/merge_commit_sha").filter(|_| is_merged))
        .additions(json.read::<u32>("/additions"))
        .deletions(json.read::<u32>("/deletions"))
        .files_changed(json.read::<u32>("/changed_files"))
        .created_at(json.instant("/created_at"))
        .updated_at(json.instant("/updated_at"))
        .merged_at(merged_at)
        .closed_at(json.instant("/closed_at").or(merged_at));
    Some(Produced::default().with(origin.numbered(number), &change))
}

fn review(raw: &Raw<'_>, origin: &Origin<'_>) -> Option<Produced> {
    let json = &raw.json();
    let (id, number) = (json.count("/id")?, origin.pull?);
    let word = json.text("/state");
    let is_dismissed = json.flag("/dismissed") == Some(true);
    let verdict = word.as_deref().map(|word| match word {
        _ if is_dismissed => ReviewVerdict::Dismissed,
        "APPROVED" => ReviewVerdict::Approved,
        "REQUEST_CHANGES" => ReviewVerdict::ChangesRequested,
        "COMMENT" => ReviewVerdict::Commented,
        other => ReviewVerdict::Unknown(unknown(raw, other)),
    });
    let review = Review::default()
        .change(Reference::Key(origin.numbered(number)))
        .author(person(json, "/user"))
        .verdict(verdict)
        .verdict_word(word)
        .commit(sha(json, "/commit_id"))
        .body(json.filled("/body"))
        .url(json.text("/html_url"))
        .submitted_at(json.instant("/submitted_at"))
        .updated_at(json.instant("/updated_at"));
    Some(Produced::default().with(id.to_string(), &review))
}

fn issue(raw: &Raw<'_>, origin: &Origin<'_>) -> Option<Produced> {
    let json = &raw.json();
    let number = json.count("/number")?;
    let labels = names(json, "/labels");
    let status = |word: &str| WorkStatus {
        category: match word {
            "open" => Some(WorkCategory::Todo),
            "closed" => Some(WorkCategory::Done),
            other => {
                unknown(raw, other);
                None
            }
        },
        name: word.to_owned(),
    };
    let moved = |at: Option<Timestamp>, author: Option<Reference>, before: Option<&str>, after: &str| {
        Some(Transition { id: None, at: at?, author, before: before.map(status), after: status(after) })
    };
    let (created_at, closed_at) = (json.instant("/created_at"), json.instant("/closed_at"));
    let opened = moved(created_at, person(json, "/user"), None, "open");
    let closed = moved(closed_at, None, Some("open"), "closed");
    let assignee = person(json, "/assignee").filter(|_| json.items("/assignees").is_empty());
    let kind = labels.iter().find_map(|label| kind(label));
    let issue = WorkItem::default()
        .handle(format!("#{number}"))
        .url(json.text("/html_url"))
        .project(origin.repository.clone().into_owned())
        .title(json.text("/title"))
        .description(json.filled("/body"))
        .kind_word(kind.as_ref().map(|kind| kind.as_str().to_owned()))
        .kind(kind)
        .status(json.text("/state").map(|word| status(&word)))
        .creator(person(json, "/user"))
        .assignees(people(json, "/assignees").into_iter().chain(assignee))
        .labels(labels)
        .fix_versions(json.text("/milestone/title"))
        .created_at(created_at)
        .updated_at(json.instant("/updated_at"))
        .resolved_at(closed_at)
        .due_at(json.instant("/due_date"))
        .transitions(opened.into_iter().chain(closed));
    Some(Produced::default().with(origin.numbered(number), &issue))
}

/// What sort of work a label stands for, also as `kind/bug` or `type: bug`.
fn kind(label: &str) -> Option<WorkKind> {
    match label.rsplit(['/', ':']).next()?.trim().to_ascii_lowercase().as_str() {
        "incident" | "outage" => Some(WorkKind::Incident),
        "bug" | "defect" | "regression" => Some(WorkKind::Bug),
        "feature" | "enhancement" | "story" => Some(WorkKind::Story),
        "task" | "chore" => Some(WorkKind::Task),
        _ => None,
    }
}

/// A job of a run of Actions. Listings give jobs and no runs, so each is a build of its own.
fn task(raw: &Raw<'_>, origin: &Origin<'_>) -> Option<Produced> {
    let json = &raw.json();
    let id = json.count("/id")?;
    let word = json.text("/status")?;
    let (state, result) = match word.as_str() {
        "waiting" => (RunState::Queued, None),
        "blocked" => (RunState::Waiting, None),
        "running" => (RunState::Running, None),
        "success" => (RunState::Finished, Some(RunResult::Success)),
        "failure" => (RunState::Finished, Some(RunResult::Failure)),
        "cancelled" => (RunState::Finished, Some(RunResult::Cancelled)),
        "skipped" => (RunState::Finished, Some(RunResult::Skipped)),
        other => (RunState::Unknown(unknown(raw, other)), None),
    };
    let is_over = state == RunState::Finished;
    let started_at = json.instant("/run_started_at");
    let finished_at = json.instant("/updated_at").filter(|_| is_over);
    let parts = [Some(origin.repository.clone().into_owned()), json.text("/workflow_id"), json.text("/name")];
    let trigger = |event: String| Trigger {
        kind: match event.as_str() {
            "push" | "create" => TriggerKind::Push,
            "pull_request" | "pull_request_target" => TriggerKind::Change,
            "schedule" => TriggerKind::Schedule,
            "workflow_dispatch" => TriggerKind::Manual,
            other => TriggerKind::Unknown(other.to_owned()),
        },
        text: Some(event),
        person: None,
        build: None,
        led_to: None,
    };
    let checkout = Checkout {
        repository: Some(origin.reference()),
        branch: json.text("/head_branch"),
        commit: sha(json, "/head_sha"),
        ..Checkout::default()
    };
    let build = Build::default()
        .attempt(1)
        .job(parts.into_iter().flatten().collect::<Vec<_>>().join("/"))
        .number(json.count("/run_number"))
        .title(json.filled("/display_title"))
        .url(json.text("/url"))
        .state(state)
        .result(result)
        .result_word(Some(word).filter(|_| is_over))
        .triggers(json.text("/event").map(trigger))
        .commits(checkout.commit.clone())
        .checkouts([checkout])
        .queued_at(json.instant("/created_at"))
        .started_at(started_at)
        .finished_at(finished_at)
        .duration(finished_at.zip(started_at).and_then(|(finished, started)| finished.since(started)));
    Some(Produced::default().with(format!("{}/{id}", origin.repository), &build))
}

fn release(raw: &Raw<'_>, origin: &Origin<'_>) -> Option<Produced> {
    let json = &raw.json();
    let tag = json.text("/tag_name")?;
    let artifact = Artifact::default()
        .kind(ArtifactKind::Package)
        .name(origin.repository.rsplit('/').next().unwrap_or_default().to_owned())
        .location(origin.repository.clone().into_owned())
        .version(tag.clone())
        .url(json.text("/html_url"))
        .commits(json.text("/target_commitish").and_then(|target| ObjectId::new(&target)))
        .created_at(json.instant("/created_at"))
        .published_at(json.instant("/published_at"));
    Some(Produced::default().with(format!("{}@{tag}", origin.repository), &artifact))
}
