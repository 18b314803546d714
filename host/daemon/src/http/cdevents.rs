//! `CDEvents`, as `CloudEvents` over HTTP carry them: one in the body with its attributes in headers, one whole, a batch;
//! and bare ones, one or many. 202 means durable.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value, json};
use weir_model::RawRecord;
use weir_stages::normalise::{self, Format};

use super::Shared;
use super::answer::Accepted;
use super::extract::{Forms, Query, Sent};
use super::problem::Problem;
use super::unpack::decompressed;
use super::write::{Answer, PushParams, take};
use crate::ingest::{Pushed, body_key, keep};

/// What attributes of a `CloudEvent` in headers begin with.
const PREFIX: &str = "ce-";
const BATCH: &str = "application/cloudevents-batch";

/// Events in the modes they come in.
pub(super) struct CdEvents;

impl Forms for CdEvents {
    fn content() -> Vec<(&'static str, Value)> {
        let one = json!({ "type": "object" });
        let many = json!({ "type": "array", "items": one });
        vec![
            ("application/json", json!({ "anyOf": [one, many] })),
            ("application/cloudevents+json", one),
            ("application/cloudevents-batch+json", many),
        ]
    }
}

pub(super) async fn receive(
    host: State<Shared>,
    params: Query<PushParams>,
    headers: HeaderMap,
    body: Sent<CdEvents>,
) -> Answer {
    let body = body.0;
    let attributes = attributes(&headers);
    if attributes.contains_key("type") {
        return one(&host, &params.0, &attributes, decompressed(&host, &headers, body)?).await;
    }
    if is_batch(&headers) && body.trim_ascii() == b"[]" {
        return Ok(Accepted(Pushed::default()));
    }
    take(&host, Format::CdEvents, params.0, &headers, body).await
}

/// An event whose attributes came in headers: they are its context, the body is kept as it came.
async fn one(host: &Shared, params: &PushParams, attributes: &Map<String, Value>, body: Bytes) -> Answer {
    let event = serde_json::from_slice::<Map<String, Value>>(&body);
    let known = event.as_ref().ok().and_then(|event| normalise::record_key(Format::CdEvents, event));
    let text = |name: &str| attributes.get(name).and_then(Value::as_str);
    let stated = || Some(format!("other/{}/{}", text("source")?, text("id")?));
    let version = known.as_ref().and_then(|known| known.version);
    let key = known.map(|known| known.key).or_else(stated).unwrap_or_else(|| body_key(&body));
    let context = serde_json::to_string(attributes).ok();
    let record = RawRecord { context, ..RawRecord::upsert(key, version, &*body) };
    keep(&host.account, &params.integration(host), Format::CdEvents, record).await?;
    match event {
        Ok(_) => Ok(Accepted(Pushed { accepted: 1, ..Pushed::default() })),
        Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, format!("the body is no event: {error}"))
            .hint("the bytes are kept for you to look at")),
    }
}

/// Attributes of a `CloudEvent`, percent-decoded as its binding to HTTP wants it.
fn attributes(headers: &HeaderMap) -> Map<String, Value> {
    let one = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        let name = name.as_str().strip_prefix(PREFIX)?.to_owned();
        let value = percent_encoding::percent_decode(value.as_bytes()).decode_utf8_lossy().into_owned();
        Some((name, Value::String(value)))
    };
    headers.iter().filter_map(one).collect()
}

fn is_batch(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with(BATCH))
}
