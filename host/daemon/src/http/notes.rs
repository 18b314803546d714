//! Notes on entities.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use weir_model::EntityId;

use super::Shared;
use super::extract::{Body, Path};
use super::problem::Problem;
use super::read::{blocking, parse, told};
use crate::access::{self, Principal};
use crate::audit::Outcome;
use crate::notes::{self, Author, Note};
use crate::query::{self, View};
use crate::{clock, intake};

type Answer = Result<Json<Value>, Problem>;
type Reading = Result<Response, Problem>;

/// A note as somebody writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Replaces the note of that name; a new one when left out.
    name: Option<String>,
    text: String,
}

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
    let Written { name, text } = serde_json::from_slice(&body.0).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, error.to_string()).hint("the body is JSON, such as {\"text\": \"seen\"}")
    })?;
    let name = name.unwrap_or_else(|| Uuid::now_v7().to_string());
    change(host, &principal, &id, name, text).await
}

pub(super) async fn remove(
    State(host): State<Shared>,
    principal: Principal,
    Path((id, name)): Path<(String, String)>,
) -> Answer {
    change(host, &principal, &id, name, String::new()).await
}

/// Writes a note, or takes it away, where whoever asks sees the entity.
async fn change(host: Shared, principal: &Principal, id: &str, name: String, text: String) -> Answer {
    let (id, sight) = (parse(id)?, host.sight(principal));
    let who = principal.name();
    let by = Author::User(who.strip_prefix("user:").unwrap_or(&who).to_owned());
    let note = Note { name, at: clock::now(), by, text };
    let (asked, written) = (id.clone(), note.clone());
    let put = blocking(host.clone(), move |host| {
        let known = query::notes(&View::of(&host.account, sight), &asked)?;
        known.map(|_| notes::set(&host.account, &asked, &written)).transpose()
    });
    let put = put.await?.ok_or_else(|| no_entity(&id))?;
    intake::keep(&host.account, vec![put]).await?;
    access::audit(&host, principal, "note.write", &id.to_string(), Outcome::Done).await?;
    Ok(Json(json!(note)))
}

fn no_entity(id: &EntityId) -> Problem {
    Problem::not_found(format!("there is no `{id}`"))
}
