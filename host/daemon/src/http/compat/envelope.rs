//! Envelopes of SEI's Jenkins plugins: kept, then answered with what the sender waits for.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use weir_model::{DatasetName, RawRecord};
use weir_stages::normalise::{self, Envelope, Format, Request};

use super::clearance;
use super::sender::{Claim, Sender};
use crate::host::Host;
use crate::http::problem::Problem;

/// An envelope that can be kept.
pub(super) struct Read {
    /// What it asks for.
    pub(super) envelope: Envelope,
    /// Who sent it.
    pub(super) sender: Sender,
    /// Its raw record.
    pub(super) record: (DatasetName, RawRecord),
}

/// Takes an envelope that came alone.
pub(super) async fn take(host: &Host, claim: Claim, body: &[u8]) -> Result<Response, Problem> {
    let read = read(host, claim, body).await?;
    let trouble = read.trouble(None);
    read.sender.keep(host, vec![read.record], Vec::new()).await?;
    reply(host, &read.envelope, trouble).await
}

/// Reads an envelope. What is none is kept all the same, and refused.
pub(super) async fn read(host: &Host, claim: Claim, body: &[u8]) -> Result<Read, Problem> {
    let object = match serde_json::from_slice::<Map<String, Value>>(body) {
        Ok(object) => object,
        Err(error) => return Err(refused(host, &claim, body, format!("the body is no JSON object: {error}")).await?),
    };
    let Some(envelope) = Envelope::open(&object) else {
        return Err(refused(host, &claim, body, "the body has no `request_type`".to_owned()).await?);
    };
    let format = match envelope.request {
        Request::JobRunComplete => Format::Builds,
        _ => Format::Envelopes,
    };
    let known = normalise::record_key(format, &object);
    let record = match known {
        Some(known) => RawRecord::upsert(known.key, known.version, body),
        None => RawRecord::unreadable(body),
    };
    let field = |names: &[&str]| names.iter().find_map(|name| Some(envelope.payload.get(name)?.as_str()?.to_owned()));
    let words = [
        field(&["jenkins_instance_guid", "instance_guid", "instance_id"]),
        field(&["jenkins_instance_name", "instance_name"]),
    ];
    let sender = claim.named(words).sender(host)?;
    let record = (sender.dataset(format), record);
    Ok(Read { envelope, sender, record })
}

/// Keeps what is refused, and says why.
async fn refused(host: &Host, claim: &Claim, body: &[u8], detail: String) -> Result<Problem, Problem> {
    claim.sender(host)?.keep_refused(host, body).await?;
    Ok(Problem::new(StatusCode::BAD_REQUEST, detail).hint("the bytes are kept for you to look at"))
}

impl Read {
    /// What is wrong with it, or with the files that came beside it.
    pub(super) fn trouble(&self, of_files: Option<String>) -> Option<String> {
        let (_, record) = &self.record;
        let unreadable = self.envelope.request == Request::JobRunComplete && record.is_unreadable();
        let nameless = || "the report names no run: job_full_name or build_number is missing".to_owned();
        unreadable.then(nameless).or(of_files)
    }
}

/// The reply that the sender can read, once what it sent is kept.
pub(super) async fn reply(host: &Host, envelope: &Envelope, trouble: Option<String>) -> Result<Response, Problem> {
    let payload = match &envelope.request {
        // Without a configuration the sender keeps the one it has.
        Request::Heartbeat => {
            json!({ "success": true, "server_version": env!("CARGO_PKG_VERSION"), "configuration": null })
        }
        Request::JobRunComplete | Request::JobConfigChange | Request::ErrorReport => {
            json!({ "run_ids": [], "error": trouble })
        }
        Request::Clearance => clearance::ask(host, &envelope.payload).await?,
        Request::StatusCheck => clearance::states(host, &envelope.payload)?,
        Request::Other(_) => json!({ "run_ids": [], "error": "unknown request type" }),
    };
    let reply = json!({ "response_type": envelope.request.response_word(), "payload": payload.to_string() });
    Ok(Json(reply).into_response())
}
