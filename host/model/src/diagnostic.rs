//! What is wrong with a record, kept beside it. Bad data is never an error and never lost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest text of `found`, in bytes.
pub const FOUND_BYTES_MAX: usize = 256;

/// What is wrong with a record or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiagnosticKind {
    /// The payload is not of its media type.
    Malformed,
    /// A field the entity needs is not there.
    Missing,
    /// A field has another type than expected.
    WrongType,
    /// A time or duration cannot be read.
    BadTime,
    /// A word of an open vocabulary was not recognised; it was kept as unknown.
    UnknownWord,
    /// Two fields contradict each other.
    Conflicting,
    /// Something was cut for length.
    Truncated,
    /// A shape that is not handled.
    Unsupported,
    /// None of these.
    Unknown(String),
}

/// One finding, counted by code and shown with the raw record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// What is wrong.
    pub kind: DiagnosticKind,
    /// Short, stable, dotted: `jenkins.build.result`.
    pub code: String,
    /// RFC 6901 pointer, or another path the media type has, to the place in the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What was found there, at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl Diagnostic {
    /// A finding without a place.
    pub fn new(kind: DiagnosticKind, code: impl Into<String>) -> Self {
        Self { kind, code: code.into(), place: None, found: None }
    }

    /// Names the place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Shows what was there, cut at 256 bytes.
    #[must_use]
    pub fn found(mut self, found: &str) -> Self {
        let end = (0..=FOUND_BYTES_MAX.min(found.len())).rev().find(|at| found.is_char_boundary(*at)).unwrap_or(0);
        self.found = Some(found[..end].to_owned());
        self
    }
}

/// What became of one raw record, kept beside it unless all was well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum RecordOutcome {
    /// Entities were made; something had to be left out or guessed.
    Produced {
        /// What.
        diagnostics: Vec<Diagnostic>,
    },
    /// No entity could be made. Kept and tried again by a newer normaliser.
    Rejected {
        /// Why; at least one.
        diagnostics: Vec<Diagnostic>,
    },
    /// Not of interest by design.
    Ignored {
        /// Short, stable, dotted: `github.event.watch`.
        reason: String,
    },
}
