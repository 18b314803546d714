//! Projects, members, commits, tags and pushes.

use serde::Deserialize;
use weir_sdk::model::entity::{AttributeValue, CommitRef, FileChange, FileChangeKind};
use weir_sdk::prelude::*;

use super::{Account, Name, names};
use crate::origin::{Origin, project_in};

/// A project as the API gives it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProjectJson<'a> {
    #[serde(borrow)]
    path_with_namespace: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
    #[serde(borrow)]
    http_url_to_repo: Text<'a>,
    #[serde(borrow)]
    ssh_url_to_repo: Text<'a>,
    #[serde(borrow)]
    namespace: Nested<Namespace<'a>>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    default_branch: Text<'a>,
    #[serde(borrow)]
    visibility: Text<'a>,
    #[serde(borrow)]
    forked_from_project: Nested<Forked<'a>>,
    topics: List<Name>,
    archived: Field<bool>,
    created_at: Instant,
    last_activity_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Namespace<'a> {
    #[serde(borrow)]
    full_path: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Forked<'a> {
    #[serde(borrow)]
    path_with_namespace: Text<'a>,
}

pub(crate) fn project(json: ProjectJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(path) = raw.take("/path_with_namespace", json.path_with_namespace) else {
        return raw.missing("/path_with_namespace");
    };
    let remotes =
        [raw.text("/http_url_to_repo", json.http_url_to_repo), raw.text("/ssh_url_to_repo", json.ssh_url_to_repo)];
    let namespace = raw.take("/namespace", json.namespace).unwrap_or_default().0;
    let forked_from = raw.take("/forked_from_project", json.forked_from_project).unwrap_or_default().0;
    let forked_from = raw.text("/forked_from_project/path_with_namespace", forked_from.path_with_namespace);
    let mut repository = Repository::default()
        .name(path.clone().into_owned())
        .url(raw.text("/web_url", json.web_url))
        .remotes(remotes.into_iter().flatten())
        .owner(raw.text("/namespace/full_path", namespace.full_path))
        .description(raw.filled("/description", json.description))
        .default_branch(raw.text("/default_branch", json.default_branch))
        .forked_from(forked_from.map(Reference::Key))
        .archived(raw.take("/archived", json.archived))
        .created_at(raw.take("/created_at", json.created_at))
        .updated_at(raw.take("/last_activity_at", json.last_activity_at));
    if let Some(visibility) = raw.take("/visibility", json.visibility) {
        let visibility = AttributeValue::Text(visibility.into_owned());
        repository.attributes.insert("gitlab.visibility".to_owned(), visibility);
    }
    let topics = names(raw, "/topics", json.topics);
    if !topics.is_empty() {
        repository.attributes.insert("gitlab.topics".to_owned(), AttributeValue::Texts(topics));
    }
    Outcome::entity(path, &repository)
}

/// A member of a project.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct MemberJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    username: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
    #[serde(borrow)]
    public_email: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
}

pub(crate) fn member(json: MemberJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let username = raw.text("/username", json.username);
    let emails = [raw.take("/email", json.email), raw.take("/public_email", json.public_email)];
    let person = Person::default()
        .name(raw.filled("/name", json.name))
        .bot(username.as_deref().map(is_bot))
        .login(username)
        .emails(emails.into_iter().filter_map(|email| email_address(&email?)))
        .active(raw.take("/state", json.state).map(|state| state == "active"))
        .url(raw.text("/web_url", json.web_url));
    Outcome::entity(id.to_string(), &person)
}

/// Access tokens of projects and groups act as users of these names.
fn is_bot(username: &str) -> bool {
    let is_token = ["project_", "group_"].iter().any(|sort| username.starts_with(sort)) && username.contains("_bot");
    is_token || username.ends_with("[bot]")
}

/// GitLab writes a remark in place of an address it keeps to itself.
fn email_address(text: &str) -> Option<String> {
    text.contains('@').then(|| text.to_ascii_lowercase())
}

/// A commit of a listing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CommitJson<'a> {
    id: Sha,
    parent_ids: List<ObjectId>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    author_name: Text<'a>,
    #[serde(borrow)]
    author_email: Text<'a>,
    authored_date: Instant,
    #[serde(borrow)]
    committer_name: Text<'a>,
    #[serde(borrow)]
    committer_email: Text<'a>,
    committed_date: Instant,
    stats: Nested<Stats>,
    #[serde(borrow)]
    web_url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stats {
    additions: Field<u32>,
    deletions: Field<u32>,
}

pub(crate) fn commit(json: CommitJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(sha) = raw.take("/id", json.id.clone()) else { return raw.missing("/id") };
    Outcome::entity(sha.as_str(), &commit_entity(json, raw))
}

/// A commit of a merge request: the commit, and that it belongs to the change.
pub(crate) fn merge_request_commit(json: CommitJson<'_>, raw: &Raw<'_>) -> Outcome {
    let origin: Option<Origin<'_>> = raw.context();
    let Some((origin, number)) = origin.and_then(|origin| origin.merge_request.map(|number| (origin, number))) else {
        return raw.missing("");
    };
    let Some(sha) = raw.take("/id", json.id.clone()) else { return raw.missing("/id") };
    let change = Change::default().repository(origin.reference()).commits([sha.clone()]);
    let produced = Produced::default().with(sha.as_str(), &commit_entity(json, raw));
    produced.with(origin.change(number), &change).into()
}

fn commit_entity(json: CommitJson<'_>, raw: &Raw<'_>) -> Commit {
    let web_url = raw.take("/web_url", json.web_url);
    let stats = raw.take("/stats", json.stats).unwrap_or_default().0;
    let author = signer(raw.text("/author_email", json.author_email), raw.filled("/author_name", json.author_name));
    let committer =
        signer(raw.text("/committer_email", json.committer_email), raw.filled("/committer_name", json.committer_name));
    Commit::default()
        .repositories(Origin::read(raw, web_url.as_deref()).map(|origin| origin.reference()))
        .parents(raw.list("/parent_ids", json.parent_ids))
        .author(author)
        .authored_at(raw.take("/authored_date", json.authored_date))
        .committer(committer)
        .committed_at(raw.take("/committed_date", json.committed_date))
        .message(raw.text("/message", json.message))
        .additions(raw.take("/stats/additions", stats.additions))
        .deletions(raw.take("/stats/deletions", stats.deletions))
}

/// Commits know no accounts: somebody by e-mail address, else by the name git has.
fn signer(email: Option<String>, name: Option<String>) -> Option<Reference> {
    email.and_then(|email| email_address(&email)).or(name).map(Reference::Name)
}

/// A tag of a listing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TagJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    commit: Nested<TaggedCommit<'a>>,
    /// When an annotated tag was made; newer versions say it.
    created_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TaggedCommit<'a> {
    id: Sha,
    #[serde(borrow)]
    web_url: Text<'a>,
}

pub(crate) fn tag(json: TagJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(name) = raw.take("/name", json.name) else { return raw.missing("/name") };
    let tagged = raw.take("/commit", json.commit).unwrap_or_default().0;
    let Some(sha) = raw.take("/commit/id", tagged.id) else { return raw.missing("/commit/id") };
    let web_url = raw.take("/commit/web_url", tagged.web_url);
    let at = raw.take("/created_at", json.created_at);
    let commit = Commit::default()
        .repositories(Origin::read(raw, web_url.as_deref()).map(|origin| origin.reference()))
        .refs([CommitRef { name: format!("refs/tags/{name}"), at }]);
    Outcome::entity(sha.as_str(), &commit)
}

/// A push, as the webhook gives it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PushJson<'a> {
    #[serde(borrow)]
    commits: List<Object<PushedCommit<'a>>>,
    user_id: Field<u64>,
    #[serde(borrow)]
    user_name: Text<'a>,
    #[serde(borrow)]
    user_username: Text<'a>,
    #[serde(borrow)]
    user_email: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PushedCommit<'a> {
    id: Sha,
    #[serde(borrow)]
    message: Text<'a>,
    timestamp: Instant,
    #[serde(borrow)]
    author: Nested<Signature<'a>>,
    #[serde(borrow)]
    url: Text<'a>,
    added: List<String>,
    removed: List<String>,
    modified: List<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Signature<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
}

/// Commits with the files they touched, which listings do not say, and who pushed them: the one place where GitLab ties
/// a user name to an e-mail address.
pub(crate) fn push(json: PushJson<'_>, raw: &Raw<'_>) -> Outcome {
    let mut produced = Produced::default();
    for Object(json) in raw.list("/commits", json.commits) {
        let Some(sha) = raw.take("/commits/id", json.id.clone()) else { continue };
        produced = produced.with(sha.as_str(), &pushed_commit(json, raw));
    }
    let email = raw.take("/user_email", json.user_email).and_then(|email| email_address(&email));
    let account = Account { id: json.user_id, username: json.user_username };
    if let (Some(id), Some(username)) = (raw.take("/user_id", account.id), raw.take("/user_username", account.username))
    {
        let name = raw.filled("/user_name", json.user_name);
        let person = Person::default().login(username.into_owned()).name(name).emails(email);
        produced = produced.with(id.to_string(), &person);
    }
    if produced.entities.is_empty() { Outcome::ignored("gitlab.push.empty") } else { produced.into() }
}

fn pushed_commit(json: PushedCommit<'_>, raw: &Raw<'_>) -> Commit {
    let author = raw.take("/commits/author", json.author).unwrap_or_default().0;
    let author =
        signer(raw.text("/commits/author/email", author.email), raw.filled("/commits/author/name", author.name));
    let files = [
        (json.added, FileChangeKind::Added),
        (json.removed, FileChangeKind::Deleted),
        (json.modified, FileChangeKind::Modified),
    ];
    let file = |path: String, kind: &FileChangeKind| FileChange {
        path,
        previous_path: None,
        kind: Some(kind.clone()),
        additions: None,
        deletions: None,
    };
    let files = files
        .into_iter()
        .flat_map(|(paths, kind)| raw.list("/commits/files", paths).into_iter().map(move |path| file(path, &kind)));
    let url = raw.take("/commits/url", json.url);
    let origin: Option<Origin<'_>> = raw.context();
    let project = origin.map(|origin| origin.reference());
    Commit::default()
        .repositories(project.or_else(|| Some(Reference::Key(project_in(url.as_deref()?)?.to_owned()))))
        .author(author)
        .authored_at(raw.take("/commits/timestamp", json.timestamp))
        .message(raw.text("/commits/message", json.message))
        .files(files)
}
