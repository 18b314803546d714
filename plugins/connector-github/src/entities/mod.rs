//! From GitHub's JSON to entities. Pure; an odd field is reported and left out, never the record.

mod code;
mod delivery;
mod review;
mod runs;
mod work;

use serde::Deserialize;
use weir_sdk::prelude::*;

pub(crate) use code::{commit, pull_commit, push, repository, tag};
pub(crate) use delivery::{deployment, deployment_status, release};
pub(crate) use review::{issue_comment, pull, review, review_comment};
pub(crate) use runs::{job, workflow_run};
pub(crate) use work::issue;

/// A user or bot.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Account<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    login: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
}

/// A label, or anything else of which only the name matters.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow, alias = "title")]
    name: Text<'a>,
}

/// A person by login: the name all of GitHub's payloads have in common.
fn person(raw: &Raw<'_>, place: &str, account: Nested<Account<'_>>) -> Option<Reference> {
    let login = raw.take(place, account)?.0.login;
    raw.name(place, login)
}

fn people(raw: &Raw<'_>, place: &str, accounts: List<Object<Account<'_>>>) -> Vec<Reference> {
    raw.list(place, accounts).into_iter().filter_map(|account| raw.name(place, account.0.login)).collect()
}

fn names(raw: &Raw<'_>, place: &str, list: List<Object<Named<'_>>>) -> Vec<String> {
    raw.list(place, list).into_iter().filter_map(|named| raw.text(place, named.0.name)).collect()
}

/// How a run ended, in GitHub's words; `None` while it has not.
fn result(word: &str) -> weir_sdk::model::entity::RunResult {
    use weir_sdk::model::entity::RunResult;
    // The other API of GitHub, and whoever feeds records of it in, writes them in capitals.
    match word.to_ascii_lowercase().as_str() {
        "success" => RunResult::Success,
        "failure" => RunResult::Failure,
        "startup_failure" => RunResult::Error,
        "timed_out" => RunResult::Timeout,
        "cancelled" => RunResult::Cancelled,
        "skipped" => RunResult::Skipped,
        // neutral, action_required, stale: over, and nothing told.
        _ => RunResult::Unknown(word.to_owned()),
    }
}

/// Where a run stands, in GitHub's words.
fn state(raw: &Raw<'_>, place: &str, word: &str) -> weir_sdk::model::entity::RunState {
    use weir_sdk::model::entity::RunState;
    match word.to_ascii_lowercase().as_str() {
        "queued" | "requested" | "pending" => RunState::Queued,
        "waiting" => RunState::Waiting,
        "in_progress" => RunState::Running,
        "completed" => RunState::Finished,
        _ => {
            raw.report(DiagnosticKind::UnknownWord, place, word);
            RunState::Unknown(word.to_owned())
        }
    }
}
