//! Events that are no function of the log: that a collection has ended, that an integration is better or worse, that a
//! number crossed a line. Each is a raw record first, as what propels send is, in one frame with what was told last; so
//! it is told once, and deriving everything again tells the same.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use weir_model::{IntegrationName, RawRecord, StreamId, Timestamp};
use weir_store::{Commit, Put};

use crate::account::Account;
use crate::collect::RunRecord;
use crate::config::ThresholdConfig;
use crate::error::Fault;
use crate::host::Host;
use crate::propel::{emitted_stream, hears};
use crate::query::{self, MetricParams, View};
use crate::{clock, intake, state_keys};

const COLLECTED: &str = "collection.finished";
const HEALTH_CHANGED: &str = "integration.health-changed";
const CROSSED: &str = "metric.crossed";
const RETURNED: &str = "metric.returned";
/// Health of an integration of which nothing is known.
const UNKNOWN: &str = "UNKNOWN";
const WINDOW: Duration = Duration::from_secs(30 * 86_400);
const EVERY: Duration = Duration::from_secs(300);

/// Tells that a collection has ended, and what the integration's health is now. Each only to propels that listen: there is
/// one every few minutes, and most say nothing.
pub(crate) async fn collected(
    host: &Host,
    name: &IntegrationName,
    outcome: &Result<RunRecord, Fault>,
) -> Result<(), Fault> {
    let listens = |kind: &str| host.config.propels().any(|propel| hears(&propel.on, kind));
    let now = clock::now();
    let mut news = News::default();
    if let Ok(run) = outcome
        && listens(COLLECTED)
    {
        let payload = json!({
            "integration": name, "records": run.records, "withdrawn": run.withdrawn, "full": run.full,
            "complete": run.complete(), "failures": run.failures, "started_at": run.started_at,
        });
        news.tell(&format!("collection/{name}/{}", run.started_at.ms()), COLLECTED, now, &payload);
    }
    if listens(HEALTH_CHANGED) {
        let key = state_keys::told_health(name);
        let told = host.account.log.state(&key).map_err(Fault::from_log)?;
        let before = told.map_or(UNKNOWN.to_owned(), |text| String::from_utf8_lossy(&text).into_owned());
        let after = health(outcome);
        if before != after {
            let payload = json!({ "integration": name, "before": before, "after": after, "error": error(outcome) });
            news.tell(&format!("health/{name}/{}", now.ms()), HEALTH_CHANGED, now, &payload);
            news.puts.push(Put::set(key, after));
        }
    }
    news.keep(&host.account).await
}

/// How an integration is, by its last collection.
fn health(outcome: &Result<RunRecord, Fault>) -> &'static str {
    match outcome {
        Ok(run) if run.failures.is_empty() => "HEALTHY",
        Ok(run) if run.failures.iter().all(|failure| failure.retry && failure.blame != "config") => "NEEDS ATTENTION",
        Ok(_) | Err(_) => "CRITICAL",
    }
}

fn error(outcome: &Result<RunRecord, Fault>) -> Option<String> {
    match outcome {
        Ok(run) => run.failures.last().map(|failure| format!("{}: {}", failure.dataset, failure.error)),
        Err(fault) => Some(fault.chain()),
    }
}

/// Looks at the number of a threshold until the host ends.
pub(crate) async fn watch(host: Arc<Host>, threshold: ThresholdConfig) {
    let every = threshold.every.map_or(EVERY, |every| every.0);
    loop {
        if let Err(fault) = look(&host, &threshold).await {
            tracing::warn!(threshold = threshold.name, error = fault.chain(), "the threshold is not looked at");
        }
        tokio::select! {
            () = host.stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// Tells when the number is on the other side of the line than it was told to be. One that is not known is on no side.
async fn look(host: &Arc<Host>, threshold: &ThresholdConfig) -> Result<(), Fault> {
    // While other definitions are being derived, the numbers are still those of the old ones.
    if host.account.derived().is_stale() {
        return Ok(());
    }
    let (line, over) = match (threshold.over, threshold.under) {
        (Some(line), _) => (line.value(), true),
        (None, Some(line)) => (line.value(), false),
        (None, None) => return Ok(()),
    };
    let now = clock::now();
    let (account, name, params) = (host.account.clone(), threshold.metric.clone(), window(threshold, now));
    let answered = tokio::task::spawn_blocking(move || query::metric(&View::whole(&account), &name, &params)).await;
    let answer = answered.map_err(|error| Fault::host("the number was not computed").caused_by(error))??;
    let Some(value) = answer.value() else { return Ok(()) };
    let is_crossed = if over { value > line } else { value < line };
    let key = state_keys::crossed(&threshold.name);
    let was_crossed = host.account.log.state(&key).map_err(Fault::from_log)?.is_some();
    if is_crossed == was_crossed {
        return Ok(());
    }
    let payload = json!({
        "threshold": threshold.name, "metric": answer.metric, "definition": answer.definition, "unit": answer.unit,
        "statistic": answer.statistic, "value": value, "line": line, "side": if over { "over" } else { "under" },
        "n": answer.total.n, "unknown": answer.unknown, "from": answer.from, "to": answer.to,
        "fresh_at": answer.fresh_at, "team": threshold.team, "project": threshold.project, "service": threshold.service,
    });
    let mut news = News::default();
    let (kind, put) = if is_crossed { (CROSSED, Put::set(key, Vec::new())) } else { (RETURNED, Put::remove(key)) };
    news.tell(&format!("threshold/{}/{}", threshold.name, now.ms()), kind, now, &payload);
    news.puts.push(put);
    news.keep(&host.account).await
}

fn window(threshold: &ThresholdConfig, now: Timestamp) -> MetricParams {
    let window = threshold.window.map_or(WINDOW, |window| window.0);
    let from = Timestamp::from_ms(now.ms().saturating_sub(i64::try_from(window.as_millis()).unwrap_or(i64::MAX)));
    MetricParams {
        from: Some(from.to_string()),
        to: Some(now.to_string()),
        team: threshold.team.clone(),
        project: threshold.project.clone(),
        service: threshold.service.clone(),
        ..MetricParams::default()
    }
}

/// Events and what goes with them, in one frame.
#[derive(Default)]
struct News {
    records: Vec<(StreamId, RawRecord)>,
    puts: Vec<Put>,
}

impl News {
    fn tell(&mut self, key: &str, kind: &str, at: Timestamp, payload: &Value) {
        let said = json!({ "kind": kind, "at": at, "payload": payload });
        self.records.push((emitted_stream(), RawRecord::upsert(key.to_owned(), None, said.to_string())));
    }

    async fn keep(self, account: &Account) -> Result<(), Fault> {
        let Self { records, puts } = self;
        if records.is_empty() {
            return Ok(());
        }
        intake::append(account, Commit { records, received_at: clock::now(), puts }).await.map(drop)
    }
}
