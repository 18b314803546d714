//! From rows to entities. Pure; an odd column is reported and left out, never the row.

use weir_sdk::model::entity::{
    Attributes, Environment, IncidentLink, IncidentLinkKind, IncidentState, RunResult, RunState, WorkCategory,
    WorkKind, WorkStatus,
};
use weir_sdk::prelude::*;

use crate::cell::Row;
use crate::settings::{Deployments, Settings};

/// Columns of an incident that have no field of their own.
const OF_INCIDENT: &[&str] = &[
    "impact",
    "category",
    "subcategory",
    "escalation",
    "reopen_count",
    "close_code",
    "assignment_group",
    "resolved_by",
    "problem_id",
    "parent_incident",
];
/// Columns of a change request that have no field of their own.
const OF_CHANGE: &[&str] = &[
    "urgency",
    "impact",
    "risk",
    "category",
    "scope",
    "assignment_group",
    "closed_by",
    "parent",
    "start_date",
    "end_date",
    "work_start",
    "work_end",
];

pub(crate) fn incident(raw: &Raw<'_>, settings: &Settings) -> Outcome {
    let row = Row::of(raw);
    let Some(id) = row.stored("sys_id") else { return raw.missing("/sys_id") };
    let code = row.stored("state");
    let mut incident = Incident::default()
        .handle(row.shown("number"))
        .url(row.page("incident", &id))
        .title(row.shown("short_description"))
        .description(row.shown("description"))
        .services(services(&row))
        .state(code.as_deref().map(|code| incident_state(raw, settings, code)))
        .state_word(row.shown("state"))
        .severity(row.shown("severity"))
        .priority(row.shown("priority"))
        .urgency(row.shown("urgency"))
        .creator(row.reference("caller_id").or_else(|| row.reference("opened_by")))
        .assignees(row.reference("assigned_to"))
        .detected_at(row.instant("opened_at"))
        .resolved_at(row.instant("resolved_at"))
        .closed_at(row.instant("closed_at"))
        .updated_at(row.instant("sys_updated_on"));
    if settings.deployments.is_some() {
        incident = incident.deployments(changes(&row));
    }
    incident.attributes = attributes(&row, OF_INCIDENT, settings);
    Outcome::entity(id, &incident)
}

/// The configuration item is the nearer answer to "what was hit", the business service the wider one.
fn services(row: &Row<'_>) -> Vec<String> {
    let mut services: Vec<_> = ["business_service", "cmdb_ci"].iter().filter_map(|column| row.name(column)).collect();
    services.dedup();
    services
}

/// Change requests that the incident names as its cause or its mend.
fn changes(row: &Row<'_>) -> Vec<IncidentLink> {
    let named = [("caused_by", IncidentLinkKind::Caused), ("rfc", IncidentLinkKind::Fixed)];
    let link = |(column, kind)| Some(IncidentLink { deployment: row.reference(column)?, kind });
    named.into_iter().filter_map(link).collect()
}

fn attributes(row: &Row<'_>, columns: &[&str], settings: &Settings) -> Attributes {
    let further = settings.columns.iter().map(String::as_str);
    columns.iter().copied().chain(further).filter_map(|column| row.attribute(column)).collect()
}

/// Where an incident stands, by its code: words are in the language of who asks.
fn incident_state(raw: &Raw<'_>, settings: &Settings, code: &str) -> IncidentState {
    if let Some(state) = settings.incident_states.get(code) {
        return state.clone();
    }
    match code {
        "1" => IncidentState::Open,
        // In progress, and the ways of being on hold.
        "2" | "3" | "4" | "5" => IncidentState::Acknowledged,
        "6" => IncidentState::Resolved,
        // Closed, cancelled.
        "7" | "8" => IncidentState::Closed,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state", other);
            IncidentState::Unknown(other.to_owned())
        }
    }
}

/// A change request is work; where the settings say so, it is also the deployment it asks for.
pub(crate) fn change_request(raw: &Raw<'_>, settings: &Settings) -> Outcome {
    let row = Row::of(raw);
    let Some(id) = row.stored("sys_id") else { return raw.missing("/sys_id") };
    let code = row.stored("state");
    let category = code.as_deref().and_then(|code| change_category(raw, settings, code));
    let closed_at = row.instant("closed_at");
    let mut change = WorkItem::default()
        .handle(row.shown("number"))
        .url(row.page("change_request", &id))
        .title(row.shown("short_description"))
        .description(row.shown("description"))
        .kind(WorkKind::ChangeRequest)
        .kind_word(row.shown("type"))
        .status(row.shown("state").map(|name| WorkStatus { name, category: category.clone() }))
        .resolution(row.shown("close_code"))
        .priority(row.shown("priority"))
        .creator(row.reference("requested_by").or_else(|| row.reference("opened_by")))
        .assignees(row.reference("assigned_to"))
        .components(services(&row))
        .created_at(row.instant("opened_at"))
        .updated_at(row.instant("sys_updated_on"))
        .resolved_at(closed_at)
        .due_at(row.instant("end_date"));
    change.attributes = attributes(&row, OF_CHANGE, settings);
    let produced = Produced::default().with(&id, &change);
    match &settings.deployments {
        Some(deployments) if deployments.include(row.stored("type").as_deref()) => {
            produced.with(&id, &deployment(raw, &row, &id, category.as_ref(), deployments)).into()
        }
        _ => produced.into(),
    }
}

fn change_category(raw: &Raw<'_>, settings: &Settings, code: &str) -> Option<WorkCategory> {
    if let Some(category) = settings.change_states.get(code) {
        return Some(category.clone());
    }
    match code {
        // New, assess, authorise, scheduled.
        "-5" | "-4" | "-3" | "-2" => Some(WorkCategory::Todo),
        // Implement, review.
        "-1" | "0" => Some(WorkCategory::Doing),
        "3" | CANCELLED => Some(WorkCategory::Done),
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state", other);
            None
        }
    }
}

/// Code of the state of a change request that was given up.
const CANCELLED: &str = "4";

/// What a change request says about the deployment it asks for: when work on it began and ended, and how.
fn deployment(
    raw: &Raw<'_>,
    row: &Row<'_>,
    id: &str,
    category: Option<&WorkCategory>,
    settings: &Deployments,
) -> Deployment {
    let (started_at, finished_at) = (row.instant("work_start"), row.instant("work_end"));
    let is_cancelled = row.stored("state").as_deref() == Some(CANCELLED);
    let word = row.stored("close_code");
    let result = match word.as_deref() {
        _ if is_cancelled => Some(RunResult::Cancelled),
        Some(word) if category == Some(&WorkCategory::Done) => Some(result(raw, word)),
        _ => None,
    };
    let state = match category {
        Some(WorkCategory::Done) => Some(RunState::Finished),
        Some(WorkCategory::Todo) => Some(RunState::Queued),
        _ if finished_at.is_some() => Some(RunState::Waiting),
        Some(WorkCategory::Doing) => Some(RunState::Running),
        _ => None,
    };
    Deployment::default()
        .attempt(1)
        .service(row.name("cmdb_ci").or_else(|| row.name("business_service")))
        .environment(Environment { name: settings.environment.clone(), class: None })
        .title(row.shown("short_description"))
        .url(row.page("change_request", id))
        .state(state)
        .result(result)
        .result_word(word)
        .author(row.reference("assigned_to"))
        .work_items([Reference::Key(id.to_owned())])
        .queued_at(row.instant("opened_at"))
        .started_at(started_at)
        .finished_at(finished_at)
        .duration(finished_at.zip(started_at).and_then(|(finished, started)| finished.since(started)))
}

/// How a change ended, by its close code.
fn result(raw: &Raw<'_>, code: &str) -> RunResult {
    match code {
        "successful" => RunResult::Success,
        "successful_issues" => RunResult::Unstable,
        "unsuccessful" => RunResult::Failure,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/close_code", other);
            RunResult::Unknown(other.to_owned())
        }
    }
}

pub(crate) fn user(raw: &Raw<'_>) -> Outcome {
    let row = Row::of(raw);
    let Some(id) = row.stored("sys_id") else { return raw.missing("/sys_id") };
    let person = Person::default()
        .name(row.shown("name"))
        .login(row.shown("user_name"))
        .emails(row.shown("email").map(|email| email.to_lowercase()))
        .bot(row.flag("web_service_access_only"))
        .active(row.flag("active"))
        .organisation(row.name("company"))
        .manager(row.reference("manager"))
        .created_at(row.instant("sys_created_on"));
    Outcome::entity(id, &person)
}

/// A membership contributes its group to the person.
pub(crate) fn group_member(raw: &Raw<'_>) -> Outcome {
    let row = Row::of(raw);
    let Some(user) = row.stored("user") else { return raw.missing("/user") };
    let Some(group) = row.name("group") else { return raw.missing("/group") };
    Outcome::entity(user, &Person::default().teams([group]))
}
