//! `CDEvents`: what happened in continuous delivery, one event a record, bare or in a `CloudEvent`.
//!
//! Every release of the specification is read by one table, for they differ in names only. An event states what
//! happened at one moment; the events about one subject become one entity because they share its key. What the table
//! does not know is named beside the record and never refused.

mod artifacts;
mod changes;
mod event;
mod facts;
mod runs;
mod services;
mod test_runs;
mod types;
mod work;

use serde_json::{Map, Value};
use weir_model::id::KEY_BYTES_MAX;
use weir_model::{Diagnostic, DiagnosticKind};

use super::fields::time_of;
use super::{Normalised, Outcome, Produced, RecordKey};
use event::{Envelope, Event};

pub(super) use artifacts::PackageUrl;

/// Longest type of an event that is told as the reason it was ignored, in bytes.
const REASON_BYTES_MAX: usize = 128;

/// Reads an event. `context` holds the `CloudEvents` headers of an event that came in binary mode.
pub(super) fn read(payload: &Map<String, Value>, context: Option<&str>) -> Normalised {
    let headers = context.and_then(|context| serde_json::from_str(context).ok()).unwrap_or_default();
    let envelope = Envelope::of(payload, &headers);
    let Some(word) = envelope.stated("type") else {
        return Normalised::rejected(Diagnostic::new(DiagnosticKind::Missing, "cdevents.type").at("/context/type"));
    };
    let Some((kind, minor)) = types::find(&word) else {
        let reason = super::params::cut(&format!("cdevents.type.{word}"), REASON_BYTES_MAX);
        return Normalised { outcome: Outcome::Ignored(reason), diagnostics: Vec::new() };
    };
    let Some(mut event) = Event::open(&envelope, kind) else {
        let missing = Diagnostic::new(DiagnosticKind::Missing, "cdevents.subject.id").at("/subject/id");
        return Normalised::rejected(missing);
    };
    if minor > kind.newest {
        event.content.note(DiagnosticKind::Unsupported, "version", &word);
    }
    if facts::is_queue_item(&mut event) {
        let reason = "cdevents.jenkins.queue-item".to_owned();
        return Normalised { outcome: Outcome::Ignored(reason), diagnostics: Vec::new() };
    }
    let withdraws = kind.states_all() && kind.predicate() == "deleted";
    let produced = if withdraws { Vec::new() } else { (kind.read)(&mut event) };
    let mut diagnostics = event.into_diagnostics(&envelope);
    let produced = with_short_keys(produced, &mut diagnostics);
    let outcome = if produced.is_empty() && !withdraws { Outcome::Rejected } else { Outcome::Produced(produced) };
    Normalised { outcome, diagnostics }
}

/// Keys are made of ids and sources of any length; what is too long to be kept is named.
fn with_short_keys(mut produced: Vec<Produced>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Produced> {
    produced.retain(|part| {
        let fits = part.key.len() <= KEY_BYTES_MAX;
        if !fits {
            diagnostics.push(Diagnostic::new(DiagnosticKind::Truncated, "cdevents.key").found(&part.key));
        }
        fits
    });
    produced
}

/// Type, source and id of an event; of one that states all about its subject, the key of the subject, so that a deletion
/// withdraws what was stated before. Source and id alone should do, but there are senders who give one id to all
/// events of a run.
pub(super) fn record_key(payload: &Map<String, Value>) -> Option<RecordKey> {
    let headers = Map::new();
    let envelope = Envelope::of(payload, &headers);
    let kind = envelope.stated("type").and_then(|word| types::find(&word)).map(|(kind, _)| kind);
    let whole = kind.filter(|kind| kind.states_all()).and_then(|kind| Event::open(&envelope, kind));
    let own = || {
        let name = kind.map_or("other", |kind| kind.name);
        Some(format!("{name}/{}/{}", envelope.stated("source")?, envelope.stated("id")?))
    };
    let key = whole.map(|event| event.key()).or_else(own)?;
    if key.len() > KEY_BYTES_MAX {
        return None;
    }
    let at = envelope.stated("timestamp").and_then(|text| time_of(&text).ok());
    // What ends something ranks above what began it in the same millisecond.
    let version = at.map(|at| at.ms().saturating_add(kind.map_or(0, types::Type::step)));
    Some(RecordKey { key, version })
}

#[cfg(test)]
mod tests;
