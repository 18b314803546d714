//! Reading. Every answer carries the watermark it was true at, as its entity tag, and is kept while it is true.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
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
    self, AlignmentParams, HygieneParams, MetricParams, OutcomeParams, PeopleParams, Question, SearchParams,
    SprintParams, View, WorkParams,
};

type Answer = Result<Response, Problem>;

pub(super) async fn search(
    host: State<Shared>,
    principal: Principal,
    asked: Asked,
    Query(params): Query<BTreeMap<String, String>>,
) -> Answer {
    let params = SearchParams::read(params)?;
    // What is relative to the present changes though nothing was processed.
    let moves = params.moves();
    let ask = move |host: &Shared, account: &View<'_>| query::search(host, account, &params);
    if moves { of_now(&host, &principal, ask).await } else { answer(&host, &principal, asked, ask).await }
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
    asked: Asked,
    Query(params): Query<MetricParams>,
) -> Answer {
    // How long those have waited that are not done changes with the clock.
    let moves = params.reasons;
    let ask = move |_: &Shared, account: &View<'_>| query::metric(account, &name, &params);
    if moves { of_now(&host, &principal, ask).await } else { answer(&host, &principal, asked, ask).await }
}

pub(super) async fn samples(
    host: State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    asked: Asked,
    Query(params): Query<MetricParams>,
) -> Answer {
    answer(&host, &principal, asked, move |_, account| {
        Ok(json!({ "samples": query::samples_behind(account, &name, &params)? }))
    })
    .await
}

pub(super) async fn entity(host: State<Shared>, principal: Principal, Path(id): Path<String>, asked: Asked) -> Answer {
    let id = parse(&id)?;
    found(&host, &principal, asked, id, query::entity).await
}

/// Every reading is noted, so that none is kept.
pub(super) async fn raw(host: State<Shared>, principal: Principal, Path(id): Path<String>) -> Answer {
    let id = parse(&id)?;
    access::audit(&host, &principal, "raw.read", &id.to_string(), Outcome::Done).await?;
    of_now(&host, &principal, move |_, account| Ok(json!({ "records": query::raw(account, &id)? }))).await
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
    asked: Asked,
    Query(params): Query<LinkParams>,
) -> Answer {
    let id = parse(&id)?;
    found(&host, &principal, asked, id, move |account, id| query::links(account, id, params.depth)).await
}

/// Keys of known projects that name no item.
pub(super) async fn dangling(host: State<Shared>, principal: Principal, asked: Asked) -> Answer {
    answer(&host, &principal, asked, move |_, account| query::dangling(account)).await
}

pub(super) async fn suspects(
    host: State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer {
    let id = parse(&id)?;
    found(&host, &principal, asked, id, query::suspects).await
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
    asked: Asked,
    Query(params): Query<RedParams>,
) -> Answer {
    answer(&host, &principal, asked, move |_, account| {
        Ok(json!({ "builds": crate::process::red_builds(account, params.limit.min(100))? }))
    })
    .await
}

/// What became of records that were ignored, refused, or taken in part.
pub(super) async fn outcomes(
    host: State<Shared>,
    principal: Principal,
    asked: Asked,
    Query(params): Query<OutcomeParams>,
) -> Answer {
    answer(&host, &principal, asked, move |_, account| Ok(json!({ "outcomes": query::outcomes(account, &params)? })))
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
    asked: Asked,
    Query(params): Query<WorkParams>,
) -> Answer {
    answer(&host, &principal, asked, move |_, account| query::statuses(account, &params)).await
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
    asked: Asked,
    Query(params): Query<AlignmentParams>,
) -> Answer {
    answer(&host, &principal, asked, move |host, account| query::alignment(account, &host.config.alignment, &params))
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

pub(super) fn parse(id: &str) -> Result<EntityId, Problem> {
    id.parse().map_err(|error: weir_model::id::EntityIdError| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))
}

/// What was asked, to the letter, and the tag of the answer that whoever asks has already.
pub(super) struct Asked {
    place: String,
    known: Option<HeaderValue>,
}

impl FromRequestParts<Shared> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Infallible> {
        let place = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        Ok(Self { place, known: parts.headers.get(header::IF_NONE_MATCH).cloned() })
    }
}

async fn found<T: Serialize>(
    host: &Shared,
    principal: &Principal,
    asked: Asked,
    id: EntityId,
    ask: impl FnOnce(&View<'_>, &EntityId) -> Result<Option<T>, Fault> + Send + 'static,
) -> Answer {
    let missing = Problem::not_found(format!("there is no `{id}`"));
    kept(host, principal, asked, move |_, account| ask(account, &id)?.ok_or(missing)).await
}

async fn answer<T: Serialize>(
    host: &Shared,
    principal: &Principal,
    asked: Asked,
    ask: impl FnOnce(&Shared, &View<'_>) -> Result<T, Fault> + Send + 'static,
) -> Answer {
    kept(host, principal, asked, move |host, account| Ok(ask(host, account)?)).await
}

/// Answers from a snapshot, off the threads that serve connections; 304 when nothing has been processed since, and what
/// was answered before when it is kept. Those who are limited get no tag: it would tell that something was processed
/// which they may not see.
async fn kept<T: Serialize>(
    host: &Shared,
    principal: &Principal,
    Asked { place, known }: Asked,
    ask: impl FnOnce(&Shared, &View<'_>) -> Result<T, Problem> + Send + 'static,
) -> Answer {
    let (sight, state) = (host.sight(principal), state(host));
    let persons = if sight.pseudonyms().is_some() { "-p" } else { "" };
    let tag = (!sight.is_limited()).then(|| format!("\"{state}{persons}\""));
    let is_known = |tag: &String| known.as_ref().is_some_and(|known| known.as_bytes() == tag.as_bytes());
    if let Some(tag) = tag.clone().filter(is_known) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let question = Question { asked: place, sight: sight.key(), state };
    let body = if let Some(body) = host.answers.known(&question) {
        body
    } else {
        let compute = move |host: &Shared| {
            let answer = || -> Result<Bytes, Problem> {
                let answer = ask(host, &View::of(&host.account, sight.clone()))?;
                Ok(written(&sight, answer)?)
            };
            Ok(host.answers.answer(question, answer))
        };
        blocking(host.clone(), compute).await??
    };
    let answer = json_of(body);
    Ok(match tag {
        Some(tag) => ([(header::ETAG, tag)], answer).into_response(),
        None => answer,
    })
}

/// What answers are a function of, besides the question and who asks. Another start may mean other settings, another
/// generation other definitions: the watermark alone does not tell. It is that of the index, which is the last to know.
fn state(host: &Shared) -> String {
    let derived = host.account.derived();
    format!("{}-{}-{}", host.started_at.ms(), derived.number(), derived.index.watermark())
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
    Ok(json_of(written(sight, answer)?))
}

fn written<T: Serialize>(sight: &Sight, answer: T) -> Result<Bytes, Fault> {
    let bytes = match sight.pseudonyms() {
        None => serde_json::to_vec(&answer),
        Some(pseudonyms) => serde_json::to_value(answer).and_then(|mut answer| {
            pseudonyms.hide(&mut answer);
            serde_json::to_vec(&answer)
        }),
    };
    bytes.map(Bytes::from).map_err(|error| Fault::host("an answer is no JSON").caused_by(error))
}

fn json_of(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

pub(super) async fn blocking<T: Send + 'static>(
    host: Shared,
    ask: impl FnOnce(&Shared) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Problem> {
    let answered = tokio::task::spawn_blocking(move || ask(&host)).await;
    let lost = |error| Problem::from(Fault::host("the question was not answered").caused_by(error));
    answered.map_err(lost)?.map_err(Problem::from)
}
