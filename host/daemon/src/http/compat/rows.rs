//! Bodies of one or more objects of a native format, whose senders must state certain fields: all of a body is taken, or
//! nothing of it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use weir_model::RawRecord;
use weir_stages::normalise::{self, Envelope, Format, Row};

use super::envelope;
use super::sender::Claim;
use crate::host::Host;
use crate::http::problem::Problem;
use crate::ingest::Pushed;

/// Names of what tells a sender apart.
const WORDS: [&str; 5] =
    ["integration_id", "instance_guid", "jenkins_instance_guid", "instance_name", "jenkins_instance_name"];

/// Takes a run of a CI system of any make; older scripts send an envelope to the same place.
pub(super) async fn build(host: &Host, claim: Claim, body: &[u8]) -> Result<Response, Problem> {
    let object = serde_json::from_slice::<Map<String, Value>>(body);
    match object.as_ref().ok().and_then(Envelope::open) {
        Some(_) => envelope::take(host, claim, body).await,
        None => take(host, claim, Format::Builds, body).await,
    }
}

/// Takes what a body holds.
pub(super) async fn take(host: &Host, claim: Claim, format: Format, body: &[u8]) -> Result<Response, Problem> {
    let rows: Result<Vec<Row<'_>>, _> = normalise::rows(body).collect();
    let first = rows.as_ref().ok().and_then(|rows| rows.first());
    let claim = claim.named(WORDS.iter().map(|name| word(&first?.object, name)));
    let sender = claim.sender(host)?;
    let rows = match rows {
        Ok(rows) if rows.is_empty() => return Err(bad("the body holds no object").hint("send one JSON object")),
        Ok(rows) => rows,
        Err(diagnostic) => {
            sender.keep_refused(host, body).await?;
            let place = diagnostic.place.as_deref().unwrap_or("the body");
            let found = diagnostic.found.as_deref().unwrap_or_default();
            return Err(
                bad(&format!("{place} is no JSON object: {found}")).hint("the bytes are kept for you to look at")
            );
        }
    };
    if let Some(problem) = incomplete(format, &rows) {
        sender.keep_refused(host, body).await?;
        return Err(problem);
    }
    let records: Vec<_> = rows.into_iter().map(|row| (sender.dataset(format), record(format, row))).collect();
    let accepted = u64::try_from(records.len()).unwrap_or(u64::MAX);
    sender.keep(host, records, Vec::new()).await?;
    Ok((StatusCode::ACCEPTED, Json(Pushed { accepted, ..Pushed::default() })).into_response())
}

fn record(format: Format, row: Row<'_>) -> RawRecord {
    match normalise::record_key(format, &row.object) {
        Some(known) => RawRecord::upsert(known.key, known.version, row.bytes),
        None => RawRecord::unreadable(row.bytes),
    }
}

/// A text, or a number as text.
fn word(object: &Map<String, Value>, name: &str) -> Option<String> {
    match object.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Every field that is missing, of every row.
fn incomplete(format: Format, rows: &[Row<'_>]) -> Option<Problem> {
    let missing = |row: &Row<'_>| {
        let fields = normalise::missing_fields(format, &row.object).join(", ");
        (!fields.is_empty()).then(|| if rows.len() > 1 { format!("line {}: {fields}", row.line) } else { fields })
    };
    let missing: Vec<String> = rows.iter().filter_map(missing).collect();
    let detail = format!("fields are missing: {}", missing.join("; "));
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    (!missing.is_empty()).then(|| problem.hint("nothing of the body was taken; the bytes are kept for you to look at"))
}

fn bad(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}
