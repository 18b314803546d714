//! Propels, their runs, gates, and tables.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use weir_store::Put;

use super::Shared;
use super::extract::{Body, Path, Query};
use super::problem::Problem;
use super::read::blocking;
use crate::access::Principal;
use crate::error::Fault;
use crate::propel::{self, Answered, DryRun, Propel, Run, RunParams};
use crate::{clock, intake, query};

type Answer = Result<Json<Value>, Problem>;

pub(super) async fn list(State(host): State<Shared>) -> Answer {
    let now = clock::now();
    let propels: Vec<_> = host.propels().await?.values().map(|propel| query::propel_status(propel, now)).collect();
    Ok(Json(json!({ "propels": propels })))
}

pub(super) async fn runs(State(host): State<Shared>, Query(params): Query<RunParams>) -> Answer {
    let runs = blocking(host, move |host| propel::runs(&host.account, &params)).await?;
    Ok(Json(json!({ "runs": runs })))
}

pub(super) async fn run(State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer {
    let run = one_run(host, id).await?;
    Ok(Json(json!(run)))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LetterParams {
    /// Of this propel.
    propel: Option<String>,
    /// Of this run.
    run: Option<Uuid>,
    limit: Option<usize>,
}

/// Actions that were given up.
pub(super) async fn dead_letters(State(host): State<Shared>, Query(params): Query<LetterParams>) -> Answer {
    let ask = move |host: &Shared| propel::dead_letters(&host.account, params.propel.as_deref(), params.limit);
    let letters = blocking(host, ask).await?;
    Ok(Json(json!({ "dead_letters": letters })))
}

/// Sends them again, under the keys they had.
pub(super) async fn send_again(
    State(host): State<Shared>,
    Path(name): Path<String>,
    Query(params): Query<LetterParams>,
) -> Answer {
    let propel = named(&host, &name).await?;
    let sent = propel::send_again(&host.account, &propel, params.run).await?;
    Ok(Json(json!({ "sent_again": sent })))
}

pub(super) async fn start(
    State(host): State<Shared>,
    Path(name): Path<String>,
    body: Body,
) -> Result<(StatusCode, Json<Run>), Problem> {
    let propel = named(&host, &name).await?;
    let run = propel::start(&host.account, &propel, said(&body)?).await?;
    Ok((StatusCode::ACCEPTED, Json(run)))
}

pub(super) async fn repeat(
    State(host): State<Shared>,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Json<Run>), Problem> {
    let run = one_run(host.clone(), id).await?;
    let propel = named(&host, &run.propel).await?;
    Ok((StatusCode::ACCEPTED, Json(propel::repeat(&host.account, &propel, &run).await?)))
}

pub(super) async fn cancel(State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer {
    let run = propel::cancel(&host.account, id).await?;
    run.map(|run| Json(json!(run))).ok_or_else(|| Problem::not_found(format!("there is no run {id}")))
}

pub(super) async fn dry_run(State(host): State<Shared>, Path(name): Path<String>, body: Body) -> Answer {
    named(&host, &name).await?;
    let asked: DryRun = serde_json::from_value(said(&body)?).map_err(|error| bad(error.to_string()))?;
    let propel = host.dry_propel(&name).await?;
    let runs = propel::dry_run(&host.account, &propel, &asked).await?;
    Ok(Json(json!({ "runs": runs })))
}

/// Asks a gate; the body is the build as its pipeline describes it.
pub(super) async fn gate(
    State(host): State<Shared>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<Answered>, Problem> {
    let build = said(&body)?;
    let propels: Vec<Arc<Propel>> = host.propels().await?.values().cloned().collect();
    Ok(Json(propel::ask(&host.account, propels.into_iter(), &name, host.gate(&name), build).await?))
}

pub(super) async fn tables(State(host): State<Shared>) -> Json<Value> {
    let tables =
        host.tables.all().map(|table| json!({ "name": table.name, "key": table.key, "columns": table.columns }));
    Json(json!({ "tables": tables.collect::<Vec<_>>() }))
}

pub(super) async fn rows(State(host): State<Shared>, Path(name): Path<String>) -> Answer {
    let rows = blocking(host, move |host| host.tables.rows(&host.account, &name)).await?;
    Ok(Json(json!({ "rows": rows })))
}

/// Sets rows: an object, a list of them, or CSV.
pub(super) async fn set_rows(
    State(host): State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    body: Body,
) -> Answer {
    let by = principal.name();
    let (rows, puts) = blocking(host.clone(), move |host| changes(host, &name, &body.0, &by)).await?;
    intake::keep(&host.account, puts).await?;
    Ok(Json(json!({ "rows": rows })))
}

/// What sets the rows of a body, and how many they are. What looks like JSON is JSON, all else CSV.
fn changes(host: &Shared, table: &str, body: &[u8], by: &str) -> Result<(usize, Vec<Put>), Fault> {
    let (tables, account, now) = (&host.tables, &host.account, clock::now());
    if !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return tables.import(account, table, body, by, now);
    }
    let unreadable = |error: serde_json::Error| {
        Fault::config("cannot read the rows").hint("an object, or a list of them").caused_by(error)
    };
    let rows: OneOrMore = serde_json::from_slice(body).map_err(unreadable)?;
    let rows = match rows {
        OneOrMore::One(row) => vec![row],
        OneOrMore::More(rows) => rows,
    };
    let puts = rows.iter().map(|row| tables.set(account, table, row, by, now)).collect::<Result<Vec<_>, _>>()?;
    Ok((rows.len(), puts.concat()))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(Map<String, Value>),
    More(Vec<Map<String, Value>>),
}

pub(super) async fn remove_row(
    State(host): State<Shared>,
    principal: Principal,
    Path((name, key)): Path<(String, String)>,
) -> Answer {
    if host.tables.row(&host.account, &name, &key)?.is_none() {
        return Err(Problem::not_found(format!("table `{name}` has no row `{key}`")));
    }
    intake::keep(&host.account, host.tables.remove(&name, &key, &principal.name(), clock::now())?).await?;
    Ok(Json(json!({ "removed": key })))
}

async fn named(host: &Shared, name: &str) -> Result<Arc<Propel>, Problem> {
    let propels = host.propels().await?;
    propels
        .get(name)
        .cloned()
        .ok_or_else(|| Problem::not_found(format!("there is no propel `{name}`")).hint("see /v1/propels"))
}

async fn one_run(host: Shared, id: Uuid) -> Result<Run, Problem> {
    let run = blocking(host, move |host| propel::find(&host.account, id)).await?;
    run.ok_or_else(|| {
        Problem::not_found(format!("there is no run {id}")).hint("old runs are forgotten; see `keep_runs`")
    })
}

/// The JSON of a body; an empty one says nothing.
fn said(body: &Body) -> Result<Value, Problem> {
    if body.0.iter().all(u8::is_ascii_whitespace) {
        return Ok(json!({}));
    }
    serde_json::from_slice(&body.0).map_err(|error| bad(error.to_string()))
}

fn bad(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail).hint("the body is JSON; see docs/PROPELS.md")
}
