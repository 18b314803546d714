//! Reading. Every answer carries the watermark it was true at, as its entity tag.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::json;
use weir_model::EntityId;
use weir_sandbox::Inspection;

use super::Shared;
use super::extract::{Path, Query};
use super::gateway::Traffic;
use super::problem::Problem;
use crate::error::Fault;
use crate::query::{
    self, AlignmentParams, HygieneParams, MetricParams, OutcomeParams, PeopleParams, SearchParams, SprintParams,
    WorkParams,
};

type Answer = Result<Response, Problem>;

pub(super) async fn search(
    host: State<Shared>,
    headers: HeaderMap,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Answer {
    let params = SearchParams::read(asked)?;
    // What is relative to the present changes though nothing was processed.
    let headers = if params.moves() { HeaderMap::new() } else { headers };
    answer(&host, &headers, move |host| query::search(host, &params)).await
}

/// Searches that the configuration keeps, and its variables.
pub(super) async fn searches(host: State<Shared>) -> Json<query::SavedSearches> {
    Json(query::saved_searches(&host.config))
}

pub(super) async fn metrics(host: State<Shared>) -> Json<serde_json::Value> {
    Json(json!({ "metrics": query::list_metrics(&host.account.context()).collect::<Vec<_>>() }))
}

pub(super) async fn metric(
    host: State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(params): Query<MetricParams>,
) -> Answer {
    answer(&host, &headers, move |host| query::metric(&host.account, &name, &params)).await
}

pub(super) async fn samples(
    host: State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(params): Query<MetricParams>,
) -> Answer {
    answer(&host, &headers, move |host| Ok(json!({ "samples": query::samples_behind(&host.account, &name, &params)? })))
        .await
}

pub(super) async fn entity(host: State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let id = parse(&id)?;
    found(&host, &headers, id, query::entity).await
}

pub(super) async fn raw(host: State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let id = parse(&id)?;
    answer(&host, &headers, move |host| Ok(json!({ "records": query::raw(&host.account, &id)? }))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkParams {
    #[serde(default = "one_step")]
    depth: u32,
}

fn one_step() -> u32 {
    1
}

/// What belongs to an entity, and why.
pub(super) async fn links(
    host: State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(params): Query<LinkParams>,
) -> Answer {
    let id = parse(&id)?;
    let missing = Problem::not_found(format!("there is no `{id}`"));
    let asked = blocking(host.0.clone(), move |host| query::links(&host.account, &id, params.depth)).await?;
    let found = asked.ok_or(missing)?;
    answer(&host, &headers, move |_| Ok(found)).await
}

/// Keys of known projects that name no item.
pub(super) async fn dangling(host: State<Shared>, headers: HeaderMap) -> Answer {
    answer(&host, &headers, move |host| query::dangling(&host.account)).await
}

pub(super) async fn suspects(host: State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let id = parse(&id)?;
    found(&host, &headers, id, query::suspects).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedParams {
    #[serde(default = "some")]
    limit: usize,
}

fn some() -> usize {
    20
}

/// The newest red builds that opened a break, with who may have broken them.
pub(super) async fn red_builds(host: State<Shared>, headers: HeaderMap, Query(params): Query<RedParams>) -> Answer {
    answer(&host, &headers, move |host| {
        Ok(json!({ "builds": crate::process::red_builds(&host.account, params.limit.min(100))? }))
    })
    .await
}

/// What became of records that were ignored, refused, or taken in part.
pub(super) async fn outcomes(host: State<Shared>, headers: HeaderMap, Query(params): Query<OutcomeParams>) -> Answer {
    answer(&host, &headers, move |host| Ok(json!({ "outcomes": query::outcomes(&host.account, &params)? }))).await
}

/// Work items that were open, or in progress, at an instant.
pub(super) async fn work_items(host: State<Shared>, Query(params): Query<WorkParams>) -> Answer {
    of_now(&host, move |host| query::items(&host.account, &params)).await
}

/// Time in status of the items done in a window.
pub(super) async fn work_statuses(host: State<Shared>, headers: HeaderMap, Query(params): Query<WorkParams>) -> Answer {
    answer(&host, &headers, move |host| query::statuses(&host.account, &params)).await
}

pub(super) async fn sprints(host: State<Shared>, Query(params): Query<SprintParams>) -> Answer {
    of_now(&host, move |host| query::sprints(&host.account, &params)).await
}

pub(super) async fn hygiene(host: State<Shared>, Query(params): Query<HygieneParams>) -> Answer {
    of_now(&host, move |host| query::hygiene(&host.account, &host.config.hygiene, &params)).await
}

pub(super) async fn alignment(
    host: State<Shared>,
    headers: HeaderMap,
    Query(params): Query<AlignmentParams>,
) -> Answer {
    answer(&host, &headers, move |host| query::alignment(&host.account, &host.config.alignment, &params)).await
}

pub(super) async fn people(host: State<Shared>, Query(params): Query<PeopleParams>) -> Answer {
    of_now(&host, move |host| query::people(&host.account, &params)).await
}

pub(super) async fn teams(State(host): State<Shared>) -> Answer {
    Ok(Json(json!({ "teams": query::teams(&host.account) })).into_response())
}

pub(super) async fn status(State(host): State<Shared>) -> Answer {
    let status = blocking(host, |host| host.status()).await?;
    Ok(Json(status).into_response())
}

pub(super) async fn integrations(State(host): State<Shared>) -> Answer {
    let status = blocking(host, |host| host.status()).await?;
    Ok(Json(json!({ "integrations": status.health.integrations })).into_response())
}

pub(super) async fn plugins(State(host): State<Shared>) -> Answer {
    let described = blocking(host, |host| Ok(host.plugins.described())).await?;
    let told = |(id, path, inspected): (String, PathBuf, Result<Inspection, Fault>)| match inspected {
        Ok(Inspection { manifest, digest, bytes, .. }) => json!({
            "id": id, "path": path, "version": manifest.version, "kind": manifest.kind, "title": manifest.title,
            "digest": digest, "bytes": bytes, "methods": manifest.methods, "hosts": manifest.hosts,
            "datasets": manifest.datasets, "events": manifest.events, "webhook": manifest.webhook,
        }),
        Err(fault) => json!({ "id": id, "path": path, "error": fault.to_string() }),
    };
    Ok(Json(json!({ "plugins": described.into_iter().map(told).collect::<Vec<_>>() })).into_response())
}

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(host): State<Shared>) -> (StatusCode, &'static str) {
    if host.account.log.health().refused.is_none() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not taking in\n")
    }
}

pub(super) async fn prometheus(
    State(host): State<Shared>,
    Extension(traffic): Extension<Arc<Traffic>>,
) -> Result<String, Problem> {
    let status = blocking(host, |host| host.status()).await?;
    Ok(status.prometheus() + &traffic.prometheus())
}

pub(super) async fn not_found() -> Problem {
    Problem::not_found("there is nothing at this path").hint("the API is described in docs/API.md")
}

pub(super) async fn not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path takes another method")
        .hint("the API is described in docs/API.md")
}

fn parse(id: &str) -> Result<EntityId, Problem> {
    id.parse().map_err(|error: weir_model::id::EntityIdError| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))
}

async fn found<T: Serialize + Send + 'static>(
    host: &Shared,
    headers: &HeaderMap,
    id: EntityId,
    ask: fn(&crate::account::Account, &EntityId) -> Result<Option<T>, Fault>,
) -> Answer {
    let missing = Problem::not_found(format!("there is no `{id}`"));
    let asked = blocking(host.clone(), move |host| ask(&host.account, &id)).await?;
    let found = asked.ok_or(missing)?;
    answer(host, headers, move |_| Ok(found)).await
}

/// Answers from a snapshot, off the threads that serve connections; 304 when nothing has been processed since.
async fn answer<T: Serialize + Send + 'static>(
    host: &Shared,
    headers: &HeaderMap,
    ask: impl FnOnce(&Shared) -> Result<T, Fault> + Send + 'static,
) -> Answer {
    // Another start may mean other settings, another generation other definitions: the watermark alone does not tell.
    let generation = host.account.derived().number();
    let tag = format!("\"{}-{generation}-{}\"", host.started_at.ms(), *host.account.applied().borrow());
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let answer = blocking(host.clone(), ask).await?;
    Ok(([(header::ETAG, tag)], Json(answer)).into_response())
}

/// Answers that change with the clock: no tag.
async fn of_now<T: Serialize + Send + 'static>(
    host: &Shared,
    ask: impl FnOnce(&Shared) -> Result<T, Fault> + Send + 'static,
) -> Answer {
    Ok(Json(blocking(host.clone(), ask).await?).into_response())
}

pub(super) async fn blocking<T: Send + 'static>(
    host: Shared,
    ask: impl FnOnce(&Shared) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Problem> {
    let answered = tokio::task::spawn_blocking(move || ask(&host)).await;
    let lost = |error| Problem::from(Fault::host("the question was not answered").caused_by(error));
    answered.map_err(lost)?.map_err(Problem::from)
}
