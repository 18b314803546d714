//! Repositories, commits and tags.

use serde::Deserialize;
use weir_sdk::model::entity::{AttributeValue, CommitRef};
use weir_sdk::prelude::*;

use super::{Account, CommitPointer, Link, Links, Named, RepositoryPointer, addresses, full_name, name};
use crate::origin::{Origin, repository_in};

/// A repository.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RepositoryJson<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
    #[serde(borrow)]
    links: Nested<RepositoryLinks<'a>>,
    #[serde(borrow)]
    workspace: Nested<Workspace<'a>>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    mainbranch: Nested<Named<'a>>,
    #[serde(borrow)]
    language: Text<'a>,
    #[serde(borrow)]
    parent: Nested<RepositoryPointer<'a>>,
    is_private: Field<bool>,
    created_on: Instant,
    updated_on: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryLinks<'a> {
    #[serde(borrow)]
    html: Nested<Link<'a>>,
    #[serde(borrow)]
    clone: List<Object<Link<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Workspace<'a> {
    #[serde(borrow)]
    slug: Text<'a>,
}

pub(crate) fn repository(json: RepositoryJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(key) = raw.filled("/full_name", json.full_name) else { return raw.missing("/full_name") };
    let links = raw.take("/links", json.links).unwrap_or_default().0;
    let url = raw.take("/links/html", links.html).and_then(|link| raw.text("/links/html/href", link.0.href));
    let clones = raw.list("/links/clone", links.clone).into_iter();
    let remotes = clones.filter_map(|link| raw.filled("/links/clone/href", link.0.href));
    let owner = raw.take("/workspace", json.workspace).and_then(|it| raw.text("/workspace/slug", it.0.slug));
    let mut repository = Repository::default()
        .name(key.clone())
        .url(url)
        .remotes(remotes)
        .owner(owner.or_else(|| key.split('/').next().map(str::to_owned)))
        .description(raw.filled("/description", json.description))
        .default_branch(name(raw, "/mainbranch", json.mainbranch))
        .languages(raw.filled("/language", json.language))
        .forked_from(full_name(raw, "/parent", json.parent).map(Reference::Key))
        .created_at(raw.take("/created_on", json.created_on))
        .updated_at(raw.take("/updated_on", json.updated_on));
    if let Some(is_private) = raw.take("/is_private", json.is_private) {
        repository.attributes.insert("bitbucket.private".to_owned(), AttributeValue::Boolean(is_private));
    }
    Outcome::entity(key, &repository)
}

/// A commit.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CommitJson<'a> {
    hash: Sha,
    #[serde(borrow)]
    repository: Nested<RepositoryPointer<'a>>,
    #[serde(borrow)]
    links: Nested<Links<'a>>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    author: Nested<AuthorJson<'a>>,
    date: Instant,
    parents: List<Object<CommitPointer>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthorJson<'a> {
    #[serde(borrow)]
    raw: Text<'a>,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
}

pub(crate) fn commit(json: CommitJson<'_>, raw: &Raw<'_>, origin: Origin<'_>) -> Outcome {
    commit_entities(json, raw, origin).map_or_else(|outcome| outcome, |(_, produced)| produced.into())
}

/// A commit of a pull request: the commit, and that it belongs to the change.
pub(crate) fn pull_commit(json: CommitJson<'_>, raw: &Raw<'_>, origin: &Origin<'_>) -> Outcome {
    let Some(number) = origin.pull else { return raw.missing("") };
    match commit_entities(json, raw, origin.clone()) {
        Ok((sha, produced)) => {
            let change = Change::default().repository(origin.reference()).commits([sha]);
            produced.with(origin.numbered(number), &change).into()
        }
        Err(outcome) => outcome,
    }
}

/// The commit, and its author where Bitbucket knows the account behind the e-mail address.
fn commit_entities(json: CommitJson<'_>, raw: &Raw<'_>, origin: Origin<'_>) -> Result<(ObjectId, Produced), Outcome> {
    let sha = raw.take("/hash", json.hash).ok_or_else(|| raw.missing("/hash"))?;
    let (_, api_url) = addresses(raw, json.links);
    let named = full_name(raw, "/repository", json.repository);
    let origin = origin.or_in(named.or_else(|| repository_in(api_url.as_deref()?)));
    let author = Author::read(raw, json.author);
    let parents = raw.list("/parents", json.parents).into_iter();
    let commit = Commit::default()
        .repositories(origin.map(|origin| origin.reference()))
        .parents(parents.filter_map(|parent| raw.take("/parents/hash", parent.0.hash)))
        .author(author.login.clone().or_else(|| author.email.clone()).map(Reference::Name))
        // Cloud gives one date, and no committer.
        .authored_at(raw.take("/date", json.date))
        .message(raw.text("/message", json.message));
    let produced = Produced::default().with(sha.as_str(), &commit);
    Ok((sha, author.add_person(produced)))
}

/// Who wrote a commit: what git says and what Bitbucket says.
struct Author {
    uuid: Option<String>,
    login: Option<String>,
    name: Option<String>,
    email: Option<String>,
}

impl Author {
    fn read(raw: &Raw<'_>, json: Nested<AuthorJson<'_>>) -> Self {
        let json = raw.take("/author", json).unwrap_or_default().0;
        let signature = raw.filled("/author/raw", json.raw).unwrap_or_default();
        let (signed, email) = split_signature(&signature);
        let account = raw.take("/author/user", json.user).unwrap_or_default().0;
        let login = account.login(raw, "/author/user");
        let name = raw.filled("/author/user/display_name", account.display_name);
        Self {
            uuid: raw.filled("/author/user/uuid", account.uuid),
            login,
            name: name.or_else(|| signed.map(str::to_owned)),
            email: email.map(str::to_ascii_lowercase),
        }
    }

    /// Commits are the one place where Bitbucket ties an account to an e-mail address.
    fn add_person(self, produced: Produced) -> Produced {
        let (Some(uuid), Some(login)) = (self.uuid, self.login) else { return produced };
        produced.with(uuid, &Person::default().login(login).name(self.name).emails(self.email))
    }
}

/// Name and address of "Ana Lima <ana@acme.example>"; either may be missing.
fn split_signature(signature: &str) -> (Option<&str>, Option<&str>) {
    let filled = |text: &'_ str| !text.trim().is_empty();
    match signature.split_once('<') {
        Some((name, address)) => {
            let address = address.trim_end().trim_end_matches('>').trim();
            (Some(name.trim()).filter(|name| filled(name)), Some(address).filter(|address| address.contains('@')))
        }
        None => (Some(signature.trim()).filter(|name| filled(name)), None),
    }
}

/// A tag.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TagJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    links: Nested<Links<'a>>,
    target: Nested<CommitPointer>,
    date: Instant,
}

pub(crate) fn tag(json: TagJson<'_>, raw: &Raw<'_>, origin: Origin<'_>) -> Outcome {
    let Some(name) = raw.filled("/name", json.name) else { return raw.missing("/name") };
    let Some(sha) = super::hash(raw, "/target/hash", json.target) else { return raw.missing("/target/hash") };
    let (_, api_url) = addresses(raw, json.links);
    let origin = origin.or_in(api_url.as_deref().and_then(repository_in));
    let at = raw.take("/date", json.date);
    let commit = Commit::default()
        .repositories(origin.map(|origin| origin.reference()))
        .refs([CommitRef { name: format!("refs/tags/{name}"), at }]);
    Outcome::entity(sha.as_str(), &commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_a_name_and_an_address() {
        assert_eq!(split_signature("Ana Lima <ana@acme.example>"), (Some("Ana Lima"), Some("ana@acme.example")));
        assert_eq!(split_signature("<ana@acme.example>"), (None, Some("ana@acme.example")));
        assert_eq!(split_signature("Ana <unknown>"), (Some("Ana"), None));
        assert_eq!(split_signature("root"), (Some("root"), None));
        assert_eq!(split_signature(""), (None, None));
    }
}
