//! OpenTelemetry: bodies of exporters, each one record, whose spans of pipelines become builds with stages.
//!
//! The trace is the build: of all that a span may say about its run only the id of the trace is on every span of every
//! tool, and batches cut traces anywhere. So each body contributes what its spans say to the builds of their traces,
//! and bodies may come in any order; what is known of a run itself comes with its root span, when it ends.

mod builds;
mod deliveries;
mod schema;
mod spans;
mod tests_run;
mod wire;

use weir_model::{Diagnostic, DiagnosticKind};

use super::{Normalised, Outcome};

/// A body that is no message of an exporter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is no OTLP message: {0}")]
pub struct NotOtlp(String);

/// What exporters send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Data points.
    Metrics,
    /// Log records.
    Logs,
}

/// Size of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Spans, data points or log records.
    pub items: u64,
    /// Those among them that belong to no trace, so that nothing can be made of them.
    pub unusable: u64,
}

/// Counts what a body holds, in either encoding.
pub fn count(signal: Signal, body: &[u8]) -> Result<Counted, NotOtlp> {
    let tree = schema::tree(signal, body)?;
    if signal != Signal::Traces {
        return Ok(Counted { items: schema::leaves(signal, &tree), unusable: 0 });
    }
    let spans = spans::read(&tree);
    let items = schema::leaves(signal, &tree);
    Ok(Counted { items, unusable: items.saturating_sub(u64::try_from(spans.len()).unwrap_or(u64::MAX)) })
}

/// How bodies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON.
    Json,
    /// Protocol buffers.
    Binary,
}

impl Encoding {
    /// The one a body is written in. JSON begins with a brace, which nothing in binary does: it would be a field of a
    /// kind that is not used.
    pub fn of(body: &[u8]) -> Self {
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'{') { Self::Json } else { Self::Binary }
    }
}

/// The answer to an exporter: the number of things that were refused, and why; none: all was taken.
pub fn answer(signal: Signal, encoding: Encoding, refused: Option<(u64, &str)>) -> Vec<u8> {
    match (encoding, refused) {
        (Encoding::Json, None) => b"{}".to_vec(),
        (Encoding::Json, Some((items, why))) => {
            let partial = serde_json::json!({ signal.refused(): items.to_string(), "errorMessage": why });
            serde_json::json!({ "partialSuccess": partial }).to_string().into_bytes()
        }
        (Encoding::Binary, None) => Vec::new(),
        (Encoding::Binary, Some((items, why))) => {
            let mut partial = wire::Writer::default();
            partial.number(1, items);
            partial.bytes(2, why.as_bytes());
            let mut answer = wire::Writer::default();
            answer.bytes(1, &partial.finish());
            answer.finish()
        }
    }
}

/// Reads the body of an exporter of traces.
pub(super) fn read(body: &[u8]) -> Normalised {
    let tree = match schema::tree(Signal::Traces, body) {
        Ok(tree) => tree,
        Err(NotOtlp(why)) => {
            return Normalised::rejected(Diagnostic::new(DiagnosticKind::Malformed, "otlp.payload").found(&why));
        }
    };
    let spans = spans::read(&tree);
    let n_lost = schema::leaves(Signal::Traces, &tree).saturating_sub(u64::try_from(spans.len()).unwrap_or(u64::MAX));
    let mut diagnostics = Vec::new();
    if n_lost > 0 {
        let lost = Diagnostic::new(DiagnosticKind::Malformed, "otlp.span.id").at("/resourceSpans");
        diagnostics.push(lost.found(&n_lost.to_string()));
    }
    let produced = builds::read(&spans, &mut diagnostics);
    let outcome = match (produced.is_empty(), n_lost) {
        (false, _) => Outcome::Produced(produced),
        (true, 0) => Outcome::Ignored("otlp.no-pipeline".to_owned()),
        (true, _) => Outcome::Rejected,
    };
    Normalised { outcome, diagnostics }
}

#[cfg(test)]
mod tests;
