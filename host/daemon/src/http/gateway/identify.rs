//! A name for every request, taken from who asks or made: in the log, in the answer, in problems.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use super::{REQUEST_ID, Traffic};
use crate::traces;

/// Longest name taken, in bytes.
const ID_BYTES_MAX: usize = 128;

tokio::task_local! {
    static CURRENT: HeaderValue;
}

/// Name of the request that is being answered; none outside of one.
pub(in crate::http) fn request_id() -> Option<String> {
    CURRENT.try_with(|id| id.to_str().map(str::to_owned).ok()).ok().flatten()
}

/// Names the request, and counts it when it is answered.
pub(super) async fn identify(State(traffic): State<Arc<Traffic>>, request: Request, next: Next) -> Response {
    let id = taken(request.headers()).unwrap_or_else(made);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let trace = traces::request(&method, &route, request.headers());
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    let began = Instant::now();
    let answering = async {
        let response = next.run(request).await;
        let status = response.status().as_u16();
        tracing::debug!(%method, route, status, took_ms = began.elapsed().as_millis(), "answered");
        response
    };
    let mut response = CURRENT.scope(id.clone(), answering).instrument(span).instrument(trace.clone()).await;
    traces::answered(&trace, response.status());
    traffic.note(&method, &route, response.status(), began.elapsed());
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The sender's own, when it can stand in a log as it is.
fn taken(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(REQUEST_ID)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    let bytes = id.as_bytes();
    ((1..=ID_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(plain)).then(|| id.clone())
}

fn made() -> HeaderValue {
    HeaderValue::from_str(&Uuid::now_v7().simple().to_string()).expect("hex digits can stand in a header")
}
