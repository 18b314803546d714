//! Pushes of collectors. 202 means durable.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use weir_model::IntegrationName;
use weir_stages::normalise::{self, Format};

use super::Shared;
use super::answer::Accepted;
use super::describe::texts;
use super::extract::{Forms, Path, Query, Sent};
use super::problem::Problem;
use super::unpack::decompressed;
use crate::access::{self, Principal};
use crate::audit::Outcome;
use crate::collect::{Depth, RunRecord};
use crate::ingest::{Pushed, keep, push, test_report};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PushParams {
    /// Whom the records belong to; `push` when left out.
    integration: Option<IntegrationName>,
}

impl PushParams {
    /// Whom the records belong to.
    pub(super) fn integration(&self, host: &Shared) -> IntegrationName {
        self.integration.clone().unwrap_or_else(|| host.push_integration())
    }
}

/// What is told of a push.
pub(super) type Answer = Result<Accepted<Pushed>, Problem>;

/// Records of one format, as they are pushed. Their fields may be called as tools call them: none is demanded here.
pub(super) trait Pushable: Send {
    const FORMAT: Format;
    /// One of them.
    fn example() -> Value;
}

pub(super) struct Builds;
pub(super) struct Commits;
pub(super) struct Deployments;
pub(super) struct TestReports;

/// Several of a kind.
pub(super) struct Records<P>(PhantomData<P>);

impl Pushable for Builds {
    const FORMAT: Format = Format::Builds;

    fn example() -> Value {
        json!({
            "pipeline": "api", "build_number": 7, "attempt": 1, "result": "SUCCESS", "branch": "main",
            "commit": "5c4f9c41d3e5a1f3a8b1c1b3a5f7d9e0b2c4d6e8", "start_time": "2026-01-31T12:00:00Z",
            "duration": 61_000,
        })
    }
}

impl Pushable for Commits {
    const FORMAT: Format = Format::Commits;

    fn example() -> Value {
        json!({
            "sha": "5c4f9c41d3e5a1f3a8b1c1b3a5f7d9e0b2c4d6e8", "repository": "https://git.example.org/api.git",
            "message": "API-12: count once", "author": "ada@example.org", "authored_at": "2026-01-31T11:00:00Z",
        })
    }
}

impl Pushable for Deployments {
    const FORMAT: Format = Format::Deployments;

    fn example() -> Value {
        json!({
            "id": "api-7", "service": "api", "environment": "production", "result": "SUCCESS",
            "commit": "5c4f9c41d3e5a1f3a8b1c1b3a5f7d9e0b2c4d6e8", "started_at": "2026-01-31T12:10:00Z",
            "finished_at": "2026-01-31T12:12:00Z",
        })
    }
}

impl Pushable for TestReports {
    const FORMAT: Format = Format::TestReports;

    fn example() -> Value {
        json!({
            "id": "api-7-unit", "name": "unit", "total": 3, "failed": 1,
            "cases": [{ "suite": "counts", "name": "counts once", "result": "FAILED", "duration": 12 }],
        })
    }
}

impl<P: Pushable> Forms for Records<P> {
    fn content() -> Vec<(&'static str, Value)> {
        let one = json!({ "type": "object", "examples": [P::example()] });
        let some = json!({ "anyOf": [one, { "type": "array", "items": one }] });
        vec![("application/json", some), ("application/x-ndjson", json!({ "type": "string" }))]
    }
}

/// Takes records of one format.
pub(super) async fn records<P: Pushable>(
    host: State<Shared>,
    Query(params): Query<PushParams>,
    headers: HeaderMap,
    body: Sent<Records<P>>,
) -> Answer {
    take(&host, P::FORMAT, params, &headers, body.0).await
}

/// What is said about a report in XML beside it; in JSON it stands within.
const ABOUT_TESTS: [&str; 9] =
    ["id", "name", "instance_name", "job_full_name", "build_number", "execution_id", "attempt", "stage", "commit"];

/// Parameters of a report.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct ReportParams(BTreeMap<String, String>);

impl JsonSchema for ReportParams {
    fn schema_name() -> Cow<'static, str> {
        "ReportParams".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        texts(ABOUT_TESTS.into_iter().chain(["integration"]))
    }
}

/// A test report, in JSON or in XML.
pub(super) struct Report;

impl Forms for Report {
    fn content() -> Vec<(&'static str, Value)> {
        let xml = ("application/xml", json!({ "type": "string" }));
        Records::<TestReports>::content().into_iter().chain([xml]).collect()
    }
}

/// Takes test reports: in JSON, or in XML as a test runner wrote it.
pub(super) async fn test_reports(
    host: State<Shared>,
    Query(ReportParams(params)): Query<ReportParams>,
    headers: HeaderMap,
    body: Sent<Report>,
) -> Answer {
    let mut about: Map<String, Value> = params.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    let params = PushParams { integration: about.remove("integration").map(named).transpose()? };
    if let Some(odd) = about.keys().find(|name| !ABOUT_TESTS.contains(&name.as_str())) {
        return Err(Problem::new(StatusCode::BAD_REQUEST, format!("unknown parameter `{odd}`"))
            .hint(format!("parameters are integration, {}", ABOUT_TESTS.join(", "))));
    }
    let body = decompressed(&host, &headers, body.0)?;
    if !normalise::is_xml(&body) {
        return take_plain(&host, Format::TestReports, params, &headers, body).await;
    }
    keep(&host.account, &params.integration(&host), Format::TestReports, test_report(&about, body)).await?;
    Ok(Accepted(Pushed { accepted: 1, ..Pushed::default() }))
}

fn named(name: Value) -> Result<IntegrationName, Problem> {
    serde_json::from_value(name).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, error.to_string()).hint("`integration` names one of the configuration")
    })
}

pub(super) async fn take(
    host: &Shared,
    format: Format,
    params: PushParams,
    headers: &HeaderMap,
    body: Bytes,
) -> Answer {
    let body = decompressed(host, headers, body)?;
    take_plain(host, format, params, headers, body).await
}

async fn take_plain(host: &Shared, format: Format, params: PushParams, headers: &HeaderMap, body: Bytes) -> Answer {
    let integration = params.integration(host);
    let id = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).filter(|id| id.len() <= 256);
    let pushed = push(&host.account, &integration, format, &body, id).await?;
    if pushed.accepted == 0 && !pushed.duplicate {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "the body holds no record")
            .hint("send one JSON object, a list, or one per line"));
    }
    let all_bad = u64::try_from(pushed.problems.len()).is_ok_and(|bad| bad == pushed.accepted && bad > 0);
    match pushed.problems.first() {
        Some(first) if all_bad => {
            let place = first.place.as_deref().unwrap_or("the body");
            let detail = format!("{place}: {} {}", first.code, first.found.as_deref().unwrap_or_default());
            Err(Problem::new(StatusCode::BAD_REQUEST, detail).hint("the bytes are kept for you to look at"))
        }
        _ => Ok(Accepted(pushed)),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CollectParams {
    /// Everything, and not only what is new.
    #[serde(default)]
    full: bool,
}

pub(super) async fn collect(
    host: State<Shared>,
    principal: Principal,
    Path(name): Path<IntegrationName>,
    params: Query<CollectParams>,
) -> Result<Json<RunRecord>, Problem> {
    let depth = if params.0.full { Depth::Full } else { Depth::Incremental };
    access::audit(&host, &principal, "integration.collect", name.as_str(), Outcome::Done).await?;
    Ok(Json(host.collect_now(&name, depth, &|_| {}).await?))
}
