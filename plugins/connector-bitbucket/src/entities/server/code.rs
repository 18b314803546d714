//! Repositories, commits and tags.

use serde::Deserialize;
use weir_sdk::model::entity::CommitRef;
use weir_sdk::prelude::*;

use super::{Links, Nested, Project, RepositoryPointer, User, full_name, hrefs};
use crate::origin::Origin;

/// A repository.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RepositoryJson<'a> {
    #[serde(borrow)]
    slug: Text<'a>,
    #[serde(borrow)]
    project: Nested<Project<'a>>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    origin: Nested<RepositoryPointer<'a>>,
    archived: Field<bool>,
    #[serde(borrow)]
    links: Nested<Links<'a>>,
}

pub(crate) fn repository(json: RepositoryJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(slug) = raw.filled("/slug", json.slug) else { return raw.missing("/slug") };
    let project = raw.take("/project", json.project).and_then(|project| raw.filled("/project/key", project.0.key));
    let Some(project) = project else { return raw.missing("/project/key") };
    let links = raw.take("/links", json.links).unwrap_or_default().0;
    let key = format!("{project}/{slug}");
    let repository = Repository::default()
        .name(key.clone())
        .url(hrefs(raw, "/links/self", links.page).into_iter().next())
        .remotes(hrefs(raw, "/links/clone", links.clone))
        .owner(project)
        .description(raw.filled("/description", json.description))
        .forked_from(full_name(raw, "/origin", json.origin).map(Reference::Key))
        .archived(raw.take("/archived", json.archived));
    Outcome::entity(key, &repository)
}

/// A commit.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CommitJson<'a> {
    id: Sha,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    author: Nested<User<'a>>,
    #[serde(borrow)]
    committer: Nested<User<'a>>,
    #[serde(rename = "authorTimestamp")]
    authored_at: Instant,
    #[serde(rename = "committerTimestamp")]
    committed_at: Instant,
    parents: List<Object<CommitPointer>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommitPointer {
    id: Sha,
}

pub(crate) fn commit(json: CommitJson<'_>, raw: &Raw<'_>, origin: &Origin<'_>) -> Outcome {
    commit_entities(json, raw, origin).map_or_else(|outcome| outcome, |(_, produced)| produced.into())
}

/// A commit of a pull request: the commit, and that it belongs to the change.
pub(crate) fn pull_commit(json: CommitJson<'_>, raw: &Raw<'_>, origin: &Origin<'_>) -> Outcome {
    let Some(number) = origin.pull else { return raw.missing("") };
    match commit_entities(json, raw, origin) {
        Ok((sha, produced)) => {
            let change = Change::default().repository(origin.reference()).commits([sha]);
            produced.with(origin.numbered(number), &change).into()
        }
        Err(outcome) => outcome,
    }
}

fn commit_entities(json: CommitJson<'_>, raw: &Raw<'_>, origin: &Origin<'_>) -> Result<(ObjectId, Produced), Outcome> {
    let sha = raw.take("/id", json.id).ok_or_else(|| raw.missing("/id"))?;
    let author = Signer::read(raw, "/author", json.author);
    let committer = Signer::read(raw, "/committer", json.committer);
    let parents = raw.list("/parents", json.parents).into_iter();
    // A record fed in by hand does not say where it belongs.
    let repository = Some(origin.reference()).filter(|_| !origin.repository.is_empty());
    let commit = Commit::default()
        .repositories(repository)
        .parents(parents.filter_map(|parent| raw.take("/parents/id", parent.0.id)))
        .author(author.reference())
        .authored_at(raw.take("/authorTimestamp", json.authored_at))
        .committer(committer.reference())
        .committed_at(raw.take("/committerTimestamp", json.committed_at))
        .message(raw.text("/message", json.message));
    let is_other = committer.id != author.id;
    let produced = author.add_person(Produced::default().with(sha.as_str(), &commit));
    Ok((sha, if is_other { committer.add_person(produced) } else { produced }))
}

/// Somebody who signed a commit.
struct Signer {
    id: Option<String>,
    name: Option<String>,
    display_name: Option<String>,
    email: Option<String>,
    active: Option<bool>,
    bot: Option<bool>,
}

impl Signer {
    fn read(raw: &Raw<'_>, place: &str, user: Nested<User<'_>>) -> Self {
        let user = raw.take(place, user).unwrap_or_default().0;
        Self {
            id: raw.filled(place, user.id),
            name: raw.filled(place, user.name),
            display_name: raw.filled(place, user.display_name),
            email: raw.filled(place, user.email).map(|email| email.to_ascii_lowercase()),
            active: raw.take(place, user.active),
            bot: raw.take(place, user.kind).map(|kind| kind == "SERVICE"),
        }
    }

    /// The login, which pull requests use too; the e-mail address of those without an account, whose name is only what
    /// git was told.
    fn reference(&self) -> Option<Reference> {
        let login = self.name.clone().filter(|_| self.id.is_some());
        login.or_else(|| self.email.clone()).map(Reference::Name)
    }

    fn add_person(self, produced: Produced) -> Produced {
        let (Some(id), Some(login)) = (self.id, self.name) else { return produced };
        let person = Person::default().login(login).name(self.display_name).emails(self.email);
        produced.with(id, &person.active(self.active).bot(self.bot))
    }
}

/// A tag.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TagJson<'a> {
    #[serde(borrow, rename = "displayId")]
    name: Text<'a>,
    #[serde(rename = "latestCommit")]
    commit: Sha,
}

pub(crate) fn tag(json: TagJson<'_>, raw: &Raw<'_>, origin: &Origin<'_>) -> Outcome {
    let Some(name) = raw.filled("/displayId", json.name) else { return raw.missing("/displayId") };
    let Some(sha) = raw.take("/latestCommit", json.commit) else { return raw.missing("/latestCommit") };
    let repository = Some(origin.reference()).filter(|_| !origin.repository.is_empty());
    let commit =
        Commit::default().repositories(repository).refs([CommitRef { name: format!("refs/tags/{name}"), at: None }]);
    Outcome::entity(sha.as_str(), &commit)
}
