//! API keys: list, make, rotate, end.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use weir_model::DurationMs;

use super::Shared;
use super::extract::{Body, Path};
use super::problem::Problem;
use crate::access::{self, ApiKey, NewKey, Principal};
use crate::audit::{self, Note, Outcome};
use crate::config::Interval;
use crate::error::Fault;

/// Overlap of a rotation when none is asked for, in milliseconds.
const OVERLAP_MS: u64 = 7 * 86_400_000;

pub(super) async fn list(State(host): State<Shared>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "keys": access::list_keys(&host.account)? })))
}

pub(super) async fn create(
    State(host): State<Shared>,
    principal: Principal,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let asked: NewKey = body.json()?;
    let (key, text) = access::create_key(&host.account, asked).await?;
    note(&host, &principal, "key.create", &key).await?;
    Ok((StatusCode::CREATED, Json(with_text(&key, &text))))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    overlap: Option<Interval>,
}

pub(super) async fn rotate(
    State(host): State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let asked: Rotation = if body.0.is_empty() { Rotation::default() } else { body.json()? };
    let overlap = asked.overlap.map_or(DurationMs(OVERLAP_MS), Interval::length);
    let rotated = access::rotate_key(&host.account, &id, overlap).await?;
    let (key, text) = rotated.ok_or_else(|| Problem::not_found(format!("there is no key `{id}`")))?;
    note(&host, &principal, "key.rotate", &key).await?;
    let mut told = with_text(&key, &text);
    told["replaces"] = json!(id);
    Ok((StatusCode::CREATED, Json(told)))
}

pub(super) async fn revoke(
    State(host): State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if !access::revoke_key(&host.account, &id).await? {
        return Err(Problem::not_found(format!("there is no key `{id}`")));
    }
    access::audit(&host, &principal, "key.revoke", &format!("key {id}"), Outcome::Done).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Notes a key that was made, and what it may do.
async fn note(host: &Shared, principal: &Principal, action: &'static str, key: &ApiKey) -> Result<(), Fault> {
    let act = Note::new(action).by(principal).about(format!("key {}", key.id));
    audit::note(&host.account, act.after(json!(key))).await
}

fn with_text(key: &ApiKey, text: &str) -> Value {
    let mut told = json!(key);
    told["key"] = json!(text);
    told
}
