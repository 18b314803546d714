//! Errors as RFC 9457 problems, with a hint.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use weir_sandbox::Blame;
use weir_store::{LogError, LogErrorKind};

use super::gateway::request_id;
use crate::error::Fault;

/// What is told to a client whose request was not done.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Problem {
    /// Kind of problem; `about:blank` says that the status tells all.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Short and always the same for the status.
    pub title: String,
    /// Status code.
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Seconds after which to try again; also sent as `Retry-After`.
    #[serde(skip)]
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem with this status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            hint: None,
            retry_after_s: None,
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// There is no such thing.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, what)
    }

    /// The store did not take it: nothing is lost, the sender tries again.
    pub fn of_log(error: &LogError) -> Self {
        let status = match error.kind() {
            LogErrorKind::Full => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        let problem = Self::new(status, error.to_string()).hint("nothing was kept; send it again");
        Self { retry_after_s: Some(5), ..problem }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let status = match fault.blame() {
            Blame::Config => StatusCode::BAD_REQUEST,
            Blame::Upstream => StatusCode::BAD_GATEWAY,
            Blame::Plugin => StatusCode::INTERNAL_SERVER_ERROR,
            Blame::Host if fault.disk_is_full() => StatusCode::INSUFFICIENT_STORAGE,
            Blame::Host => StatusCode::SERVICE_UNAVAILABLE,
        };
        let retry_after_s = (fault.blame() == Blame::Host).then_some(5);
        let problem = Self { retry_after_s, ..Self::new(status, fault.chain()) };
        match fault.hint_text() {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }
}

/// A problem, and the name of the request, by which it is found in the log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Told<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&Told { problem: &self, request_id: request_id() }).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
