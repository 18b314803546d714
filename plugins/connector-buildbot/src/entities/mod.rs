//! From Buildbot's JSON to entities. Pure; an odd field is reported and left out, never the record.

mod build;
mod change;
mod step;

use weir_sdk::model::entity::{RunResult, RunState};
use weir_sdk::prelude::*;

pub(crate) use build::build;
pub(crate) use change::change;
pub(crate) use step::step;

/// Shortest object id of a whole commit: that of SHA-1 in hexadecimal.
const OBJECT_ID_LEN: usize = 40;
/// Buildbot's words for its results, by their numbers.
const RESULTS: [(&str, RunResult); 7] = [
    ("success", RunResult::Success),
    // Nothing failed: more warnings than allowed would have been a failure, and every reporter of Buildbot calls it a
    // success.
    ("warnings", RunResult::Success),
    ("failure", RunResult::Failure),
    ("skipped", RunResult::Skipped),
    // Buildbot, a worker or the connection to it broke.
    ("exception", RunResult::Error),
    // The worker went away; the same request is built again.
    ("retry", RunResult::Error),
    ("cancelled", RunResult::Cancelled),
];

/// State, result and Buildbot's word for it.
struct Ended {
    state: RunState,
    result: Option<RunResult>,
    word: Option<String>,
}

/// How something stands. It has a result once it is over.
fn ended(raw: &Raw<'_>, complete: Field<bool>, results: Field<i64>) -> Ended {
    let results = raw.take("/results", results);
    if raw.take("/complete", complete) != Some(true) {
        return Ended { state: RunState::Running, result: None, word: None };
    }
    let known = results.and_then(|code| usize::try_from(code).ok()).and_then(|code| RESULTS.get(code));
    let (word, result) = match (known, results) {
        (Some((word, result)), _) => (Some((*word).to_owned()), Some(result.clone())),
        (None, Some(code)) => {
            raw.report(DiagnosticKind::UnknownWord, "/results", &code.to_string());
            (Some(code.to_string()), Some(RunResult::Unknown(code.to_string())))
        }
        (None, None) => (None, None),
    };
    Ended { state: RunState::Finished, result, word }
}

/// The person "Ana Lima <ana@acme.example>" is: by the address if there is one.
fn person(text: &str) -> Option<Reference> {
    let address = text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address.trim());
    let address = address.filter(|address| address.contains('@')).map(str::to_lowercase);
    let name = Some(text.trim()).filter(|name| !name.is_empty()).map(str::to_owned);
    address.or(name).map(Reference::Name)
}
