//! Notes on entities.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use weir_model::EntityId;

use super::Shared;
use super::answer::Written;
use super::extract::{Path, Said};
use super::problem::Problem;
use super::read::{blocking, parse, told};
use crate::access::Principal;
use crate::notes::{self, Note, ToWrite};
use crate::query::{self, View};

type Answer = Result<Json<Note>, Problem>;

/// Notes on an entity, oldest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct Notes {
    notes: Vec<Note>,
}

pub(super) async fn list(
    State(host): State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Written<Notes>, Problem> {
    let (id, sight) = (parse(&id)?, host.sight(&principal));
    let (asked, seen) = (id.clone(), sight.clone());
    let found = blocking(host, move |host| query::notes(&View::of(&host.account, seen), &asked)).await?;
    told(&sight, Notes { notes: found.ok_or_else(|| no_entity(&id))? })
}

pub(super) async fn write(
    State(host): State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
    Said(asked): Said<ToWrite>,
) -> Answer {
    change(host, &principal, &id, asked).await
}

pub(super) async fn remove(
    State(host): State<Shared>,
    principal: Principal,
    Path((id, name)): Path<(String, String)>,
) -> Answer {
    change(host, &principal, &id, ToWrite { name: Some(name), text: String::new() }).await
}

async fn change(host: Shared, principal: &Principal, id: &str, asked: ToWrite) -> Answer {
    let id = parse(id)?;
    let note = notes::write(&host.account, host.sight(principal), &id, asked, principal.into()).await?;
    note.map(Json).ok_or_else(|| no_entity(&id))
}

fn no_entity(id: &EntityId) -> Problem {
    Problem::not_found(format!("there is no `{id}`"))
}
