//! Pull requests, and what happened to them: approvals, requests for changes, comments, merges.

use serde::Deserialize;
use weir_sdk::model::entity::{ChangeKind, ReviewVerdict};
use weir_sdk::prelude::*;

use super::{
    Account, CommitPointer, Content, Links, Named, RepositoryPointer, addresses, change_state, full_name, hash, name,
    people, person, verdict_key, written,
};
use crate::origin::{Origin, repository_in};

/// A pull request, listed or whole.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    links: Nested<Links<'a>>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    summary: Nested<Content<'a>>,
    #[serde(borrow)]
    state: Text<'a>,
    draft: Field<bool>,
    #[serde(borrow)]
    author: Nested<Account<'a>>,
    #[serde(borrow)]
    closed_by: Nested<Account<'a>>,
    #[serde(borrow)]
    reviewers: List<Object<Account<'a>>>,
    #[serde(borrow)]
    destination: Nested<Side<'a>>,
    #[serde(borrow)]
    source: Nested<Side<'a>>,
    merge_commit: Nested<CommitPointer>,
    created_on: Instant,
    updated_on: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Side<'a> {
    #[serde(borrow)]
    branch: Nested<Named<'a>>,
    commit: Nested<CommitPointer>,
    #[serde(borrow)]
    repository: Nested<RepositoryPointer<'a>>,
}

pub(crate) fn pull(json: PullJson<'_>, raw: &Raw<'_>, origin: Origin<'_>) -> Outcome {
    let Some(number) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let base = raw.take("/destination", json.destination).unwrap_or_default().0;
    let head = raw.take("/source", json.source).unwrap_or_default().0;
    let base_repository = full_name(raw, "/destination/repository", base.repository);
    let head_repository = full_name(raw, "/source/repository", head.repository);
    let (url, api_url) = addresses(raw, json.links);
    let named = base_repository.or_else(|| repository_in(api_url.as_deref()?));
    let Some(origin) = origin.or_in(named) else { return raw.missing("/destination/repository/full_name") };
    let word = raw.text("/state", json.state);
    let closed_by = person(raw, "/closed_by", json.closed_by);
    let description = raw.filled("/description", json.description);
    let change = Change::default()
        .kind(ChangeKind::Proposal)
        .handle(format!("#{number}"))
        .repository(origin.reference())
        .head_repository(head_repository.filter(|name| *name != origin.repository).map(Reference::Key))
        .url(url)
        .title(raw.text("/title", json.title))
        .description(description.or_else(|| written(raw, "/summary", json.summary)))
        .state(word.as_deref().map(|word| change_state(raw, word)))
        .draft(raw.take("/draft", json.draft))
        .author(person(raw, "/author", json.author))
        .merged_by(closed_by.filter(|_| word.as_deref() == Some("MERGED")))
        .state_word(word)
        .reviewers(people(raw, "/reviewers", json.reviewers))
        .base_branch(name(raw, "/destination/branch", base.branch))
        .head_branch(name(raw, "/source/branch", head.branch))
        .base_commit(hash(raw, "/destination/commit", base.commit))
        .head_commit(hash(raw, "/source/commit", head.commit))
        .merge_commit(hash(raw, "/merge_commit", json.merge_commit))
        .created_at(raw.take("/created_on", json.created_on))
        .updated_at(raw.take("/updated_on", json.updated_on));
    Outcome::entity(origin.numbered(number), &change)
}

/// Something that happened to a pull request; exactly one part is there.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActivityJson<'a> {
    #[serde(borrow)]
    approval: Nested<VerdictJson<'a>>,
    #[serde(borrow, alias = "changes_request")]
    changes_requested: Nested<VerdictJson<'a>>,
    #[serde(borrow)]
    comment: Nested<CommentJson<'a>>,
    #[serde(borrow)]
    update: Nested<UpdateJson<'a>>,
    #[serde(borrow, alias = "pull_request")]
    pullrequest: Nested<PullPointer<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VerdictJson<'a> {
    date: Instant,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommentJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    content: Nested<Content<'a>>,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
    deleted: Field<bool>,
    #[serde(borrow)]
    inline: Nested<Inline<'a>>,
    parent: Nested<ParentComment<'a>>,
    #[serde(borrow)]
    links: Nested<Links<'a>>,
    #[serde(borrow)]
    pullrequest: Nested<PullPointer<'a>>,
    created_on: Instant,
    updated_on: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inline<'a> {
    #[serde(borrow)]
    path: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ParentComment<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UpdateJson<'a> {
    #[serde(borrow)]
    state: Text<'a>,
    date: Instant,
    #[serde(borrow)]
    author: Nested<Account<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PullPointer<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    links: Nested<Links<'a>>,
}

pub(crate) fn activity(json: ActivityJson<'_>, raw: &Raw<'_>, origin: Origin<'_>) -> Outcome {
    let Some(pull) = pull_key(raw, &json, origin) else { return raw.missing("/pull_request/id") };
    if let Some(Object(approval)) = raw.take("/approval", json.approval) {
        return verdict(approval, raw, &pull, "approved", ReviewVerdict::Approved);
    }
    if let Some(Object(request)) = raw.take("/changes_requested", json.changes_requested) {
        return verdict(request, raw, &pull, "changes-requested", ReviewVerdict::ChangesRequested);
    }
    if let Some(Object(comment)) = raw.take("/comment", json.comment) {
        return self::comment(comment, raw, &pull);
    }
    match raw.take("/update", json.update) {
        Some(Object(update)) => self::update(update, raw, &pull),
        None => Outcome::ignored("bitbucket.activity.other"),
    }
}

/// Key of the change it happened to: by the context, else by what the payload says.
fn pull_key(raw: &Raw<'_>, json: &ActivityJson<'_>, origin: Origin<'_>) -> Option<String> {
    if let Some(number) = origin.pull {
        return Some(origin.numbered(number));
    }
    let of_comment = json.comment.inner().and_then(|comment| comment.pullrequest.quietly());
    let pull = &json.pullrequest.quietly().or(of_comment)?.0;
    let link = pull.links.inner().and_then(|links| links.api.inner()?.href.quietly());
    let origin = origin.or_in(link.and_then(|link| repository_in(link)))?;
    raw.take("/pull_request/id", pull.id.clone()).map(|number| origin.numbered(number))
}

fn verdict(json: VerdictJson<'_>, raw: &Raw<'_>, pull: &str, sort: &str, verdict: ReviewVerdict) -> Outcome {
    let account = raw.take("/user", json.user).unwrap_or_default().0;
    let login = account.login(raw, "/user");
    let Some(author) = raw.filled("/user/uuid", account.uuid) else { return raw.missing("/user/uuid") };
    let review = Review::default()
        .change(Reference::Key(pull.to_owned()))
        .author(login.map(Reference::Name))
        .verdict(verdict)
        .verdict_word(sort.replace('-', "_"))
        .submitted_at(raw.take("/date", json.date));
    Outcome::entity(verdict_key(pull, sort, &author), &review)
}

fn comment(json: CommentJson<'_>, raw: &Raw<'_>, pull: &str) -> Outcome {
    let Some(id) = raw.take("/comment/id", json.id) else { return raw.missing("/comment/id") };
    if raw.take("/comment/deleted", json.deleted) == Some(true) {
        return Outcome::ignored("bitbucket.comment.deleted");
    }
    let inline = raw.take("/comment/inline", json.inline).unwrap_or_default().0;
    let parent =
        raw.take("/comment/parent", json.parent).and_then(|parent| raw.take("/comment/parent/id", parent.0.id));
    let review = Review::default()
        .change(Reference::Key(pull.to_owned()))
        .author(person(raw, "/comment/user", json.user))
        .parent(parent.map(|id| Reference::Key(format!("{pull}/comment/{id}"))))
        .path(raw.text("/comment/inline/path", inline.path))
        .body(written(raw, "/comment/content", json.content))
        .url(addresses(raw, json.links).0)
        .submitted_at(raw.take("/comment/created_on", json.created_on))
        .updated_at(raw.take("/comment/updated_on", json.updated_on));
    Outcome::entity(format!("{pull}/comment/{id}"), &review)
}

/// The one that ended a pull request says when; the pull request itself does not.
fn update(json: UpdateJson<'_>, raw: &Raw<'_>, pull: &str) -> Outcome {
    let at = raw.take("/update/date", json.date);
    let author = person(raw, "/update/author", json.author);
    match raw.take("/update/state", json.state).as_deref() {
        Some("MERGED") => Outcome::entity(pull, &Change::default().merged_at(at).closed_at(at).merged_by(author)),
        Some("DECLINED" | "SUPERSEDED") => Outcome::entity(pull, &Change::default().closed_at(at)),
        _ => Outcome::ignored("bitbucket.activity.update"),
    }
}

/// A delivery that says that a pull request was merged or declined: its last change was that.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClosingJson<'a> {
    #[serde(borrow)]
    actor: Nested<Account<'a>>,
    pullrequest: Nested<ClosedPull>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ClosedPull {
    updated_on: Instant,
}

pub(crate) fn closing(json: ClosingJson<'_>, raw: &Raw<'_>, origin: &Origin<'_>) -> Outcome {
    let Some(number) = origin.pull else { return raw.missing("/pullrequest/id") };
    let pull = raw.take("/pullrequest", json.pullrequest).unwrap_or_default().0;
    let at = raw.take("/pullrequest/updated_on", pull.updated_on);
    let actor = person(raw, "/actor", json.actor);
    let closed = Change::default().closed_at(at);
    let is_merge = origin.event.as_deref() == Some("pullrequest:fulfilled");
    let change = if is_merge { closed.merged_at(at).merged_by(actor) } else { closed };
    Outcome::entity(origin.numbered(number), &change)
}
