//! What a build checked out: repositories, branches, revisions.
//!
//! Invariant: an address leaves this module without user and password.

use std::fs;
use std::path::Path;

use weir_protocol::redact::without_user;
use weir_protocol::{Change, Checkout, ScmKind};

use crate::xml::{Node, simple_name};

/// The checkouts that the actions of a build tell of, without repeats.
pub(crate) fn checkouts(actions: &[Node<'_>], number: Option<u64>, dir: &Path) -> Vec<Checkout> {
    let mut checkouts: Vec<Checkout> = Vec::new();
    for action in actions {
        let found = match simple_name(action.name()) {
            "BuildData" | "BuildDetails" => git(*action, number),
            "MercurialTagAction" => mercurial(*action),
            "TagAction" if action.name().contains(".p4.") => perforce(*action),
            _ => None,
        };
        checkouts.extend(found.filter(|checkout| !checkouts.contains(checkout)));
    }
    checkouts.extend(subversion(dir));
    for action in actions.iter().filter(|action| simple_name(action.name()) == "SCMRevisionAction") {
        if let Some(revision) = action.child("revision") {
            complete(&mut checkouts, revision);
        }
    }
    checkouts
}

/// The pull request in the settings of a branch's job.
pub(crate) fn change(head: Node<'_>) -> Option<Change> {
    let class = head.attribute("class")?;
    if !(class.contains("PullRequest") || class.contains("MergeRequest")) {
        return None;
    }
    let target = head.child("target").and_then(|target| target.value("name")).or_else(|| head.value("targetBranch"));
    Some(Change {
        id: ["number", "id"].iter().find_map(|name| head.value(name))?.to_owned(),
        title: head.value("title").map(str::to_owned),
        source_branch: ["sourceBranch", "branchName", "originName"]
            .iter()
            .find_map(|name| head.value(name))
            .map(str::to_owned),
        target_branch: target.map(str::to_owned),
    })
}

/// The branch as people name it.
pub(crate) fn short_branch(name: &str) -> &str {
    let name = name.strip_prefix("refs/").unwrap_or(name);
    if let Some(branch) = name.strip_prefix("heads/") {
        return branch;
    }
    let remote = name.strip_prefix("remotes/").unwrap_or(name);
    remote.strip_prefix("origin/").unwrap_or(remote)
}

/// Git carries the data of former builds along; only what this build checked out counts.
fn git(action: Node<'_>, number: Option<u64>) -> Option<Checkout> {
    let build = action.child("lastBuild").or_else(|| action.child("build"));
    let built_in =
        build.and_then(|build| build.integer("hudsonBuildNumber")).and_then(|built| u64::try_from(built).ok());
    if built_in.is_some() && number.is_some() && built_in != number {
        return None;
    }
    let marked = build.and_then(|build| build.child("marked")).or_else(|| action.child("lastBuiltRevision"));
    let revision = build.and_then(|build| build.child("revision")).or(marked);
    let asked = marked.or(revision)?;
    let head_commit = asked.value("sha1").or_else(|| asked.value("SHA1")).map(str::to_owned);
    let built_commit = revision.and_then(|revision| revision.value("sha1")).map(str::to_owned);
    let branches = asked.child("branches").into_iter().flat_map(Node::children);
    let branch = branches.filter_map(|branch| branch.value("name")).find(|name| *name != "detached");
    let remotes = action.child("remoteUrls").into_iter().flat_map(Node::children);
    let remote = remotes.map(Node::text).find(|url| !url.is_empty());
    Some(Checkout {
        scm: ScmKind::Git,
        repository: remote.map(without_user),
        branch: branch.map(|name| short_branch(name).to_owned()),
        built_commit: built_commit.filter(|built| Some(built) != head_commit.as_ref()),
        head_commit,
        ..Checkout::default()
    })
}

fn mercurial(action: Node<'_>) -> Option<Checkout> {
    Some(Checkout {
        scm: ScmKind::Mercurial,
        head_commit: Some(action.value("id")?.to_owned()),
        branch: action.value("branch").map(str::to_owned),
        repository: action.value("source").map(without_user),
        ..Checkout::default()
    })
}

fn perforce(action: Node<'_>) -> Option<Checkout> {
    let change = ["buildChange", "refChanges"].iter().find_map(|name| action.child(name))?;
    let number = change
        .descendants()
        .map(Node::text)
        .find(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.or_else(|| Some(change.text()).filter(|text| !text.is_empty()))?;
    let repository = action.value("p4port").or_else(|| action.value("port")).map(str::to_owned);
    Some(Checkout { scm: ScmKind::Perforce, head_commit: Some(number.to_owned()), repository, ..Checkout::default() })
}

/// `revision.txt` holds one line `address/revision` for each working copy.
fn subversion(dir: &Path) -> Vec<Checkout> {
    let text = fs::read_to_string(dir.join("revision.txt")).unwrap_or_default();
    let checkout = |line: &str| {
        let (url, revision) = line.trim().trim_end_matches(['p', 's']).rsplit_once('/')?;
        let is_revision = !revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_digit());
        is_revision.then(|| Checkout {
            scm: ScmKind::Subversion,
            repository: Some(without_user(url)),
            head_commit: Some(revision.to_owned()),
            ..Checkout::default()
        })
    };
    text.lines().take(100).filter_map(checkout).collect()
}

/// Adds what the branch source knows: the real branch, and base and head of a pull request.
fn complete(checkouts: &mut Vec<Checkout>, revision: Node<'_>) {
    let Some(head) = revision.child("head") else { return };
    let hash = ["pullHash", "hash", "origin"].iter().find_map(|name| revision.value(name));
    let base_commit = ["baseHash", "targetHash"].iter().find_map(|name| revision.value(name));
    let change = change(head);
    let at = checkouts.iter().position(|checkout| {
        let commits = [checkout.head_commit.as_deref(), checkout.built_commit.as_deref()];
        checkout.scm == ScmKind::Git && hash.is_some() && commits.contains(&hash)
    });
    let at = at.or_else(|| checkouts.iter().position(|checkout| checkout.scm == ScmKind::Git && change.is_some()));
    let at = at.unwrap_or_else(|| {
        checkouts.push(Checkout { scm: ScmKind::Git, head_commit: hash.map(str::to_owned), ..Checkout::default() });
        checkouts.len() - 1
    });
    // It is the main one: the others are libraries and the like.
    checkouts.swap(0, at);
    let checkout = &mut checkouts[0];
    if let Some(hash) = hash.filter(|hash| checkout.head_commit.as_deref() != Some(hash)) {
        // A pull request is merged with its base before it is built.
        checkout.built_commit = checkout.head_commit.take();
        checkout.head_commit = Some(hash.to_owned());
    }
    checkout.base_commit = base_commit.map(str::to_owned);
    checkout.base_branch = change.as_ref().and_then(|change| change.target_branch.clone());
    let branch = change.map_or_else(|| head.value("name").map(str::to_owned), |change| change.source_branch);
    checkout.branch = branch.or(checkout.branch.take());
}
