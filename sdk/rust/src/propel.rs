//! What a propel is: a function from a domain event to actions. It performs nothing itself; the host stores the actions
//! with "event handled" and carries them out, so that a crash can neither lose one nor double it unseen.

use std::time::Duration;

use serde::Serialize;
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

impl Event {
    /// The entity it is about, as it is now, with its id; none when it is about none or that is gone.
    pub fn entity(&self) -> Option<(&str, Entity)> {
        let EventBody::Entity { after: Some(document), .. } = &self.body else { return None };
        Some((&document.key, document.read()?))
    }
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

impl Notice {
    /// A notice without urgency for whom the channel is for.
    pub fn new(channel: impl Into<String>, title: impl Into<String>, text: impl Into<String>) -> Self {
        let (channel, title, text) = (channel.into(), title.into(), text.into());
        Self { channel, people: Vec::new(), urgency: Urgency::Info, title, text, url: None, fold_key: None }
    }

    /// The same with a page to open.
    #[must_use]
    pub fn url(self, url: Option<String>) -> Self {
        Self { url, ..self }
    }
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
        /// What is there when it has had its effect; the host looks before each try.
        unless: Option<Trace>,
    },
    /// Set columns of a row of a granted table.
    SetRow {
        /// Name of the table.
        table: String,
        /// JSON object with the key of the row; columns that it does not name stay.
        row: String,
    },
    /// Remove a row.
    RemoveRow {
        /// Name of the table.
        table: String,
        /// Key of the row.
        key: String,
    },
    /// Write a note on an entity, in place of the one of that name.
    Note {
        /// Id of the entity, as facts tell it.
        entity: String,
        /// What tells the notes of an entity apart.
        name: String,
        /// What it says, at most 4 KiB; nothing takes the note away.
        text: String,
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

/// What is there when a request has had its effect. For tools that know no idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Path to look at, on the connection of the call.
    pub path: String,
    /// RFC 6901 pointer to what must be `text`; none: the body must hold it.
    pub pointer: Option<String>,
    /// Marker or value, 1 to 256 bytes.
    pub text: String,
}

impl Trace {
    /// A marker somewhere in what is at `path`.
    pub fn marker(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), pointer: None, text: text.into() }
    }

    /// A value at a place of it.
    pub fn value(path: impl Into<String>, pointer: &str, text: impl Into<String>) -> Self {
        Self { path: path.into(), pointer: Some(pointer.to_owned()), text: text.into() }
    }
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
        let (connection, accept) = (connection.into(), Vec::new());
        Self::new(id, Effect::Call { connection, method, target, headers, body, accept, unless: None })
    }

    /// Sets columns of a row.
    pub fn set_row(id: impl Into<String>, table: impl Into<String>, row: &impl Serialize) -> Self {
        let row = serde_json::to_string(row).unwrap_or_default();
        Self::new(id, Effect::SetRow { table: table.into(), row })
    }

    /// Removes a row.
    pub fn remove_row(id: impl Into<String>, table: impl Into<String>, key: impl Into<String>) -> Self {
        Self::new(id, Effect::RemoveRow { table: table.into(), key: key.into() })
    }

    /// Writes a note on an entity.
    pub fn note(
        id: impl Into<String>,
        entity: impl Into<String>,
        name: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self::new(id, Effect::Note { entity: entity.into(), name: name.into(), text: text.into() })
    }

    /// Tells people.
    pub fn notify(id: impl Into<String>, notice: Notice) -> Self {
        Self::new(id, Effect::Notify(notice))
    }

    /// Emits an event that other propels hear.
    pub fn emit(id: impl Into<String>, kind: impl Into<String>, payload: &impl Serialize) -> Self {
        let payload = serde_json::to_string(payload).unwrap_or_default();
        Self::new(id, Effect::Emit { kind: kind.into(), subject: None, payload })
    }

    /// The same, not sent when its trace is there. Only a call leaves one.
    #[must_use]
    pub fn unless(mut self, trace: Trace) -> Self {
        if let Effect::Call { unless, .. } = &mut self.effect {
            *unless = Some(trace);
        }
        self
    }

    /// The same, with its result delivered as [`EventBody::Report`]. Rows are kept with the outcome and report nothing.
    #[must_use]
    pub fn reported(self) -> Self {
        Self { report: true, ..self }
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
