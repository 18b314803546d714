//! Health: of every integration, of the log, of what is derived from it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::{IntegrationName, Seq, StreamId, Timestamp};
use weir_store::RecordCounts;

use crate::account::{Account, Rebuilding};
use crate::clock;
use crate::collect::{RunRecord, last_runs};
use crate::error::Fault;
use crate::state_keys;

/// How everything is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatusAnswer {
    /// Every integration that is configured or ever brought a record.
    pub integrations: Vec<IntegrationStatus>,
    /// Position of the newest raw record.
    pub accepted: Seq,
    /// Position up to which everything is derived; never more than was accepted.
    pub processed: Seq,
    /// Generations of the log that could not be read and were set aside.
    pub quarantined: u64,
    /// Bytes the log takes on disk.
    pub log_bytes: u64,
    /// The rebuild of everything derived that is under way; what is in use stays as it is until it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebuilding: Option<RebuildingStatus>,
}

/// How far a rebuild is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RebuildingStatus {
    /// Position up to which everything is derived anew.
    pub processed: Seq,
    /// Raw records a second.
    pub records_per_second: u64,
    /// Time until it is done at this pace, in milliseconds.
    pub remaining_ms: Option<u64>,
}

/// How one integration is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct IntegrationStatus {
    /// Which.
    pub name: String,
    /// `healthy`, `degraded`, `failing`, `paused`, `collecting` or `idle`.
    pub state: String,
    /// The same in the words HEALTHY, NEEDS ATTENTION, CRITICAL and UNKNOWN.
    pub standing: String,
    /// Time since everything was last read to its end, in milliseconds.
    pub cursor_age_ms: Option<u64>,
    /// Raw records of it, those withdrawn included.
    pub records: u64,
    /// Records nothing could be made of.
    pub rejected: u64,
    /// Failures of the last run.
    pub errors: u64,
    /// The newest of them, with what to do.
    pub last_error: Option<String>,
    /// The last run.
    pub last_run: Option<RunRecord>,
}

/// How everything is. `configured` are the integrations of the configuration.
pub fn status(account: &Account, configured: &[IntegrationName]) -> Result<StatusAnswer, Fault> {
    let known = account.log.state_under(&state_keys::integrations()).map_err(Fault::from_log)?;
    let known = known.into_iter().filter_map(|(key, _)| IntegrationName::new(key.last_part()?).ok());
    let names: BTreeSet<IntegrationName> = configured.iter().cloned().chain(known).collect();
    let derived = account.derived();
    let counts = derived.projection.reader().and_then(|reader| reader.record_counts()).map_err(Fault::from_derived)?;
    let integrations = names.iter().map(|name| integration(account, &counts, name)).collect::<Result<_, _>>()?;
    let health = account.log.health();
    // First what is processed: what comes in between must not make it more than was accepted.
    let processed = processed(account)?;
    Ok(StatusAnswer {
        integrations,
        accepted: account.log.last(),
        processed,
        quarantined: count(health.generations.iter().filter(|generation| generation.quarantined.is_some()).count()),
        log_bytes: health.journal_bytes + health.generations.iter().map(|generation| generation.bytes).sum::<u64>(),
        rebuilding: account.rebuilding().map(|now| rebuilding(now, account.log.last())),
    })
}

/// While what is in use is of other definitions, only what is derived anew counts.
fn processed(account: &Account) -> Result<Seq, Fault> {
    let derived = account.derived();
    if derived.is_stale() {
        return Ok(account
            .rebuilding()
            .map_or(Seq::ZERO, |now| now.at.min(Seq(account.log.last().0.saturating_sub(1)))));
    }
    let watermark = derived.projection.watermark().map_err(Fault::from_derived)?;
    Ok(watermark.min(derived.index.watermark()))
}

fn rebuilding(now: Rebuilding, last: Seq) -> RebuildingStatus {
    let took_ms = clock::now().since(now.began_at).map_or(0, |took| took.0).max(1);
    let left = last.0.saturating_sub(now.at.0);
    RebuildingStatus {
        processed: now.at,
        records_per_second: now.at.0.saturating_mul(1_000) / took_ms,
        remaining_ms: left.saturating_mul(took_ms).checked_div(now.at.0),
    }
}

fn integration(account: &Account, counts: &RecordCounts, name: &IntegrationName) -> Result<IntegrationStatus, Fault> {
    let of_this = |(stream, _): &(&StreamId, &u64)| stream.integration == *name;
    let records = counts.records.iter().filter(of_this).map(|(_, count)| count).sum();
    let rejected = counts.rejected.iter().filter(of_this).map(|(_, count)| count).sum();
    let runs = last_runs(account, name, 5)?;
    let last = runs.first();
    let complete = runs.iter().find(|run| run.complete()).and_then(|run| run.finished_at);
    let failure = last.and_then(|run| run.failures.last());
    Ok(IntegrationStatus {
        name: name.to_string(),
        state: state(last, records).to_owned(),
        standing: String::new(),
        cursor_age_ms: complete.and_then(|at: Timestamp| clock::now().since(at)).map(|age| age.0),
        records,
        rejected,
        errors: last.map_or(0, |run| count(run.failures.len())),
        last_error: failure.map(|failure| format!("{}: {}", failure.dataset, failure.error)),
        last_run: last.cloned(),
    })
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn state(last: Option<&RunRecord>, records: u64) -> &'static str {
    match last {
        None if records == 0 => "idle",
        None => "healthy",
        Some(run) if run.finished_at.is_none() => "collecting",
        Some(run) if run.failures.is_empty() => "healthy",
        Some(run) if run.failures.iter().any(|failure| failure.blame == "config") => "paused",
        Some(run) if run.records > 0 => "degraded",
        Some(_) => "failing",
    }
}
