//! A body that has to come at some pace. Only the time in which we wait for bytes counts, never our own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::config::HttpConfig;
use crate::http::problem::Problem;

/// How long a body may be waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    grace: Duration,
    bytes_per_second_min: u64,
}

impl Pace {
    pub(super) fn of(config: &HttpConfig) -> Self {
        Self { grace: config.body_grace.0, bytes_per_second_min: config.body_bytes_per_second_min.max(1) }
    }

    /// Longest time to have waited in all, when so many bytes have come.
    fn allowed(self, n_bytes: u64) -> Duration {
        self.grace + Duration::from_millis(n_bytes.saturating_mul(1_000) / self.bytes_per_second_min)
    }

    /// Says what is wrong with a body that came too slowly.
    pub(super) fn problem(self) -> Problem {
        let (least, grace_s) = (self.bytes_per_second_min, self.grace.as_secs());
        let detail = format!("the body came too slowly: after {grace_s} s at least {least} bytes a second are needed");
        let hint = "send it in smaller parts; `body_grace` and `body_bytes_per_second_min` of `[http]` allow more";
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail).hint(hint)
    }
}

/// The body came too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the body came too slowly")]
struct TooSlow;

/// A body and how long it was waited for.
pub(super) struct Paced {
    inner: Body,
    pace: Pace,
    n_bytes: u64,
    waited: Duration,
    /// Since when it is waited for, and the end of patience.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Set when it came too slowly: what a handler makes of the error does not say so.
    is_late: Arc<AtomicBool>,
}

impl Paced {
    pub(super) fn new(inner: Body, pace: Pace, is_late: Arc<AtomicBool>) -> Self {
        Self { inner, pace, n_bytes: 0, waited: Duration::ZERO, waiting: None, is_late }
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            this.waited += this.waiting.take().map_or(Duration::ZERO, |(since, _)| since.elapsed());
            let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
            this.n_bytes += bytes.map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            return Poll::Ready(frame);
        }
        let patience = this.pace.allowed(this.n_bytes).saturating_sub(this.waited);
        let (_, end) = this.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(patience))));
        std::task::ready!(end.as_mut().poll(context));
        this.is_late.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
