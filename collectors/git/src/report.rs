//! What is sent, and the small things all of it shares.

use gix::bstr::ByteSlice;
use jiff::tz::Offset;
use serde::Serialize;
use weir_protocol::Diagnostic;

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Natural key: commit or ref, with the repository.
    pub key: String,
    /// JSON of a [`weir_protocol::Commit`] or [`weir_protocol::Ref`]; none when a ref is gone.
    pub json: Option<Vec<u8>>,
}

impl Report {
    pub(crate) fn new(key: String, document: &impl Serialize) -> Self {
        let json = serde_json::to_vec(document).expect("texts and numbers are JSON");
        Self { key, json: Some(json) }
    }

    pub(crate) fn gone(key: String) -> Self {
        Self { key, json: None }
    }
}

/// An error with all its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut parts: Vec<String> = causes.map(ToString::to_string).collect();
    parts.dedup();
    parts.join(": ").replace('\n', " ")
}

pub(crate) fn diagnostic(code: &str, subject: impl Into<String>, message: impl Into<String>) -> Diagnostic {
    Diagnostic { code: code.to_owned(), subject: subject.into(), message: message.into() }
}

/// Bytes as text; what is none is replaced.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.to_str_lossy().into_owned()
}

/// An instant as RFC 3339 with the offset it was written in; none when the calendar does not reach that far.
pub(crate) fn instant(time: gix::date::Time) -> Option<String> {
    let offset = Offset::from_seconds(time.offset).ok()?;
    let at = jiff::Timestamp::from_second(time.seconds).ok()?;
    Some(at.display_with_offset(offset).to_string())
}
