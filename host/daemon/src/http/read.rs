//! Reading. Every answer carries the watermark it was true at, as its entity tag, and is kept while it is true.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use weir_model::EntityId;
use weir_stages::aggregate::Definition;

use super::Shared;
use super::answer::Written;
use super::describe::Takes;
use super::extract::{Path, Query};
use super::problem::Problem;
use crate::access::{self, Principal, Sight};
use crate::audit::Outcome;
use crate::error::Fault;
use crate::host::HostStatus;
use crate::process::RedBuild;
use crate::query::{
    self, AlignmentAnswer, AlignmentParams, DanglingAnswer, EntityAnswer, HygieneAnswer, HygieneParams,
    IntegrationStatus, ItemsAnswer, LinksAnswer, MetricAnswer, MetricParams, OutcomeAnswer, OutcomeParams,
    PeopleAnswer, PeopleParams, PluginAnswer, Question, RawAnswer, SampleBehind, SearchAnswer, SearchParams,
    SprintParams, SprintsAnswer, StatusesAnswer, SuspectsAnswer, TeamAnswer, View, WorkParams,
};

type Answer<T> = Result<Written<T>, Problem>;

/// Names and values of a search; variables are called `var.<name>`.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct SearchNames(BTreeMap<String, String>);

impl JsonSchema for SearchNames {
    fn schema_name() -> Cow<'static, str> {
        "SearchNames".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        query::search_schema()
    }
}

pub(super) async fn search(
    host: State<Shared>,
    principal: Principal,
    asked: Asked,
    Query(params): Query<SearchNames>,
) -> Answer<SearchAnswer> {
    let params = SearchParams::read(params.0)?;
    // What is relative to the present changes though nothing was processed.
    let moves = params.moves();
    let ask = move |host: &Shared, account: &View<'_>| query::search(host, account, &params);
    if moves { of_now(&host, &principal, ask).await } else { answer(&host, &principal, asked, ask).await }
}

/// Searches that the configuration keeps, and its variables.
pub(super) async fn searches(host: State<Shared>, principal: Principal) -> Json<query::SavedSearches> {
    Json(query::saved_searches(&host.config, &host.sight(&principal)))
}

/// Definitions of metrics.
#[derive(Serialize, JsonSchema)]
pub(super) struct Metrics {
    metrics: Vec<Definition>,
}

pub(super) async fn metrics(host: State<Shared>) -> Json<Metrics> {
    Json(Metrics { metrics: query::list_metrics(&host.account.context()).cloned().collect() })
}

pub(super) async fn metric(
    host: State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    asked: Asked,
    Query(params): Query<MetricParams>,
) -> Answer<MetricAnswer> {
    // How long those have waited that are not done changes with the clock.
    let moves = params.reasons;
    let ask = move |_: &Shared, account: &View<'_>| query::metric(account, &name, &params);
    if moves { of_now(&host, &principal, ask).await } else { answer(&host, &principal, asked, ask).await }
}

/// Samples behind a number.
#[derive(Serialize, JsonSchema)]
pub(super) struct Samples {
    samples: Vec<SampleBehind>,
}

pub(super) async fn samples(
    host: State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    asked: Asked,
    Query(params): Query<MetricParams>,
) -> Answer<Samples> {
    answer(&host, &principal, asked, move |_, account| {
        Ok(Samples { samples: query::samples_behind(account, &name, &params)? })
    })
    .await
}

pub(super) async fn entity(
    host: State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer<EntityAnswer> {
    let id = parse(&id)?;
    found(&host, &principal, asked, id, query::entity).await
}

/// Raw records behind an entity.
#[derive(Serialize, JsonSchema)]
pub(super) struct RawRecords {
    records: Vec<RawAnswer>,
}

/// Every reading is noted, so that none is kept.
pub(super) async fn raw(host: State<Shared>, principal: Principal, Path(id): Path<String>) -> Answer<RawRecords> {
    let id = parse(&id)?;
    access::audit(&host, &principal, "raw.read", &id.to_string(), Outcome::Done).await?;
    of_now(&host, &principal, move |_, account| Ok(RawRecords { records: query::raw(account, &id)? })).await
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkParams {
    /// Steps to follow, at most 8.
    #[serde(default = "one_step")]
    #[schemars(range(max = 8))]
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
) -> Answer<LinksAnswer> {
    let id = parse(&id)?;
    found(&host, &principal, asked, id, move |account, id| query::links(account, id, params.depth)).await
}

/// Keys of known projects that name no item.
pub(super) async fn dangling(host: State<Shared>, principal: Principal, asked: Asked) -> Answer<DanglingAnswer> {
    answer(&host, &principal, asked, move |_, account| query::dangling(account)).await
}

pub(super) async fn suspects(
    host: State<Shared>,
    principal: Principal,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer<SuspectsAnswer> {
    let id = parse(&id)?;
    found(&host, &principal, asked, id, query::suspects).await
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RedParams {
    /// Most of them, at most 100.
    #[serde(default = "some")]
    limit: usize,
}

fn some() -> usize {
    20
}

/// Red builds, the newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct RedBuilds {
    builds: Vec<RedBuild>,
}

/// The newest red builds that opened a break, with who may have broken them.
pub(super) async fn red_builds(
    host: State<Shared>,
    principal: Principal,
    asked: Asked,
    Query(params): Query<RedParams>,
) -> Answer<RedBuilds> {
    answer(&host, &principal, asked, move |_, account| {
        Ok(RedBuilds { builds: crate::process::red_builds(account, params.limit.min(100))? })
    })
    .await
}

/// What became of records, the newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct Outcomes {
    outcomes: Vec<OutcomeAnswer>,
}

/// What became of records that were ignored, refused, or taken in part.
pub(super) async fn outcomes(
    host: State<Shared>,
    principal: Principal,
    asked: Asked,
    Query(params): Query<OutcomeParams>,
) -> Answer<Outcomes> {
    answer(&host, &principal, asked, move |_, account| Ok(Outcomes { outcomes: query::outcomes(account, &params)? }))
        .await
}

/// Work items that were open, or in progress, at an instant.
pub(super) async fn work_items(
    host: State<Shared>,
    principal: Principal,
    Query(params): Query<WorkParams>,
) -> Answer<ItemsAnswer> {
    of_now(&host, &principal, move |_, account| query::items(account, &params)).await
}

/// Time in status of the items done in a window.
pub(super) async fn work_statuses(
    host: State<Shared>,
    principal: Principal,
    asked: Asked,
    Query(params): Query<WorkParams>,
) -> Answer<StatusesAnswer> {
    answer(&host, &principal, asked, move |_, account| query::statuses(account, &params)).await
}

pub(super) async fn sprints(
    host: State<Shared>,
    principal: Principal,
    Query(params): Query<SprintParams>,
) -> Answer<SprintsAnswer> {
    of_now(&host, &principal, move |_, account| query::sprints(account, &params)).await
}

pub(super) async fn hygiene(
    host: State<Shared>,
    principal: Principal,
    Query(params): Query<HygieneParams>,
) -> Answer<HygieneAnswer> {
    of_now(&host, &principal, move |host, account| query::hygiene(account, &host.config.hygiene, &params)).await
}

pub(super) async fn alignment(
    host: State<Shared>,
    principal: Principal,
    asked: Asked,
    Query(params): Query<AlignmentParams>,
) -> Answer<AlignmentAnswer> {
    answer(&host, &principal, asked, move |host, account| query::alignment(account, &host.config.alignment, &params))
        .await
}

pub(super) async fn people(
    host: State<Shared>,
    principal: Principal,
    Query(params): Query<PeopleParams>,
) -> Answer<PeopleAnswer> {
    of_now(&host, &principal, move |_, account| query::people(account, &params)).await
}

/// Teams of the configuration.
#[derive(Serialize, JsonSchema)]
pub(super) struct Teams {
    teams: Vec<TeamAnswer>,
}

pub(super) async fn teams(host: State<Shared>, principal: Principal) -> Answer<Teams> {
    of_now(&host, &principal, |_, account| Ok(Teams { teams: query::teams(account) })).await
}

pub(super) async fn status(State(host): State<Shared>) -> Result<Json<HostStatus>, Problem> {
    blocking(host, |host| host.status()).await.map(Json)
}

/// Health of every integration.
#[derive(Serialize, JsonSchema)]
pub(super) struct Integrations {
    integrations: Vec<IntegrationStatus>,
}

pub(super) async fn integrations(State(host): State<Shared>) -> Result<Json<Integrations>, Problem> {
    let status = blocking(host, |host| host.status()).await?;
    Ok(Json(Integrations { integrations: status.health.integrations }))
}

/// Plugins that are there.
#[derive(Serialize, JsonSchema)]
pub(super) struct Plugins {
    plugins: Vec<PluginAnswer>,
}

pub(super) async fn plugins(State(host): State<Shared>) -> Result<Json<Plugins>, Problem> {
    let plugins = blocking(host, |host| Ok(query::plugins(host.plugins.files()))).await?;
    Ok(Json(Plugins { plugins }))
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

impl Takes for Asked {}

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
) -> Answer<T> {
    let missing = Problem::not_found(format!("there is no `{id}`"));
    kept(host, principal, asked, move |_, account| ask(account, &id)?.ok_or(missing)).await
}

async fn answer<T: Serialize>(
    host: &Shared,
    principal: &Principal,
    asked: Asked,
    ask: impl FnOnce(&Shared, &View<'_>) -> Result<T, Fault> + Send + 'static,
) -> Answer<T> {
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
) -> Answer<T> {
    let (sight, state) = (host.sight(principal), state(host));
    let persons = if sight.pseudonyms().is_some() { "-p" } else { "" };
    let tag = (!sight.is_limited()).then(|| format!("\"{state}{persons}\""));
    let is_known = |tag: &String| known.as_ref().is_some_and(|known| known.as_bytes() == tag.as_bytes());
    if let Some(tag) = tag.clone().filter(is_known) {
        return Ok(Written::new((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)])));
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
        Some(tag) => Written::new(([(header::ETAG, tag)], answer)),
        None => Written::new(answer),
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
) -> Answer<T> {
    let sight = host.sight(principal);
    let shown = sight.clone();
    let answer = blocking(host.clone(), move |host| ask(host, &View::of(&host.account, sight))).await?;
    told(&shown, answer)
}

/// The one way out: persons are called as whoever asks may call them.
pub(super) fn told<T: Serialize>(sight: &Sight, answer: T) -> Answer<T> {
    Ok(Written::new(json_of(written(sight, answer)?)))
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
