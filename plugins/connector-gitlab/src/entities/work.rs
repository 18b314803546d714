//! Issues and their events.

use serde::Deserialize;
use weir_sdk::model::entity::{Edit, EditedField, Transition, WorkCategory, WorkKind, WorkStatus};
use weir_sdk::prelude::*;

use super::{Account, Name, Seconds, duration, names, people, person};
use crate::origin::Origin;
use crate::settings::Settings;

/// An issue of the API; or a delivery of a webhook, whose `object_attributes` are one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct IssueJson<'a> {
    iid: Field<u64>,
    #[serde(borrow, alias = "url")]
    web_url: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    issue_type: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    author: Nested<Account<'a>>,
    author_id: Field<u64>,
    #[serde(borrow)]
    closed_by: Nested<Account<'a>>,
    #[serde(borrow)]
    assignees: List<Object<Account<'a>>>,
    labels: List<Name>,
    milestone: Field<Name>,
    weight: Field<f64>,
    time_stats: Nested<TimeStats>,
    time_estimate: Field<Seconds>,
    total_time_spent: Field<Seconds>,
    #[serde(borrow)]
    due_date: Text<'a>,
    created_at: Instant,
    updated_at: Instant,
    closed_at: Instant,
    #[serde(borrow)]
    object_attributes: Nested<Box<IssueJson<'a>>>,
    /// Who did what the webhook tells of.
    #[serde(borrow)]
    user: Nested<Account<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TimeStats {
    time_estimate: Field<Seconds>,
    total_time_spent: Field<Seconds>,
}

impl IssueJson<'_> {
    /// What the API would have given, as far as a delivery tells. It names the author by id alone; who that is is known
    /// where it tells of the author's own doing.
    fn flattened(mut self) -> Self {
        let Field::Stated(Object(inner)) = std::mem::take(&mut self.object_attributes) else { return self };
        let actor = self.user.inner().and_then(|user| user.id.quietly().copied());
        let is_author = actor.is_some() && actor == inner.author_id.quietly().copied();
        Self { author: if is_author { self.user } else { Field::Unstated }, assignees: self.assignees, ..*inner }
    }
}

pub(crate) fn issue(json: IssueJson<'_>, settings: &Settings, raw: &Raw<'_>) -> Outcome {
    let mut json = json.flattened();
    let Some(number) = raw.take("/iid", std::mem::take(&mut json.iid)) else { return raw.missing("/iid") };
    let web_url = raw.text("/web_url", std::mem::take(&mut json.web_url));
    let Some(origin) = Origin::read(raw, web_url.as_deref()) else { return raw.missing("/web_url") };
    let issue =
        WorkItem::default().handle(format!("#{number}")).url(web_url).project(origin.project.clone().into_owned());
    Outcome::entity(origin.issue(number), &described(issue, json, settings, raw))
}

fn described(issue: WorkItem, json: IssueJson<'_>, settings: &Settings, raw: &Raw<'_>) -> WorkItem {
    let labels = names(raw, "/labels", json.labels);
    let word = raw.filled("/issue_type", json.issue_type).or(raw.filled("/type", json.kind));
    let kind = kind(word.as_deref(), &labels);
    let (created_at, closed_at) = (raw.take("/created_at", json.created_at), raw.take("/closed_at", json.closed_at));
    let creator = person(raw, "/author", json.author);
    let opened = transition(created_at, creator.clone(), None, open_status());
    let closed_by = person(raw, "/closed_by", json.closed_by);
    let closed = transition(closed_at, closed_by, Some(open_status()), closed_status());
    // The events say it better, with every time it was opened and closed again.
    let closed = closed.filter(|_| !settings.names("issue-states"));
    let stats = raw.take("/time_stats", json.time_stats).unwrap_or_default().0;
    let estimate = duration(raw, "/time_stats/time_estimate", stats.time_estimate);
    let spent = duration(raw, "/time_stats/total_time_spent", stats.total_time_spent);
    issue
        .title(raw.text("/title", json.title))
        .description(raw.filled("/description", json.description))
        .kind_word(kind.as_ref().map(|(_, word)| word.clone()))
        .kind(kind.map(|(kind, _)| kind))
        .status(raw.take("/state", json.state).map(|word| status(raw, &word)))
        .severity(raw.take("/severity", json.severity).and_then(|word| severity(&word)))
        .creator(creator)
        .assignees(people(raw, "/assignees", json.assignees))
        .labels(labels)
        .fix_versions(raw.take("/milestone", json.milestone).map(|name| name.0))
        .story_points(raw.take("/weight", json.weight))
        // Zero is what GitLab says when nobody said anything.
        .estimate(estimate.or(duration(raw, "/time_estimate", json.time_estimate)).filter(|time| time.0 > 0))
        .time_spent(spent.or(duration(raw, "/total_time_spent", json.total_time_spent)).filter(|time| time.0 > 0))
        .due_at(raw.take("/due_date", json.due_date).and_then(|day| due(raw, &day)))
        .created_at(created_at)
        .updated_at(raw.take("/updated_at", json.updated_at))
        .resolved_at(closed_at)
        .transitions([opened, closed].into_iter().flatten())
}

/// In capitals in the API and in small letters in webhooks; every issue has one, and mostly it is "unknown".
fn severity(word: &str) -> Option<String> {
    Some(word.to_ascii_lowercase()).filter(|word| word != "unknown")
}

/// A day, or in some webhooks an instant.
fn due(raw: &Raw<'_>, text: &str) -> Option<Timestamp> {
    let spelled = if text.len() == "2025-01-01".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let due = spelled.parse().ok();
    if due.is_none() && !text.is_empty() {
        raw.report(DiagnosticKind::BadTime, "/due_date", text);
    }
    due
}

fn status(raw: &Raw<'_>, word: &str) -> WorkStatus {
    match word {
        "opened" | "reopened" => open_status(),
        "closed" => closed_status(),
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state", other);
            WorkStatus { name: other.to_owned(), category: None }
        }
    }
}

fn open_status() -> WorkStatus {
    WorkStatus { name: "opened".to_owned(), category: Some(WorkCategory::Todo) }
}

fn closed_status() -> WorkStatus {
    WorkStatus { name: "closed".to_owned(), category: Some(WorkCategory::Done) }
}

fn transition(
    at: Option<Timestamp>,
    author: Option<Reference>,
    before: Option<WorkStatus>,
    after: WorkStatus,
) -> Option<Transition> {
    Some(Transition { id: None, at: at?, author, before, after })
}

/// What sort of work an issue is, and the word for it: its type; of a plain issue a label that says so, also as
/// `type::bug` or `kind/bug`.
fn kind(issue_type: Option<&str>, labels: &[String]) -> Option<(WorkKind, String)> {
    if let Some(word) = issue_type.filter(|word| !word.eq_ignore_ascii_case("issue")) {
        let kind = known_kind(word).unwrap_or_else(|| WorkKind::Unknown(word.to_ascii_lowercase()));
        return Some((kind, word.to_ascii_lowercase()));
    }
    let last_word = |label: &String| label.rsplit(['/', ':']).next().map(|word| word.trim().to_ascii_lowercase());
    let words = labels.iter().filter_map(last_word);
    let kinds: Vec<_> = words.filter_map(|word| Some((known_kind(&word)?, word))).collect();
    // An incident labelled as a bug too is an incident first.
    let first = kinds.iter().position(|(kind, _)| *kind == WorkKind::Incident).unwrap_or(0);
    kinds.into_iter().nth(first)
}

fn known_kind(word: &str) -> Option<WorkKind> {
    Some(match word.to_ascii_lowercase().as_str() {
        "incident" | "outage" => WorkKind::Incident,
        "bug" | "defect" | "regression" => WorkKind::Bug,
        "epic" => WorkKind::Epic,
        "feature" | "enhancement" | "story" => WorkKind::Story,
        "task" | "chore" => WorkKind::Task,
        _ => return None,
    })
}

/// An event of an issue: that it was closed or opened again, or that a label was added or removed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct EventJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
    label: Field<Name>,
    created_at: Instant,
}

/// The issue an event belongs to, by the number its context says.
fn issue_of(raw: &Raw<'_>) -> Option<String> {
    let origin: Origin<'_> = raw.context()?;
    origin.issue.map(|number| origin.issue(number))
}

pub(crate) fn issue_state(json: EventJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(key) = issue_of(raw) else { return raw.missing("") };
    let Some(at) = raw.take("/created_at", json.created_at) else { return raw.missing("/created_at") };
    let Some(word) = raw.take("/state", json.state) else { return raw.missing("/state") };
    let before = match word.as_ref() {
        "closed" => Some(open_status()),
        "reopened" => Some(closed_status()),
        _ => None,
    };
    let transition = Transition {
        id: raw.take("/id", json.id).map(|id| id.to_string()),
        at,
        author: person(raw, "/user", json.user),
        before,
        after: status(raw, &word),
    };
    Outcome::entity(key, &WorkItem::default().transitions([transition]))
}

pub(crate) fn issue_label(json: EventJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(key) = issue_of(raw) else { return raw.missing("") };
    let Some(at) = raw.take("/created_at", json.created_at) else { return raw.missing("/created_at") };
    // A label that was deleted since is null.
    let Some(label) = raw.take("/label", json.label) else { return Outcome::ignored("gitlab.label.deleted") };
    let (before, after) = match raw.take("/action", json.action).as_deref() {
        Some("add") => (None, Some(label.0)),
        Some("remove") => (Some(label.0), None),
        Some(other) => {
            raw.report(DiagnosticKind::UnknownWord, "/action", other);
            return raw.missing("/action");
        }
        None => return raw.missing("/action"),
    };
    let edit = Edit {
        id: raw.take("/id", json.id).map(|id| id.to_string()),
        at,
        author: person(raw, "/user", json.user),
        field: EditedField::Unknown("label".to_owned()),
        before,
        after,
    };
    Outcome::entity(key, &WorkItem::default().edits([edit]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_labels_say_the_kind() {
        let check = |issue_type: Option<&str>, labels: &[&str]| {
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            kind(issue_type, &labels).map(|(kind, word)| format!("{} {word}", kind.as_str())).unwrap_or_default()
        };
        assert_eq!(check(Some("issue"), &["ui", "type::Bug"]), "bug bug");
        assert_eq!(check(Some("ISSUE"), &["kind/bug", "Incident"]), "incident incident");
        assert_eq!(check(Some("Incident"), &["bug"]), "incident incident");
        assert_eq!(check(Some("test_case"), &[]), "test_case test_case");
        assert_eq!(check(None, &["debugging"]), "");
    }
}
