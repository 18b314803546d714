//! Rows of a table: `{"data": [{"column": value}, ..]}`. Every row is a raw record of its own, and is judged by itself.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use weir_model::raw::fingerprint;
use weir_model::{DatasetName, RawRecord};
use weir_stages::normalise::data::Breach;
use weir_stages::normalise::{self, Format};

use super::sender::Claim;
use crate::host::Host;
use crate::http::problem::Problem;
use crate::ingest::data::{self, DataKind};
use crate::normaliser::custom_data;

/// Most rows of one body.
const ROWS_MAX: usize = 50_000;
/// Most rows whose mistakes are told.
const ERRORS_MAX: usize = 1_000;
/// Longest name of a table, in bytes.
const TABLE_BYTES_MAX: usize = 128;

#[derive(Deserialize)]
struct Rows<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

/// What became of a body.
#[derive(Serialize)]
struct Ingestion {
    job_id: Uuid,
    state: &'static str,
    valid: usize,
    total: usize,
    errors: Vec<RowError>,
}

/// What is wrong with a row, counted from 0.
#[derive(Serialize)]
struct RowError {
    /// Its place in the body.
    row: usize,
    column: Option<String>,
    code: &'static str,
    message: String,
}

/// Takes the rows of a body.
pub(super) async fn take(host: &Host, claim: Claim, table: &str, body: &[u8]) -> Result<Response, Problem> {
    let sender = claim.named([Some(table.to_owned())]).sender(host)?;
    if table.len() > TABLE_BYTES_MAX {
        let detail = format!("the name of a table has at most {TABLE_BYTES_MAX} bytes");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail).hint("shorten it"));
    }
    let rows: Rows<'_> = match serde_json::from_slice(body) {
        Ok(rows) => rows,
        Err(error) => {
            sender.keep_refused(host, body).await?;
            return Err(Problem::new(StatusCode::BAD_REQUEST, format!("the body holds no rows: {error}"))
                .hint("send {\"data\": [{\"column\": value}]}"));
        }
    };
    if rows.data.len() > ROWS_MAX {
        let detail = format!("a body holds at most {ROWS_MAX} rows");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).hint("send them in parts"));
    }
    let kind = data::declared(&host.account.log, table)?;
    let rows = rows.data.iter().map(|row| row.get()).enumerate();
    let (dataset, judged): (_, Vec<_>) = if let Some(kind) = &kind {
        (custom_data(), rows.map(|(row, bytes)| checked(kind, row, bytes)).collect())
    } else {
        (sender.dataset(Format::TableRows), rows.map(|(row, bytes)| unchecked(table, row, bytes)).collect())
    };
    let valid = judged.iter().filter(|(_, errors)| errors.is_empty()).count();
    let total = judged.len();
    let (mut errors, mut records) = (Vec::new(), Vec::<(DatasetName, RawRecord)>::with_capacity(total));
    for (record, found) in judged {
        records.push((dataset.clone(), record));
        errors.extend(found);
    }
    errors.truncate(ERRORS_MAX);
    sender.keep(host, records, Vec::new()).await?;
    let state = if errors.is_empty() { "COMPLETED" } else { "COMPLETED_WITH_ERRORS" };
    Ok(Json(Ingestion { job_id: Uuid::now_v7(), state, valid, total, errors }).into_response())
}

/// The raw record of a row of a table with a schema, and what is wrong with it.
fn checked(kind: &DataKind, row: usize, bytes: &str) -> (RawRecord, Vec<RowError>) {
    let (record, breaches) = kind.record(bytes.as_bytes(), false);
    let error = |breach: Breach| RowError {
        row,
        column: Some(breach.path).filter(|path| !path.is_empty()),
        code: breach.code,
        message: breach.message,
    };
    (record, breaches.into_iter().map(error).collect())
}

/// The raw record of a row of any other table, which is an object and no more.
fn unchecked(table: &str, row: usize, bytes: &str) -> (RawRecord, Vec<RowError>) {
    let (record, is_row) = record(table, bytes);
    (record, if is_row { Vec::new() } else { vec![no_object(row)] })
}

/// The raw record of a row, and whether it is a row.
fn record(table: &str, row: &str) -> (RawRecord, bool) {
    let context = Some(json!({ "table": table }).to_string());
    let object = serde_json::from_str::<Map<String, Value>>(row).ok();
    let key = object.as_ref().and_then(|object| normalise::record_key(Format::TableRows, object));
    let is_row = object.is_some();
    let key = key.map_or_else(|| fingerprint(row.as_bytes()), |known| known.key);
    let key = format!("{table}/{key}");
    // A key beyond its length is one made from the bytes.
    let key = if key.len() <= weir_model::id::KEY_BYTES_MAX { key } else { fingerprint(key.as_bytes()) };
    (RawRecord { context, ..RawRecord::upsert(key, None, row) }, is_row)
}

fn no_object(row: usize) -> RowError {
    RowError { row, column: None, code: "WRONG_TYPE", message: "a row is an object of columns".to_owned() }
}
