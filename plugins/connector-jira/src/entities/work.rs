//! Issues, with Jira's own fields.

use std::borrow::Cow;
use std::mem::take;

use serde::Deserialize;
use weir_sdk::model::entity::{WorkKind, WorkLink, WorkLinkKind, WorkStatus};
use weir_sdk::prelude::*;

use super::adf::Prose;
use super::{Account, Named, category, name, names, page, person};
use crate::settings::Settings;

/// An issue.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct IssueJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(rename = "self", borrow)]
    address: Text<'a>,
    #[serde(borrow)]
    fields: Nested<FieldsJson<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FieldsJson<'a> {
    #[serde(borrow)]
    summary: Text<'a>,
    description: Field<Prose>,
    #[serde(borrow)]
    issuetype: Nested<IssueType<'a>>,
    #[serde(borrow)]
    project: Nested<Project<'a>>,
    #[serde(borrow)]
    status: Nested<StatusJson<'a>>,
    #[serde(borrow)]
    resolution: Nested<Named<'a>>,
    #[serde(borrow)]
    priority: Nested<Named<'a>>,
    #[serde(borrow)]
    parent: Nested<Parent<'a>>,
    #[serde(borrow)]
    creator: Nested<Account<'a>>,
    #[serde(borrow)]
    reporter: Nested<Account<'a>>,
    #[serde(borrow)]
    assignee: Nested<Account<'a>>,
    #[serde(borrow)]
    labels: List<Cow<'a, str>>,
    #[serde(borrow)]
    components: List<Object<Named<'a>>>,
    #[serde(rename = "fixVersions", borrow)]
    fix_versions: List<Object<Named<'a>>>,
    #[serde(borrow)]
    issuelinks: List<Object<Link<'a>>>,
    timeoriginalestimate: Field<u64>,
    timeestimate: Field<u64>,
    timespent: Field<u64>,
    created: Instant,
    updated: Instant,
    resolutiondate: Instant,
    #[serde(borrow)]
    duedate: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IssueType<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    subtask: Field<bool>,
    #[serde(rename = "hierarchyLevel")]
    level: Field<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project<'a> {
    #[serde(borrow)]
    key: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(rename = "statusCategory", borrow)]
    category: Nested<Category<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Category<'a> {
    #[serde(borrow)]
    key: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parent<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    fields: Nested<ParentFields<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ParentFields<'a> {
    #[serde(borrow)]
    issuetype: Nested<IssueType<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Link<'a> {
    #[serde(rename = "type", borrow)]
    kind: Nested<LinkType<'a>>,
    #[serde(rename = "inwardIssue", borrow)]
    inward: Nested<Linked<'a>>,
    #[serde(rename = "outwardIssue", borrow)]
    outward: Nested<Linked<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LinkType<'a> {
    #[serde(borrow)]
    inward: Text<'a>,
    #[serde(borrow)]
    outward: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Linked<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

pub(crate) fn issue(json: IssueJson<'_>, settings: &Settings, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let Some(handle) = raw.filled("/key", json.key) else { return raw.missing("/key") };
    let address = raw.take("/self", json.address);
    let Some(Object(mut fields)) = raw.take("/fields", json.fields) else { return raw.missing("/fields") };
    let url = page(address.as_deref(), &format!("/browse/{handle}"));
    let item = WorkItem::default().handle(handle).url(url);
    let item = people(times(item, &mut fields, raw), &mut fields, raw);
    Outcome::entity(id, &described(item, fields, settings, raw))
}

fn times(item: WorkItem, fields: &mut FieldsJson<'_>, raw: &Raw<'_>) -> WorkItem {
    let seconds = |place: &str, field: &mut Field<u64>| {
        raw.take(place, take(field)).map(|seconds| DurationMs(seconds.saturating_mul(1_000)))
    };
    item.created_at(raw.take("/fields/created", take(&mut fields.created)))
        .updated_at(raw.take("/fields/updated", take(&mut fields.updated)))
        .resolved_at(raw.take("/fields/resolutiondate", take(&mut fields.resolutiondate)))
        .due_at(raw.take("/fields/duedate", take(&mut fields.duedate)).and_then(|day| midnight(raw, &day)))
        .estimate(seconds("/fields/timeoriginalestimate", &mut fields.timeoriginalestimate))
        .time_remaining(seconds("/fields/timeestimate", &mut fields.timeestimate))
        .time_spent(seconds("/fields/timespent", &mut fields.timespent))
}

/// A day has no zone in Jira; the host wants midnight UTC for it.
fn midnight(raw: &Raw<'_>, day: &str) -> Option<Timestamp> {
    let at = format!("{day}T00:00:00Z").parse().ok();
    if at.is_none() && !day.is_empty() {
        raw.report(DiagnosticKind::BadTime, "/fields/duedate", day);
    }
    at
}

fn people(item: WorkItem, fields: &mut FieldsJson<'_>, raw: &Raw<'_>) -> WorkItem {
    let creator = person(raw, "/fields/creator", take(&mut fields.creator));
    let reporter = person(raw, "/fields/reporter", take(&mut fields.reporter));
    item.creator(creator.or(reporter)).assignees(person(raw, "/fields/assignee", take(&mut fields.assignee)))
}

fn described(item: WorkItem, fields: FieldsJson<'_>, settings: &Settings, raw: &Raw<'_>) -> WorkItem {
    let issue_type = raw.take("/fields/issuetype", fields.issuetype).unwrap_or_default().0;
    let kind_word = raw.filled("/fields/issuetype/name", issue_type.name.clone());
    let project = raw.take("/fields/project", fields.project).unwrap_or_default().0;
    let (parent, epic) = raw.take("/fields/parent", fields.parent).map_or((None, None), |it| parents(it.0, raw));
    let links = raw.list("/fields/issuelinks", fields.issuelinks).into_iter();
    item.title(raw.filled("/fields/summary", fields.summary))
        .description(raw.take("/fields/description", fields.description).and_then(Prose::filled))
        .project(raw.filled("/fields/project/key", project.key))
        .kind(kind(&issue_type, kind_word.as_deref(), settings, raw))
        .kind_word(kind_word)
        .status(raw.take("/fields/status", fields.status).and_then(|it| status(it.0, settings, raw)))
        .resolution(name(raw, "/fields/resolution", fields.resolution))
        .priority(name(raw, "/fields/priority", fields.priority))
        .parent(parent)
        .epic(epic)
        .labels(raw.list("/fields/labels", fields.labels).into_iter().map(Cow::into_owned))
        .components(names(raw, "/fields/components", fields.components))
        .fix_versions(names(raw, "/fields/fixVersions", fields.fix_versions))
        .links(links.filter_map(|it| link(it.0, raw)))
}

/// The class of a status is its category's, unless the operator knows better.
fn status(json: StatusJson<'_>, settings: &Settings, raw: &Raw<'_>) -> Option<WorkStatus> {
    let name = raw.filled("/fields/status/name", json.name)?;
    let id = raw.take("/fields/status/id", json.id).unwrap_or_default();
    let key = raw.take("/fields/status/statusCategory", json.category).unwrap_or_default().0.key;
    let key = raw.take("/fields/status/statusCategory/key", key);
    let of_jira = || category(raw, "/fields/status/statusCategory/key", &key?);
    Some(WorkStatus { category: settings.category(&id, &name).or_else(of_jira), name })
}

/// Level of epics in Jira Cloud; sub-tasks are at -1, all else between.
const EPIC_LEVEL: i64 = 1;

fn kind(issue_type: &IssueType<'_>, word: Option<&str>, settings: &Settings, raw: &Raw<'_>) -> Option<WorkKind> {
    let chosen = word.and_then(|word| settings.kind(word));
    let level = issue_type.level.quietly().copied();
    let by_level = match level {
        Some(EPIC_LEVEL) => Some(WorkKind::Epic),
        Some(-1) => Some(WorkKind::Subtask),
        _ => issue_type.subtask.quietly().filter(|subtask| **subtask).map(|_| WorkKind::Subtask),
    };
    chosen.or(by_level).or_else(|| word.map(|word| known_kind(word, raw)))
}

/// The kind of an issue type by its name in a Jira set up in English; other names are for the settings.
fn known_kind(word: &str, raw: &Raw<'_>) -> WorkKind {
    match word.trim_start_matches("[System] ").to_lowercase().as_str() {
        "epic" => WorkKind::Epic,
        "story" | "user story" | "feature" | "new feature" | "improvement" | "enhancement" => WorkKind::Story,
        "task" | "technical task" | "service request" => WorkKind::Task,
        "sub-task" | "subtask" => WorkKind::Subtask,
        "bug" | "defect" => WorkKind::Bug,
        "incident" | "outage" => WorkKind::Incident,
        "change" | "change request" => WorkKind::ChangeRequest,
        _ => {
            raw.report(DiagnosticKind::UnknownWord, "/fields/issuetype/name", word);
            WorkKind::Unknown(word.to_owned())
        }
    }
}

/// The parent, and whether it is an epic too.
fn parents(parent: Parent<'_>, raw: &Raw<'_>) -> (Option<Reference>, Option<Reference>) {
    let Some(id) = raw.filled("/fields/parent/id", parent.id) else { return (None, None) };
    let fields = raw.take("/fields/parent/fields", parent.fields).unwrap_or_default().0;
    let issue_type = raw.take("/fields/parent/fields/issuetype", fields.issuetype).unwrap_or_default().0;
    let is_epic = match issue_type.level.quietly() {
        Some(level) => *level == EPIC_LEVEL,
        None => issue_type.name.quietly().is_some_and(|name| name.eq_ignore_ascii_case("epic")),
    };
    let reference = Reference::Key(id);
    (Some(reference.clone()), is_epic.then_some(reference))
}

/// A link as this issue reads it: of the two phrases the one that goes with the other's place.
fn link(json: Link<'_>, raw: &Raw<'_>) -> Option<WorkLink> {
    let place = "/fields/issuelinks/type";
    let kind = raw.take(place, json.kind).unwrap_or_default().0;
    let outward = raw.take("/fields/issuelinks/outwardIssue", json.outward).map(|it| (it, kind.outward));
    let inward = raw.take("/fields/issuelinks/inwardIssue", json.inward).map(|it| (it, kind.inward));
    let (linked, phrase) = outward.or(inward)?;
    let target = Reference::Key(raw.filled("/fields/issuelinks/id", linked.0.id)?);
    let phrase = raw.filled(place, phrase).unwrap_or_default();
    Some(WorkLink { kind: link_kind(&phrase, raw), target })
}

fn link_kind(phrase: &str, raw: &Raw<'_>) -> WorkLinkKind {
    match phrase.to_lowercase().as_str() {
        "blocks" | "is required by" | "is depended on by" | "is a dependency of" => WorkLinkKind::Blocks,
        "is blocked by" | "requires" | "depends on" => WorkLinkKind::BlockedBy,
        "duplicates" => WorkLinkKind::Duplicates,
        "is duplicated by" => WorkLinkKind::DuplicatedBy,
        "causes" => WorkLinkKind::Causes,
        "is caused by" => WorkLinkKind::CausedBy,
        "relates to" | "is related to" => WorkLinkKind::Relates,
        _ => {
            raw.report(DiagnosticKind::UnknownWord, "/fields/issuelinks/type", phrase);
            WorkLinkKind::Unknown(phrase.to_owned())
        }
    }
}
