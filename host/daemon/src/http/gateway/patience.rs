//! How long is waited: for a body by its pace, for the answer to a question by the clock. What changes something is
//! never cut off: a collection takes as long as it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::pace::{Pace, Paced};
use crate::config::HttpConfig;
use crate::http::problem::Problem;

/// Waits for the body, and for the answer.
pub(super) async fn wait(State(config): State<Arc<HttpConfig>>, request: Request, next: Next) -> Response {
    let is_question = request.method().is_safe();
    let pace = Pace::of(&config);
    let is_late = Arc::new(AtomicBool::new(false));
    let paced = |body: Body| {
        if body.is_end_stream() { body } else { Body::new(Paced::new(body, pace, is_late.clone())) }
    };
    let answering = next.run(request.map(paced));
    let response = if is_question {
        match tokio::time::timeout(config.answer_timeout.0, answering).await {
            Ok(response) => response,
            Err(_) => unanswered(&config).into_response(),
        }
    } else {
        answering.await
    };
    if is_late.load(Ordering::Relaxed) { pace.problem().into_response() } else { response }
}

fn unanswered(config: &HttpConfig) -> Problem {
    let seconds = config.answer_timeout.0.as_secs();
    let detail = format!("there was no answer within {seconds} s (`answer_timeout` of `[http]`)");
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).hint("ask for a shorter time, or for less");
    Problem { retry_after_s: Some(seconds), ..problem }
}
