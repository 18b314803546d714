//! Issues of the tracker of a repository.

use serde::Deserialize;
use weir_sdk::model::entity::{WorkCategory, WorkKind, WorkStatus};
use weir_sdk::prelude::*;

use super::{Account, Content, Links, Named, RepositoryPointer, addresses, full_name, name, person, written};
use crate::origin::Origin;

/// An issue.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct IssueJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    repository: Nested<RepositoryPointer<'a>>,
    #[serde(borrow)]
    links: Nested<Links<'a>>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    content: Nested<Content<'a>>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    priority: Text<'a>,
    #[serde(borrow)]
    reporter: Nested<Account<'a>>,
    #[serde(borrow)]
    assignee: Nested<Account<'a>>,
    #[serde(borrow)]
    component: Nested<Named<'a>>,
    #[serde(borrow)]
    milestone: Nested<Named<'a>>,
    created_on: Instant,
    updated_on: Instant,
}

pub(crate) fn issue(json: IssueJson<'_>, raw: &Raw<'_>, origin: Origin<'_>) -> Outcome {
    let Some(number) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let Some(origin) = origin.or_in(full_name(raw, "/repository", json.repository)) else {
        return raw.missing("/repository/full_name");
    };
    let status = raw.text("/state", json.state).map(|word| status(raw, word));
    let is_done = status.as_ref().is_some_and(|status| status.category == Some(WorkCategory::Done));
    let kind = raw.filled("/kind", json.kind);
    let issue = WorkItem::default()
        .handle(format!("#{number}"))
        .url(addresses(raw, json.links).0)
        .project(origin.repository.clone().into_owned())
        .title(raw.text("/title", json.title))
        .description(written(raw, "/content", json.content))
        .kind(kind.as_deref().map(work_kind))
        .kind_word(kind)
        .resolution(status.as_ref().filter(|_| is_done).map(|status| status.name.clone()))
        .status(status)
        .priority(raw.filled("/priority", json.priority))
        .creator(person(raw, "/reporter", json.reporter))
        .assignees(person(raw, "/assignee", json.assignee))
        .components(name(raw, "/component", json.component))
        .fix_versions(name(raw, "/milestone", json.milestone))
        .created_at(raw.take("/created_on", json.created_on))
        .updated_at(raw.take("/updated_on", json.updated_on));
    Outcome::entity(origin.numbered(number), &issue)
}

fn status(raw: &Raw<'_>, word: String) -> WorkStatus {
    let category = match word.as_str() {
        "submitted" | "new" | "open" | "on hold" => Some(WorkCategory::Todo),
        "resolved" | "closed" | "duplicate" | "wontfix" | "invalid" => Some(WorkCategory::Done),
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state", other);
            None
        }
    };
    WorkStatus { name: word, category }
}

fn work_kind(word: &str) -> WorkKind {
    match word {
        "bug" => WorkKind::Bug,
        "enhancement" => WorkKind::Story,
        "task" => WorkKind::Task,
        other => WorkKind::Unknown(other.to_owned()),
    }
}
