//! Custom data: schemas and rows. 202 means durable, whatever the schema says of a row.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use weir_store::Commit;

use super::Shared;
use super::answer::Accepted;
use super::extract::{Forms, Path, Query, Said, Sent};
use super::problem::Problem;
use super::unpack::decompressed;
use super::write::PushParams;
use crate::error::Fault;
use crate::ingest::data::{self, DataKind, Declared, Taken};
use crate::{clock, intake};

/// Kinds that are declared.
#[derive(Serialize, JsonSchema)]
pub(super) struct Kinds {
    kinds: Vec<Declared>,
}

pub(super) async fn kinds(host: State<Shared>) -> Result<Json<Kinds>, Problem> {
    Ok(Json(Kinds { kinds: data::kinds(&host.account.log)? }))
}

/// The schema of a kind.
pub(super) async fn schema(host: State<Shared>, Path(kind): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(known(&host, &kind)?.text))
}

/// Declares a kind, or gives it another schema: rows that come from now on are judged by it.
pub(super) async fn declare(
    host: State<Shared>,
    Path(kind): Path<String>,
    Said(schema): Said<Value>,
) -> Result<Json<Declared>, Problem> {
    let (declared, puts) = data::declare(&host.account.log, &kind, &schema)?;
    if !puts.is_empty() {
        let commit = Commit { records: Vec::new(), received_at: clock::now(), puts };
        intake::append(&host.account, commit).await?;
    }
    Ok(Json(declared))
}

/// Rows as they are sent.
pub(super) struct DataRows;

impl Forms for DataRows {
    fn content() -> Vec<(&'static str, Value)> {
        let (row, text) = (json!({ "type": "object" }), json!({ "type": "string" }));
        let rows = json!({ "anyOf": [row, { "type": "array", "items": row }] });
        vec![("application/json", rows), ("application/x-ndjson", text.clone()), ("text/csv", text)]
    }
}

/// Takes rows.
pub(super) async fn take(
    host: State<Shared>,
    Path(kind): Path<String>,
    params: Query<PushParams>,
    headers: HeaderMap,
    body: Sent<DataRows>,
) -> Result<Accepted<Taken>, Problem> {
    let body: Bytes = decompressed(&host, &headers, body.0)?;
    let kind = known(&host, &kind)?;
    let id = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).filter(|id| id.len() <= 256);
    let taken = data::take(&host.account, &params.0.integration(&host), &kind, &body, id).await?;
    if taken.accepted == 0 && !taken.duplicate {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "the body holds no row")
            .hint("send a list, one object per line, or CSV with a header"));
    }
    Ok(Accepted(taken))
}

fn known(host: &Shared, kind: &str) -> Result<DataKind, Problem> {
    let missing = || {
        Problem::not_found(format!("no data of the kind `{kind}` is declared"))
            .hint("declare it with `PUT /v1/data/{kind}/schema` or `[[data]]`")
    };
    data::declared(&host.account.log, kind).map_err(|fault: Fault| Problem::from(fault))?.ok_or_else(missing)
}
