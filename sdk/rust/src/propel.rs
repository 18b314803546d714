//! What a propel is: a function from a domain event to actions. It performs nothing itself; the host stores the actions
//! with "event handled" and carries them out, so that a crash can neither lose one nor double it unseen.

use std::time::Duration;

use serde::de::DeserializeOwned;
use weir_model::entity::Entity;
use weir_model::{EntityKind, Reference, Timestamp};

use crate::failure::Failure;
use crate::http::{Call, Connection, Method, Request, Target};
use crate::outcome::EntityDocument;

/// A propel. Export it with [`export_propel!`](crate::export_propel).
pub trait Propel: 'static {
    /// The JSON object the operator configured, checked against the schema in the manifest.
    type Settings: DeserializeOwned;

    /// Handles one event. The same event may come again, and must then give actions with the same ids.
    fn handle(event: &Event, connections: &[Connection<'_>], settings: &Self::Settings) -> Result<Outcome, Failure>;
}

/// A domain event. Delivered at least once: the same id is the same event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Unique id.
    pub id: String,
    /// Dotted kind: `build.finished`.
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// Counts deliveries from 1.
    pub attempt: u32,
    /// An answer after this is of no use; set for gates.
    pub deadline: Option<Timestamp>,
    /// What happened.
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EventBody {
    /// An entity came, changed or went.
    Entity {
        /// As it was; none when it is new.
        before: Option<EntityDocument>,
        /// As it is; none when it is gone.
        after: Option<EntityDocument>,
    },
    /// A calculated number crossed a limit or was refreshed.
    Measure(Measure),
    /// A build waits at a gate; answer with [`Outcome::gate`].
    Gate {
        /// Name the pipeline gave this gate.
        gate: String,
        /// The build as known so far.
        build: EntityDocument,
    },
    /// An earlier action is through.
    Report {
        /// Id of the event whose handling asked for it.
        event: String,
        /// Id of the action.
        action: String,
        /// Status and body of a call; none for other effects. A failure once the host has given up.
        result: Result<Option<(u16, String)>, Failure>,
    },
    /// A schedule of the propel came due.
    Schedule(String),
    /// A domain event of another kind, as a JSON object.
    Other(String),
}

/// A calculated number.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Name of the metric: `change-lead-time`.
    pub name: String,
    /// Version of its definition.
    pub definition: String,
    /// Value now; none is "not enough data", which is not zero.
    pub value: Option<f64>,
    /// Value before.
    pub previous: Option<f64>,
    /// Unit: `ms`, `ratio`, `count`, `per-day`.
    pub unit: String,
    /// Begin of the window, included.
    pub since: Timestamp,
    /// End of the window, not included.
    pub until: Timestamp,
    /// Facets it was calculated for.
    pub facets: Vec<(String, String)>,
}

impl EntityDocument {
    /// The entity; what does not fit its schema is left out. None when the document is no JSON object.
    pub fn read(&self) -> Option<Entity> {
        let kind: EntityKind = self.kind.parse().ok()?;
        let document = serde_json::from_str(&self.document).ok()?;
        Some(Entity::read_leniently(&kind, document).0)
    }
}

/// How urgent a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Good to know.
    Info,
    /// Should be looked at.
    Warning,
    /// Must be looked at now.
    Critical,
}

/// Message to people over a channel the operator set up.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Name of the channel.
    pub channel: String,
    /// People to be addressed, where the channel can.
    pub people: Vec<Reference>,
    /// How urgent.
    pub urgency: Urgency,
    /// One line, at most 256 bytes.
    pub title: String,
    /// Plain text, at most 16 KiB.
    pub text: String,
    /// Page to open.
    pub url: Option<String>,
    /// Notices with equal keys within a day become one.
    pub fold_key: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a request through a granted connection.
    Call {
        /// Name of one of the connections handed to `handle`.
        connection: String,
        /// Method.
        method: Method,
        /// Path or link.
        target: Target,
        /// Headers; the host adds an idempotency key.
        headers: Vec<(String, Vec<u8>)>,
        /// Body, at most 1 MiB.
        body: Option<Vec<u8>>,
        /// Status codes that count as success; empty: 200 to 299.
        accept: Vec<u16>,
    },
    /// Emit a domain event.
    Emit {
        /// Dotted kind: `release.noted`.
        kind: String,
        /// Entity it is about.
        subject: Option<(String, Reference)>,
        /// JSON object, at most 256 KiB.
        payload: String,
    },
    /// Tell people.
    Notify(Notice),
}

/// One action.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Unique within the outcome, at most 64 bytes, the same whenever the same event is handled again.
    pub id: String,
    /// What is to be done.
    pub effect: Effect,
    /// Deliver the result to this propel as [`EventBody::Report`].
    pub report: bool,
}

impl Action {
    /// An action whose result is not wanted.
    pub fn new(id: impl Into<String>, effect: Effect) -> Self {
        Self { id: id.into(), effect, report: false }
    }

    /// A request through the connection of that name, put together with [`Connection::call`] and friends.
    pub fn call(id: impl Into<String>, connection: impl Into<String>, call: Call<'_>) -> Self {
        let Request { method, target, headers, body, .. } = call.into_request();
        Self::new(id, Effect::Call { connection: connection.into(), method, target, headers, body, accept: Vec::new() })
    }
}

/// What became of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Handled.
    Done,
    /// Not of interest; short, stable, dotted reason.
    Skipped(String),
    /// Deliver again after this time.
    Later(Duration),
    /// The build may go on.
    Allow,
    /// The build is to stop; reason for people.
    Stop(String),
}

/// Result of handling.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Outcome {
    /// What became of the event.
    pub verdict: Verdict,
    /// Actions in the order they are begun, at most 64.
    pub actions: Vec<Action>,
}

impl Outcome {
    /// Handled, with these actions.
    pub fn done(actions: Vec<Action>) -> Self {
        Self { verdict: Verdict::Done, actions }
    }

    /// Not of interest.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped(reason.into()), actions: Vec::new() }
    }

    /// Deliver again after `wait`, at most 30 days.
    pub fn later(wait: Duration) -> Self {
        Self { verdict: Verdict::Later(wait), actions: Vec::new() }
    }

    /// Answer to a gate: none lets the build go on, a reason stops it.
    pub fn gate(stop: Option<String>) -> Self {
        Self { verdict: stop.map_or(Verdict::Allow, Verdict::Stop), actions: Vec::new() }
    }
}
