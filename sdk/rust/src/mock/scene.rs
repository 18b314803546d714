//! What a propel finds when it is called, and what it answers, as lines for a snapshot.

use std::rc::Rc;

use weir_model::Timestamp;

use super::{Cassette, kinded_connection, on_query, request_line};
use crate::connector::read_settings;
use crate::failure::Failure;
use crate::http::{Connection, Request};
use crate::outcome::EntityDocument;
use crate::propel::{Action, Effect, Event, EventBody, Outcome, Propel, Trace, Verdict};

/// An event, connections with scripted answers, and facts.
///
/// ```
/// # use weir_sdk::mock::{Cassette, Scene};
/// let scene = Scene::changed("build.broken", "build:ci:shop/7/1", r#"{"number": 7}"#)
///     .fact("suspects", r#"{"build":"build:ci:shop/7/1"}"#, r#"{"state": "broken"}"#)
///     .connection("github", Cassette::default());
/// // scene.told::<MyPropel>(r#"{"branches": ["main"]}"#)
/// ```
pub struct Scene {
    event: Event,
    connections: Vec<(String, Rc<Cassette>)>,
    facts: Vec<(String, String, String)>,
}

impl Scene {
    /// An entity changed and is like this now. `kind` is that of the event.
    pub fn changed(kind: &str, id: &str, document: &str) -> Self {
        let of = id.split(':').next().unwrap_or_default().to_owned();
        let after = EntityDocument { kind: of, key: id.to_owned(), document: document.to_owned() };
        Self::of(kind, EventBody::Entity { before: None, after: Some(after) })
    }

    /// It is time.
    pub fn scheduled() -> Self {
        Self::of("schedule.due", EventBody::Schedule("propel".to_owned()))
    }

    /// An action is through.
    pub fn reported(action: &str, result: Result<Option<(u16, String)>, Failure>) -> Self {
        let body = EventBody::Report { event: "1".to_owned(), action: action.to_owned(), result };
        Self::of("action.reported", body)
    }

    /// Anything else.
    pub fn of(kind: &str, body: EventBody) -> Self {
        let at = Timestamp::from_ms(1_750_000_000_000);
        let event = Event { id: "1".to_owned(), kind: kind.to_owned(), at, attempt: 1, deadline: None, body };
        Self { event, connections: Vec::new(), facts: Vec::new() }
    }

    /// Grants a connection; its kind is its name.
    #[must_use]
    pub fn connection(mut self, name: &str, cassette: Cassette) -> Self {
        self.connections.push((name.to_owned(), Rc::new(cassette)));
        self
    }

    /// Scripts the answer to a query; `params` as the propel writes them.
    #[must_use]
    pub fn fact(mut self, name: &str, params: &str, answer: &str) -> Self {
        self.facts.push((name.to_owned(), params.to_owned(), answer.to_owned()));
        self
    }

    /// Has a propel handle it.
    pub fn handle<P: Propel>(&self, settings: &str) -> Result<Outcome, Failure> {
        self.facts.iter().for_each(|(name, params, answer)| on_query(name, params, answer));
        let connections: Vec<Connection<'_>> =
            self.connections.iter().map(|(name, cassette)| kinded_connection(name, name, cassette)).collect();
        P::handle(&self.event, &connections, &read_settings(settings)?)
    }

    /// The same, in lines: see [`describe_outcome`].
    pub fn told<P: Propel>(&self, settings: &str) -> String {
        describe_outcome(&self.handle::<P>(settings))
    }
}

/// What became of an event, in lines: the verdict, then each action.
pub fn describe_outcome(outcome: &Result<Outcome, Failure>) -> String {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(failure) => return format!("{failure}\n"),
    };
    let verdict = match &outcome.verdict {
        Verdict::Done => "done".to_owned(),
        Verdict::Skipped(reason) => format!("skipped {reason}"),
        Verdict::Later(wait) => format!("later in {wait:?}"),
        Verdict::Allow => "allow".to_owned(),
        Verdict::Stop(reason) => format!("stop: {reason}"),
    };
    let actions: String = outcome.actions.iter().map(describe_action).collect();
    format!("{verdict}\n{actions}")
}

fn describe_action(Action { id, effect, report }: &Action) -> String {
    let report = if *report { " (reported)" } else { "" };
    match effect {
        Effect::Call { connection, method, target, body, unless, .. } => {
            let line = request_line(&Request::new(*method, target.clone()));
            let body = body.as_deref().map(|body| format!("  {}\n", String::from_utf8_lossy(body))).unwrap_or_default();
            let trace = unless.as_ref().map(describe_trace).unwrap_or_default();
            format!("{id}{report}: {connection} {line}\n{body}{trace}")
        }
        Effect::SetRow { table, row } => format!("{id}: row of {table} {row}\n"),
        Effect::RemoveRow { table, key } => format!("{id}: no row {key} of {table}\n"),
        Effect::Note { entity, name, text } => format!("{id}: note {name} on {entity}\n  {text}\n"),
        Effect::Emit { kind, payload, .. } => format!("{id}{report}: emit {kind} {payload}\n"),
        Effect::Notify(notice) => {
            let url = notice.url.as_ref().map(|url| format!("  {url}\n")).unwrap_or_default();
            let text: String = notice.text.lines().map(|line| format!("  {line}\n")).collect();
            format!("{id}{report}: notify {} ({:?}) {}\n{text}{url}", notice.channel, notice.urgency, notice.title)
        }
    }
}

fn describe_trace(Trace { path, pointer, text }: &Trace) -> String {
    let place = pointer.as_deref().unwrap_or("body");
    format!("  unless {place} of GET {path} has {text}\n")
}
