//! Merge requests, the notes on them, and their approvals.

use serde::Deserialize;
use weir_sdk::model::entity::{AttributeValue, ChangeKind, ChangeState, MergeMethod, ReviewVerdict};
use weir_sdk::prelude::*;

use super::{Account, Name, names, people, person};
use crate::origin::{Origin, project_in};

/// A merge request of the API; or a delivery of a webhook, whose `object_attributes` are one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct MergeRequestJson<'a> {
    iid: Field<u64>,
    #[serde(borrow, alias = "url")]
    web_url: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    draft: Field<bool>,
    work_in_progress: Field<bool>,
    #[serde(borrow)]
    author: Nested<Account<'a>>,
    author_id: Field<u64>,
    #[serde(borrow)]
    merge_user: Nested<Account<'a>>,
    merge_user_id: Field<u64>,
    #[serde(borrow)]
    merged_by: Nested<Account<'a>>,
    #[serde(borrow)]
    assignees: List<Object<Account<'a>>>,
    #[serde(borrow)]
    reviewers: List<Object<Account<'a>>>,
    labels: List<Name>,
    #[serde(borrow)]
    target_branch: Text<'a>,
    #[serde(borrow)]
    source_branch: Text<'a>,
    source_project_id: Field<u64>,
    target_project_id: Field<u64>,
    sha: Sha,
    merge_commit_sha: Sha,
    squash_commit_sha: Sha,
    created_at: Instant,
    updated_at: Instant,
    merged_at: Instant,
    closed_at: Instant,
    last_commit: Nested<LastCommit>,
    #[serde(borrow)]
    object_attributes: Nested<Box<MergeRequestJson<'a>>>,
    /// Who did what the webhook tells of.
    #[serde(borrow)]
    user: Nested<Account<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LastCommit {
    id: Sha,
}

impl MergeRequestJson<'_> {
    /// What the API would have given, as far as a delivery tells. It names author and merger by id alone; who they are
    /// is known where one of them did what it tells of.
    fn flattened(mut self) -> Self {
        let Field::Stated(Object(inner)) = std::mem::take(&mut self.object_attributes) else { return self };
        let actor = self.user.inner().and_then(|user| user.id.quietly().copied());
        let is_actor = |id: &Field<u64>| actor.is_some() && id.quietly().copied() == actor;
        let last_commit = inner.last_commit.quietly().map(|commit| commit.0.id.clone());
        Self {
            author: if is_actor(&inner.author_id) { self.user.clone() } else { Field::Unstated },
            merge_user: if is_actor(&inner.merge_user_id) { self.user } else { Field::Unstated },
            assignees: self.assignees,
            reviewers: self.reviewers,
            sha: last_commit.unwrap_or_default(),
            ..*inner
        }
    }
}

pub(crate) fn merge_request(json: MergeRequestJson<'_>, raw: &Raw<'_>) -> Outcome {
    let mut json = json.flattened();
    let Some(number) = raw.take("/iid", std::mem::take(&mut json.iid)) else { return raw.missing("/iid") };
    let web_url = raw.text("/web_url", std::mem::take(&mut json.web_url));
    let Some(origin) = Origin::read(raw, web_url.as_deref()) else { return raw.missing("/web_url") };
    let change = Change::default()
        .kind(ChangeKind::Proposal)
        .handle(format!("!{number}"))
        .repository(origin.reference())
        .url(web_url);
    Outcome::entity(origin.change(number), &described(change, json, raw))
}

fn described(change: Change, json: MergeRequestJson<'_>, raw: &Raw<'_>) -> Change {
    let word = raw.text("/state", json.state);
    let merged_at = raw.take("/merged_at", json.merged_at);
    let is_merged = word.as_deref() == Some("merged");
    let delivery = Delivered {
        head: raw.take("/sha", json.sha),
        merge: raw.take("/merge_commit_sha", json.merge_commit_sha),
        squash: raw.take("/squash_commit_sha", json.squash_commit_sha),
    };
    let merged_by = person(raw, "/merge_user", json.merge_user);
    let draft = raw.take("/draft", json.draft).or(raw.take("/work_in_progress", json.work_in_progress));
    let mut change = change
        .title(raw.text("/title", json.title))
        .description(raw.filled("/description", json.description))
        .state(word.as_deref().map(|word| state(raw, word)))
        .state_word(word)
        .draft(draft)
        .author(person(raw, "/author", json.author))
        .merged_by(merged_by.or(person(raw, "/merged_by", json.merged_by)))
        .assignees(people(raw, "/assignees", json.assignees))
        .reviewers(people(raw, "/reviewers", json.reviewers))
        .labels(names(raw, "/labels", json.labels))
        .base_branch(raw.text("/target_branch", json.target_branch))
        .head_branch(raw.text("/source_branch", json.source_branch))
        .head_commit(delivery.head.clone())
        .merge_commit(delivery.commit().filter(|_| is_merged))
        .merge_method(delivery.method().filter(|_| is_merged))
        .created_at(raw.take("/created_at", json.created_at))
        .updated_at(raw.take("/updated_at", json.updated_at))
        .merged_at(merged_at)
        .closed_at(raw.take("/closed_at", json.closed_at).or(merged_at));
    let projects = (
        raw.take("/source_project_id", json.source_project_id),
        raw.take("/target_project_id", json.target_project_id),
    );
    if let (Some(source), Some(target)) = projects
        && source != target
    {
        // Its path is not told, and no entity goes by this id.
        let source = AttributeValue::Text(source.to_string());
        change.attributes.insert("gitlab.source_project".to_owned(), source);
    }
    change
}

/// The commits a merge request may have been delivered by.
struct Delivered {
    head: Option<ObjectId>,
    merge: Option<ObjectId>,
    squash: Option<ObjectId>,
}

impl Delivered {
    /// The one that is on the target branch: without a merge or squash commit the branch was moved to the head itself.
    fn commit(&self) -> Option<ObjectId> {
        self.merge.clone().or_else(|| self.squash.clone()).or_else(|| self.head.clone())
    }

    fn method(&self) -> Option<MergeMethod> {
        match self {
            Self { squash: Some(_), .. } => Some(MergeMethod::Squash),
            Self { merge: Some(_), .. } => Some(MergeMethod::Merge),
            Self { head: Some(_), .. } => Some(MergeMethod::FastForward),
            _ => None,
        }
    }
}

fn state(raw: &Raw<'_>, word: &str) -> ChangeState {
    match word {
        // Locked: being merged at this moment.
        "opened" | "locked" => ChangeState::Open,
        "merged" => ChangeState::Merged,
        "closed" => ChangeState::Closed,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state", other);
            ChangeState::Unknown(other.to_owned())
        }
    }
}

/// A note of the API; or a delivery of a webhook, whose `object_attributes` are one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NoteJson<'a> {
    id: Field<u64>,
    #[serde(borrow, alias = "note")]
    body: Text<'a>,
    #[serde(borrow)]
    author: Nested<Account<'a>>,
    author_id: Field<u64>,
    system: Field<bool>,
    #[serde(borrow)]
    url: Text<'a>,
    noteable_iid: Field<u64>,
    #[serde(borrow)]
    noteable_type: Text<'a>,
    #[serde(borrow)]
    position: Nested<PositionJson<'a>>,
    created_at: Instant,
    updated_at: Instant,
    #[serde(borrow)]
    object_attributes: Nested<Box<NoteJson<'a>>>,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PositionJson<'a> {
    head_sha: Sha,
    #[serde(borrow)]
    new_path: Text<'a>,
}

impl NoteJson<'_> {
    /// What the API would have given, as far as a delivery tells.
    fn flattened(mut self) -> Self {
        let Field::Stated(Object(inner)) = std::mem::take(&mut self.object_attributes) else { return self };
        let actor = self.user.inner().and_then(|user| user.id.quietly().copied());
        let is_author = actor.is_none() || actor == inner.author_id.quietly().copied();
        Self { author: if is_author { self.user } else { Field::Unstated }, ..*inner }
    }
}

/// People comment; GitLab itself notes who approved, and when, which the approvals do not keep.
pub(crate) fn note(json: NoteJson<'_>, raw: &Raw<'_>) -> Outcome {
    let json = json.flattened();
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    if raw.take("/noteable_type", json.noteable_type).is_some_and(|sort| sort != "MergeRequest") {
        return Outcome::ignored("gitlab.note.not-on-merge-request");
    }
    let body = raw.filled("/body", json.body);
    let is_system = raw.take("/system", json.system) == Some(true);
    let verdict = body.as_deref().filter(|_| is_system).and_then(verdict);
    if is_system && verdict.is_none() {
        return Outcome::ignored("gitlab.note.of-system");
    }
    let url = raw.text("/url", json.url);
    let number = raw.take("/noteable_iid", json.noteable_iid);
    let position = raw.take("/position", json.position).unwrap_or_default().0;
    let review = Review::default()
        .change(change_of(raw, url.as_deref(), number))
        .author(person(raw, "/author", json.author))
        .verdict_word(body.clone().filter(|_| is_system))
        .verdict(verdict)
        .commit(raw.take("/position/head_sha", position.head_sha))
        .path(raw.text("/position/new_path", position.new_path))
        .body(body.filter(|_| !is_system))
        .url(url)
        .submitted_at(raw.take("/created_at", json.created_at))
        .updated_at(raw.take("/updated_at", json.updated_at));
    Outcome::entity(format!("note/{id}"), &review)
}

/// The merge request a note lies under.
fn change_of(raw: &Raw<'_>, url: Option<&str>, number: Option<u64>) -> Option<Reference> {
    let origin = raw.context().or_else(|| Some(Origin::of(project_in(url?)?.to_owned())))?;
    let number = origin.merge_request.or(number)?;
    Some(Reference::Key(origin.change(number)))
}

fn verdict(body: &str) -> Option<ReviewVerdict> {
    match body {
        "approved this merge request" => Some(ReviewVerdict::Approved),
        "unapproved this merge request" => Some(ReviewVerdict::Dismissed),
        "requested changes" => Some(ReviewVerdict::ChangesRequested),
        _ => None,
    }
}

/// Approvals of a merge request.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ApprovalsJson {
    approved: Field<bool>,
    approvals_required: Field<u32>,
    approvals_left: Field<u32>,
}

/// What is needed before it may be merged. Who approved when is in the notes.
pub(crate) fn approvals(json: ApprovalsJson, raw: &Raw<'_>) -> Outcome {
    let origin: Option<Origin<'_>> = raw.context();
    let Some((origin, number)) = origin.and_then(|origin| origin.merge_request.map(|number| (origin, number))) else {
        return raw.missing("");
    };
    let mut change = Change::default().repository(origin.reference());
    let count = |n: u32| AttributeValue::Integer(n.into());
    let facts = [
        ("gitlab.approved", raw.take("/approved", json.approved).map(AttributeValue::Boolean)),
        ("gitlab.approvals_required", raw.take("/approvals_required", json.approvals_required).map(count)),
        ("gitlab.approvals_left", raw.take("/approvals_left", json.approvals_left).map(count)),
    ];
    change.attributes.extend(facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Outcome::entity(origin.change(number), &change)
}
