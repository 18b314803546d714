//! What a build checked out, and the commits its tool lists as new.

use std::collections::BTreeSet;

use weir_model::entity::{AttributeValue, Checkout, Commit};
use weir_model::{EntityKind, ObjectId, Reference};

use super::super::Produced;
use super::super::fields::Fields;
use super::super::names::{plain_branch, without_credentials};

const REPOSITORY: [&str; 5] = ["repo_url", "repository_url", "repository", "git_url", "scm_url"];
const HEAD: [&str; 8] =
    ["head_sha", "build_head_sha", "head_commit", "head", "commit_sha", "commit", "revision", "sha"];
const BASE: [&str; 6] = ["base_sha", "base_commit", "trunk_sha", "target_sha", "base", "trunk"];
const BASE_BRANCH: [&str; 3] = ["base_branch", "pr_base_branch", "target_branch"];

/// The checkouts, the main one first. What the main one does not say is taken from the build's own fields.
pub(super) fn read(fields: &mut Fields<'_>, branch: Option<&str>, new: &[ObjectId]) -> Vec<Checkout> {
    let mut checkouts = fields.each(&["checkouts"], one);
    let target = fields.within("change", |change| change.text(&["target_branch"])).flatten();
    let own = Checkout { base_branch: None, ..one(fields) };
    let base_branch = first_text(fields, &BASE_BRANCH).or(target).map(|branch| plain_branch(&branch).to_owned());
    let only_new = if let [only] = new { Some(only.clone()) } else { None };
    if checkouts.is_empty() {
        checkouts.push(Checkout::default());
    }
    let main = &mut checkouts[0];
    main.repository = main.repository.take().or(own.repository);
    main.branch = main.branch.take().or_else(|| branch.map(str::to_owned));
    main.commit = main.commit.take().or(own.commit).or(only_new);
    main.base_branch = main.base_branch.take().or(base_branch);
    main.base_commit = main.base_commit.take().or(own.base_commit);
    checkouts.retain(|checkout| *checkout != Checkout::default());
    checkouts
}

/// Address of the main repository.
pub(super) fn repository(fields: &mut Fields<'_>) -> Option<String> {
    first_text(fields, &REPOSITORY).map(|url| without_credentials(&url))
}

fn one(fields: &mut Fields<'_>) -> Checkout {
    Checkout {
        repository: repository(fields).map(Reference::Name),
        branch: fields.text(&["branch"]).map(|branch| plain_branch(&branch).to_owned()),
        commit: first_id(fields, &HEAD),
        base_branch: first_text(fields, &BASE_BRANCH).map(|branch| plain_branch(&branch).to_owned()),
        base_commit: first_id(fields, &BASE),
    }
}

fn first_text(fields: &mut Fields<'_>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| fields.text(&[name]))
}

/// The first that is an object id; "head" and "base" may be names of branches too.
fn first_id(fields: &mut Fields<'_>, names: &[&str]) -> Option<ObjectId> {
    names.iter().find_map(|name| match *name {
        "head" | "base" | "trunk" => fields.text(&[name]).and_then(|text| ObjectId::new(&text)),
        name => fields.object_id(&[name]),
    })
}

/// Object ids the tool lists as new, each once, in its order. Numbers of other systems are left out.
pub(super) fn commits(fields: &mut Fields<'_>) -> Vec<ObjectId> {
    let listed = listed(fields);
    let mut ids: Vec<String> = listed.iter().filter(|id| !is_change_number(id, &listed)).cloned().collect();
    ids.extend(fields.each(&["change_list"], |entry| entry.text(&["commit"])).into_iter().flatten());
    let mut commits: Vec<ObjectId> = Vec::with_capacity(ids.len());
    for id in ids.iter().filter_map(|id| ObjectId::new(id)) {
        if !commits.contains(&id) {
            commits.push(id);
        }
    }
    commits
}

/// Numbers of changes in systems that count them, such as Perforce.
pub(super) fn change_numbers(fields: &mut Fields<'_>) -> Vec<String> {
    let listed = listed(fields);
    let numbers: BTreeSet<&String> = listed.iter().filter(|id| is_change_number(id, &listed)).collect();
    numbers.into_iter().cloned().collect()
}

fn listed(fields: &mut Fields<'_>) -> Vec<String> {
    fields.texts(&["scm_commit_ids", "commit_ids"])
}

/// Digits alone are a number, unless others of the same length show that object ids are abbreviated to it.
fn is_change_number(id: &str, listed: &[String]) -> bool {
    let is_number = |id: &str| id.bytes().all(|byte| byte.is_ascii_digit());
    let is_abbreviation =
        |other: &String| other.len() == id.len() && !is_number(other) && ObjectId::new(other).is_some();
    is_number(id) && id.len() < 40 && !listed.iter().any(is_abbreviation)
}

/// The commits themselves, where the collector tells more than their ids.
pub(super) fn commits_of_change_list(fields: &mut Fields<'_>) -> Vec<Produced> {
    let repository = repository(fields).map(Reference::Name);
    let one = |entry: &mut Fields<'_>| {
        let id = entry.object_id(&["commit"]).filter(|id| id.as_str().len() >= 40)?;
        let name = entry.text(&["author"]);
        let author = entry.text(&["author_email"]).map(|email| email.to_lowercase()).or_else(|| name.clone());
        let mut commit = Commit::default()
            .repositories(repository.clone())
            .parents(entry.texts(&["parents"]).iter().filter_map(|parent| ObjectId::new(parent)))
            .author(author.map(Reference::Name))
            .authored_at(entry.time(&["time"]))
            .message(entry.text(&["message"]));
        commit.attributes.extend(name.map(|name| ("git.author_name".to_owned(), AttributeValue::Text(name))));
        Some(Produced::new(EntityKind::Commit, id.as_str().to_owned(), commit))
    };
    fields.each(&["change_list"], one).into_iter().flatten().collect()
}
