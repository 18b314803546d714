//! What entities are called by others: handles, names of artifacts, branches.
//!
//! A name is a function of one entity alone. Correlation joins what one entity answers to with what others call it.

use weir_model::entity::{Artifact, Change, WorkItem};
use weir_model::{Entity, EntityId, EntityKind};

use crate::facets::repository;

/// A name some entity may answer to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The id itself.
    Entity(EntityId),
    /// A handle as people write it: `PROJ-12`, `acme/api#42`, `INC0010001`. The repository is in lower case.
    Handle(String),
    /// What an artifact is called: a digest, a package URL, `location/name:version`, and `*/name:version` wherever
    /// it is kept.
    Artifact(String),
    /// `owner/name|branch` a change comes from.
    Branch(String),
}

impl Name {
    /// The sort of name: the kind of entity for an id, else `handle`, `artifact` or `branch`.
    pub fn space(&self) -> &str {
        match self {
            Self::Entity(id) => id.kind.as_str(),
            Self::Handle(_) => "handle",
            Self::Artifact(_) => "artifact",
            Self::Branch(_) => "branch",
        }
    }

    /// The name as text.
    pub fn text(&self) -> String {
        match self {
            Self::Entity(id) => id.to_string(),
            Self::Handle(text) | Self::Artifact(text) | Self::Branch(text) => text.clone(),
        }
    }

    /// Name of the lookup that finds who of a kind calls others by names of this space: `change>handle`.
    pub fn calls(&self, caller: &EntityKind) -> String {
        format!("{caller}>{}", self.space())
    }
}

/// The name of something numbered in a repository or project: "acme/api#42".
pub(super) fn scoped(scope: &str, handle: &str) -> Name {
    Name::Handle(format!("{}{handle}", scope.to_lowercase()))
}

/// The name of the branch of a repository.
pub(super) fn branch(repository: &str, branch: &str) -> Name {
    Name::Branch(format!("{}|{branch}", repository.to_lowercase()))
}

/// Everything an entity answers to besides its id.
pub fn names(id: &EntityId, entity: &Entity) -> Vec<Name> {
    match entity {
        Entity::Change(change) => change_names(id, change),
        Entity::WorkItem(item) => item_names(item),
        Entity::Incident(incident) => handle(None, incident.handle.as_deref()).into_iter().collect(),
        Entity::Artifact(artifact) => artifact_names(artifact),
        _ => Vec::new(),
    }
}

fn change_names(id: &EntityId, change: &Change) -> Vec<Name> {
    let own = repository(id, &Entity::from(change.clone()));
    let mut names: Vec<Name> = handle(own.as_deref(), change.handle.as_deref()).into_iter().collect();
    let head_repository = change.head_repository.as_ref().map(|it| crate::normalise::repository_name(it.text()));
    let source = head_repository.or(own).zip(change.head_branch.as_ref());
    names.extend(source.map(|(repository, name)| branch(&repository, name)));
    names
}

fn item_names(item: &WorkItem) -> Vec<Name> {
    let mut names: Vec<Name> = handle(item.project.as_deref(), item.handle.as_deref()).into_iter().collect();
    // Azure Boards numbers its items through; `AB#88` is how others write them.
    let is_azure = item.url.as_ref().is_some_and(|url| url.to_lowercase().contains("/_workitems/"));
    let number = item.handle.as_ref().filter(|_| is_azure).and_then(|handle| handle.strip_prefix('#'));
    names.extend(number.map(|number| Name::Handle(format!("AB#{number}"))));
    names
}

/// A number alone says nothing without the project or repository it counts in.
fn handle(scope: Option<&str>, handle: Option<&str>) -> Option<Name> {
    let handle = handle.filter(|handle| !handle.is_empty())?;
    if handle.starts_with(['#', '!']) {
        return scope.map(|scope| scoped(scope, handle));
    }
    Some(Name::Handle(handle.to_owned()))
}

/// Names of an artifact, the surest first.
fn artifact_names(artifact: &Artifact) -> Vec<Name> {
    let mut texts: Vec<String> = artifact.digest.iter().map(|digest| digest.to_lowercase()).collect();
    texts.extend(artifact.purl.clone());
    if let (Some(name), Some(version)) = (&artifact.name, artifact.version.as_ref().filter(|it| !is_mutable(it))) {
        let short = name.rsplit('/').next().unwrap_or(name);
        texts.extend(artifact.location.as_ref().map(|location| located(location, name, version)));
        texts.push(format!("*/{short}:{version}"));
    }
    texts.into_iter().map(Name::Artifact).collect()
}

/// Some tools put the name at the end of the location, some do not.
fn located(location: &str, name: &str, version: &str) -> String {
    let location = location.trim_end_matches('/');
    let location = location.split_once("://").map_or(location, |(_, rest)| rest);
    let path = if location.ends_with(name) { location.to_owned() } else { format!("{location}/{name}") };
    format!("{}:{version}", path.to_lowercase())
}

/// How sure a text names one artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Called {
    pub(super) name: Name,
    pub(super) reason: &'static str,
}

/// The names a reference to an artifact can stand for: `registry/acme/api:1.2@sha256:...`, a digest, a package URL.
pub(super) fn artifact_calls(reference: &str) -> Vec<Called> {
    let called = |text: String, reason| Called { name: Name::Artifact(text), reason };
    if let Some(digest) = digest(reference) {
        return vec![called(digest, "digest")];
    }
    if reference.starts_with("pkg:") {
        let version = reference.rsplit_once('@').map(|(_, version)| version);
        return version
            .filter(|it| !is_mutable(it))
            .map(|_| called(reference.to_owned(), "located"))
            .into_iter()
            .collect();
    }
    let last = reference.rsplit('/').next().unwrap_or(reference);
    let Some((short, version)) = last.split_once([':', '@']).filter(|(_, version)| !is_mutable(version)) else {
        return Vec::new();
    };
    let path = &reference[..reference.len() - version.len() - 1];
    let mut calls = Vec::new();
    if path.contains('/') {
        calls.push(called(format!("{}:{version}", path.to_lowercase()), "located"));
    }
    calls.push(called(format!("*/{short}:{version}"), "name"));
    calls
}

/// "algorithm:hex" at the end of a reference.
fn digest(reference: &str) -> Option<String> {
    let (_, last) = reference.rsplit_once('@').unwrap_or(("", reference));
    let (algorithm, hex) = last.split_once(':')?;
    let is_hex = hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let is_algorithm = algorithm.starts_with("sha") || algorithm == "md5";
    (is_hex && is_algorithm).then(|| last.to_lowercase())
}

/// Whether a qualifier moves: what it names today is not what it named yesterday.
pub(super) fn is_mutable(version: &str) -> bool {
    const MOVING: &[&str] = &[
        "",
        "latest",
        "stable",
        "edge",
        "nightly",
        "snapshot",
        "main",
        "master",
        "trunk",
        "head",
        "dev",
        "develop",
        "development",
        "staging",
        "test",
        "prod",
        "production",
        "release",
        "next",
        "canary",
        "beta",
        "alpha",
    ];
    let version = version.to_lowercase();
    MOVING.contains(&version.as_str()) || version.ends_with("-snapshot") || version.contains('/')
}
