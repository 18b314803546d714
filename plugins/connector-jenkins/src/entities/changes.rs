//! What a build checked out, and the commits that were new in it.

use std::borrow::Cow;

use serde::Deserialize;
use weir_sdk::model::entity::{AttributeValue, Checkout};
use weir_sdk::prelude::*;

use crate::origin::{Origin, without_credentials};

/// Shortest object id of a whole commit: that of SHA-1 in hexadecimal.
const OBJECT_ID_LEN: usize = 40;

/// A revision git built.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RevisionJson<'a> {
    #[serde(rename = "SHA1")]
    sha1: Sha,
    #[serde(borrow)]
    branch: List<Object<BranchJson<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BranchJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

/// The changes of one repository.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ChangesJson<'a> {
    #[serde(borrow)]
    items: List<Object<CommitJson<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CommitJson<'a> {
    #[serde(borrow)]
    commit_id: Text<'a>,
    timestamp: Field<i64>,
    #[serde(borrow)]
    author: Nested<AuthorJson<'a>>,
    #[serde(borrow)]
    author_email: Text<'a>,
    #[serde(borrow)]
    msg: Text<'a>,
    #[serde(borrow)]
    comment: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AuthorJson<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
}

/// A commit that was new in a build.
pub(super) struct NewCommit {
    pub(super) id: ObjectId,
    author: Option<String>,
    email: Option<String>,
    at: Option<Timestamp>,
    message: Option<String>,
}

impl NewCommit {
    /// Adds the commit, where its id is a whole one.
    pub(super) fn write(self, produced: Produced, repository: Option<Reference>) -> Produced {
        if self.id.as_str().len() < OBJECT_ID_LEN {
            return produced;
        }
        let mut commit = Commit::default()
            .repositories(repository)
            .author(self.email.or_else(|| self.author.clone()).map(Reference::Name))
            .authored_at(self.at)
            .message(self.message);
        let name = self.author.map(|name| ("git.author_name".to_owned(), AttributeValue::Text(name)));
        commit.attributes.extend(name);
        produced.with(self.id.as_str(), &commit)
    }
}

/// The new commits of all repositories, each once. Freestyle jobs have one list, pipelines several. Systems without
/// object ids count their revisions; those are left out.
pub(super) fn read(
    raw: &Raw<'_>,
    one: Nested<ChangesJson<'_>>,
    several: List<Object<ChangesJson<'_>>>,
) -> Vec<NewCommit> {
    let one = raw.take("/changeSet", one);
    let lists = one.into_iter().chain(raw.list("/changeSets", several));
    let mut commits: Vec<NewCommit> = Vec::new();
    for item in lists.flat_map(|list| raw.list("/changeSets/items", list.0.items)) {
        let commit = new_commit(raw, item.0);
        commits.extend(commit.filter(|commit| !commits.iter().any(|known| known.id == commit.id)));
    }
    commits
}

fn new_commit(raw: &Raw<'_>, json: CommitJson<'_>) -> Option<NewCommit> {
    let id = ObjectId::new(&raw.take("/changeSets/items/commitId", json.commit_id)?)?;
    let author = raw.take("/changeSets/items/author", json.author).unwrap_or_default().0;
    let email = raw.filled("/changeSets/items/authorEmail", json.author_email);
    let at = raw.take("/changeSets/items/timestamp", json.timestamp);
    let comment = raw.filled("/changeSets/items/comment", json.comment);
    let message = comment.or_else(|| raw.filled("/changeSets/items/msg", json.msg));
    Some(NewCommit {
        id,
        author: raw.filled("/changeSets/items/author/fullName", author.full_name),
        email: email.map(|email| email.to_lowercase()),
        // -1 stands for a time that is not known.
        at: at.filter(|at| *at > 0).and_then(|at| Timestamp::from_epoch(at).ok()),
        message: message.map(|message| message.trim_end().to_owned()),
    })
}

/// What an action says of a working copy.
pub(super) struct Scm<'a> {
    pub(super) revision: Nested<RevisionJson<'a>>,
    pub(super) mercurial: Text<'a>,
    pub(super) urls: List<Cow<'a, str>>,
}

/// The working copy an action tells of.
pub(super) fn checkout(raw: &Raw<'_>, scm: Scm<'_>, origin: &Origin) -> Option<Checkout> {
    let urls = raw.list("/actions/remoteUrls", scm.urls);
    let mercurial = raw.take("/actions/mercurialRevisionNumber", scm.mercurial);
    let revision = raw.take("/actions/lastBuiltRevision", scm.revision);
    if revision.is_none() && mercurial.is_none() {
        return None;
    }
    let revision = revision.unwrap_or_default().0;
    let branches = raw.list("/actions/lastBuiltRevision/branch", revision.branch).into_iter();
    let branches = branches.filter_map(|branch| raw.take("/actions/lastBuiltRevision/branch/name", branch.0.name));
    // The job of a change request is called "PR-5", and so is its branch; a merge made for it has none.
    let branch =
        branches.into_iter().find(|name| name != "detached" && Some(name.as_ref()) != origin.branch.as_deref());
    let sha1 = raw.take("/actions/lastBuiltRevision/SHA1", revision.sha1);
    let checkout = Checkout {
        repository: urls.first().map(|url| Reference::Name(without_credentials(url))),
        branch: branch.map(|name| plain_branch(&name).to_owned()),
        commit: sha1.or_else(|| ObjectId::new(&mercurial?)),
        ..Checkout::default()
    };
    Some(checkout).filter(|checkout| *checkout != Checkout::default())
}

fn plain_branch(name: &str) -> &str {
    let prefixes = ["refs/heads/", "refs/remotes/", "refs/tags/", "remotes/", "origin/"];
    prefixes.iter().fold(name, |name, prefix| name.strip_prefix(prefix).unwrap_or(name))
}

/// The change request a build ran for, as people write it: "acme/api#5". Its page says it; else the name of its job does.
pub(super) fn change(origin: &Origin, main: Option<&Checkout>) -> Option<Reference> {
    let of_page = origin.change.as_deref().and_then(of_page);
    let of_name = || {
        let number = origin.branch.as_deref()?.strip_prefix("PR-")?;
        let number = number.split('-').next().filter(|number| number.parse::<u64>().is_ok())?;
        let remote = main?.repository.as_ref()?.text();
        Some(format!("{}#{number}", repository_name(remote)?))
    };
    of_page.or_else(of_name).map(Reference::Name)
}

/// "acme/api#5" of <https://github.com/acme/api/pull/5>.
fn of_page(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let sorts = [("/-/merge_requests/", '!'), ("/pull-requests/", '#'), ("/pulls/", '#'), ("/pull/", '#')];
    let of_sort = |(between, sign): (&str, char)| {
        let (repository, number) = path.split_once(between)?;
        let number: String = number.chars().take_while(char::is_ascii_digit).collect();
        (!number.is_empty()).then(|| format!("{repository}{sign}{number}"))
    };
    sorts.into_iter().find_map(of_sort)
}

/// "acme/api" of an address of it.
fn repository_name(remote: &str) -> Option<String> {
    let path = match remote.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => remote.split_once(':').map_or(remote, |(_, path)| path),
    };
    let path = path.trim_matches('/');
    Some(path.strip_suffix(".git").unwrap_or(path).to_owned()).filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_requests_are_named_as_people_do() {
        let pages = [
            "https://github.com/acme/api/pull/5",
            "https://gitlab.example/acme/web/api/-/merge_requests/7/diffs",
            "https://bitbucket.org/acme/api/pull-requests/9",
            "https://gitea.example/acme/api/pulls/11",
            "https://github.com/acme/api/tree/main",
        ];
        let told = pages.map(|page| of_page(page).unwrap_or_default());
        assert_eq!(told, ["acme/api#5", "acme/web/api!7", "acme/api#9", "acme/api#11", ""]);
        let remotes =
            ["git@github.com:acme/api.git", "https://github.com/acme/api", "ssh://git@h:22/acme/api.git/", ""];
        assert_eq!(
            remotes.map(|remote| repository_name(remote).unwrap_or_default()),
            ["acme/api", "acme/api", "acme/api", ""]
        );
    }
}
