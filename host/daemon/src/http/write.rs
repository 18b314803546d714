//! Pushes of collectors. 202 means durable.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, post};
use serde::Deserialize;
use serde_json::{Map, Value};
use weir_model::IntegrationName;
use weir_stages::normalise::{self, Format};

use super::Shared;
use super::extract::{Body, Path, Query};
use super::problem::Problem;
use super::unpack::decompressed;
use crate::access::{self, Principal};
use crate::audit::Outcome;
use crate::collect::{Depth, RunRecord};
use crate::ingest::{Pushed, keep, push, test_report};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PushParams {
    integration: Option<IntegrationName>,
}

impl PushParams {
    /// Whom the records belong to.
    pub(super) fn integration(&self, host: &Shared) -> IntegrationName {
        self.integration.clone().unwrap_or_else(|| host.push_integration())
    }
}

/// What is told of a push.
pub(super) type Answer = Result<(StatusCode, Json<Pushed>), Problem>;

/// Takes pushes of one format.
pub(super) fn taking(format: Format) -> MethodRouter<Shared> {
    post(move |host: State<Shared>, params: Query<PushParams>, headers: HeaderMap, body: Body| async move {
        take(&host, format, params.0, &headers, body.0).await
    })
}

/// What is said about a report in XML beside it; in JSON it stands within.
const ABOUT_TESTS: [&str; 9] =
    ["id", "name", "instance_name", "job_full_name", "build_number", "execution_id", "attempt", "stage", "commit"];

/// Takes test reports: in JSON, or in XML as a test runner wrote it.
pub(super) async fn test_reports(
    host: State<Shared>,
    params: Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let mut about: Map<String, Value> =
        params.0.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
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
    Ok((StatusCode::ACCEPTED, Json(Pushed { accepted: 1, ..Pushed::default() })))
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
        _ => Ok((StatusCode::ACCEPTED, Json(pushed))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CollectParams {
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
