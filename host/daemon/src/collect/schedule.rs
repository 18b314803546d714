//! When an integration is collected: at start, then by interval or cron line, sooner when a webhook says that something
//! is there which it does not bring itself, later after a failure; and now and then whole.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use weir_model::IntegrationName;
use weir_sandbox::Blame;

use super::{Depth, RunRecord, last_full};
use crate::clock;
use crate::config::{Collector, IntegrationConfig};
use crate::error::Fault;
use crate::host::Host;
use crate::schedule::Schedule;

/// Interval of integrations that name none.
const EVERY_DEFAULT: Duration = Duration::from_secs(300);
/// Interval of full passes of integrations that name none.
const FULL_EVERY_DEFAULT: Duration = Duration::from_secs(7 * 86_400);
/// Shortest time between two collections that webhooks ask for.
const ASKED_FOR_PAUSE: Duration = Duration::from_secs(3);
/// Longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// The schedule of an integration.
fn schedule_of(integration: &IntegrationConfig) -> Result<Schedule, Fault> {
    match &integration.cron {
        Some(line) => Schedule::cron(line, TimeZone::UTC, &format!("integration `{}`", integration.name)),
        None => Ok(Schedule::Every(integration.every.map_or(EVERY_DEFAULT, |every| every.0))),
    }
}

/// How often an integration is collected that is collected at even intervals.
pub fn interval_of(integration: &IntegrationConfig) -> Option<Duration> {
    let is_polled = integration.connection.is_some() || integration.collector == Some(Collector::Git);
    (is_polled && integration.cron.is_none()).then(|| integration.every.map_or(EVERY_DEFAULT, |every| every.0))
}

/// Time until it is due next.
fn wait(schedule: &Schedule) -> Duration {
    let now = clock::now();
    let due = schedule.next(now).and_then(|due| due.since(now));
    due.map_or(EVERY_DEFAULT, |span| Duration::from_millis(span.0))
}

/// Collects again and again until the host ends.
pub async fn run_on_schedule(host: Arc<Host>, integration: IntegrationConfig) {
    let name = integration.name.clone();
    let schedule = match schedule_of(&integration) {
        Ok(schedule) => schedule,
        Err(fault) => return tracing::error!(integration = %name, error = fault.chain(), "it is not collected"),
    };
    let mut failures = 0;
    loop {
        // Dropping a collection between two commits is what its resuming is made for.
        let outcome = tokio::select! {
            () = host.stop.cancelled() => return,
            outcome = once(&host, &integration) => outcome,
        };
        failures = if matches!(&outcome, Ok(run) if run.complete()) { 0 } else { failures + 1 };
        let wait = wait(&schedule).max(pause(&outcome, failures));
        tokio::select! {
            () = host.stop.cancelled() => return,
            () = asked_for(&host, &name), if failures == 0 => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Ends when a webhook asked for a collection, but not at once: more of them may follow.
async fn asked_for(host: &Host, name: &IntegrationName) {
    host.asked_for(name).notified().await;
    tokio::time::sleep(ASKED_FOR_PAUSE).await;
}

async fn once(host: &Host, integration: &IntegrationConfig) -> Result<RunRecord, Fault> {
    let depth = depth_due(host, integration)?;
    let outcome = host.collect_now(&integration.name, depth, &|_| {}).await;
    match &outcome {
        Ok(run) => {
            tracing::debug!(integration = %integration.name, records = run.records, failures = run.failures.len(), "collected");
        }
        Err(fault) => tracing::error!(integration = %integration.name, error = fault.chain(), "cannot collect"),
    }
    outcome
}

/// Whether it is time to read everything again.
fn depth_due(host: &Host, integration: &IntegrationConfig) -> Result<Depth, Fault> {
    // A collector on disk keeps up by itself; commits never change.
    if integration.collector.is_some() {
        return Ok(Depth::Incremental);
    }
    let every = integration.full_every.map_or(FULL_EVERY_DEFAULT, |every| every.0);
    let last = last_full(&host.account, &integration.name)?;
    let age = last.and_then(|last| clock::now().since(last)).map(|age| Duration::from_millis(age.0));
    Ok(if age.is_some_and(|age| age >= every) { Depth::Full } else { Depth::Incremental })
}

/// Pause after failures: none for a tool that was merely slow, an hour for what only an operator can mend.
fn pause(outcome: &Result<RunRecord, Fault>, failures: u32) -> Duration {
    let config = match outcome {
        Ok(run) => run.failures.iter().any(|failure| failure.blame == "config"),
        Err(fault) => fault.blame() == Blame::Config,
    };
    match (failures, config) {
        (0, _) => Duration::ZERO,
        (_, true) => PAUSE_MAX,
        (failures, false) => Duration::from_secs(1 << failures.min(11)).min(PAUSE_MAX),
    }
}
