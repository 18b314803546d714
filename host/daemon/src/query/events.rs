//! The log of domain events.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use weir_model::{DomainEvent, EventNumber};
use weir_stages::announce;

use crate::error::Fault;
use crate::query::View;

/// Most events of one answer.
const EVENTS_MAX: usize = 1_000;

/// Events after a position.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventsAnswer {
    /// The events, oldest first.
    pub events: Vec<DomainEvent>,
    /// Position to go on from.
    pub next: EventNumber,
}

/// Events after `after`, at most `limit` of them.
pub fn events(account: &View<'_>, after: EventNumber, limit: usize) -> Result<EventsAnswer, Fault> {
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let mut answer = EventsAnswer { events: Vec::new(), next: after };
    // Of some of these nothing may be told; the next page goes on behind them.
    for event in reader.events(after, limit.min(EVENTS_MAX)).map_err(Fault::from_derived)? {
        answer.next = event.number;
        if account.tells(&reader, &event.event.entity)? {
            answer.events.push(event);
        }
    }
    Ok(answer)
}

/// Events as `CloudEvents`, each with what its entity is like by now; `source` is the URI of this host.
pub fn cloud_events(account: &View<'_>, events: &[DomainEvent], source: &str) -> Result<Vec<Value>, Fault> {
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let told = |event: &DomainEvent| {
        let row = reader.entity(&event.event.entity).map_err(Fault::from_derived)?;
        let entity = row.and_then(|row| row.entity);
        Ok(announce::cloud_event(event, entity.as_ref(), source))
    };
    events.iter().map(told).collect()
}
