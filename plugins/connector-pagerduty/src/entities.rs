//! From `PagerDuty`'s JSON to entities. Pure; an odd field is reported and left out, never the record.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use weir_sdk::model::entity::{AttributeValue, IncidentState};
use weir_sdk::prelude::*;

use crate::requests::Parent;

/// An incident, as listed or as a webhook has it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct IncidentJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(alias = "number")]
    incident_number: Field<u64>,
    #[serde(borrow)]
    incident_key: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    urgency: Text<'a>,
    #[serde(borrow)]
    priority: Nested<Named<'a>>,
    #[serde(borrow)]
    service: Nested<Named<'a>>,
    #[serde(borrow)]
    escalation_policy: Nested<Named<'a>>,
    #[serde(borrow)]
    teams: List<Object<Named<'a>>>,
    #[serde(borrow)]
    assignments: List<Object<Assignment<'a>>>,
    #[serde(borrow)]
    assignees: List<Object<Named<'a>>>,
    acknowledgements: List<Object<Acknowledgement>>,
    #[serde(borrow)]
    resolve_reason: Nested<ResolveReason<'a>>,
    created_at: Instant,
    resolved_at: Instant,
    last_status_change_at: Instant,
    updated_at: Instant,
}

/// Something referred to.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    summary: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Assignment<'a> {
    #[serde(borrow)]
    assignee: Nested<Named<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Acknowledgement {
    at: Instant,
}

/// Why it is over, when not for itself: it was merged into another.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ResolveReason<'a> {
    #[serde(borrow)]
    incident: Nested<Named<'a>>,
}

/// What a webhook says beside the incident: what happened to it, and when.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Happened<'a> {
    #[serde(borrow)]
    pub(crate) event: Cow<'a, str>,
    pub(crate) at: Timestamp,
}

pub(crate) fn incident(json: IncidentJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let happened: Option<Happened<'_>> = raw.context();
    let event_at =
        |event: &str| happened.as_ref().filter(|happened| happened.event == event).map(|happened| happened.at);
    let word = raw.filled("/status", json.status);
    let changed_at = raw.take("/last_status_change_at", json.last_status_change_at);
    let resolved_at = raw.take("/resolved_at", json.resolved_at).or(changed_at);
    let resolved_at = resolved_at.or(event_at("incident.resolved")).filter(|_| word.as_deref() == Some("resolved"));
    let acknowledgements = raw.list("/acknowledgements", json.acknowledgements).into_iter();
    let acknowledged_at = acknowledgements.filter_map(|one| raw.take("/acknowledgements/at", one.0.at)).min();
    let mut incident = Incident::default()
        .handle(raw.take("/incident_number", json.incident_number).map(|number| format!("#{number}")))
        .url(raw.filled("/html_url", json.html_url))
        .title(raw.filled("/title", json.title))
        .services(summary(raw, "/service", json.service))
        .state(word.as_deref().map(|word| state(raw, word)))
        .state_word(word)
        .priority(summary(raw, "/priority", json.priority))
        .urgency(raw.filled("/urgency", json.urgency))
        .assignees(assignees(raw, json.assignments, json.assignees))
        .detected_at(raw.take("/created_at", json.created_at))
        .acknowledged_at(acknowledged_at.or(event_at("incident.acknowledged")))
        .resolved_at(resolved_at)
        .updated_at(raw.take("/updated_at", json.updated_at).or(changed_at).or(happened.map(|happened| happened.at)));
    let merged_into = raw.take("/resolve_reason", json.resolve_reason).unwrap_or_default().0.incident;
    let attributes = [
        ("pagerduty.escalation_policy", summary(raw, "/escalation_policy", json.escalation_policy)),
        ("pagerduty.incident_key", raw.filled("/incident_key", json.incident_key)),
        ("pagerduty.merged_into", key(raw, "/resolve_reason/incident", merged_into)),
    ];
    let texts = attributes.into_iter().filter_map(|(name, text)| Some((name.to_owned(), AttributeValue::Text(text?))));
    incident.attributes.extend(texts);
    let teams = summaries(raw, "/teams", json.teams);
    if !teams.is_empty() {
        incident.attributes.insert("pagerduty.teams".to_owned(), AttributeValue::Texts(teams));
    }
    Outcome::entity(id, &incident)
}

fn state(raw: &Raw<'_>, word: &str) -> IncidentState {
    match word {
        "triggered" => IncidentState::Open,
        "acknowledged" => IncidentState::Acknowledged,
        "resolved" => IncidentState::Resolved,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/status", other);
            IncidentState::Unknown(other.to_owned())
        }
    }
}

/// People it is assigned to: a listing says since when, a webhook only whom.
fn assignees(
    raw: &Raw<'_>,
    assignments: List<Object<Assignment<'_>>>,
    assignees: List<Object<Named<'_>>>,
) -> Vec<Reference> {
    let listed = raw.list("/assignments", assignments).into_iter();
    let listed = listed.filter_map(|assignment| key(raw, "/assignments/assignee", assignment.0.assignee));
    let named = raw.list("/assignees", assignees).into_iter();
    let named = named.filter_map(|person| raw.filled("/assignees/id", person.0.id));
    listed.chain(named).map(Reference::Key).collect()
}

fn key(raw: &Raw<'_>, place: &str, named: Nested<Named<'_>>) -> Option<String> {
    raw.take(place, named).and_then(|named| raw.filled(&format!("{place}/id"), named.0.id))
}

fn summary(raw: &Raw<'_>, place: &str, named: Nested<Named<'_>>) -> Option<String> {
    raw.take(place, named).and_then(|named| raw.filled(&format!("{place}/summary"), named.0.summary))
}

fn summaries(raw: &Raw<'_>, place: &str, list: List<Object<Named<'_>>>) -> Vec<String> {
    let place_of_one = format!("{place}/summary");
    raw.list(place, list).into_iter().filter_map(|named| raw.filled(&place_of_one, named.0.summary)).collect()
}

/// A page of the log of one incident.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogJson<'a> {
    #[serde(borrow)]
    log_entries: List<Object<LogEntry<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LogEntry<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    created_at: Instant,
}

/// The log contributes when somebody first took the incident, which the incident itself forgets when it is over.
pub(crate) fn log_entries(json: LogJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(Parent { incident }) = raw.context() else { return raw.missing("/log_entries/incident") };
    let mut first: Option<Timestamp> = None;
    for entry in raw.list("/log_entries", json.log_entries) {
        let kind = raw.take("/log_entries/type", entry.0.kind);
        let at = raw.take("/log_entries/created_at", entry.0.created_at);
        if kind.is_some_and(|kind| kind.starts_with("acknowledge_log_entry")) {
            first = [first, at].into_iter().flatten().min();
        }
    }
    match first {
        Some(at) => Outcome::entity(incident, &Incident::default().acknowledged_at(at)),
        None => Outcome::ignored("pagerduty.log.no-acknowledgement"),
    }
}

/// A user.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct UserJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    teams: List<Object<Named<'a>>>,
}

pub(crate) fn user(json: UserJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let person = Person::default()
        .name(raw.filled("/name", json.name))
        .emails(raw.filled("/email", json.email).map(|email| email.to_lowercase()))
        .teams(summaries(raw, "/teams", json.teams))
        .url(raw.filled("/html_url", json.html_url));
    Outcome::entity(id, &person)
}
