//! Incidents, tickets and approvals.

use weir_model::entity::{
    Custom, Incident, IncidentLink, IncidentLinkKind, IncidentState, Transition, WorkCategory, WorkItem, WorkKind,
    WorkStatus,
};
use weir_model::{EntityKind, Reference};

use super::super::Produced;
use super::artifacts::PackageUrl;
use super::event::{Event, put};
use super::services::{custom, deployment_key, environment_of};

pub(super) fn detected(event: &mut Event<'_>) -> Vec<Produced> {
    let at = event.at;
    incident(event, |incident| incident.state(IncidentState::Open).detected_at(at))
}

/// A report comes some time after the detection, so it does not say when that was.
pub(super) fn reported(event: &mut Event<'_>) -> Vec<Produced> {
    let ticket = event.content.text(&["ticketURI"]);
    let at = event.at.map(|at| at.to_string());
    incident(event, |mut incident| {
        put(&mut incident.attributes, "cdevents.reported_at", at);
        incident.state(IncidentState::Open).url(ticket.clone()).work_item(ticket.map(Reference::Name))
    })
}

pub(super) fn resolved(event: &mut Event<'_>) -> Vec<Produced> {
    let at = event.at;
    incident(event, |incident| incident.state(IncidentState::Resolved).resolved_at(at))
}

fn incident(event: &mut Event<'_>, state: impl FnOnce(Incident) -> Incident) -> Vec<Produced> {
    let description = event.content.text(&["description"]);
    let links = event.links().into_iter().filter_map(|link| {
        let deployment = Reference::Key(deployment_key(&link.target)?);
        Some(IncidentLink { deployment, kind: link_kind(&link.kind) })
    });
    let predicate = event.kind.predicate();
    let mut incident = Incident::default()
        .handle(event.subject.clone())
        .title(description.as_deref().and_then(|text| text.lines().next()).map(str::to_owned))
        .description(description)
        .services(event.named("service").map(|(id, _)| id))
        .environment(environment_of(event))
        .state_word(predicate.to_owned())
        .deployments(links)
        .updated_at(event.at);
    incident.attributes = event.attributes();
    let artifact = event.content.text(&["artifactId"]).map(|id| PackageUrl::new(&id).key());
    put(&mut incident.attributes, "cdevents.artifact", artifact);
    let incident = state(incident);
    event.produced(EntityKind::Incident, incident)
}

/// Kinds of links are words of the senders.
fn link_kind(word: &str) -> IncidentLinkKind {
    let word = word.to_ascii_lowercase();
    if word.contains("cause") || word == "trigger" {
        IncidentLinkKind::Caused
    } else if word.contains("fix") || word.contains("resol") {
        IncidentLinkKind::Fixed
    } else {
        IncidentLinkKind::Related
    }
}

pub(super) fn ticket_created(event: &mut Event<'_>) -> Vec<Produced> {
    let at = event.at;
    ticket(event, Some(status("created", WorkCategory::Todo)), |item| item.created_at(at))
}

pub(super) fn ticket_updated(event: &mut Event<'_>) -> Vec<Produced> {
    ticket(event, None, |item| item)
}

pub(super) fn ticket_closed(event: &mut Event<'_>) -> Vec<Produced> {
    let at = event.at;
    ticket(event, Some(status("closed", WorkCategory::Done)), |item| item.resolved_at(at))
}

fn status(name: &str, category: WorkCategory) -> WorkStatus {
    WorkStatus { name: name.to_owned(), category: Some(category) }
}

fn ticket(
    event: &mut Event<'_>,
    status: Option<WorkStatus>,
    state: impl FnOnce(WorkItem) -> WorkItem,
) -> Vec<Produced> {
    let content = &mut event.content;
    let kind_word = content.text(&["ticketType"]);
    let creator = content.text(&["creator"]).map(Reference::Name);
    let author = content.text(&["updatedBy"]).map(Reference::Name).or_else(|| creator.clone());
    let moved = status.clone().zip(event.at);
    let transition = moved.map(|(after, at)| Transition { id: None, at, author, before: None, after });
    let group = content.text(&["group"]);
    let item = WorkItem::default()
        .handle(event.subject.clone())
        .url(content.text(&["uri", "url"]))
        .title(content.text(&["summary"]))
        .kind(kind_word.as_deref().map(WorkKind::from_word))
        .kind_word(kind_word)
        .status(status)
        .resolution(content.text(&["resolution"]))
        .priority(content.text(&["priority"]))
        .creator(creator)
        .assignees(content.texts(&["assignees"]).into_iter().map(Reference::Name))
        .labels(content.texts(&["labels"]))
        .fix_versions(content.text(&["milestone"]))
        .updated_at(event.at)
        .transitions(transition);
    let mut item = state(item);
    item.attributes = event.attributes();
    put(&mut item.attributes, "cdevents.group", group);
    event.produced(EntityKind::WorkItem, item)
}

/// Evidence that somebody let something pass, or did not.
pub(super) fn approval(event: &mut Event<'_>) -> Vec<Produced> {
    let target = event.content.text(&["resourceTargetUrl"]);
    let mut approval =
        Custom::default().title(target.clone()).url(event.content.text(&["approvalDetailsUrl"])).at(event.at);
    approval.attributes = event.attributes();
    put(&mut approval.attributes, "cdevents.target", target);
    for name in ["requestor", "responder", "decision", "status"] {
        let text = event.content.text(&[name]);
        put(&mut approval.attributes, &format!("cdevents.{name}"), text);
    }
    let predicate = event.kind.predicate();
    put(&mut approval.attributes, &format!("cdevents.{predicate}_at"), event.at.map(|at| at.to_string()));
    custom(event, "approval", approval)
}
