//! What a run is about, as an engine is told.

use serde_json::{Map, Value, json};
use uuid::Uuid;
use weir_model::event::NewEvent;
use weir_model::{EntityId, SearchDocument};
use weir_sandbox::{
    ActionReport, Answer, EntityChange, Event, EventBody, Failure, FailureKind, GateRequest, PluginEntity,
};
use weir_stages::facets;

use super::run::{ActionResult, Cause, Run};
use crate::account::Account;
use crate::error::Fault;

/// The entity of an event: as it was and is. An event says what changed; the rest is as it is by now.
#[derive(Debug, Clone, Default)]
pub(super) struct Subject {
    /// The fields before; none when it was new.
    pub(super) before: Option<Value>,
    /// The fields after; none when it is gone.
    pub(super) after: Option<Value>,
    /// Its flat view.
    pub(super) document: SearchDocument,
}

impl Subject {
    /// Reads an entity.
    pub(super) fn read(account: &Account, id: &EntityId, event: Option<&NewEvent>) -> Result<Self, Fault> {
        let derived = account.derived();
        let row = derived.projection.reader().and_then(|reader| reader.entity(id)).map_err(Fault::from_derived)?;
        let Some(entity) = row.and_then(|row| row.entity) else {
            let mut document = SearchDocument::default();
            document.add("id", id.to_string());
            document.add("kind", id.kind.as_str());
            document.add_some("integration", id.integration.as_ref().map(weir_model::IntegrationName::as_str));
            return Ok(Self { document, ..Self::default() });
        };
        let document = facets::search_document(id, &entity, &account.context());
        let now: Value = serde_json::from_str(&entity.to_json()).unwrap_or_default();
        let changes = event.and_then(|event| event.changes.as_deref());
        let changes: Option<Map<String, Value>> = changes.and_then(|changes| serde_json::from_str(changes).ok());
        let side = |index: usize| changes.as_ref().map(|changes| with(now.clone(), changes, index));
        Ok(Self { before: side(0), after: Some(side(1).unwrap_or(now)), document })
    }
}

/// The fields with one side of the changes put in.
fn with(mut fields: Value, changes: &Map<String, Value>, side: usize) -> Value {
    let Value::Object(object) = &mut fields else { return fields };
    for (name, change) in changes {
        match change.get(side) {
            None => {}
            Some(Value::Null) => drop(object.remove(name)),
            Some(value) => drop(object.insert(name.clone(), value.clone())),
        }
    }
    fields
}

/// The event a plugin is given.
pub(super) fn told(account: &Account, run: &Run) -> Result<Event, Fault> {
    let (body, deadline) = match &run.cause {
        Cause::Event(event) => (entity_body(account, &event.event)?, None),
        Cause::Digest(events) => (EventBody::Other(json!({ "events": events }).to_string()), None),
        Cause::Schedule { .. } => (EventBody::Schedule(run.propel.clone()), None),
        Cause::Hand { input } | Cause::Trigger { input, .. } => (hand_body(account, input)?, None),
        Cause::Report { run, action, result, answer } => (reported(run, action, result, answer.as_ref()), None),
        Cause::Gate { gate, build, deadline } => {
            let key = build.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
            let build = PluginEntity { kind: "build".to_owned(), key, document: build.to_string() };
            (EventBody::Gate(GateRequest { gate: gate.clone(), build }), Some(deadline.ms()))
        }
    };
    let at = if let Cause::Event(event) = &run.cause { event.event.at } else { run.at };
    Ok(Event { id: run.id.to_string(), kind: run.kind.clone(), at: at.ms(), attempt: run.attempts, deadline, body })
}

fn entity_body(account: &Account, event: &NewEvent) -> Result<EventBody, Fault> {
    if event.entity.kind.as_str() == super::EMITTED_KIND {
        return Ok(EventBody::Other(event.changes.clone().unwrap_or_else(|| "{}".to_owned())));
    }
    let subject = Subject::read(account, &event.entity, Some(event))?;
    Ok(changed(&event.entity, subject))
}

/// Somebody who names an entity means it; whatever else is said is passed on.
fn hand_body(account: &Account, input: &Value) -> Result<EventBody, Fault> {
    let id = input.get("entity").and_then(Value::as_str).and_then(|id| id.parse::<EntityId>().ok());
    let Some(id) = id else { return Ok(EventBody::Other(input.to_string())) };
    Ok(changed(&id, Subject::read(account, &id, None)?))
}

fn reported(run: &Uuid, action: &str, result: &ActionResult, answer: Option<&Answer>) -> EventBody {
    let undone = || Failure {
        kind: FailureKind::Transient,
        code: "weir.action.undone".to_owned(),
        message: result.detail.clone(),
        retry_after: None,
        details: None,
    };
    let result = if result.done { Ok(answer.cloned()) } else { Err(undone()) };
    EventBody::Report(ActionReport { event: run.to_string(), action: action.to_owned(), result })
}

fn changed(id: &EntityId, subject: Subject) -> EventBody {
    let entity =
        |fields: Value| PluginEntity { kind: id.kind.to_string(), key: id.to_string(), document: fields.to_string() };
    EventBody::Entity(EntityChange { before: subject.before.map(entity), after: subject.after.map(entity) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_give_both_sides() {
        let now = json!({ "state": "finished", "title": "later", "job": "a" });
        let changes = json!({ "state": ["running", "finished"], "result": [null, "failure"] });
        let Value::Object(changes) = changes else { unreachable!() };
        assert_eq!(with(now.clone(), &changes, 0), json!({ "state": "running", "title": "later", "job": "a" }));
        let after = json!({ "state": "finished", "title": "later", "job": "a", "result": "failure" });
        assert_eq!(with(now, &changes, 1), after);
    }
}
