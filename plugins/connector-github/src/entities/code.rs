//! Repositories, commits, tags and pushes.

use serde::Deserialize;
use weir_sdk::model::entity::{AttributeValue, CommitRef, FileChange, FileChangeKind};
use weir_sdk::prelude::*;

use super::Account;
use crate::origin::Origin;

/// A repository as the API gives it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RepositoryJson<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    clone_url: Text<'a>,
    #[serde(borrow)]
    ssh_url: Text<'a>,
    #[serde(borrow)]
    git_url: Text<'a>,
    #[serde(borrow)]
    owner: Nested<Account<'a>>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    default_branch: Text<'a>,
    #[serde(borrow)]
    language: Text<'a>,
    archived: Field<bool>,
    #[serde(rename = "private")]
    is_private: Field<bool>,
    #[serde(borrow)]
    parent: Nested<ParentJson<'a>>,
    created_at: Instant,
    updated_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ParentJson<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
}

pub(crate) fn repository(json: RepositoryJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(full_name) = raw.take("/full_name", json.full_name) else { return raw.missing("/full_name") };
    let remotes = [
        raw.text("/clone_url", json.clone_url),
        raw.text("/ssh_url", json.ssh_url),
        raw.text("/git_url", json.git_url),
    ];
    let forked_from =
        raw.take("/parent", json.parent).and_then(|parent| raw.text("/parent/full_name", parent.0.full_name));
    let mut repository = Repository::default()
        .name(full_name.clone().into_owned())
        .url(raw.text("/html_url", json.html_url))
        .remotes(remotes.into_iter().flatten())
        .owner(raw.take("/owner", json.owner).and_then(|owner| raw.text("/owner/login", owner.0.login)))
        .description(raw.filled("/description", json.description))
        .default_branch(raw.text("/default_branch", json.default_branch))
        .languages(raw.text("/language", json.language))
        .forked_from(forked_from.map(Reference::Key))
        .archived(raw.take("/archived", json.archived))
        .created_at(raw.take("/created_at", json.created_at))
        .updated_at(raw.take("/updated_at", json.updated_at));
    if let Some(is_private) = raw.take("/private", json.is_private) {
        repository.attributes.insert("github.private".to_owned(), AttributeValue::Boolean(is_private));
    }
    Outcome::entity(full_name, &repository)
}

/// A commit of a listing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CommitJson<'a> {
    sha: Sha,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    commit: Nested<GitCommit<'a>>,
    #[serde(borrow)]
    author: Nested<Account<'a>>,
    #[serde(borrow)]
    committer: Nested<Account<'a>>,
    parents: List<Object<ParentCommit>>,
    stats: Nested<Stats>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GitCommit<'a> {
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    author: Nested<Signature<'a>>,
    #[serde(borrow)]
    committer: Nested<Signature<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Signature<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
    #[serde(borrow)]
    username: Text<'a>,
    date: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ParentCommit {
    sha: Sha,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stats {
    additions: Field<u32>,
    deletions: Field<u32>,
}

pub(crate) fn commit(json: CommitJson<'_>, raw: &Raw<'_>) -> Outcome {
    commit_entities(json, raw).map_or_else(|outcome| outcome, |(_, produced)| produced.into())
}

/// A commit of a pull request: the commit, and that it belongs to the change.
pub(crate) fn pull_commit(json: CommitJson<'_>, raw: &Raw<'_>) -> Outcome {
    let origin: Option<Origin<'_>> = raw.context();
    let Some((origin, number)) = origin.and_then(|origin| origin.pull.map(|number| (origin, number))) else {
        return raw.missing("");
    };
    match commit_entities(json, raw) {
        Ok((sha, produced)) => {
            let change = Change::default().repository(origin.reference()).commits([sha]);
            produced.with(origin.numbered(number), &change).into()
        }
        Err(outcome) => outcome,
    }
}

/// The commit, and its author where GitHub knows the account behind the e-mail address.
fn commit_entities(json: CommitJson<'_>, raw: &Raw<'_>) -> Result<(ObjectId, Produced), Outcome> {
    let sha = raw.take("/sha", json.sha).ok_or_else(|| raw.missing("/sha"))?;
    let url = raw.take("/url", json.url);
    let origin = Origin::read(raw, url.as_deref());
    let git = raw.take("/commit", json.commit).unwrap_or_default().0;
    let author = Signer::read(raw, "/author", json.author, git.author);
    let committer = Signer::read(raw, "/committer", json.committer, git.committer);
    let stats = raw.take("/stats", json.stats).unwrap_or_default().0;
    let parents =
        raw.list("/parents", json.parents).into_iter().filter_map(|parent| raw.take("/parents/sha", parent.0.sha));
    let commit = Commit::default()
        .repositories(origin.map(|origin| origin.reference()))
        .parents(parents)
        .author(author.reference())
        .authored_at(author.at)
        .committer(committer.reference())
        .committed_at(committer.at)
        .message(raw.text("/commit/message", git.message))
        .additions(raw.take("/stats/additions", stats.additions))
        .deletions(raw.take("/stats/deletions", stats.deletions));
    let produced = Produced::default().with(sha.as_str(), &commit);
    Ok((sha, author.add_person(produced)))
}

/// Somebody who signed a commit: what git says and what GitHub says.
struct Signer {
    id: Option<u64>,
    login: Option<String>,
    bot: bool,
    name: Option<String>,
    email: Option<String>,
    at: Option<Timestamp>,
}

impl Signer {
    fn read(raw: &Raw<'_>, place: &str, account: Nested<Account<'_>>, signature: Nested<Signature<'_>>) -> Self {
        let signature = raw.take(place, signature).unwrap_or_default().0;
        let account = raw.take(place, account).unwrap_or_default().0;
        Self {
            id: raw.take(place, account.id),
            login: raw.text(place, account.login).or(raw.text(place, signature.username)),
            bot: raw.take(place, account.kind).as_deref() == Some("Bot"),
            name: raw.filled(place, signature.name),
            email: raw.filled(place, signature.email).map(|email| email.to_ascii_lowercase()),
            at: raw.take(place, signature.date),
        }
    }

    /// The login, which changes and reviews use too; the e-mail address of those without an account.
    fn reference(&self) -> Option<Reference> {
        self.login.clone().or_else(|| self.email.clone()).map(Reference::Name)
    }

    /// Commits are the one place where GitHub ties a login to an e-mail address.
    fn add_person(self, produced: Produced) -> Produced {
        let (Some(id), Some(login)) = (self.id, self.login) else { return produced };
        let person = Person::default().login(login).name(self.name).emails(self.email).bot(self.bot);
        produced.with(id.to_string(), &person)
    }
}

/// A tag of a listing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TagJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    commit: Nested<TaggedCommit<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TaggedCommit<'a> {
    sha: Sha,
    #[serde(borrow)]
    url: Text<'a>,
}

pub(crate) fn tag(json: TagJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(name) = raw.take("/name", json.name) else { return raw.missing("/name") };
    let tagged = raw.take("/commit", json.commit).unwrap_or_default().0;
    let Some(sha) = raw.take("/commit/sha", tagged.sha) else { return raw.missing("/commit/sha") };
    let url = raw.take("/commit/url", tagged.url);
    let commit = Commit::default()
        .repositories(Origin::read(raw, url.as_deref()).map(|origin| origin.reference()))
        .refs([CommitRef { name: format!("refs/tags/{name}"), at: None }]);
    Outcome::entity(sha.as_str(), &commit)
}

/// A push, as the webhook gives it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PushJson<'a> {
    #[serde(rename = "ref", borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    commits: List<Object<PushedCommit<'a>>>,
    head_commit: Nested<PushedHead>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PushedHead {
    id: Sha,
    timestamp: Instant,
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
    committer: Nested<Signature<'a>>,
    #[serde(borrow)]
    added: List<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    removed: List<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    modified: List<std::borrow::Cow<'a, str>>,
}

/// Commits with the files they touched, which listings do not say. A pushed tag is also named on its commit; a branch is
/// not, for it moves on and this record stays.
pub(crate) fn push(json: PushJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(origin) = Origin::read(raw, None) else { return raw.missing("") };
    let mut produced = Produced::default();
    for Object(json) in raw.list("/commits", json.commits) {
        let Some(sha) = raw.take("/commits/id", json.id.clone()) else { continue };
        produced = produced.with(sha.as_str(), &pushed_commit(raw, json, &origin));
    }
    let head = raw.take("/head_commit", json.head_commit).unwrap_or_default().0;
    let name = raw.take("/ref", json.name).filter(|name| name.starts_with("refs/tags/"));
    if let (Some(sha), Some(name)) = (raw.take("/head_commit/id", head.id), name) {
        let at = raw.take("/head_commit/timestamp", head.timestamp);
        let commit =
            Commit::default().repositories([origin.reference()]).refs([CommitRef { name: name.into_owned(), at }]);
        produced = produced.with(sha.as_str(), &commit);
    }
    if produced.entities.is_empty() { Outcome::ignored("github.push.empty") } else { produced.into() }
}

fn pushed_commit(raw: &Raw<'_>, json: PushedCommit<'_>, origin: &Origin<'_>) -> Commit {
    let author = Signer::read(raw, "/commits/author", Field::Unstated, json.author);
    let committer = Signer::read(raw, "/commits/committer", Field::Unstated, json.committer);
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
    let files = files.into_iter().flat_map(|(paths, kind)| {
        raw.list("/commits/files", paths).into_iter().map(move |path| file(path.into_owned(), &kind))
    });
    Commit::default()
        .repositories([origin.reference()])
        .author(author.reference())
        .authored_at(raw.take("/commits/timestamp", json.timestamp))
        .committer(committer.reference())
        .message(raw.text("/commits/message", json.message))
        .files(files)
}
