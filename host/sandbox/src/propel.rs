//! Propels: an event in, a verdict and actions out. Nothing is done here; the daemon stores the actions together with
//! "event handled" and carries them out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::bindings::{Action, Call, Effect, Event, EventBody, Failure, Target, Trace, Verdict};
use crate::connection::Connection;
use crate::context::Purpose;
use crate::error::{CallError, CallErrorKind};
use crate::host::rules;
use crate::limits::Limits;
use crate::output::RunLog;
use crate::page::within;
use crate::plugin::{Plugin, host, missing};
use crate::run::{Budget, limited};
use crate::state::{PluginState, State};

const ACTION_ID_BYTES_MAX: usize = 64;
const CALL_BODY_BYTES_MAX: usize = 1 << 20;
const EMISSION_BYTES_MAX: usize = 256 << 10;
/// Longest text to look for, in bytes.
const TRACE_BYTES_MAX: usize = 256;
/// Longest note on an entity, in bytes.
pub const NOTE_BYTES_MAX: usize = 4 << 10;
/// Longest name of one.
pub const NOTE_NAME_BYTES_MAX: usize = 128;
const TITLE_BYTES_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Longest time an event may be put off.
const LATER_MAX: Duration = Duration::from_hours(30 * 24);

/// What a propel may know, and write to. Called on a thread that may block.
pub trait Facts: Send + Sync {
    /// Runs a named query the operator granted; parameters and answer are JSON.
    fn query(&self, name: &str, params: &str) -> Result<String, Failure>;

    /// Whether a table was granted and takes the change.
    fn check_row(&self, table: &str, change: &RowChange) -> Result<(), Failure>;
}

/// A change of a row of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum RowChange {
    /// Sets columns; one of them is the key.
    Set(serde_json::Map<String, serde_json::Value>),
    /// Removes the row of that key.
    Remove(String),
}

/// One thing to be done. `id` is unique within the outcome.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// An action of the outcome.
    Action(Action),
    /// A call that leaves a trace by which the host knows that it has had its effect.
    Once {
        /// Its id.
        id: String,
        /// The request.
        call: Call,
        /// What is there when it has had its effect.
        unless: Trace,
        /// Deliver the result to the propel.
        report: bool,
    },
    /// A change of a row, already found to fit.
    Row {
        /// Its id.
        id: String,
        /// Table.
        table: String,
        /// Change.
        change: RowChange,
    },
    /// A note on an entity.
    Note {
        /// Its id.
        id: String,
        /// Id of the entity.
        entity: String,
        /// What tells the notes of an entity apart.
        name: String,
        /// What it says; nothing takes it away.
        text: String,
    },
}

impl Asked {
    /// Unique within the outcome.
    pub fn id(&self) -> &str {
        match self {
            Self::Action(Action { id, .. }) | Self::Once { id, .. } | Self::Row { id, .. } | Self::Note { id, .. } => {
                id
            }
        }
    }

    /// Whether its result is to be delivered to the propel.
    pub fn report(&self) -> bool {
        match self {
            Self::Action(Action { report, .. }) | Self::Once { report, .. } => *report,
            Self::Row { .. } | Self::Note { .. } => false,
        }
    }
}

/// One event for a propel.
pub struct PropelCall {
    /// What happened.
    pub event: Event,
    /// Connections granted to this propel, for reading.
    pub connections: Vec<Arc<dyn Connection>>,
    /// JSON object, checked against the schema in the manifest.
    pub settings: String,
    /// State of this propel.
    pub state: PluginState,
    /// Questions it may ask.
    pub facts: Arc<dyn Facts>,
    /// Where what it logs is kept.
    pub log: RunLog,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct PropelOutcome {
    /// What became of the event.
    pub verdict: Verdict,
    /// What is to be done, in this order.
    pub asked: Vec<Asked>,
    /// Writes to the state of the propel; none removes.
    pub state: Vec<(String, Option<Vec<u8>>)>,
}

impl Plugin {
    /// Handles one event.
    pub async fn handle(&self, call: PropelCall) -> Result<PropelOutcome, CallError> {
        self.handle_inner(call).await.map_err(|kind| self.error("handle", kind))
    }

    async fn handle_inner(&self, call: PropelCall) -> Result<PropelOutcome, CallErrorKind> {
        let PropelCall { event, connections, settings, state, facts, log } = call;
        let indices = self.exports.handler.as_ref().ok_or_else(|| missing("handler"))?;
        let limits = self.limits();
        let budget = Budget { cpu: limits.handle_cpu, wall: limits.handle_wall };
        let names: BTreeSet<_> = connections.iter().map(|connection| connection.name().to_owned()).collect();
        let connection = names.iter().cloned().collect::<Vec<_>>().join(" ");
        let state = State::held(state, limits.state_bytes_max);
        let purpose = Purpose { connection, state, facts: Some(facts), log };
        let mut run = self.run(purpose, budget).await?;
        let guest = indices.load(&mut run.store, &run.instance).map_err(host)?;
        let ctx = run.store.data_mut();
        let granted = connections.into_iter().map(|connection| ctx.grant(connection));
        let granted: Vec<_> = granted.collect::<wasmtime::Result<_>>().map_err(host)?;
        let called = limited(budget, guest.call_handle(&mut run.store, &event, &granted, &settings)).await;
        let outcome = run.judge(budget, called)?.map_err(CallErrorKind::said)?;
        check_verdict(&outcome.verdict, &event)?;
        let ctx = run.store.data_mut();
        let mut asked = std::mem::take(&mut ctx.asked);
        asked.extend(outcome.actions.into_iter().map(Asked::Action));
        check_asked(&asked, &names, limits)?;
        Ok(PropelOutcome { verdict: outcome.verdict, asked, state: ctx.state.take_changes() })
    }
}

fn check_asked(asked: &[Asked], connections: &BTreeSet<String>, limits: &Limits) -> Result<(), CallErrorKind> {
    within("actions", asked.len(), limits.actions_max)?;
    let mut ids = BTreeSet::new();
    for asked in asked {
        let id = asked.id();
        let invalid = |what: &str| CallErrorKind::Invalid(format!("action {id:?}: {what}"));
        within("bytes in the id of an action", id.len(), ACTION_ID_BYTES_MAX)?;
        if id.is_empty() || id.chars().any(char::is_control) {
            return Err(invalid("an id is not empty and has no control characters"));
        }
        if !ids.insert(id) {
            return Err(invalid("the id is there twice"));
        }
        let checked = match asked {
            Asked::Action(action) => check_effect(&action.effect, connections),
            Asked::Once { call, unless, .. } => check_call(call, connections).and_then(|()| check_trace(unless)),
            Asked::Row { .. } => Ok(()),
            Asked::Note { name, text, .. } => at_most("name of a note", name.len(), NOTE_NAME_BYTES_MAX)
                .and_then(|()| at_most("note", text.len(), NOTE_BYTES_MAX)),
        };
        checked.map_err(|what| invalid(&what))?;
    }
    Ok(())
}

fn check_verdict(verdict: &Verdict, event: &Event) -> Result<(), CallErrorKind> {
    let is_gate = matches!(event.body, EventBody::Gate(_));
    match verdict {
        Verdict::Gate(_) if !is_gate => {
            Err(CallErrorKind::Invalid("it decided on a gate that nobody asked about".to_owned()))
        }
        Verdict::Later(ms) if Duration::from_millis(*ms) > LATER_MAX => {
            Err(CallErrorKind::Invalid("it put the event off by more than 30 days".to_owned()))
        }
        Verdict::Done | Verdict::Skipped(_) | Verdict::Later(_) | Verdict::Gate(_) => Ok(()),
    }
}

fn check_effect(effect: &Effect, connections: &BTreeSet<String>) -> Result<(), String> {
    match effect {
        Effect::Call(call) => check_call(call, connections),
        Effect::Emit(emission) => {
            at_most("kind", emission.kind.len(), 128)?;
            at_most("payload", emission.payload.len(), EMISSION_BYTES_MAX)
        }
        Effect::Notify(notice) => {
            at_most("title", notice.title.len(), TITLE_BYTES_MAX)?;
            at_most("text", notice.text.len(), TEXT_BYTES_MAX)
        }
    }
}

fn check_call(call: &Call, connections: &BTreeSet<String>) -> Result<(), String> {
    if !connections.contains(&call.connection) {
        return Err(format!("connection `{}` was not granted", call.connection));
    }
    rules::check_target(&call.target)?;
    rules::check_headers(&call.headers)?;
    at_most("body", call.body.as_ref().map_or(0, Vec::len), CALL_BODY_BYTES_MAX)
}

fn check_trace(trace: &Trace) -> Result<(), String> {
    rules::check_target(&Target::Path(trace.path.clone()))?;
    if trace.text.is_empty() {
        return Err("a trace has a text to look for".to_owned());
    }
    at_most("text of a trace", trace.text.len(), TRACE_BYTES_MAX)
}

fn at_most(what: &str, bytes: usize, limit: usize) -> Result<(), String> {
    if bytes > limit { Err(format!("{what} of {bytes} bytes, the limit is {limit}")) } else { Ok(()) }
}
