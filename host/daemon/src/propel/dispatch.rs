//! Gives events to propels, one after the other, from where each has come to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_model::{DomainEvent, EventNumber, Timestamp};
use weir_sandbox::{
    Action, CallError, Connection, EntityChange, Event, EventBody, PluginEntity, PropelCall, PropelOutcome, Retry,
    Verdict,
};
use weir_stages::facets;
use weir_store::{Commit, Put};

use super::facts::AccountFacts;
use super::{Propel, PropelRun};
use crate::account::Account;
use crate::error::Fault;
use crate::{clock, intake, state_keys};

/// Events looked at in one go.
const BATCH: usize = 500;
/// Tries of one event before it is given up.
const ATTEMPTS_MAX: u32 = 5;

/// Handles every event `propel` has not dealt with yet; how many it was given.
pub async fn dispatch(account: &Arc<Account>, propel: &Propel) -> Result<u64, Fault> {
    let mut position = position(account, propel).await?;
    let mut given = 0;
    loop {
        let events = crate::query::events(account, position.after, BATCH)?.events;
        let Some(last) = events.last().map(|event| event.number) else { return Ok(given) };
        let fresh = events.iter().filter(|event| event.event.at >= position.since);
        for event in fresh.filter(|event| concerns(account, propel, event)) {
            handle(account, propel, event).await?;
            given += 1;
        }
        position.after = last;
        keep(account, vec![position.put(propel)]).await?;
    }
}

/// How far a propel has come. It begins with what happens after it was configured: the history that a first
/// collection brings in is nobody's news.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Position {
    after: EventNumber,
    since: Timestamp,
}

/// Events of so long before the configuration still count: clocks differ, and a build takes its time to be told.
const GRACE_MS: i64 = 10 * 60 * 1_000;

impl Position {
    fn put(self, propel: &Propel) -> Put {
        let value = serde_json::to_vec(&self).expect("a number and a time are JSON");
        Put { key: state_keys::propel_position(&propel.name), value: Some(value) }
    }
}

async fn position(account: &Arc<Account>, propel: &Propel) -> Result<Position, Fault> {
    let stored = account.log.state(&state_keys::propel_position(&propel.name)).map_err(Fault::from_log)?;
    if let Some(position) = stored.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(position);
    }
    let derived = account.derived().clone();
    let after = derived.projection.reader().and_then(|reader| reader.last_event()).map_err(Fault::from_derived)?;
    let position = Position { after, since: Timestamp::from_ms(clock::now().ms() - GRACE_MS) };
    keep(account, vec![position.put(propel)]).await?;
    Ok(position)
}

fn concerns(account: &Account, propel: &Propel, event: &DomainEvent) -> bool {
    if !propel.on.iter().any(|kind| kind == "*" || *kind == event.event.kind) {
        return false;
    }
    let derived = account.derived();
    let row = derived.projection.reader().and_then(|reader| reader.entity(&event.event.entity));
    let entity = row.ok().flatten().and_then(|row| row.entity);
    entity.is_some_and(|entity| {
        propel.when.matches(&facets::search_document(&event.event.entity, &entity, &account.context()))
    })
}

/// Handles one event and keeps what came of it together with "handled".
async fn handle(account: &Arc<Account>, propel: &Propel, event: &DomainEvent) -> Result<(), Fault> {
    let run_key = state_keys::propel_run(&propel.name, event.number.0);
    if account.log.state(&run_key).map_err(Fault::from_log)?.is_some() {
        // Handled before a kill that came between the run and the position.
        return Ok(());
    }
    let mut attempts = 0;
    let result = loop {
        attempts += 1;
        match call(account, propel, event, attempts).await {
            Err(error) if attempts < ATTEMPTS_MAX && !matches!(error.retry(), Retry::Never) => {
                tokio::time::sleep(std::time::Duration::from_millis(100 << attempts)).await;
            }
            result => break result,
        }
    };
    let run = run(propel, event, attempts, &result);
    let mut puts = vec![Put { key: run_key, value: Some(serde_json::to_vec(&run).expect("a run is JSON")) }];
    if let Ok(outcome) = result {
        puts.extend(outcome.actions.iter().map(|action| queued(propel, event, action)));
        puts.extend(remembered(account, propel, outcome.state)?);
    }
    keep(account, puts).await
}

async fn call(
    account: &Arc<Account>,
    propel: &Propel,
    event: &DomainEvent,
    attempt: u32,
) -> Result<PropelOutcome, CallError> {
    let state = super::dispatch::state(account, propel).unwrap_or_default();
    let connections = propel.connections.values().map(|connection| connection.clone() as Arc<dyn Connection>);
    let call = PropelCall {
        event: told(account, event, attempt),
        connections: connections.collect(),
        settings: propel.settings.clone(),
        state,
        facts: Arc::new(AccountFacts(account.clone())),
    };
    propel.plugin.handle(call).await
}

fn told(account: &Account, event: &DomainEvent, attempt: u32) -> Event {
    let id = &event.event.entity;
    let derived = account.derived();
    let row = derived.projection.reader().and_then(|reader| reader.entity(id)).ok().flatten();
    let after = row.and_then(|row| row.entity).map(|entity| PluginEntity {
        kind: id.kind.to_string(),
        key: id.to_string(),
        document: entity.to_json(),
    });
    Event {
        id: event.number.0.to_string(),
        kind: event.event.kind.clone(),
        at: event.event.at.ms(),
        attempt,
        deadline: None,
        body: EventBody::Entity(EntityChange { before: None, after }),
    }
}

fn run(propel: &Propel, event: &DomainEvent, attempts: u32, result: &Result<PropelOutcome, CallError>) -> PropelRun {
    let (outcome, reason, actions) = match result {
        Ok(outcome) => {
            let actions = outcome.actions.iter().map(|action| action.id.clone()).collect();
            match &outcome.verdict {
                Verdict::Skipped(reason) => ("skipped", Some(reason.clone()), actions),
                Verdict::Done | Verdict::Gate(_) => ("done", None, actions),
                Verdict::Later(_) => ("failed", Some("`later` is not built yet".to_owned()), actions),
            }
        }
        Err(error) => ("failed", Some(error.to_string()), Vec::new()),
    };
    PropelRun {
        propel: propel.name.clone(),
        event: event.number.0,
        kind: event.event.kind.clone(),
        entity: event.event.entity.to_string(),
        at: clock::now(),
        outcome: outcome.to_owned(),
        reason,
        attempts,
        actions,
    }
}

fn queued(propel: &Propel, event: &DomainEvent, action: &Action) -> Put {
    let key = state_keys::outbox_action(&propel.name, event.number.0, &action.id);
    Put { key, value: Some(serde_json::to_vec(action).expect("an action is JSON")) }
}

/// What a propel remembers.
fn state(account: &Account, propel: &Propel) -> Result<weir_sandbox::PluginState, Fault> {
    let bytes = account.log.state(&state_keys::propel_state(&propel.name)).map_err(Fault::from_log)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
}

fn remembered(
    account: &Account,
    propel: &Propel,
    changes: Vec<(String, Option<Vec<u8>>)>,
) -> Result<Option<Put>, Fault> {
    if changes.is_empty() {
        return Ok(None);
    }
    let mut state = state(account, propel)?;
    for (key, value) in changes {
        match value {
            Some(value) => state.insert(key, value),
            None => state.remove(&key),
        };
    }
    let value = serde_json::to_vec(&state).expect("bytes by text are JSON");
    Ok(Some(Put { key: state_keys::propel_state(&propel.name), value: Some(value) }))
}

pub(super) async fn keep(account: &Account, puts: Vec<Put>) -> Result<(), Fault> {
    intake::append(account, Commit { records: Vec::new(), received_at: clock::now(), puts }).await.map(|_| ())
}
