//! Issues.

use serde::Deserialize;
use serde::de::IgnoredAny;
use weir_sdk::model::entity::{Transition, WorkCategory, WorkKind, WorkStatus};
use weir_sdk::prelude::*;

use super::{Account, Named, names, people, person};
use crate::origin::Origin;

/// An issue, or a pull request in the guise of one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct IssueJson<'a> {
    number: Field<u64>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    state_reason: Text<'a>,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
    #[serde(borrow)]
    assignees: List<Object<Account<'a>>>,
    #[serde(borrow)]
    labels: List<Object<Named<'a>>>,
    #[serde(borrow)]
    milestone: Nested<Named<'a>>,
    #[serde(rename = "type", borrow)]
    kind: Nested<Named<'a>>,
    #[serde(borrow)]
    closed_by: Nested<Account<'a>>,
    pull_request: Option<IgnoredAny>,
    created_at: Instant,
    updated_at: Instant,
    closed_at: Instant,
}

pub(crate) fn issue(json: IssueJson<'_>, raw: &Raw<'_>) -> Outcome {
    if json.pull_request.is_some() {
        return Outcome::ignored("github.issue.is-pull");
    }
    let Some(number) = raw.take("/number", json.number) else { return raw.missing("/number") };
    let url = raw.take("/url", json.url);
    let Some(origin) = Origin::read(raw, url.as_deref()) else { return raw.missing("/repository_url") };
    let labels = names(raw, "/labels", json.labels);
    let milestone =
        raw.take("/milestone", json.milestone).and_then(|milestone| raw.text("/milestone/title", milestone.0.name));
    let issue_type = raw.take("/type", json.kind).and_then(|kind| raw.take("/type/name", kind.0.name));
    let kind = kind(issue_type.as_deref(), &labels);
    let word = raw.text("/state", json.state);
    let (created_at, closed_at) = (raw.take("/created_at", json.created_at), raw.take("/closed_at", json.closed_at));
    let creator = person(raw, "/user", json.user);
    let closed_by = person(raw, "/closed_by", json.closed_by);
    let transitions = [opened(created_at, creator.clone()), closed(closed_at, closed_by)];
    let issue = WorkItem::default()
        .handle(format!("#{number}"))
        .url(raw.text("/html_url", json.html_url))
        .project(origin.repository.clone().into_owned())
        .title(raw.text("/title", json.title))
        .description(raw.filled("/body", json.body))
        .kind(kind.as_ref().map(|(kind, _)| kind.clone()))
        .kind_word(kind.map(|(_, word)| word))
        .status(word.map(|word| status(raw, &word)))
        .resolution(raw.filled("/state_reason", json.state_reason).filter(|_| closed_at.is_some()))
        .creator(creator)
        .assignees(people(raw, "/assignees", json.assignees))
        .labels(labels)
        .fix_versions(milestone)
        .created_at(created_at)
        .updated_at(raw.take("/updated_at", json.updated_at))
        .resolved_at(closed_at)
        .transitions(transitions.into_iter().flatten());
    Outcome::entity(origin.numbered(number), &issue)
}

fn status(raw: &Raw<'_>, word: &str) -> WorkStatus {
    match word {
        "open" => open_status(),
        "closed" => closed_status(),
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state", other);
            WorkStatus { name: other.to_owned(), category: None }
        }
    }
}

fn open_status() -> WorkStatus {
    WorkStatus { name: "open".to_owned(), category: Some(WorkCategory::Todo) }
}

fn closed_status() -> WorkStatus {
    WorkStatus { name: "closed".to_owned(), category: Some(WorkCategory::Done) }
}

fn opened(at: Option<Timestamp>, author: Option<Reference>) -> Option<Transition> {
    Some(Transition { id: None, at: at?, author, before: None, after: open_status() })
}

fn closed(at: Option<Timestamp>, author: Option<Reference>) -> Option<Transition> {
    Some(Transition { id: None, at: at?, author, before: Some(open_status()), after: closed_status() })
}

/// What sort of work an issue is, and the word for it: its type where the organisation has types, else a label that
/// says so, also as `kind/bug` or `type: bug`.
fn kind(issue_type: Option<&str>, labels: &[String]) -> Option<(WorkKind, String)> {
    if let Some(word) = issue_type {
        return Some((
            known_kind(word).map_or_else(|| WorkKind::Unknown(word.to_owned()), |(kind, _)| kind),
            word.to_owned(),
        ));
    }
    let last_word = |label: &String| label.rsplit(['/', ':']).next().map(|word| word.trim().to_owned());
    let kinds: Vec<_> = labels.iter().filter_map(last_word).filter_map(|word| known_kind(&word)).collect();
    // An incident labelled as a bug too is an incident first.
    let first = kinds.iter().position(|(kind, _)| *kind == WorkKind::Incident).unwrap_or(0);
    kinds.into_iter().nth(first).map(|(kind, word)| (kind, word.to_owned()))
}

fn known_kind(word: &str) -> Option<(WorkKind, &'static str)> {
    Some(match word.to_ascii_lowercase().as_str() {
        "incident" | "outage" => (WorkKind::Incident, "Incident"),
        "bug" | "defect" | "regression" => (WorkKind::Bug, "Bug"),
        "epic" => (WorkKind::Epic, "Epic"),
        "feature" | "enhancement" | "story" => (WorkKind::Story, "Feature"),
        "task" | "chore" => (WorkKind::Task, "Task"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_the_kind() {
        let check = |issue_type: Option<&str>, labels: &[&str]| {
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            kind(issue_type, &labels).map(|(kind, word)| format!("{} {word}", kind.as_str())).unwrap_or_default()
        };
        assert_eq!(check(None, &["ui", "BUG"]), "bug Bug");
        assert_eq!(check(None, &["kind/bug", "Incident"]), "incident Incident");
        assert_eq!(check(None, &["type: enhancement"]), "story Feature");
        assert_eq!(check(None, &["debugging"]), "");
        assert_eq!(check(Some("Spike"), &["bug"]), "Spike Spike");
        assert_eq!(check(Some("Bug"), &[]), "bug Bug");
    }
}
