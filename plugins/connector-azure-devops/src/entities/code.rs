//! Repositories and commits.

use serde::Deserialize;
use weir_sdk::prelude::*;

use super::{Named, branch, name};
use crate::origin::Origin;

/// A repository.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RepositoryJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    project: Nested<Named<'a>>,
    #[serde(borrow, rename = "defaultBranch")]
    default_branch: Text<'a>,
    #[serde(borrow, rename = "remoteUrl")]
    remote: Text<'a>,
    #[serde(borrow, rename = "sshUrl")]
    ssh: Text<'a>,
    #[serde(borrow, rename = "webUrl")]
    page: Text<'a>,
    #[serde(rename = "isDisabled")]
    is_disabled: Field<bool>,
}

pub(crate) fn repository(json: RepositoryJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(own_name) = raw.filled("/name", json.name) else { return raw.missing("/name") };
    let project = name(raw, "/project", json.project);
    let project = project.or_else(|| Origin::read(raw).map(|origin| origin.project.into_owned()));
    let Some(project) = project else { return raw.missing("/project/name") };
    let key = format!("{project}/{own_name}");
    let remotes = [raw.filled("/remoteUrl", json.remote), raw.filled("/sshUrl", json.ssh)];
    let default_branch = raw.take("/defaultBranch", json.default_branch);
    let repository = Repository::default()
        .name(key.clone())
        .url(raw.filled("/webUrl", json.page))
        .remotes(remotes.into_iter().flatten())
        .owner(project)
        .default_branch(default_branch.as_deref().map(branch))
        .archived(raw.take("/isDisabled", json.is_disabled));
    Outcome::entity(key, &repository)
}

/// A commit.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CommitJson<'a> {
    #[serde(rename = "commitId")]
    id: Sha,
    #[serde(borrow)]
    comment: Text<'a>,
    #[serde(borrow)]
    author: Nested<Signature<'a>>,
    #[serde(borrow)]
    committer: Nested<Signature<'a>>,
    parents: List<ObjectId>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Signature<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
    date: Instant,
}

/// Who signed a commit, and when. Git's address is all there is; it mostly is the login too.
fn signed(raw: &Raw<'_>, place: &str, signature: Nested<Signature<'_>>) -> (Option<Reference>, Option<Timestamp>) {
    let signature = raw.take(place, signature).unwrap_or_default().0;
    let email = raw.filled(place, signature.email).map(|email| email.to_ascii_lowercase());
    let name = raw.filled(place, signature.name);
    (email.or(name).map(Reference::Name), raw.take(place, signature.date))
}

fn commit_of(json: CommitJson<'_>, raw: &Raw<'_>) -> Result<(ObjectId, Commit), Outcome> {
    let sha = raw.take("/commitId", json.id).ok_or_else(|| raw.missing("/commitId"))?;
    let (author, authored_at) = signed(raw, "/author", json.author);
    let (committer, committed_at) = signed(raw, "/committer", json.committer);
    let repository = Origin::read(raw).and_then(|origin| origin.repository_key());
    let commit = Commit::default()
        .repositories(repository.map(Reference::Key))
        .parents(raw.list("/parents", json.parents))
        .author(author)
        .authored_at(authored_at)
        .committer(committer)
        .committed_at(committed_at)
        // Listings cut a long message off; its beginning is still right.
        .message(raw.text("/comment", json.comment));
    Ok((sha, commit))
}

pub(crate) fn commit(json: CommitJson<'_>, raw: &Raw<'_>) -> Outcome {
    commit_of(json, raw).map_or_else(|outcome| outcome, |(sha, commit)| Outcome::entity(sha.as_str(), &commit))
}

/// A commit of a pull request: the commit, and that it belongs to the change.
pub(crate) fn pull_commit(json: CommitJson<'_>, raw: &Raw<'_>) -> Outcome {
    let key = Origin::read(raw).and_then(|origin| origin.pull_key(origin.pull?));
    let Some(key) = key else { return raw.missing("") };
    match commit_of(json, raw) {
        Ok((sha, commit)) => {
            let change = Change::default().commits([sha.clone()]);
            Produced::default().with(sha.as_str(), &commit).with(key, &change).into()
        }
        Err(outcome) => outcome,
    }
}
