//! Workflow runs: a listing gives the newest attempt of each, so the ones before are fetched beside it.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use super::listing::{Times, path};
use super::{Head, Position, attempt_key};
use crate::origin::Origin;
use crate::settings::Settings;

/// Requests sent at once.
const REQUESTS_MAX: usize = 64;
/// Earlier attempts of one run that are fetched; GitHub allows no more repeats than this.
const ATTEMPTS_MAX: u64 = 50;

#[derive(Deserialize)]
struct Runs<'a> {
    #[serde(borrow)]
    workflow_runs: Vec<&'a RawValue>,
}

/// The runs of a page with all their attempts. They are cut here and not by the host, for their key is of two parts.
pub(super) fn page(
    run: &Run<Settings>,
    answer: &Response,
    repository: &str,
) -> Result<(Page<Position>, Times), Failure> {
    if answer.unchanged() {
        return Ok((Page::empty(), Times::default()));
    }
    let text = answer.text()?;
    let runs: Runs<'_> = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    let mut times = Times::default();
    let (mut records, mut earlier) = (Vec::new(), Vec::new());
    for json in runs.workflow_runs {
        let head = Head::read(json.get()).map_err(|error| unreadable(&error))?;
        let created = head.created_ms();
        times.newest = times.newest.or(created);
        times.oldest = created.or(times.oldest);
        if !head.is_completed() {
            times.unfinished = created.or(times.unfinished);
        }
        earlier
            .extend((1..head.attempt().min(ATTEMPTS_MAX)).filter_map(|attempt| Some((*head.id.quietly()?, attempt))));
        records.push(record(json.get(), &head, repository));
    }
    for attempts in earlier.chunks(REQUESTS_MAX) {
        records.extend(fetch(run, repository, attempts)?);
    }
    Ok((Page::records(records), times))
}

fn fetch(run: &Run<Settings>, repository: &str, attempts: &[(u64, u64)]) -> Result<Vec<RawRecord>, Failure> {
    let request = |(id, attempt): &(u64, u64)| {
        let path = path(repository, &["actions", "runs", &id.to_string(), "attempts", &attempt.to_string()]);
        run.get(path).conditional(run.is_incremental()).into_request()
    };
    let requests: Vec<_> = attempts.iter().map(request).collect();
    let mut records = Vec::new();
    for answer in run.connection().send_all(&requests) {
        match answer {
            Ok(answer) if answer.unchanged() => {}
            Ok(answer) => {
                let text = answer.text()?;
                let head = Head::read(&text).map_err(|error| unreadable(&error))?;
                records.push(record(&text, &head, repository));
            }
            // Old attempts are deleted after a while.
            Err(failure) if failure.kind == FailureKind::Gone => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(records)
}

fn record(json: &str, head: &Head<'_>, repository: &str) -> RawRecord {
    let record = attempt_key(head).map_or_else(|| RawRecord::unreadable(json), |key| RawRecord::upsert(key, json));
    record.version(head.version("workflow-runs")).context(&Origin::of(repository))
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::transient("github.runs.unreadable", format!("workflow runs cannot be read: {error}"))
}
