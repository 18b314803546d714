//! Traces of Weir itself: what it does and how long that takes, as spans for a collector of OpenTelemetry.
//!
//! Invariant: nobody waits for a trace, and none tells of a person or a secret. A span has names of integrations, datasets,
//! propels and routes, statuses and counts. Where no collector is configured no span is made.

mod export;

use http::{HeaderMap, Method, StatusCode};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Instrument, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

pub(crate) use export::{Export, Layered, counts};

/// What tells these spans from those that the log shows.
pub(crate) const TARGET: &str = "weir::trace";

/// Makes a span of a trace: its name, then fields as in `tracing`.
macro_rules! span {
    ($name:literal $($fields:tt)*) => {
        tracing::info_span!(target: crate::traces::TARGET, $name, otel.status_code = tracing::field::Empty $($fields)*)
    };
}

pub(crate) use span;

/// The span of a request, a part of the trace of who asks.
pub(crate) fn request(method: &Method, route: &str, headers: &HeaderMap) -> Span {
    let span = span!(
        "request", otel.name = format_args!("{method} {route}"), otel.kind = "server", http.request.method = %method,
        http.route = route, http.response.status_code = field::Empty
    );
    if !span.is_disabled() {
        // A span that can have no parent begins a trace of its own.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(headers)));
    }
    span
}

/// Says how a request was answered.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    succeeded(span, !status.is_server_error());
}

/// Does some work in a span, which says whether it could be done.
pub(crate) fn within<T, E>(span: Span, work: impl Future<Output = Result<T, E>>) -> impl Future<Output = Result<T, E>> {
    // Boxed, for it would lie twice in the future that it makes.
    let work = Box::pin(work.instrument(span.clone()));
    async move {
        let result = work.await;
        succeeded(&span, result.is_ok());
        result
    }
}

/// Says whether what a span is about could be done.
pub(crate) fn succeeded(span: &Span, done: bool) {
    if !done {
        span.record("otel.status_code", "ERROR");
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
