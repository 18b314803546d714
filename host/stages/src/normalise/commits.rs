//! Commits, as `git log` exports and code hosts write them.

use serde_json::Value;
use weir_model::entity::{AttributeValue, Commit, FileChange, FileChangeKind};
use weir_model::{DiagnosticKind, EntityKind, ObjectId, Reference, Timestamp};

use super::fields::{Fields, text_of};
use super::{Produced, names, refs};
use crate::correlate::ROOT_ATTRIBUTE;

const SHA: [&str; 4] = ["sha", "id", "hash", "commit_id"];

pub(super) fn record_key(fields: &mut Fields<'_>) -> Option<String> {
    if let Some(of_ref) = refs::record_key(fields) {
        return Some(of_ref);
    }
    let sha = fields.object_id(&SHA)?;
    Some(match repository(fields).first() {
        Some(repository) => format!("{sha}@{}", repository.text()),
        None => sha.as_str().to_owned(),
    })
}

pub(super) fn read(fields: &mut Fields<'_>) -> Vec<Produced> {
    if fields.has("ref") {
        return refs::read(fields);
    }
    let Some(sha) = fields.object_id(&SHA) else {
        fields.note(DiagnosticKind::Missing, "sha", "");
        return Vec::new();
    };
    // Code hosts keep what git knows in an object of its own.
    let inner =
        fields.within("commit", |commit| (who(commit, "author"), who(commit, "committer"), commit.text(&["message"])));
    let (author, committer, message) = inner.unwrap_or_default();
    let author = Who::prefer(author, who(fields, "author").or_flat(fields, "author", "authored_at"));
    let committer = Who::prefer(committer, who(fields, "committer").or_flat(fields, "committer", "committed_at"));
    let parents = parents(fields);
    let files = files(fields);
    let sum = |count: fn(&FileChange) -> Option<u32>| {
        files.iter().map(count).try_fold(0_u32, |sum, n| Some(sum.saturating_add(n?))).filter(|_| !files.is_empty())
    };
    let stats =
        fields.within("stats", |stats| (stats.count(&["additions"]), stats.count(&["deletions"]))).unwrap_or_default();
    let additions = fields.count(&["lines_added", "additions"]).or(stats.0).or_else(|| sum(|file| file.additions));
    let deletions = fields.count(&["lines_removed", "deletions"]).or(stats.1).or_else(|| sum(|file| file.deletions));
    let mut commit = Commit::default()
        .repositories(repository(fields))
        .parents(parents.clone().unwrap_or_default())
        .author(author.reference())
        .authored_at(author.at)
        .committer(committer.reference())
        .committed_at(committer.at)
        .message(fields.text(&["message"]).or(message))
        .additions(additions)
        .deletions(deletions)
        .files(files)
        .patch_id(fields.text(&["patch_id"]));
    if parents.is_some_and(|parents| parents.is_empty()) {
        commit.attributes.insert(ROOT_ATTRIBUTE.to_owned(), AttributeValue::Boolean(true));
    }
    for (key, name) in [("git.author_name", author.name), ("git.committer_name", committer.name)] {
        commit.attributes.extend(name.map(|name| (key.to_owned(), AttributeValue::Text(name))));
    }
    fields.take_over_findings();
    vec![Produced::new(EntityKind::Commit, sha.as_str().to_owned(), commit)]
}

pub(super) fn repository(fields: &mut Fields<'_>) -> Vec<Reference> {
    let named = match fields.find(&["repository", "repo_url", "repo"]) {
        Some((_, Value::Object(repository))) => {
            ["full_name", "name"].iter().find_map(|name| repository.get(*name)).and_then(text_of)
        }
        Some((_, value)) => text_of(value),
        None => None,
    };
    named.map(|name| Reference::Name(names::without_credentials(&name))).into_iter().collect()
}

/// None when nothing is said about them.
fn parents(fields: &mut Fields<'_>) -> Option<Vec<ObjectId>> {
    if !fields.has("parents") {
        return None;
    }
    let id = |value: &Value| match value {
        Value::Object(parent) => ["sha", "id", "hash"].iter().find_map(|name| parent.get(*name)).and_then(text_of),
        other => text_of(other),
    };
    let texts: Vec<String> = fields.list(&["parents"]).into_iter().filter_map(id).collect();
    // "a b" is how git prints them.
    let ids = texts.iter().flat_map(|text| text.split_whitespace());
    let read: Vec<Option<ObjectId>> = ids.map(ObjectId::new).collect();
    if read.iter().any(Option::is_none) {
        fields.note(DiagnosticKind::WrongType, "parents", &texts.join(" "));
    }
    Some(read.into_iter().flatten().collect())
}

fn files(fields: &mut Fields<'_>) -> Vec<FileChange> {
    fields.list(&["files"]).into_iter().filter_map(file).collect()
}

/// `[added, removed, path]`, an object, or a path.
fn file(value: &Value) -> Option<FileChange> {
    let whole = |value: Option<&Value>| value.and_then(text_of).and_then(|text| text.parse().ok());
    match value {
        Value::Array(parts) => {
            let path = text_of(parts.get(2)?)?;
            Some(FileChange { additions: whole(parts.first()), deletions: whole(parts.get(1)), ..path_only(path) })
        }
        Value::Object(parts) => {
            let text = |names: &[&str]| names.iter().find_map(|name| parts.get(*name)).and_then(text_of);
            Some(FileChange {
                previous_path: text(&["previous_path", "previous_filename"]),
                kind: text(&["kind", "status"]).map(|word| kind(&word)),
                additions: whole(parts.get("additions")),
                deletions: whole(parts.get("deletions")),
                ..path_only(text(&["path", "filename"])?)
            })
        }
        other => text_of(other).map(path_only),
    }
}

fn path_only(path: String) -> FileChange {
    FileChange { path, previous_path: None, kind: None, additions: None, deletions: None }
}

fn kind(word: &str) -> FileChangeKind {
    match word {
        "removed" => FileChangeKind::Deleted,
        "changed" => FileChangeKind::Modified,
        word => FileChangeKind::from_word(word),
    }
}

/// Author or committer.
#[derive(Default)]
struct Who {
    name: Option<String>,
    address: Option<String>,
    at: Option<Timestamp>,
}

fn who(fields: &mut Fields<'_>, role: &str) -> Who {
    let read = |person: &mut Fields<'_>| Who {
        name: person.text(&["name"]),
        address: person.text(&["email", "email_hash", "login"]).map(|address| address.to_lowercase()),
        at: person.time(&["date", "at", "time"]),
    };
    fields.within(role, read).unwrap_or_default()
}

impl Who {
    /// What is not known yet from fields beside each other: `author_name`, `author_email`, `authored_at`.
    fn or_flat(self, fields: &mut Fields<'_>, role: &str, at: &str) -> Self {
        let (name, email) = (format!("{role}_name"), format!("{role}_email"));
        let hash = format!("{role}_email_hash");
        Self {
            name: self.name.or_else(|| fields.text(&[&name])),
            address: self.address.or_else(|| fields.text(&[&email, &hash]).map(|address| address.to_lowercase())),
            at: self.at.or_else(|| fields.time(&[at])),
        }
    }

    fn prefer(first: Self, second: Self) -> Self {
        Self { name: first.name.or(second.name), address: first.address.or(second.address), at: first.at.or(second.at) }
    }

    fn reference(&self) -> Option<Reference> {
        self.address.clone().or_else(|| self.name.clone()).map(Reference::Name)
    }
}
