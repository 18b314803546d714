//! Notes on entities.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use weir_model::EntityId;

use super::Shared;
use super::extract::{Body, Path};
use super::problem::Problem;
use super::read::{blocking, parse, told};
use crate::access::Principal;
use crate::notes::{self, Written};
use crate::query::{self, View};

type Answer = Result<Json<Value>, Problem>;
type Reading = Result<Response, Problem>;

pub(super) async fn list(State(host): State<Shared>, principal: Principal, Path(id): Path<String>) -> Reading {
    let (id, sight) = (parse(&id)?, host.sight(&principal));
    let (asked, seen) = (id.clone(), sight.clone());
    let found = blocking(host, move |host| query::notes(&View::of(&host.account, seen), &asked)).await?;
    told(&sight, json!({ "notes": found.ok_or_else(|| no_entity(&id))? }))
}

pub(super) async fn write(
    State(host): State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
    body: Body,
) -> Answer {
    let written = serde_json::from_slice(&body.0).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, error.to_string()).hint("the body is JSON, such as {\"text\": \"seen\"}")
    })?;
    change(host, &principal, &id, written).await
}

pub(super) async fn remove(
    State(host): State<Shared>,
    principal: Principal,
    Path((id, name)): Path<(String, String)>,
) -> Answer {
    change(host, &principal, &id, Written { name: Some(name), text: String::new() }).await
}

async fn change(host: Shared, principal: &Principal, id: &str, written: Written) -> Answer {
    let id = parse(id)?;
    let note = notes::write(&host.account, host.sight(principal), &id, written, principal.into()).await?;
    Ok(Json(json!(note.ok_or_else(|| no_entity(&id))?)))
}

fn no_entity(id: &EntityId) -> Problem {
    Problem::not_found(format!("there is no `{id}`"))
}
