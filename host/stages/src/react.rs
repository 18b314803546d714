//! Domain events: what happened to an entity, from what it was and what it is.
//!
//! Pure, so that a rebuild gives the same events in the same order.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use weir_model::entity::{
    AttributeValue, Build, Change, ChangeState, Custom, Deployment, Incident, IncidentState, RunState, WorkItem,
};
use weir_model::event::NewEvent;
use weir_model::{Entity, EntityId, Seq, Timestamp};

use crate::normalise::{EVENT_KIND, SAID_ATTRIBUTE};

/// The field of the end of a log.
const LOG: &str = "log_tail";

/// Events of one applied change of an entity. `before` and `after` are none when it was or is not there; `seq` and
/// `received_at` are those of the raw record that brought it about.
pub fn events(
    id: &EntityId,
    before: Option<&Entity>,
    after: Option<&Entity>,
    seq: Seq,
    received_at: Timestamp,
) -> Vec<NewEvent> {
    let event = |name: &str, at: Option<Timestamp>, changes: Option<String>| NewEvent {
        kind: format!("{}.{name}", id.kind),
        at: at.unwrap_or(received_at),
        seq,
        entity: id.clone(),
        changes,
    };
    let Some(after) = after else {
        return before.map(|_| event("deleted", None, None)).into_iter().collect();
    };
    if let Entity::Custom(sent) = after
        && id.kind.as_str() == EVENT_KIND
    {
        let sent = before.is_none().then(|| sent_by_propel(id, sent, seq, received_at));
        return sent.into_iter().collect();
    }
    let changes = before.and_then(|before| difference(before, after));
    if before.is_some() && changes.is_none() {
        return Vec::new();
    }
    let general = if before.is_none() { "created" } else { "changed" };
    let mut events = vec![event(general, at(after).filter(|_| before.is_none()), changes.clone())];
    events.extend(milestones(before, after).into_iter().map(|(name, at)| event(name, at, changes.clone())));
    events
}

/// What a propel sent is an event of its own kind, once.
fn sent_by_propel(id: &EntityId, sent: &Custom, seq: Seq, received_at: Timestamp) -> NewEvent {
    let said = match sent.attributes.get(SAID_ATTRIBUTE) {
        Some(AttributeValue::Text(said)) => Some(said.clone()),
        _ => None,
    };
    let kind = sent.title.clone().unwrap_or_else(|| "event.sent".to_owned());
    NewEvent { kind, at: sent.at.unwrap_or(received_at), seq, entity: id.clone(), changes: said }
}

/// The event of a build that turned its line red: it is red, and the last judged one before it was green.
pub fn broken(id: &EntityId, build: &Build, seq: Seq, received_at: Timestamp) -> NewEvent {
    let at = build.finished_at.unwrap_or(received_at);
    NewEvent { kind: "build.broken".to_owned(), at, seq, entity: id.clone(), changes: None }
}

/// The fields that differ, each with what it was and is, as one JSON object; none where nothing differs. The end of a
/// log is too long to be told with each event.
fn difference(before: &Entity, after: &Entity) -> Option<String> {
    let [before, after] = [before.to_json(), after.to_json()];
    let (mut before, after) = (fields(&before), fields(&after));
    let null = RawValue::NULL;
    let mut changes = BTreeMap::new();
    for (field, now) in after {
        let was = before.remove(field).unwrap_or(null);
        if was.get() != now.get() {
            changes.insert(field, [was, now]);
        }
    }
    changes.extend(before.into_iter().map(|(field, was)| (field, [was, null])));
    changes.remove(LOG);
    let written = || serde_json::to_string(&changes).expect("what was read as JSON can be written");
    (!changes.is_empty()).then(written)
}

/// The fields of a document as they are written: what is equal is written equally.
fn fields(document: &str) -> BTreeMap<&str, &RawValue> {
    serde_json::from_str(document).expect("documents are objects, and no name of their fields needs an escape")
}

type Milestone = (&'static str, Option<Timestamp>);

/// What an entity has reached that it had not reached before.
fn milestones(before: Option<&Entity>, after: &Entity) -> Vec<Milestone> {
    let now = reached(after);
    let earlier = before.map(reached).unwrap_or_default();
    let is_new = |(name, at): &Milestone| match *name {
        // Each change of status is an event of its own.
        "transitioned" => !earlier.contains(&(*name, *at)),
        name => !earlier.iter().any(|(other, _)| *other == name),
    };
    now.into_iter().filter(is_new).collect()
}

fn reached(entity: &Entity) -> Vec<Milestone> {
    match entity {
        Entity::Build(build) => build_milestones(build),
        Entity::Change(change) => change_milestones(change),
        Entity::Deployment(deployment) => deployment_milestones(deployment),
        Entity::Incident(incident) => incident_milestones(incident),
        Entity::Review(review) => vec![("submitted", review.submitted_at)],
        Entity::WorkItem(item) => transitions(item),
        _ => Vec::new(),
    }
}

fn build_milestones(build: &Build) -> Vec<Milestone> {
    run_milestones(build.state.as_ref(), build.queued_at, build.started_at, build.finished_at)
}

fn deployment_milestones(deployment: &Deployment) -> Vec<Milestone> {
    let times = (deployment.queued_at, deployment.started_at, deployment.finished_at);
    run_milestones(deployment.state.as_ref(), times.0, times.1, times.2)
}

fn run_milestones(
    state: Option<&RunState>,
    queued_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
) -> Vec<Milestone> {
    let finished = state == Some(&RunState::Finished);
    let started = finished || state == Some(&RunState::Running) || started_at.is_some();
    let queued = state == Some(&RunState::Queued) || queued_at.is_some();
    let all = [(queued, "queued", queued_at), (started, "started", started_at), (finished, "finished", finished_at)];
    all.into_iter().filter(|(holds, ..)| *holds).map(|(_, name, at)| (name, at)).collect()
}

fn change_milestones(change: &Change) -> Vec<Milestone> {
    let opened = [("opened", change.created_at)];
    let end = match change.state {
        Some(ChangeState::Merged) => Some(("merged", change.merged_at)),
        Some(ChangeState::Closed) => Some(("closed", change.closed_at)),
        _ => None,
    };
    opened.into_iter().chain(end).collect()
}

fn incident_milestones(incident: &Incident) -> Vec<Milestone> {
    let opened = [("opened", incident.detected_at.or(incident.started_at))];
    let resolved = matches!(incident.state, Some(IncidentState::Resolved | IncidentState::Closed));
    let resolved = resolved.then_some(("resolved", incident.resolved_at.or(incident.closed_at)));
    opened.into_iter().chain(resolved).collect()
}

fn transitions(item: &WorkItem) -> Vec<Milestone> {
    item.transitions.iter().map(|transition| ("transitioned", Some(transition.at))).collect()
}

/// When the entity came to be.
fn at(entity: &Entity) -> Option<Timestamp> {
    match entity {
        Entity::Repository(it) => it.created_at,
        Entity::Commit(it) => it.committed_at.or(it.authored_at),
        Entity::Change(it) => it.created_at,
        Entity::Review(it) => it.submitted_at,
        Entity::WorkItem(it) => it.created_at,
        Entity::Sprint(it) => it.started_at,
        Entity::Build(it) => it.queued_at.or(it.started_at),
        Entity::TestReport(it) => it.finished_at.or(it.started_at),
        Entity::Artifact(it) => it.created_at,
        Entity::Deployment(it) => it.queued_at.or(it.started_at),
        Entity::Incident(it) => it.detected_at.or(it.started_at),
        Entity::Person(it) => it.created_at,
        Entity::Custom(it) => it.at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(id: &str, states: &[&str], expected: Expect) {
        let id: EntityId = id.parse().unwrap();
        let states = states.iter().map(|json| Some(*json).filter(|json| !json.is_empty()));
        let states: Vec<Option<Entity>> =
            states.map(|json| json.map(|json| Entity::read(&id.kind, json).unwrap())).collect();
        let mut text = String::new();
        for pair in states.windows(2) {
            let received_at = "2026-03-09T00:00:00Z".parse().unwrap();
            for event in events(&id, pair[0].as_ref(), pair[1].as_ref(), Seq(7), received_at) {
                text += &format!("{} {} {}\n", event.kind, event.at, event.changes.unwrap_or_default());
            }
            text += "--\n";
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn the_life_of_a_build() {
        check(
            "build:ci:a/1",
            &[
                "",
                r#"{"state":"queued","queued_at":"2026-03-02T10:00:00Z"}"#,
                r#"{"state":"running","queued_at":"2026-03-02T10:00:00Z","started_at":"2026-03-02T10:01:00Z"}"#,
                r#"{"state":"running","queued_at":"2026-03-02T10:00:00Z","started_at":"2026-03-02T10:01:00Z"}"#,
                r#"{"state":"finished","result":"failure","queued_at":"2026-03-02T10:00:00Z","started_at":"2026-03-02T10:01:00Z","finished_at":"2026-03-02T10:02:00Z","log_tail":"make: *** [all] Error 2"}"#,
                "",
            ],
            expect![[r#"
                build.created 2026-03-02T10:00:00.000Z 
                build.queued 2026-03-02T10:00:00.000Z 
                --
                build.changed 2026-03-09T00:00:00.000Z {"started_at":[null,"2026-03-02T10:01:00.000Z"],"state":["queued","running"]}
                build.started 2026-03-02T10:01:00.000Z {"started_at":[null,"2026-03-02T10:01:00.000Z"],"state":["queued","running"]}
                --
                --
                build.changed 2026-03-09T00:00:00.000Z {"finished_at":[null,"2026-03-02T10:02:00.000Z"],"result":[null,"failure"],"state":["running","finished"]}
                build.finished 2026-03-02T10:02:00.000Z {"finished_at":[null,"2026-03-02T10:02:00.000Z"],"result":[null,"failure"],"state":["running","finished"]}
                --
                build.deleted 2026-03-09T00:00:00.000Z 
                --
            "#]],
        );
    }

    #[test]
    fn changes_and_work_items() {
        check(
            "change:github:1",
            &["", r#"{"state":"merged","created_at":"2026-03-02T10:00:00Z","merged_at":"2026-03-02T11:00:00Z"}"#],
            expect![[r"
                change.created 2026-03-02T10:00:00.000Z 
                change.opened 2026-03-02T10:00:00.000Z 
                change.merged 2026-03-02T11:00:00.000Z 
                --
            "]],
        );
        check(
            "work-item:jira:1",
            &[
                r#"{"title":"a","transitions":[{"at":"2026-03-02T10:00:00Z","after":{"name":"Doing"}}]}"#,
                r#"{"title":"a","transitions":[{"at":"2026-03-02T10:00:00Z","after":{"name":"Doing"}},{"at":"2026-03-03T10:00:00Z","after":{"name":"Done"}}]}"#,
            ],
            expect![[r#"
                work-item.changed 2026-03-09T00:00:00.000Z {"transitions":[[{"at":"2026-03-02T10:00:00.000Z","after":{"name":"Doing"}}],[{"at":"2026-03-02T10:00:00.000Z","after":{"name":"Doing"}},{"at":"2026-03-03T10:00:00.000Z","after":{"name":"Done"}}]]}
                work-item.transitioned 2026-03-03T10:00:00.000Z {"transitions":[[{"at":"2026-03-02T10:00:00.000Z","after":{"name":"Doing"}}],[{"at":"2026-03-02T10:00:00.000Z","after":{"name":"Doing"}},{"at":"2026-03-03T10:00:00.000Z","after":{"name":"Done"}}]]}
                --
            "#]],
        );
    }
}
