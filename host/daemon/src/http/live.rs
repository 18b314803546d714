//! Domain events as they happen: server-sent events with `Last-Event-ID`, or a page of them for those who poll.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use tokio::sync::watch;
use weir_model::{EventNumber, Seq};

use super::Shared;
use super::auth::MayRead;
use super::extract::Query;
use super::problem::Problem;
use crate::query;

/// Events of one read.
const BATCH: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventParams {
    /// Position to go on from; `now` for what comes.
    after: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn events(
    _: MayRead,
    State(host): State<Shared>,
    headers: HeaderMap,
    Query(params): Query<EventParams>,
) -> Result<Response, Problem> {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let after =
        match text("last-event-id").or(params.after.as_deref()) {
            Some("now") => last_event(&host)?,
            Some(number) => EventNumber(number.parse().map_err(|_| {
                Problem::new(axum::http::StatusCode::BAD_REQUEST, format!("`{number}` is no position"))
            })?),
            None => EventNumber(0),
        };
    if text(header::ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/event-stream")) {
        let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
        return Ok(Sse::new(follow(host, after)).keep_alive(keep_alive).into_response());
    }
    Ok(Json(query::events(&host.account, after, params.limit.unwrap_or(BATCH))?).into_response())
}

fn last_event(host: &Shared) -> Result<EventNumber, Problem> {
    let derived = host.account.derived();
    let reader = derived.projection.reader().map_err(crate::error::Fault::from_derived)?;
    Ok(reader.last_event().map_err(crate::error::Fault::from_derived)?)
}

struct Follower {
    host: Shared,
    after: EventNumber,
    applied: watch::Receiver<Seq>,
    waiting: std::collections::VecDeque<weir_model::DomainEvent>,
}

/// Events after a position, without end. A watermark that moved without an event is sent as a comment-like `tick`,
/// so that pages refresh their numbers.
fn follow(host: Shared, after: EventNumber) -> impl Stream<Item = Result<Event, Infallible>> {
    let applied = host.account.applied();
    let follower = Follower { host, after, applied, waiting: std::collections::VecDeque::new() };
    stream::unfold(follower, |mut follower| async move {
        loop {
            if let Some(event) = follower.waiting.pop_front() {
                let number = event.number.0.to_string();
                let data = serde_json::to_string(&event).unwrap_or_default();
                return Some((Ok(Event::default().id(number).data(data)), follower));
            }
            let read = query::events(&follower.host.account, follower.after, BATCH).ok()?;
            if read.events.is_empty() {
                // Ends with the host: its sender of watermarks is gone.
                tokio::select! {
                    changed = follower.applied.changed() => changed.ok()?,
                    () = follower.host.stop.cancelled() => return None,
                }
                let tick = follower.applied.borrow_and_update().0.to_string();
                return Some((Ok(Event::default().event("tick").data(tick)), follower));
            }
            follower.after = read.next;
            follower.waiting = read.events.into();
        }
    })
}
