//! From GitLab's JSON to entities. Pure; an odd field is reported and left out, never the record.

mod change;
mod code;
mod delivery;
mod runs;
mod work;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::MapAccess;
use weir_sdk::field::{Lenient, Odd};
use weir_sdk::model::entity::{RunResult, RunState};
use weir_sdk::prelude::*;

pub(crate) use change::{approvals, merge_request, note};
pub(crate) use code::{commit, member, merge_request_commit, project, push, tag};
pub(crate) use delivery::{deployment, release};
pub(crate) use runs::{job, pipeline};
pub(crate) use work::{issue, issue_label, issue_state};

/// A user or bot.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Account<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    username: Text<'a>,
}

/// The name of a label or milestone: a text in the API, an object in webhooks.
struct Name(String);

impl<'de> Lenient<'de> for Name {
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        Field::Stated(Self(text.into_owned()))
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Field<Self>, A::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Titled<'a> {
            #[serde(borrow)]
            title: Text<'a>,
            #[serde(borrow)]
            name: Text<'a>,
        }
        let titled = Titled::deserialize(serde::de::value::MapAccessDeserializer::new(object))?;
        let name = titled.title.quietly().or(titled.name.quietly());
        Ok(name.map(|name| Self(name.clone().into_owned())).ok_or_else(|| Odd::wrong_type("an object")).into())
    }
}

/// A length of time in seconds, with or without a fraction.
struct Seconds(DurationMs);

impl Lenient<'_> for Seconds {
    fn from_whole(number: i64) -> Field<Self> {
        let ms = u64::try_from(number).ok().and_then(|seconds| seconds.checked_mul(1_000));
        ms.map(|ms| Self(DurationMs(ms))).ok_or_else(|| Odd::wrong_type(number)).into()
    }

    fn from_decimal(number: f64) -> Field<Self> {
        // Through its own spelling: casts are not for numbers that came from outside.
        let ms = format!("{:.0}", number * 1_000.0).parse().ok();
        ms.map(|ms| Self(DurationMs(ms))).ok_or_else(|| Odd::wrong_type(number)).into()
    }
}

fn duration(raw: &Raw<'_>, place: &str, field: Field<Seconds>) -> Option<DurationMs> {
    raw.take(place, field).map(|seconds| seconds.0)
}

/// A person by user name: what most of GitLab's payloads have in common.
fn person(raw: &Raw<'_>, place: &str, account: Nested<Account<'_>>) -> Option<Reference> {
    let username = raw.take(place, account)?.0.username;
    raw.name(place, username)
}

fn people(raw: &Raw<'_>, place: &str, accounts: List<Object<Account<'_>>>) -> Vec<Reference> {
    raw.list(place, accounts).into_iter().filter_map(|account| raw.name(place, account.0.username)).collect()
}

fn names(raw: &Raw<'_>, place: &str, list: List<Name>) -> Vec<String> {
    raw.list(place, list).into_iter().map(|name| name.0).collect()
}

/// The host of an address, by which two instances stay apart.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?']).next().filter(|host| !host.is_empty()).map(str::to_owned)
}

/// Where a pipeline, job or deployment stands, and how it ended.
struct Status {
    state: RunState,
    result: Option<RunResult>,
}

/// Reads GitLab's words. A failure has a reason for jobs alone.
fn status(raw: &Raw<'_>, place: &str, word: &str, reason: Option<&str>) -> Status {
    let (state, result) = match word {
        "created" | "waiting_for_resource" | "waiting_for_callback" | "preparing" | "pending" => {
            (RunState::Queued, None)
        }
        "running" | "canceling" => (RunState::Running, None),
        "manual" | "scheduled" | "blocked" => (RunState::Waiting, None),
        "success" => (RunState::Finished, Some(RunResult::Success)),
        "failed" => (RunState::Finished, Some(failure(reason))),
        "canceled" => (RunState::Finished, Some(RunResult::Cancelled)),
        "skipped" => (RunState::Finished, Some(RunResult::Skipped)),
        other => {
            raw.report(DiagnosticKind::UnknownWord, place, other);
            (RunState::Unknown(other.to_owned()), None)
        }
    };
    Status { state, result }
}

/// Whose fault a failure is.
fn failure(reason: Option<&str>) -> RunResult {
    match reason {
        Some("runner_system_failure" | "api_failure") => RunResult::Error,
        Some("job_execution_timeout" | "stuck_or_timeout_failure") => RunResult::Timeout,
        _ => RunResult::Failure,
    }
}
