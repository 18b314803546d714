//! API keys: list, make, rotate, end.

use axum::Json;
use axum::extract::State;
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use weir_model::DurationMs;

use super::Shared;
use super::answer::Created;
use super::extract::{Path, Said};
use super::problem::Problem;
use crate::access::{self, ApiKey, NewKey, Principal};
use crate::audit::{self, Note, Outcome};
use crate::config::Interval;
use crate::error::Fault;

/// Overlap of a rotation when none is asked for, in milliseconds.
const OVERLAP_MS: u64 = 7 * 86_400_000;

/// Keys, without what they are.
#[derive(Serialize, JsonSchema)]
pub(super) struct Keys {
    keys: Vec<ApiKey>,
}

/// A key that was made.
#[derive(Serialize, JsonSchema)]
pub(super) struct MadeKey {
    #[serde(flatten)]
    made: ApiKey,
    /// What is sent as `Authorization: Bearer`. It is told once.
    key: String,
    /// Id of the key it takes the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
}

pub(super) async fn list(State(host): State<Shared>) -> Result<Json<Keys>, Problem> {
    Ok(Json(Keys { keys: access::list_keys(&host.account)? }))
}

pub(super) async fn create(
    State(host): State<Shared>,
    principal: Principal,
    Said(asked): Said<NewKey>,
) -> Result<Created<MadeKey>, Problem> {
    let (made, key) = access::create_key(&host.account, asked).await?;
    note(&host, &principal, "key.create", &made).await?;
    Ok(Created(MadeKey { made, key, replaces: None }))
}

/// How a key is replaced.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// How long both can be used: `30s`, `2m`, `6h`, `1d`; 7 days when left out.
    overlap: Option<Interval>,
}

pub(super) async fn rotate(
    State(host): State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
    Said(asked): Said<Rotation>,
) -> Result<Created<MadeKey>, Problem> {
    let overlap = asked.overlap.map_or(DurationMs(OVERLAP_MS), Interval::length);
    let rotated = access::rotate_key(&host.account, &id, overlap).await?;
    let (made, key) = rotated.ok_or_else(|| Problem::not_found(format!("there is no key `{id}`")))?;
    note(&host, &principal, "key.rotate", &made).await?;
    Ok(Created(MadeKey { made, key, replaces: Some(id) }))
}

pub(super) async fn revoke(
    State(host): State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<NoContent, Problem> {
    if !access::revoke_key(&host.account, &id).await? {
        return Err(Problem::not_found(format!("there is no key `{id}`")));
    }
    access::audit(&host, &principal, "key.revoke", &format!("key {id}"), Outcome::Done).await?;
    Ok(NoContent)
}

/// Notes a key that was made, and what it may do.
async fn note(host: &Shared, principal: &Principal, action: &'static str, key: &ApiKey) -> Result<(), Fault> {
    let act = Note::new(action).by(principal).about(format!("key {}", key.id));
    audit::note(&host.account, act.after(json!(key))).await
}
