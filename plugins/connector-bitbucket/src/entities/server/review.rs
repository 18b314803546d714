//! Pull requests, and what happened to them: verdicts, comments, merges.

use serde::Deserialize;
use weir_sdk::model::entity::{ChangeKind, ChangeState, ReviewVerdict};
use weir_sdk::prelude::*;

use super::{Links, RepositoryPointer, User, change_state, full_name, login, page, person, verdict_key};
use crate::origin::Origin;

/// A pull request.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    draft: Field<bool>,
    #[serde(borrow)]
    author: Nested<Participant<'a>>,
    #[serde(borrow)]
    reviewers: List<Object<Participant<'a>>>,
    #[serde(borrow, rename = "toRef")]
    base: Nested<Side<'a>>,
    #[serde(borrow, rename = "fromRef")]
    head: Nested<Side<'a>>,
    properties: Nested<Properties>,
    #[serde(borrow)]
    links: Nested<Links<'a>>,
    #[serde(rename = "createdDate")]
    created_at: Instant,
    #[serde(rename = "updatedDate")]
    updated_at: Instant,
    #[serde(rename = "closedDate")]
    closed_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Participant<'a> {
    #[serde(borrow)]
    user: Nested<User<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Side<'a> {
    #[serde(borrow, rename = "displayId")]
    branch: Text<'a>,
    #[serde(rename = "latestCommit")]
    commit: Sha,
    #[serde(borrow)]
    repository: Nested<RepositoryPointer<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Properties {
    #[serde(rename = "mergeCommit")]
    merge_commit: Nested<CommitPointer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommitPointer {
    id: Sha,
}

pub(crate) fn pull(json: PullJson<'_>, raw: &Raw<'_>, origin: Origin<'_>) -> Outcome {
    let Some(number) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let base = raw.take("/toRef", json.base).unwrap_or_default().0;
    let head = raw.take("/fromRef", json.head).unwrap_or_default().0;
    let Some(origin) = origin.or_in(full_name(raw, "/toRef/repository", base.repository)) else {
        return raw.missing("/toRef/repository");
    };
    let head_repository = full_name(raw, "/fromRef/repository", head.repository);
    let word = raw.text("/state", json.state);
    let state = word.as_deref().map(|word| change_state(raw, word));
    let closed_at = raw.take("/closedDate", json.closed_at);
    let properties = raw.take("/properties", json.properties).unwrap_or_default().0;
    let merge_commit = raw.take("/properties/mergeCommit", properties.merge_commit);
    let author = raw.take("/author", json.author).and_then(|author| person(raw, "/author/user", author.0.user));
    let reviewers = raw.list("/reviewers", json.reviewers).into_iter();
    let change = Change::default()
        .kind(ChangeKind::Proposal)
        .handle(format!("#{number}"))
        .repository(origin.reference())
        .head_repository(head_repository.filter(|name| *name != origin.repository).map(Reference::Key))
        .url(page(raw, json.links))
        .title(raw.text("/title", json.title))
        .description(raw.filled("/description", json.description))
        .merged_at(closed_at.filter(|_| state == Some(ChangeState::Merged)))
        .state(state)
        .state_word(word)
        .draft(raw.take("/draft", json.draft))
        .author(author)
        .reviewers(reviewers.filter_map(|reviewer| person(raw, "/reviewers/user", reviewer.0.user)))
        .base_branch(raw.text("/toRef/displayId", base.branch))
        .head_branch(raw.text("/fromRef/displayId", head.branch))
        .base_commit(raw.take("/toRef/latestCommit", base.commit))
        .head_commit(raw.take("/fromRef/latestCommit", head.commit))
        .merge_commit(merge_commit.and_then(|commit| raw.take("/properties/mergeCommit/id", commit.0.id)))
        .created_at(raw.take("/createdDate", json.created_at))
        .updated_at(raw.take("/updatedDate", json.updated_at))
        .closed_at(closed_at);
    Outcome::entity(origin.numbered(number), &change)
}

/// Something that happened to a pull request.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActivityJson<'a> {
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    user: Nested<User<'a>>,
    #[serde(rename = "createdDate")]
    created_at: Instant,
    #[serde(borrow)]
    comment: Nested<CommentJson<'a>>,
    #[serde(borrow, rename = "commentAnchor")]
    anchor: Nested<Anchor<'a>>,
    commit: Nested<CommitPointer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Anchor<'a> {
    #[serde(borrow)]
    path: Text<'a>,
}

/// A comment with the answers to it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CommentJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    author: Nested<User<'a>>,
    #[serde(rename = "createdDate")]
    created_at: Instant,
    #[serde(rename = "updatedDate")]
    updated_at: Instant,
    #[serde(borrow)]
    comments: List<Object<Self>>,
}

pub(crate) fn activity(json: ActivityJson<'_>, raw: &Raw<'_>, origin: &Origin<'_>) -> Outcome {
    let Some(number) = origin.pull else { return raw.missing("") };
    let pull = origin.numbered(number);
    let at = raw.take("/createdDate", json.created_at);
    let Some(action) = raw.take("/action", json.action) else { return raw.missing("/action") };
    let user = login(raw, "/user", json.user);
    let verdict = |sort, says| self::verdict(raw, &pull, user.clone(), Verdict { sort, says, at, word: &action });
    match action.as_ref() {
        "APPROVED" => verdict("approved", ReviewVerdict::Approved),
        "REVIEWED" => verdict("changes-requested", ReviewVerdict::ChangesRequested),
        "UNAPPROVED" => verdict("approved", ReviewVerdict::Dismissed),
        "COMMENTED" => {
            let anchor = raw.take("/commentAnchor", json.anchor).unwrap_or_default().0;
            let path = raw.text("/commentAnchor/path", anchor.path);
            let Some(Object(comment)) = raw.take("/comment", json.comment) else { return raw.missing("/comment") };
            Thread { raw, pull: &pull, path }.read(comment).into()
        }
        "MERGED" => {
            let commit = raw.take("/commit", json.commit).and_then(|commit| raw.take("/commit/id", commit.0.id));
            let merged = Change::default().merged_at(at).closed_at(at).merge_commit(commit);
            Outcome::entity(pull, &merged.merged_by(user.map(Reference::Name)))
        }
        "DECLINED" => Outcome::entity(pull, &Change::default().closed_at(at)),
        // Opened, updated, rescoped and the like: the pull request itself says what came of it.
        other => Outcome::ignored(format!("bitbucket.activity.{}", other.to_ascii_lowercase())),
    }
}

/// A verdict of one reviewer.
struct Verdict<'a> {
    sort: &'static str,
    says: ReviewVerdict,
    at: Option<Timestamp>,
    word: &'a str,
}

fn verdict(raw: &Raw<'_>, pull: &str, reviewer: Option<String>, given: Verdict<'_>) -> Outcome {
    let Some(reviewer) = reviewer else { return raw.missing("/user/name") };
    let key = verdict_key(pull, given.sort, &reviewer);
    let review = Review::default()
        .change(Reference::Key(pull.to_owned()))
        .author(Reference::Name(reviewer))
        .verdict(given.says)
        .verdict_word(given.word.to_owned())
        .submitted_at(given.at);
    Outcome::entity(key, &review)
}

/// A comment and the answers below it, however deep.
struct Thread<'a, 'r> {
    raw: &'a Raw<'r>,
    pull: &'a str,
    path: Option<String>,
}

impl Thread<'_, '_> {
    fn read(&self, first: CommentJson<'_>) -> Produced {
        let mut produced = Produced::default();
        let mut waiting = vec![(None, first)];
        while let Some((parent, comment)) = waiting.pop() {
            let Some(id) = self.raw.take("/comment/id", comment.id) else {
                self.raw.report(DiagnosticKind::Missing, "/comment/id", "");
                continue;
            };
            let key = format!("{}/comment/{id}", self.pull);
            let answers = self.raw.list("/comment/comments", comment.comments);
            waiting.extend(answers.into_iter().map(|answer| (Some(key.clone()), answer.0)));
            let review = Review::default()
                .change(Reference::Key(self.pull.to_owned()))
                .author(person(self.raw, "/comment/author", comment.author))
                .parent(parent.map(Reference::Key))
                .path(self.path.clone())
                .body(self.raw.filled("/comment/text", comment.text))
                .submitted_at(self.raw.take("/comment/createdDate", comment.created_at))
                .updated_at(self.raw.take("/comment/updatedDate", comment.updated_at));
            produced = produced.with(key, &review);
        }
        produced
    }
}

/// A delivery about a verdict or a comment, which names no activity.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct EventJson<'a> {
    date: Instant,
    #[serde(borrow)]
    actor: Nested<User<'a>>,
    #[serde(borrow, rename = "previousStatus")]
    previous: Text<'a>,
    #[serde(borrow)]
    comment: Nested<CommentJson<'a>>,
}

pub(crate) fn event(json: EventJson<'_>, raw: &Raw<'_>, origin: &Origin<'_>) -> Outcome {
    let Some(number) = origin.pull else { return raw.missing("/pullRequest/id") };
    let pull = origin.numbered(number);
    let (sort, says) = match origin.event.as_deref() {
        Some("pr:reviewer:approved") => ("approved", ReviewVerdict::Approved),
        Some("pr:reviewer:needs_work") => ("changes-requested", ReviewVerdict::ChangesRequested),
        Some("pr:reviewer:unapproved") => {
            let was_approved = raw.take("/previousStatus", json.previous).as_deref() != Some("NEEDS_WORK");
            (if was_approved { "approved" } else { "changes-requested" }, ReviewVerdict::Dismissed)
        }
        _ => {
            let Some(Object(comment)) = raw.take("/comment", json.comment) else { return raw.missing("/comment") };
            return Thread { raw, pull: &pull, path: None }.read(comment).into();
        }
    };
    let at = raw.take("/date", json.date);
    let actor = login(raw, "/actor", json.actor);
    let word = says.as_str().to_owned();
    verdict(raw, &pull, actor, Verdict { sort, says, at, word: &word })
}
