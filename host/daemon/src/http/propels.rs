//! Propels, their runs, gates, and tables.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;
use weir_store::Put;

use super::Shared;
use super::answer::Accepted;
use super::extract::{Forms, Path, Query, Said, Sent};
use super::problem::Problem;
use super::read::blocking;
use crate::access::Principal;
use crate::error::Fault;
use crate::propel::{self, Answered, DeadLetter, DryRun, Imagined, Propel, Run, RunParams};
use crate::query::{self, PropelStatus};
use crate::tables::{Column, Row, TableConfig};
use crate::{clock, intake};

type Answer<T> = Result<Json<T>, Problem>;

/// The propels of the configuration.
#[derive(Serialize, JsonSchema)]
pub(super) struct Propels {
    propels: Vec<PropelStatus>,
}

/// Runs, the newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct Runs {
    runs: Vec<Run>,
}

pub(super) async fn list(State(host): State<Shared>) -> Answer<Propels> {
    let now = clock::now();
    let propels = host.propels().await?.values().map(|propel| query::propel_status(propel, now)).collect();
    Ok(Json(Propels { propels }))
}

pub(super) async fn runs(State(host): State<Shared>, Query(params): Query<RunParams>) -> Answer<Runs> {
    let runs = blocking(host, move |host| propel::runs(&host.account, &params)).await?;
    Ok(Json(Runs { runs }))
}

pub(super) async fn run(State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer<Run> {
    one_run(host, id).await.map(Json)
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LetterParams {
    /// Of this propel.
    propel: Option<String>,
    /// Of this run.
    run: Option<Uuid>,
    /// Most of them.
    limit: Option<usize>,
}

/// Actions that were given up, the newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct DeadLetters {
    dead_letters: Vec<DeadLetter>,
}

/// Actions that are sent again.
#[derive(Serialize, JsonSchema)]
pub(super) struct SentAgain {
    /// How many.
    sent_again: usize,
}

/// Actions that were given up.
pub(super) async fn dead_letters(
    State(host): State<Shared>,
    Query(params): Query<LetterParams>,
) -> Answer<DeadLetters> {
    let ask = move |host: &Shared| propel::dead_letters(&host.account, params.propel.as_deref(), params.limit);
    let dead_letters = blocking(host, ask).await?;
    Ok(Json(DeadLetters { dead_letters }))
}

/// Sends them again, under the keys they had.
pub(super) async fn send_again(
    State(host): State<Shared>,
    Path(name): Path<String>,
    Query(params): Query<LetterParams>,
) -> Answer<SentAgain> {
    let propel = named(&host, &name).await?;
    let sent_again = propel::send_again(&host.account, &propel, params.run).await?;
    Ok(Json(SentAgain { sent_again }))
}

pub(super) async fn start(
    State(host): State<Shared>,
    Path(name): Path<String>,
    Said(input): Said<Value>,
) -> Result<Accepted<Run>, Problem> {
    let propel = named(&host, &name).await?;
    Ok(Accepted(propel::start(&host.account, &propel, input).await?))
}

pub(super) async fn repeat(State(host): State<Shared>, Path(id): Path<Uuid>) -> Result<Accepted<Run>, Problem> {
    let run = one_run(host.clone(), id).await?;
    let propel = named(&host, &run.propel).await?;
    Ok(Accepted(propel::repeat(&host.account, &propel, &run).await?))
}

pub(super) async fn cancel(State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer<Run> {
    let run = propel::cancel(&host.account, id).await?;
    run.map(Json).ok_or_else(|| Problem::not_found(format!("there is no run {id}")))
}

/// Runs that did not happen.
#[derive(Serialize, JsonSchema)]
pub(super) struct ImaginedRuns {
    runs: Vec<Imagined>,
}

pub(super) async fn dry_run(
    State(host): State<Shared>,
    Path(name): Path<String>,
    Said(asked): Said<DryRun>,
) -> Answer<ImaginedRuns> {
    named(&host, &name).await?;
    let propel = host.dry_propel(&name).await?;
    let runs = propel::dry_run(&host.account, &propel, &asked).await?;
    Ok(Json(ImaginedRuns { runs }))
}

/// Asks a gate; the body is the build as its pipeline describes it.
pub(super) async fn gate(
    State(host): State<Shared>,
    Path(name): Path<String>,
    Said(build): Said<Value>,
) -> Answer<Answered> {
    let propels: Vec<Arc<Propel>> = host.propels().await?.values().cloned().collect();
    Ok(Json(propel::ask(&host.account, propels.into_iter(), &name, host.gate(&name), build).await?))
}

/// Tables that people keep.
#[derive(Serialize, JsonSchema)]
pub(super) struct TablesAnswer {
    tables: Vec<TableAnswer>,
}

/// A table.
#[derive(Serialize, JsonSchema)]
struct TableAnswer {
    name: String,
    /// The column that tells rows apart.
    key: String,
    /// Its columns, in order.
    columns: Vec<Column>,
}

/// Rows of a table, by key.
#[derive(Serialize, JsonSchema)]
pub(super) struct Rows {
    rows: Vec<Row>,
}

pub(super) async fn tables(State(host): State<Shared>) -> Json<TablesAnswer> {
    let tables = host.tables.all().cloned();
    let told = |TableConfig { name, key, columns }| TableAnswer { name, key, columns };
    Json(TablesAnswer { tables: tables.map(told).collect() })
}

pub(super) async fn rows(State(host): State<Shared>, Path(name): Path<String>) -> Answer<Rows> {
    let rows = blocking(host, move |host| host.tables.rows(&host.account, &name)).await?;
    Ok(Json(Rows { rows }))
}

/// Rows as they are sent.
pub(super) struct RowForms;

impl Forms for RowForms {
    fn content() -> Vec<(&'static str, Value)> {
        let row = json!({ "type": "object" });
        let rows = json!({ "anyOf": [row, { "type": "array", "items": row }] });
        vec![("application/json", rows), ("text/csv", json!({ "type": "string" }))]
    }
}

/// Rows that were set.
#[derive(Serialize, JsonSchema)]
pub(super) struct RowsSet {
    /// How many.
    rows: usize,
}

/// Sets rows: an object, a list of them, or CSV.
pub(super) async fn set_rows(
    State(host): State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    body: Sent<RowForms>,
) -> Answer<RowsSet> {
    let by = principal.name();
    let (rows, puts) = blocking(host.clone(), move |host| changes(host, &name, &body.0, &by)).await?;
    intake::keep(&host.account, puts).await?;
    Ok(Json(RowsSet { rows }))
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

/// A row that was removed.
#[derive(Serialize, JsonSchema)]
pub(super) struct RowRemoved {
    /// Its key.
    removed: String,
}

pub(super) async fn remove_row(
    State(host): State<Shared>,
    principal: Principal,
    Path((name, key)): Path<(String, String)>,
) -> Answer<RowRemoved> {
    if host.tables.row(&host.account, &name, &key)?.is_none() {
        return Err(Problem::not_found(format!("table `{name}` has no row `{key}`")));
    }
    intake::keep(&host.account, host.tables.remove(&name, &key, &principal.name(), clock::now())?).await?;
    Ok(Json(RowRemoved { removed: key }))
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
