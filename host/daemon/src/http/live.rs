//! Domain events as they happen: server-sent events with `Last-Event-ID`, or a page of them for those who poll. Each as
//! Weir keeps it, or as a `CloudEvent`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use weir_model::{EventNumber, Seq};

use super::Shared;
use super::describe::{Gives, Operation};
use super::extract::Query;
use super::problem::Problem;
use super::read::{blocking, told};
use crate::access::{Principal, Sight};
use crate::error::Fault;
use crate::query::{self, EventsAnswer, View};

/// Events of one read.
const BATCH: usize = 200;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventParams {
    /// Position to go on from; `now` for what comes.
    after: Option<String>,
    /// Most of them.
    limit: Option<usize>,
    /// How they are written.
    #[serde(default)]
    format: Format,
}

/// How events are written.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// As they are kept.
    #[default]
    Weir,
    /// As `CloudEvents`.
    CloudEvents,
}

/// Media type of several `CloudEvents` in one body.
const BATCH_TYPE: &str = "application/cloudevents-batch+json";

/// A page of events, or a stream of them.
pub(super) struct Events(Response);

impl IntoResponse for Events {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Gives for Events {
    fn tell(operation: &mut Operation<'_>) {
        let page = operation.answered::<EventsAnswer>();
        let batch = json!({ "type": "array", "items": { "type": "object" } });
        let stream = json!({ "type": "string" });
        let forms = [("application/json", page), (BATCH_TYPE, batch), ("text/event-stream", stream)];
        operation.answer("200", "Events, the oldest first", forms);
    }
}

pub(super) async fn events(
    State(host): State<Shared>,
    principal: Principal,
    headers: HeaderMap,
    Query(params): Query<EventParams>,
) -> Result<Events, Problem> {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let after =
        match text("last-event-id").or(params.after.as_deref()) {
            Some("now") => last_event(&host)?,
            Some(number) => EventNumber(number.parse().map_err(|_| {
                Problem::new(axum::http::StatusCode::BAD_REQUEST, format!("`{number}` is no position"))
            })?),
            None => EventNumber(0),
        };
    let accepts = |kind| text(header::ACCEPT.as_str()).is_some_and(|accept| accept.contains(kind));
    let format = if accepts("application/cloudevents") { Format::CloudEvents } else { params.format };
    let sight = host.sight(&principal);
    if accepts("text/event-stream") {
        let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
        return Ok(Events(Sse::new(follow(host, sight, after, format)).keep_alive(keep_alive).into_response()));
    }
    let limit = params.limit.unwrap_or(BATCH);
    match format {
        Format::Weir => {
            let shown = sight.clone();
            let read = move |host: &Shared| query::events(&View::of(&host.account, sight), after, limit);
            Ok(Events(told(&shown, blocking(host, read).await?)?.into_response()))
        }
        Format::CloudEvents => {
            Ok(Events(batch(blocking(host, move |host| cloud_page(host, sight, after, limit)).await?)))
        }
    }
}

/// A page of `CloudEvents`, and the position behind it.
fn cloud_page(
    host: &Shared,
    sight: Sight,
    after: EventNumber,
    limit: usize,
) -> Result<(Vec<Value>, EventNumber), Fault> {
    let account = View::of(&host.account, sight);
    let page = query::events(&account, after, limit)?;
    let mut events = query::cloud_events(&account, &page.events, &host.uri())?;
    for event in &mut events {
        account.sight().hide(event);
    }
    Ok((events, page.next))
}

/// The body of a batch has no room for a position, so that is a link.
fn batch((events, next): (Vec<Value>, EventNumber)) -> Response {
    let link = format!("</v1/events?format=cloudevents&after={}>; rel=\"next\"", next.0);
    let body = Value::from(events).to_string();
    ([(header::CONTENT_TYPE, BATCH_TYPE.to_owned()), (header::LINK, link)], body).into_response()
}

fn last_event(host: &Shared) -> Result<EventNumber, Problem> {
    let derived = host.account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    Ok(reader.last_event().map_err(Fault::from_derived)?)
}

struct Follower {
    host: Shared,
    sight: Sight,
    after: EventNumber,
    format: Format,
    applied: watch::Receiver<Seq>,
    /// Numbers and texts of events that were read.
    waiting: VecDeque<(EventNumber, String)>,
}

impl Follower {
    /// The next events, by their numbers.
    fn read(&mut self) -> Result<(), Fault> {
        loop {
            let before = self.after;
            let account = View::of(&self.host.account, self.sight.clone());
            let page = query::events(&account, self.after, BATCH)?;
            let mut events: Vec<Value> = match self.format {
                Format::Weir => page.events.iter().map(|event| json!(event)).collect(),
                Format::CloudEvents => query::cloud_events(&account, &page.events, &self.host.uri())?,
            };
            for event in &mut events {
                self.sight.hide(event);
            }
            let numbers = page.events.iter().map(|event| event.number);
            self.waiting = numbers.zip(events.iter().map(Value::to_string)).collect();
            self.after = page.next;
            // A page of which nothing may be told is not the end.
            if !self.waiting.is_empty() || self.after == before {
                return Ok(());
            }
        }
    }
}

/// Events after a position, without end. A watermark that moved without an event is sent as a comment-like `tick`,
/// so that pages refresh their numbers.
fn follow(
    host: Shared,
    sight: Sight,
    after: EventNumber,
    format: Format,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let applied = host.account.applied();
    let follower = Follower { host, sight, after, format, applied, waiting: VecDeque::new() };
    stream::unfold(follower, |mut follower| async move {
        if follower.waiting.is_empty() {
            follower.read().ok()?;
        }
        if let Some((number, text)) = follower.waiting.pop_front() {
            return Some((Ok(Event::default().id(number.0.to_string()).data(text)), follower));
        }
        // Ends with the host: its sender of watermarks is gone.
        tokio::select! {
            changed = follower.applied.changed() => changed.ok()?,
            () = follower.host.stop.cancelled() => return None,
        }
        let watermark = follower.applied.borrow_and_update().0;
        // How much was processed is not for those who see a part of it.
        let tick = if follower.sight.is_limited() { "-".to_owned() } else { watermark.to_string() };
        Some((Ok(Event::default().event("tick").data(tick)), follower))
    })
}
