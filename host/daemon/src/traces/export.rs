//! The way of spans to the collector: a queue with a bound, and a task that sends what is in it.
//!
//! Invariant: a span that has no place, or that the collector does not take, is counted and forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, KeyValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor};
use prost::Message;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Registry;
use weir_model::HostName;
use weir_sandbox::{Connection, Method, Request, Target};

use crate::config::TracingConfig;
use crate::egress::{ConnectionLimits, ConnectionSpec, Egress, EgressOptions, Grant, HostConnection};
use crate::error::Fault;

/// Most spans that wait.
const WAITING_MAX: usize = 8_192;
/// Most spans of one request.
const BATCH_SPANS_MAX: usize = 1_024;
/// Pause between two looks at what waits.
const GATHER: Duration = Duration::from_millis(500);
/// Longest wait for the collector.
const PATIENCE: Duration = Duration::from_secs(10);

/// Spans the collector has, and those that it never got. Of the process, as what makes spans is.
static SENT: AtomicU64 = AtomicU64::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);

/// What became of spans since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) lost: u64,
}

pub(crate) fn counts() -> Counts {
    Counts { sent: SENT.load(Ordering::Relaxed), lost: LOST.load(Ordering::Relaxed) }
}

fn add(sum: &AtomicU64, n: usize) {
    sum.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// What makes spans of what the code says it does.
pub(crate) type Layered = OpenTelemetryLayer<Registry, SdkTracer>;

/// The end of the queue where spans come out.
pub(crate) struct Export {
    spans: mpsc::Receiver<SpanData>,
    connection: Arc<HostConnection>,
    resource: ResourceAttributesWithSchema,
    is_failing: bool,
}

impl Export {
    /// The beginning of the queue, for the subscriber, and its end.
    pub(crate) fn open(config: &TracingConfig, host: &HostName) -> Result<(Layered, Self), Fault> {
        let connection = connection(config)?;
        let resource = Resource::builder()
            .with_service_name("weir")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", host.to_string()))
            .build();
        let (queue, spans) = mpsc::channel(WAITING_MAX);
        let export = Self { spans, connection, resource: (&resource).into(), is_failing: false };
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample)));
        let provider = SdkTracerProvider::builder().with_span_processor(Queue(queue)).with_sampler(sampler).build();
        let layer = tracing_opentelemetry::layer()
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_tracer(provider.tracer("weir"));
        Ok((layer, export))
    }

    /// Sends what comes until told to stop, and then what is left.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            let is_last = tokio::time::timeout(GATHER, stop.cancelled()).await.is_ok();
            while let Some(batch) = self.batch() {
                self.send(batch).await;
            }
            if is_last {
                return;
            }
        }
    }

    /// What waits, as much as goes in one request.
    fn batch(&mut self) -> Option<Vec<SpanData>> {
        let waiting = std::iter::from_fn(|| self.spans.try_recv().ok());
        Some(waiting.take(BATCH_SPANS_MAX).collect::<Vec<_>>()).filter(|batch| !batch.is_empty())
    }

    async fn send(&mut self, batch: Vec<SpanData>) {
        let n_spans = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let problem = match self.connection.send(request(body)).await {
            Ok(response) if (200..300).contains(&response.status) => None,
            Ok(response) => Some(format!("status {}", response.status)),
            Err(error) => Some(error.to_string()),
        };
        add(if problem.is_none() { &SENT } else { &LOST }, n_spans);
        // Said once: a collector that is away for a night misses a batch every half second.
        if let Some(error) = problem.as_ref().filter(|_| !self.is_failing) {
            tracing::warn!(error, n_spans, "traces are lost until the collector takes them");
        }
        self.is_failing = problem.is_some();
    }
}

fn connection(config: &TracingConfig) -> Result<Arc<HostConnection>, Fault> {
    let refused = |error| Fault::config("cannot use `[tracing]`").caused_by(error);
    let grant = Grant { private: config.private, ..Grant::methods(&[Method::Post]) };
    let mut spec = ConnectionSpec::new("tracing", "otlp", &config.endpoint, crate::host::auth(&config.auth)?, grant);
    spec.limits = ConnectionLimits { total_wait: PATIENCE, retries_max: 0, ..ConnectionLimits::default() };
    Egress::new(EgressOptions::default()).and_then(|egress| egress.connection(spec)).map_err(refused)
}

fn request(body: Vec<u8>) -> Request {
    Request {
        method: Method::Post,
        target: Target::Path("/v1/traces".to_owned()),
        headers: vec![("content-type".to_owned(), b"application/x-protobuf".to_vec())],
        body: Some(body),
        timeout: None,
        body_bytes_max: Some(64 << 10),
        conditional: false,
    }
}

/// The end of the queue where spans go in.
#[derive(Debug)]
struct Queue(mpsc::Sender<SpanData>);

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.0.try_send(span).is_err() {
            add(&LOST, 1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
