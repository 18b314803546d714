//! From domain events to runs: each propel goes through all of them in order, from where it has come to.
//!
//! The position is that of the raw record that brought an event about, and how many of its events are dealt with:
//! numbers of events may be others after everything was derived again under another definition.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_model::{DomainEvent, EventNumber, Seq, Timestamp};
use weir_store::{Derived, Put};

use super::event::Subject;
use super::run::{Run, to_json};
use super::{Propel, Trigger};
use crate::account::Account;
use crate::error::Fault;
use crate::{clock, state_keys};

/// Events looked at in one go.
const BATCH: usize = 500;
/// Events of so long before the configuration still count: clocks differ, and a build takes its time to be told.
const GRACE_MS: i64 = 10 * 60 * 1_000;

/// How far a propel has come. It begins with what happens after it was configured: the history that a first collection
/// brings in is nobody's news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// Raw record of the last event that is dealt with.
    seq: Seq,
    /// How many of its events are.
    dealt_with: u64,
    /// Events that happened before are nobody's news.
    since: Timestamp,
}

/// The events a propel has not dealt with yet.
pub(super) struct Feed {
    position: Position,
    place: Option<Place>,
}

/// Where the position is in some stores.
struct Place {
    derived: Arc<Derived>,
    /// Number of the last event that is dealt with.
    after: EventNumber,
    /// Events behind it that were read already.
    read: Vec<DomainEvent>,
}

/// Runs that events have brought about, and what keeps the position behind them.
pub(super) struct Fed {
    pub(super) runs: Vec<Run>,
    pub(super) put: Put,
    position: Position,
    place: Place,
}

impl Feed {
    /// Where a propel has come to. A new one begins now; `put` keeps that.
    pub(super) fn open(account: &Account, propel: &str) -> Result<(Self, Option<Put>), Fault> {
        let key = state_keys::propel_position(propel);
        let stored = account.log.state(&key).map_err(Fault::from_log)?;
        let known = stored.and_then(|bytes| serde_json::from_slice::<Position>(&bytes).ok());
        let position = match known {
            Some(position) => return Ok((Self { position, place: None }, None)),
            None => Self::now(account)?,
        };
        Ok((Self { position, place: None }, Some(position.put(propel))))
    }

    fn now(account: &Account) -> Result<Position, Fault> {
        let derived = account.derived();
        let reader = derived.projection.reader().map_err(Fault::from_derived)?;
        let last = reader.last_event().map_err(Fault::from_derived)?;
        let events = reader.events(EventNumber(last.0.saturating_sub(1)), 1).map_err(Fault::from_derived)?;
        let since = Timestamp::from_ms(clock::now().ms() - GRACE_MS);
        let Some(event) = events.first() else { return Ok(Position { seq: Seq(0), dealt_with: 0, since }) };
        let seq = event.event.seq;
        let first = first_of(&reader, seq)?;
        Ok(Position { seq, dealt_with: last.0 + 1 - first.0, since })
    }

    /// At most so many runs of the next events; none when there are no events.
    pub(super) fn next(&mut self, account: &Account, propel: &Propel, runs_max: usize) -> Result<Option<Fed>, Fault> {
        let derived = account.derived().clone();
        let place = self.place(&derived)?;
        let mut events = std::mem::take(&mut place.read);
        if events.is_empty() {
            let reader = derived.projection.reader().map_err(Fault::from_derived)?;
            events = reader.events(place.after, BATCH).map_err(Fault::from_derived)?;
        }
        let (mut runs, mut looked_at, now) = (Vec::new(), 0, clock::now());
        for event in &events {
            looked_at += 1;
            if event.event.at >= self.position.since && concerns(account, &propel.trigger, event)? {
                runs.push(Run::of_event(&propel.name, event.clone(), now));
            }
            if runs.len() == runs_max {
                break;
            }
        }
        let read = events.split_off(looked_at);
        let Some(last) = events.last() else { return Ok(None) };
        let position = self.position.behind(&events);
        let place = Place { derived, after: last.number, read };
        Ok(Some(Fed { runs, put: position.put(&propel.name), position, place }))
    }

    /// Goes on behind what is kept now.
    pub(super) fn advance(&mut self, fed: Fed) {
        (self.position, self.place) = (fed.position, Some(fed.place));
    }

    /// The place in these stores. In others the numbers may be others too.
    fn place(&mut self, derived: &Arc<Derived>) -> Result<&mut Place, Fault> {
        let known = self.place.take().filter(|place| Arc::ptr_eq(&place.derived, derived));
        let place = match known {
            Some(place) => place,
            None => Place { derived: derived.clone(), after: self.position.number(derived)?, read: Vec::new() },
        };
        Ok(self.place.insert(place))
    }
}

impl Position {
    fn put(self, propel: &str) -> Put {
        Put::set(state_keys::propel_position(propel), to_json(&self))
    }

    /// The last number that is dealt with, in these stores.
    fn number(self, derived: &Derived) -> Result<EventNumber, Fault> {
        let reader = derived.projection.reader().map_err(Fault::from_derived)?;
        let (first, next) = (first_of(&reader, self.seq)?, first_of(&reader, Seq(self.seq.0 + 1))?);
        Ok(EventNumber((first.0 + self.dealt_with).min(next.0) - 1))
    }

    /// The position behind some events.
    fn behind(self, events: &[DomainEvent]) -> Self {
        let Some(last) = events.last() else { return self };
        let seq = last.event.seq;
        let n = events.iter().rev().take_while(|event| event.event.seq == seq).count();
        let before = if seq == self.seq { self.dealt_with } else { 0 };
        Self { seq, dealt_with: before + u64::try_from(n).unwrap_or(u64::MAX), ..self }
    }
}

/// Number of the first event of a raw record or of a later one; one more than the last when there is none.
fn first_of(reader: &weir_store::Reader<'_>, seq: Seq) -> Result<EventNumber, Fault> {
    let last = reader.last_event().map_err(Fault::from_derived)?.0;
    let (mut low, mut high) = (1, last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let at = reader.events(EventNumber(middle - 1), 1).map_err(Fault::from_derived)?;
        if at.first().is_some_and(|event| event.event.seq >= seq) { high = middle } else { low = middle + 1 }
    }
    Ok(EventNumber(low))
}

/// Whether an event starts a propel.
pub(super) fn concerns(account: &Account, trigger: &Trigger, event: &DomainEvent) -> Result<bool, Fault> {
    if !trigger.hears(&event.event.kind) {
        return Ok(false);
    }
    if trigger.when.is_none() && trigger.unless.is_none() {
        return Ok(true);
    }
    let subject = Subject::read(account, &event.event.entity, Some(&event.event))?;
    let wanted = trigger.when.as_ref().is_none_or(|when| when.matches(&subject.document));
    Ok(wanted && !trigger.unless.as_ref().is_some_and(|unless| unless.matches(&subject.document)))
}
