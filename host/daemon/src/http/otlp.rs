//! What OpenTelemetry exporters send. Bodies with spans are kept whole and answered when they are durable; data points
//! and log records are not used, which the answer says of each.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use weir_model::RawRecord;
use weir_stages::normalise::Format;
use weir_stages::normalise::otlp::{Encoding, Signal, answer, count};

use super::Shared;
use super::describe::{Gives, Operation};
use super::extract::{Forms, Query, Sent};
use super::problem::Problem;
use super::unpack::decompressed;
use super::write::PushParams;
use crate::ingest::{body_key, keep};

const LOST: &str = "spans without a valid trace id and span id belong to no build";
const NOT_USED: &str = "only traces are used: leave the other exporters out";

/// What exporters send, and what they are answered: protocol buffers, or JSON.
pub(super) struct Export;

impl Forms for Export {
    fn content() -> Vec<(&'static str, Value)> {
        vec![("application/json", json!({ "type": "object" })), ("application/x-protobuf", json!({ "type": "string" }))]
    }
}

/// What was not used of an export, if anything, in its encoding.
pub(super) struct Exported(Response);

impl IntoResponse for Exported {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Gives for Exported {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer("200", "What was not used", Export::content());
    }
}

type Answer = Result<Exported, Problem>;

pub(super) async fn traces(
    host: State<Shared>,
    Query(params): Query<PushParams>,
    headers: HeaderMap,
    body: Sent<Export>,
) -> Answer {
    take(&host, Signal::Traces, &params, &headers, body.0).await
}

pub(super) async fn metrics(
    host: State<Shared>,
    Query(params): Query<PushParams>,
    headers: HeaderMap,
    body: Sent<Export>,
) -> Answer {
    take(&host, Signal::Metrics, &params, &headers, body.0).await
}

pub(super) async fn logs(
    host: State<Shared>,
    Query(params): Query<PushParams>,
    headers: HeaderMap,
    body: Sent<Export>,
) -> Answer {
    take(&host, Signal::Logs, &params, &headers, body.0).await
}

async fn take(host: &Shared, signal: Signal, params: &PushParams, headers: &HeaderMap, body: Bytes) -> Answer {
    let body = decompressed(host, headers, body)?;
    if signal == Signal::Traces && !body.is_empty() {
        let record = RawRecord::upsert(body_key(&body), None, &*body);
        keep(&host.account, &params.integration(host), Format::Otlp, record).await?;
    }
    let counted = count(signal, &body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, error.to_string()).hint("send protocol buffers or JSON, as OTLP has them")
    })?;
    let refused = match signal {
        Signal::Traces => (counted.unusable, LOST),
        Signal::Metrics | Signal::Logs => (counted.items, NOT_USED),
    };
    let encoding = encoding(headers, &body);
    let answer = answer(signal, encoding, Some(refused).filter(|(items, _)| *items > 0));
    let kind = match encoding {
        Encoding::Json => "application/json",
        Encoding::Binary => "application/x-protobuf",
    };
    Ok(Exported(([(header::CONTENT_TYPE, kind)], answer).into_response()))
}

/// An exporter reads the encoding it writes. What it says counts for an empty body, which looks like either.
fn encoding(headers: &HeaderMap, body: &[u8]) -> Encoding {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if body.is_empty() && kind.contains("json") { Encoding::Json } else { Encoding::of(body) }
}
