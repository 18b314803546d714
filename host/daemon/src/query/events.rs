//! The log of domain events.

use serde::Serialize;
use weir_model::{DomainEvent, EventNumber};

use crate::account::Account;
use crate::error::Fault;

/// Most events of one answer.
pub const EVENTS_MAX: usize = 1_000;

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
