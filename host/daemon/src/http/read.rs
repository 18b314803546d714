//! Reading. Every answer carries the watermark it was true at, as its entity tag.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use weir_model::EntityId;
use weir_sandbox::Inspection;

use super::Shared;
use super::extract::{Path, Query};
use super::problem::Problem;
use crate::access::{self, Principal, Sight};
use crate::audit::Outcome;
use crate::error::Fault;
use crate::query::{
    self, AlignmentParams, HygieneParams, MetricParams, OutcomeParams, PeopleParams, SearchParams, SprintParams, View,
    WorkParams,
};

type Answer = Result<Response, Problem>;

pub(super) async fn search(
    host: State<Shared>,
    principal: Principal,
    headers: HeaderMap,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Answer {
    let params = SearchParams::read(asked)?;
    // What is relative to the present changes though nothing was processed.
    let headers = if params.moves() { HeaderMap::new() } else { headers };
    answer(&host, &principal, &headers, move |host, account| query::search(host, account, &params)).await
}

/// Searches that the configuration keeps, and its variables.
pub(super) async fn searches(host: State<Shared>, principal: Principal) -> Json<query::SavedSearches> {
    Json(query::saved_searches(&host.config, &host.sight(&principal)))
}

pub(super) async fn metrics(host: State<Shared>) -> Json<serde_json::Value> {
    Json(json!({ "metrics": query::list_metrics(&host.account.context()).collect::<Vec<_>>() }))
}

pub(super) async fn metric(
    host: State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(params): Query<MetricParams>,
) -> Answer {
    answer(&host, &principal, &headers, move |_, account| query::metric(account, &name, &params)).await
}

pub(super) async fn samples(
    host: State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(params): Query<MetricParams>,
) -> Answer {
    answer(&host, &principal, &headers, move |_, account| {
        Ok(json!({ "samples": query::samples_behind(account, &name, &params)? }))
    })
    .await
}

pub(super) async fn entity(
    host: State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let id = parse(&id)?;
    found(&host, &principal, &headers, id, query::entity).await
}

pub(super) async fn raw(
    host: State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let id = parse(&id)?;
    access::audit(&host, &principal.name(), "raw.read", &id.to_string(), Outcome::Done).await?;
    answer(&host, &principal, &headers, move |_, account| Ok(json!({ "records": query::raw(account, &id)? }))).await
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
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(params): Query<LinkParams>,
) -> Answer {
    let id = parse(&id)?;
    let missing = Problem::not_found(format!("there is no `{id}`"));
    let sight = host.sight(&principal);
    let ask = move |host: &Shared| query::links(&View::of(&host.account, sight), &id, params.depth);
    let found = blocking(host.0.clone(), ask).await?.ok_or(missing)?;
    answer(&host, &principal, &headers, move |_, _| Ok(found)).await
}

/// Keys of known projects that name no item.
pub(super) async fn dangling(host: State<Shared>, principal: Principal, headers: HeaderMap) -> Answer {
    answer(&host, &principal, &headers, move |_, account| query::dangling(account)).await
}

pub(super) async fn suspects(
    host: State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let id = parse(&id)?;
    found(&host, &principal, &headers, id, query::suspects).await
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
pub(super) async fn red_builds(
    host: State<Shared>,
    principal: Principal,
    headers: HeaderMap,
    Query(params): Query<RedParams>,
) -> Answer {
    answer(&host, &principal, &headers, move |_, account| {
        Ok(json!({ "builds": crate::process::red_builds(account, params.limit.min(100))? }))
    })
    .await
}

/// What became of records that were ignored, refused, or taken in part.
pub(super) async fn outcomes(
    host: State<Shared>,
    principal: Principal,
    headers: HeaderMap,
    Query(params): Query<OutcomeParams>,
) -> Answer {
    answer(&host, &principal, &headers, move |_, account| Ok(json!({ "outcomes": query::outcomes(account, &params)? })))
        .await
}

/// Work items that were open, or in progress, at an instant.
pub(super) async fn work_items(host: State<Shared>, principal: Principal, Query(params): Query<WorkParams>) -> Answer {
    of_now(&host, &principal, move |_, account| query::items(account, &params)).await
}

/// Time in status of the items done in a window.
pub(super) async fn work_statuses(
    host: State<Shared>,
    principal: Principal,
    headers: HeaderMap,
    Query(params): Query<WorkParams>,
) -> Answer {
    answer(&host, &principal, &headers, move |_, account| query::statuses(account, &params)).await
}

pub(super) async fn sprints(host: State<Shared>, principal: Principal, Query(params): Query<SprintParams>) -> Answer {
    of_now(&host, &principal, move |_, account| query::sprints(account, &params)).await
}

pub(super) async fn hygiene(host: State<Shared>, principal: Principal, Query(params): Query<HygieneParams>) -> Answer {
    of_now(&host, &principal, move |host, account| query::hygiene(account, &host.config.hygiene, &params)).await
}

pub(super) async fn alignment(
    host: State<Shared>,
    principal: Principal,
    headers: HeaderMap,
    Query(params): Query<AlignmentParams>,
) -> Answer {
    answer(&host, &principal, &headers, move |host, account| query::alignment(account, &host.config.alignment, &params))
        .await
}

pub(super) async fn people(host: State<Shared>, principal: Principal, Query(params): Query<PeopleParams>) -> Answer {
    of_now(&host, &principal, move |_, account| query::people(account, &params)).await
}

pub(super) async fn teams(host: State<Shared>, principal: Principal) -> Answer {
    of_now(&host, &principal, |_, account| Ok(json!({ "teams": query::teams(account) }))).await
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
    principal: &Principal,
    headers: &HeaderMap,
    id: EntityId,
    ask: fn(&View<'_>, &EntityId) -> Result<Option<T>, Fault>,
) -> Answer {
    let missing = Problem::not_found(format!("there is no `{id}`"));
    let sight = host.sight(principal);
    let asked = blocking(host.clone(), move |host| ask(&View::of(&host.account, sight), &id)).await?;
    let found = asked.ok_or(missing)?;
    answer(host, principal, headers, move |_, _| Ok(found)).await
}

/// Answers from a snapshot, off the threads that serve connections; 304 when nothing has been processed since. Those who
/// are limited get no tag: it would tell that something was processed which they may not see.
async fn answer<T: Serialize + Send + 'static>(
    host: &Shared,
    principal: &Principal,
    headers: &HeaderMap,
    ask: impl FnOnce(&Shared, &View<'_>) -> Result<T, Fault> + Send + 'static,
) -> Answer {
    let sight = host.sight(principal);
    if sight.is_limited() {
        return of_now(host, principal, ask).await;
    }
    // Another start may mean other settings, another generation other definitions: the watermark alone does not tell.
    let generation = host.account.derived().number();
    let persons = if sight.pseudonyms().is_some() { "-p" } else { "" };
    let tag = format!("\"{}-{generation}-{}{persons}\"", host.started_at.ms(), *host.account.applied().borrow());
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let answer = of_now(host, principal, ask).await?;
    Ok(([(header::ETAG, tag)], answer).into_response())
}

/// Answers what a principal may see, without a tag, as for what changes with the clock.
async fn of_now<T: Serialize + Send + 'static>(
    host: &Shared,
    principal: &Principal,
    ask: impl FnOnce(&Shared, &View<'_>) -> Result<T, Fault> + Send + 'static,
) -> Answer {
    let sight = host.sight(principal);
    let shown = sight.clone();
    let answer = blocking(host.clone(), move |host| ask(host, &View::of(&host.account, sight))).await?;
    told(&shown, answer)
}

/// The one way out: persons are called as whoever asks may call them.
pub(super) fn told<T: Serialize>(sight: &Sight, answer: T) -> Answer {
    let Some(pseudonyms) = sight.pseudonyms() else { return Ok(Json(answer).into_response()) };
    let unwritten = |error| Fault::host("an answer is no JSON").caused_by(error);
    let mut answer = serde_json::to_value(answer).map_err(unwritten)?;
    pseudonyms.hide(&mut answer);
    Ok(Json(answer).into_response())
}

pub(super) async fn blocking<T: Send + 'static>(
    host: Shared,
    ask: impl FnOnce(&Shared) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Problem> {
    let answered = tokio::task::spawn_blocking(move || ask(&host)).await;
    let lost = |error| Problem::from(Fault::host("the question was not answered").caused_by(error));
    answered.map_err(lost)?.map_err(Problem::from)
}
