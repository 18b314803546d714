//! Pull requests, reviews and comments on them.

use serde::Deserialize;
use weir_sdk::model::entity::{ChangeKind, ChangeState, ReviewVerdict};
use weir_sdk::prelude::*;

use super::{Account, Named, names, people, person};
use crate::origin::{Origin, number_after};

/// A pull request, listed or whole.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullJson<'a> {
    number: Field<u64>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    draft: Field<bool>,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
    #[serde(borrow)]
    merged_by: Nested<Account<'a>>,
    #[serde(borrow)]
    assignees: List<Object<Account<'a>>>,
    #[serde(borrow)]
    requested_reviewers: List<Object<Account<'a>>>,
    #[serde(borrow)]
    labels: List<Object<Named<'a>>>,
    #[serde(borrow)]
    base: Nested<Side<'a>>,
    #[serde(borrow)]
    head: Nested<Side<'a>>,
    merge_commit_sha: Sha,
    additions: Field<u32>,
    deletions: Field<u32>,
    changed_files: Field<u32>,
    created_at: Instant,
    updated_at: Instant,
    merged_at: Instant,
    closed_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Side<'a> {
    #[serde(rename = "ref", borrow)]
    branch: Text<'a>,
    sha: Sha,
    #[serde(borrow)]
    repo: Nested<SideRepository<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SideRepository<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
}

pub(crate) fn pull(json: PullJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(number) = raw.take("/number", json.number) else { return raw.missing("/number") };
    let url = raw.take("/url", json.url);
    let Some(origin) = Origin::read(raw, url.as_deref()) else { return raw.missing("/base/repo/full_name") };
    let (base, head) =
        (raw.take("/base", json.base).unwrap_or_default().0, raw.take("/head", json.head).unwrap_or_default().0);
    let head_repository =
        raw.take("/head/repo", head.repo).and_then(|repo| raw.text("/head/repo/full_name", repo.0.full_name));
    let merged_at = raw.take("/merged_at", json.merged_at);
    let word = raw.text("/state", json.state);
    let change = Change::default()
        .kind(ChangeKind::Proposal)
        .handle(format!("#{number}"))
        .repository(origin.reference())
        .head_repository(head_repository.filter(|name| *name != origin.repository).map(Reference::Key))
        .url(raw.text("/html_url", json.html_url))
        .title(raw.text("/title", json.title))
        .description(raw.filled("/body", json.body))
        .state(word.as_deref().map(|word| pull_state(raw, word, merged_at.is_some())))
        .state_word(word)
        .draft(raw.take("/draft", json.draft))
        .author(person(raw, "/user", json.user))
        .merged_by(person(raw, "/merged_by", json.merged_by))
        .assignees(people(raw, "/assignees", json.assignees))
        .reviewers(people(raw, "/requested_reviewers", json.requested_reviewers))
        .labels(names(raw, "/labels", json.labels))
        .base_branch(raw.text("/base/ref", base.branch))
        .head_branch(raw.text("/head/ref", head.branch))
        .base_commit(raw.take("/base/sha", base.sha))
        .head_commit(raw.take("/head/sha", head.sha))
        // Of an open one it names a trial merge that nobody will ever have.
        .merge_commit(raw.take("/merge_commit_sha", json.merge_commit_sha).filter(|_| merged_at.is_some()))
        .additions(raw.take("/additions", json.additions))
        .deletions(raw.take("/deletions", json.deletions))
        .files_changed(raw.take("/changed_files", json.changed_files))
        .created_at(raw.take("/created_at", json.created_at))
        .updated_at(raw.take("/updated_at", json.updated_at))
        .merged_at(merged_at)
        .closed_at(raw.take("/closed_at", json.closed_at));
    Outcome::entity(origin.numbered(number), &change)
}

fn pull_state(raw: &Raw<'_>, word: &str, merged: bool) -> ChangeState {
    match word {
        _ if merged => ChangeState::Merged,
        "open" => ChangeState::Open,
        "closed" => ChangeState::Closed,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state", other);
            ChangeState::Unknown(other.to_owned())
        }
    }
}

/// A review of a pull request.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReviewJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    pull_request_url: Text<'a>,
    commit_id: Sha,
    submitted_at: Instant,
}

pub(crate) fn review(json: ReviewJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let word = raw.text("/state", json.state);
    if word.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("pending")) {
        return Outcome::ignored("github.review.pending");
    }
    let review = Review::default()
        .change(change_of(raw, raw.take("/pull_request_url", json.pull_request_url).as_deref(), "/pulls/"))
        .author(person(raw, "/user", json.user))
        .verdict(word.as_deref().map(|word| verdict(raw, word)))
        .verdict_word(word)
        .commit(raw.take("/commit_id", json.commit_id))
        .body(raw.filled("/body", json.body))
        .url(raw.text("/html_url", json.html_url))
        .submitted_at(raw.take("/submitted_at", json.submitted_at));
    Outcome::entity(format!("review/{id}"), &review)
}

/// REST writes verdicts in capitals, webhooks do not.
fn verdict(raw: &Raw<'_>, word: &str) -> ReviewVerdict {
    match word.to_ascii_lowercase().as_str() {
        "approved" => ReviewVerdict::Approved,
        "changes_requested" => ReviewVerdict::ChangesRequested,
        "commented" => ReviewVerdict::Commented,
        "dismissed" => ReviewVerdict::Dismissed,
        _ => {
            raw.report(DiagnosticKind::UnknownWord, "/state", word);
            ReviewVerdict::Unknown(word.to_owned())
        }
    }
}

/// A comment, on a line of a pull request or in its conversation.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CommentJson<'a> {
    id: Field<u64>,
    pull_request_review_id: Field<u64>,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    pull_request_url: Text<'a>,
    commit_id: Sha,
    created_at: Instant,
    updated_at: Instant,
}

pub(crate) fn review_comment(mut json: CommentJson<'_>, raw: &Raw<'_>) -> Outcome {
    let pull_url = raw.take("/pull_request_url", std::mem::take(&mut json.pull_request_url));
    let change = change_of(raw, pull_url.as_deref(), "/pulls/");
    let parent = raw.take("/pull_request_review_id", json.pull_request_review_id.clone());
    comment(json, raw, "review-comment", change, parent.map(|id| Reference::Key(format!("review/{id}"))))
}

/// Pull requests and issues share their conversation; only its page tells which it is.
pub(crate) fn issue_comment(json: CommentJson<'_>, raw: &Raw<'_>) -> Outcome {
    let page = json.html_url.text().unwrap_or_default();
    if !page.contains("/pull/") {
        return Outcome::ignored("github.comment.on-issue");
    }
    let api_url = json.url.text();
    let number = number_after(&page, "/pull/");
    let origin = Origin::read(raw, api_url.as_deref());
    let change = origin.zip(number).map(|(origin, number)| Reference::Key(origin.numbered(number)));
    comment(json, raw, "issue-comment", change, None)
}

fn comment(
    json: CommentJson<'_>,
    raw: &Raw<'_>,
    sort: &str,
    change: Option<Reference>,
    parent: Option<Reference>,
) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let review = Review::default()
        .change(change)
        .author(person(raw, "/user", json.user))
        .parent(parent)
        .commit(raw.take("/commit_id", json.commit_id))
        .path(raw.text("/path", json.path))
        .body(raw.filled("/body", json.body))
        .url(raw.text("/html_url", json.html_url))
        .submitted_at(raw.take("/created_at", json.created_at))
        .updated_at(raw.take("/updated_at", json.updated_at));
    Outcome::entity(format!("{sort}/{id}"), &review)
}

/// The change a record lies under, from its context or the address of the pull request.
fn change_of(raw: &Raw<'_>, pull_url: Option<&str>, after: &str) -> Option<Reference> {
    let origin = Origin::read(raw, pull_url)?;
    let number = origin.pull.or_else(|| number_after(pull_url?, after))?;
    Some(Reference::Key(origin.numbered(number)))
}
