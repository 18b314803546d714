//! Vendor webhooks: verified over the raw bytes, kept, answered. Nothing unverified is kept.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use weir_model::IntegrationName;

use super::Shared;
use super::describe::{Gives, Operation};
use super::extract::{Anything, Path, Sent};
use super::problem::Problem;
use crate::clock;
use crate::ingest::{Received, push, receive as keep};
use crate::webhook::{WebhookRequest, verify, without};

/// Headers that say how a delivery travelled, and nothing about what happened.
const TRAVEL: &[&str] = &["content-length", "connection", "host", "accept", "accept-encoding", "x-forwarded-for"];
/// Words in the names of headers that prove who sent it: such proof is checked, and not kept.
const PROOF: &[&str] = &["authorization", "cookie", "signature", "token", "secret", "hmac"];
/// Most bytes of headers kept with a delivery.
const HEADERS_KEPT_BYTES_MAX: usize = 12 << 10;

pub(super) async fn receive(
    State(host): State<Shared>,
    Path(name): Path<IntegrationName>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Sent<Anything>,
) -> Result<Delivered, Problem> {
    let body = body.0;
    let Some(hook) = host.webhook(&name) else {
        let problem = Problem::not_found(format!("integration `{name}` takes no webhooks"));
        return Err(problem.hint("add `[integration.webhook]` to it"));
    };
    let headers = lower(&headers);
    let query = pairs(query.as_deref().unwrap_or_default());
    let request =
        WebhookRequest { headers: &headers, path: uri.path(), query: &query, body: &body, received_at: clock::now() };
    let verified = verify(&hook.scheme, &hook.secrets, &request).map_err(|refusal| {
        host.note_refused(&name, &refusal.reason.to_string());
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::UNAUTHORIZED);
        Problem::new(status, refusal.reason.to_string()).hint("check the secret on both sides")
    })?;
    if let Some(challenge) = verified.challenge {
        return Ok(Delivered::Challenged(challenge));
    }
    let body = match hook.exclude.as_slice() {
        [] => body.to_vec(),
        pointers => without(&body, pointers).ok_or_else(|| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the body is no JSON, so nothing can be left out of it")
                .hint("have the sender send JSON, or remove `exclude`")
        })?,
    };
    if let Some(format) = hook.format {
        let pushed = push(&host.account, &name, format, &body, verified.delivery_id.as_deref()).await?;
        host.note_delivery(&name);
        return Ok(Delivered::new(!pushed.duplicate));
    }
    let received = Received { id: verified.delivery_id, headers: kept(headers), query, body };
    let kept = keep(&host.account, &name, &hook.source, received).await?;
    let new = kept.map_err(|error| Problem::of_log(&error))?;
    host.note_delivery(&name);
    Ok(Delivered::new(new))
}

/// What became of a delivery.
pub(super) enum Delivered {
    /// It is kept.
    Kept,
    /// It was kept before.
    Known,
    /// A handshake, answered with this.
    Challenged(String),
}

impl Delivered {
    fn new(is_new: bool) -> Self {
        if is_new { Self::Kept } else { Self::Known }
    }
}

impl IntoResponse for Delivered {
    fn into_response(self) -> Response {
        match self {
            Self::Kept => StatusCode::ACCEPTED.into_response(),
            Self::Known => StatusCode::OK.into_response(),
            Self::Challenged(challenge) => challenge.into_response(),
        }
    }
}

impl Gives for Delivered {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer("202", "It is kept", []);
        operation.answer("200", "It was kept before; or what a handshake of the tool wants to hear", []);
    }
}

pub(super) fn lower(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

fn kept(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut bytes = 0;
    let told = headers.into_iter().filter(|(name, _)| is_kept(name));
    told.take_while(|(name, value)| {
        bytes += name.len() + value.len();
        bytes <= HEADERS_KEPT_BYTES_MAX
    })
    .collect()
}

fn is_kept(name: &str) -> bool {
    !TRAVEL.contains(&name) && !PROOF.iter().any(|word| name.contains(word))
}

pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
