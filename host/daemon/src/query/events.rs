//! The log of domain events.

use serde::Serialize;
use serde_json::Value;
use weir_model::{DomainEvent, EventNumber};
use weir_stages::announce;

use crate::account::Account;
use crate::error::Fault;

/// Most events of one answer.
const EVENTS_MAX: usize = 1_000;

/// Events after a position.
#[derive(Debug, Serialize)]
pub struct EventsAnswer {
    /// The events, oldest first.
    pub events: Vec<DomainEvent>,
    /// Position to go on from.
    pub next: EventNumber,
}

/// Events after `after`, at most `limit` of them.
pub fn events(account: &Account, after: EventNumber, limit: usize) -> Result<EventsAnswer, Fault> {
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let events = reader.events(after, limit.min(EVENTS_MAX)).map_err(Fault::from_derived)?;
    let next = events.last().map_or(after, |event| event.number);
    Ok(EventsAnswer { events, next })
}

/// Events as `CloudEvents`, each with what its entity is like by now; `source` is the URI of this host.
pub fn cloud_events(account: &Account, events: &[DomainEvent], source: &str) -> Result<Vec<Value>, Fault> {
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let told = |event: &DomainEvent| {
        let row = reader.entity(&event.event.entity).map_err(Fault::from_derived)?;
        let entity = row.and_then(|row| row.entity);
        Ok(announce::cloud_event(event, entity.as_ref(), source))
    };
    events.iter().map(told).collect()
}
