//! Pull requests, and their threads: comments, and votes with the time they were given at.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_sdk::model::entity::{ChangeKind, ChangeState, MergeMethod, ReviewVerdict};
use weir_sdk::prelude::*;

use super::{Identity, Links, Named, Somebody, branch, name, page};
use crate::origin::Origin;

/// A pull request.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullJson<'a> {
    #[serde(rename = "pullRequestId")]
    id: Field<u64>,
    #[serde(borrow)]
    repository: Nested<RepositoryPointer<'a>>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(rename = "isDraft")]
    is_draft: Field<bool>,
    #[serde(borrow, rename = "createdBy")]
    author: Nested<Identity<'a>>,
    #[serde(borrow, rename = "closedBy")]
    closed_by: Nested<Identity<'a>>,
    #[serde(borrow)]
    reviewers: List<Object<Identity<'a>>>,
    #[serde(borrow)]
    labels: List<Object<Named<'a>>>,
    #[serde(borrow, rename = "sourceRefName")]
    head: Text<'a>,
    #[serde(borrow, rename = "targetRefName")]
    base: Text<'a>,
    #[serde(rename = "lastMergeSourceCommit")]
    head_commit: Nested<CommitPointer>,
    #[serde(rename = "lastMergeTargetCommit")]
    base_commit: Nested<CommitPointer>,
    #[serde(rename = "lastMergeCommit")]
    merge_commit: Nested<CommitPointer>,
    #[serde(borrow, rename = "completionOptions")]
    options: Nested<Options<'a>>,
    #[serde(borrow, rename = "_links")]
    links: Nested<Links<'a>>,
    #[serde(rename = "creationDate")]
    created_at: Instant,
    #[serde(rename = "closedDate")]
    closed_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryPointer<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    project: Nested<Named<'a>>,
    #[serde(borrow, rename = "webUrl")]
    page: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommitPointer {
    #[serde(rename = "commitId")]
    id: Sha,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options<'a> {
    #[serde(borrow, rename = "mergeStrategy")]
    strategy: Text<'a>,
}

pub(crate) fn pull(json: PullJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(number) = raw.take("/pullRequestId", json.id) else { return raw.missing("/pullRequestId") };
    let pointer = raw.take("/repository", json.repository).unwrap_or_default().0;
    let site = raw.filled("/repository/webUrl", pointer.page);
    let named = raw.filled("/repository/name", pointer.name).zip(name(raw, "/repository/project", pointer.project));
    let origin = Origin::read(raw).filter(|origin| origin.repository.is_some());
    let origin = origin.or_else(|| named.map(|(repository, project)| Origin::of(project).repository(repository)));
    let keys = origin.and_then(|origin| origin.repository_key().zip(origin.pull_key(number)));
    let Some((repository, key)) = keys else { return raw.missing("/repository/name") };
    let word = raw.text("/status", json.status);
    let state = word.as_deref().map(|word| state(raw, word));
    let is_merged = state == Some(ChangeState::Merged);
    let closed_at = raw.take("/closedDate", json.closed_at);
    let author = Somebody::read(raw, "/createdBy", json.author);
    let closed_by = Somebody::read(raw, "/closedBy", json.closed_by).reference();
    let reviewers = raw.list("/reviewers", json.reviewers).into_iter();
    let reviewers = reviewers.filter_map(|it| Somebody::read(raw, "/reviewers", Field::Stated(it)).reference());
    let labels = raw.list("/labels", json.labels).into_iter();
    let strategy =
        raw.take("/completionOptions", json.options).and_then(|it| raw.take("/mergeStrategy", it.0.strategy));
    let change = Change::default()
        .kind(ChangeKind::Proposal)
        .handle(format!("!{number}"))
        .repository(Reference::Key(repository))
        .url(page(raw, json.links).or_else(|| site.map(|site| format!("{site}/pullrequest/{number}"))))
        .title(raw.text("/title", json.title))
        .description(raw.filled("/description", json.description))
        .state(state)
        .state_word(word)
        .draft(raw.take("/isDraft", json.is_draft))
        .author(author.reference())
        .merged_by(closed_by.filter(|_| is_merged))
        .reviewers(reviewers)
        .labels(labels.filter_map(|label| raw.filled("/labels/name", label.0.name)))
        .base_branch(raw.take("/targetRefName", json.base).map(|name| branch(&name)))
        .head_branch(raw.take("/sourceRefName", json.head).map(|name| branch(&name)))
        .base_commit(commit(raw, "/lastMergeTargetCommit", json.base_commit))
        .head_commit(commit(raw, "/lastMergeSourceCommit", json.head_commit))
        // Of an open one it names a trial merge that nobody will ever have.
        .merge_commit(commit(raw, "/lastMergeCommit", json.merge_commit).filter(|_| is_merged))
        .merge_method(strategy.filter(|_| is_merged).map(|strategy| method(&strategy)))
        .created_at(raw.take("/creationDate", json.created_at))
        .merged_at(closed_at.filter(|_| is_merged))
        .closed_at(closed_at);
    author.add_person(Produced::default().with(key, &change)).into()
}

fn commit(raw: &Raw<'_>, place: &str, pointer: Nested<CommitPointer>) -> Option<ObjectId> {
    raw.take(place, pointer).and_then(|pointer| raw.take(place, pointer.0.id))
}

fn state(raw: &Raw<'_>, word: &str) -> ChangeState {
    match word {
        "active" => ChangeState::Open,
        "completed" => ChangeState::Merged,
        "abandoned" => ChangeState::Closed,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/status", other);
            ChangeState::Unknown(other.to_owned())
        }
    }
}

fn method(strategy: &str) -> MergeMethod {
    match strategy {
        // The second replays the commits first; still a merge commit delivers them.
        "noFastForward" | "rebaseMerge" => MergeMethod::Merge,
        "squash" => MergeMethod::Squash,
        "rebase" => MergeMethod::Rebase,
        other => MergeMethod::Unknown(other.to_owned()),
    }
}

/// A thread of a pull request: a conversation, or something the tool notes, such as a vote.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ThreadJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    comments: List<Object<CommentJson<'a>>>,
    #[serde(borrow)]
    properties: Nested<Properties<'a>>,
    #[serde(borrow, rename = "threadContext")]
    place: Nested<FileContext<'a>>,
    #[serde(rename = "isDeleted")]
    is_deleted: Field<bool>,
    #[serde(rename = "publishedDate")]
    published_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Properties<'a> {
    #[serde(borrow, rename = "CodeReviewVoteResult")]
    vote: Nested<Property<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Property<'a> {
    #[serde(borrow, rename = "$value")]
    value: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FileContext<'a> {
    #[serde(borrow, rename = "filePath")]
    path: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommentJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, rename = "parentCommentId")]
    parent: Text<'a>,
    #[serde(borrow)]
    author: Nested<Identity<'a>>,
    #[serde(borrow)]
    content: Text<'a>,
    #[serde(borrow, rename = "commentType")]
    kind: Text<'a>,
    #[serde(rename = "isDeleted")]
    is_deleted: Field<bool>,
    #[serde(rename = "publishedDate")]
    published_at: Instant,
    #[serde(rename = "lastUpdatedDate")]
    updated_at: Instant,
}

pub(crate) fn thread(json: ThreadJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let Some(pull) = Origin::read(raw).and_then(|origin| origin.pull_key(origin.pull?)) else { return raw.missing("") };
    if raw.take("/isDeleted", json.is_deleted) == Some(true) {
        return Outcome::ignored("azure-devops.thread.deleted");
    }
    let comments: Vec<_> = raw.list("/comments", json.comments).into_iter().map(|comment| comment.0).collect();
    let properties = raw.take("/properties", json.properties).unwrap_or_default().0;
    let vote = raw.take("/properties/CodeReviewVoteResult", properties.vote);
    if let Some(word) = vote.and_then(|vote| raw.take("/properties/CodeReviewVoteResult", vote.0.value)) {
        let at = raw.take("/publishedDate", json.published_at);
        let voter = comments.into_iter().next().unwrap_or_default().author;
        let review = Review::default()
            .change(Reference::Key(pull.clone()))
            .author(Somebody::read(raw, "/comments/author", voter).reference())
            .verdict(verdict(raw, &word))
            .verdict_word(word.into_owned())
            .submitted_at(at);
        return Outcome::entity(format!("{pull}/{id}"), &review);
    }
    let file = raw.take("/threadContext", json.place).unwrap_or_default().0;
    let path = raw.filled("/threadContext/filePath", file.path);
    let path = path.map(|path| path.trim_start_matches('/').to_owned());
    let thread = format!("{pull}/{id}");
    let reviews: BTreeMap<_, _> =
        comments.into_iter().filter_map(|comment| self::comment(comment, raw, &thread, path.as_deref())).collect();
    let change = Reference::Key(pull);
    let produced = reviews
        .into_iter()
        .fold(Produced::default(), |produced, (key, review)| produced.with(key, &review.change(change.clone())));
    if produced.entities.is_empty() { Outcome::ignored("azure-devops.thread.of-system") } else { produced.into() }
}

/// A comment that a person wrote and that still stands.
fn comment(json: CommentJson<'_>, raw: &Raw<'_>, thread: &str, path: Option<&str>) -> Option<(String, Review)> {
    let is_of_system = raw.take("/comments/commentType", json.kind).as_deref() == Some("system");
    if is_of_system || raw.take("/comments/isDeleted", json.is_deleted) == Some(true) {
        return None;
    }
    let id = raw.filled("/comments/id", json.id)?;
    let parent = raw.filled("/comments/parentCommentId", json.parent).filter(|parent| parent != "0");
    let review = Review::default()
        .author(Somebody::read(raw, "/comments/author", json.author).reference())
        .parent(parent.map(|parent| Reference::Key(format!("{thread}/{parent}"))))
        .path(path.map(str::to_owned))
        .body(raw.filled("/comments/content", json.content))
        .submitted_at(raw.take("/comments/publishedDate", json.published_at))
        .updated_at(raw.take("/comments/lastUpdatedDate", json.updated_at));
    Some((format!("{thread}/{id}"), review))
}

/// A vote, from 10 for "approved" to -10 for "rejected".
fn verdict(raw: &Raw<'_>, word: &str) -> ReviewVerdict {
    match word {
        // 5 approves with suggestions.
        "10" | "5" => ReviewVerdict::Approved,
        // -5 waits for the author.
        "-5" | "-10" => ReviewVerdict::ChangesRequested,
        "0" => ReviewVerdict::Dismissed,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/properties/CodeReviewVoteResult", other);
            ReviewVerdict::Unknown(other.to_owned())
        }
    }
}
