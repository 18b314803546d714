//! How the host is, as Prometheus text. Names and labels are in docs/OPERATIONS.md, and drawn in docs/grafana.

use std::fmt::Write;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::gateway::Traffic;
use super::problem::Problem;
use super::read::blocking;
use crate::clock;
use crate::error::Fault;
use crate::host::HostStatus;
use crate::query::{self, Counts, PropelStatus};
use crate::state_keys;
use crate::traces;

/// Actions of one propel that are counted; more are as bad.
const ACTIONS_MAX: usize = 10_000;
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What numbers are taken from.
struct Taken {
    status: HostStatus,
    propels: Vec<PropelStatus>,
    /// Actions that wait, and that were given up, of each propel.
    actions: Vec<(u64, u64)>,
    disk_free_bytes: Option<u64>,
    certificate_ends_s: Option<u64>,
    answers: Counts,
    backed_up_at_s: Option<u64>,
}

pub(super) async fn prometheus(
    State(host): State<Shared>,
    Extension(traffic): Extension<Arc<Traffic>>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let propels = host.propels().await?.values().map(|propel| query::propel_status(propel, now)).collect();
    let taken = blocking(host, move |host| take(host, propels)).await?;
    Ok(([(header::CONTENT_TYPE, TEXT)], told(&taken) + &traffic.prometheus()).into_response())
}

fn take(host: &Shared, propels: Vec<PropelStatus>) -> Result<Taken, Fault> {
    let disk = rustix::fs::statvfs(&host.config.host.data_dir);
    let tls = host.config.tls.as_ref().and_then(|tls| super::ends_at(&tls.certificate));
    let count = |prefix| {
        let first = host.account.log.state_first(&prefix, ACTIONS_MAX).map_err(Fault::from_log)?;
        Ok::<_, Fault>(u64::try_from(first.len()).unwrap_or(u64::MAX))
    };
    let both = |propel: &PropelStatus| {
        Ok((count(state_keys::outbox(&propel.name))?, count(state_keys::dead_letters().with(&propel.name))?))
    };
    Ok(Taken {
        status: host.status()?,
        actions: propels.iter().map(both).collect::<Result<_, Fault>>()?,
        propels,
        certificate_ends_s: tls.and_then(|end| u64::try_from(end.ms() / 1_000).ok()),
        answers: host.answers.counts(),
        backed_up_at_s: host.backed_up_at().and_then(|at| u64::try_from(at.ms() / 1_000).ok()),
        disk_free_bytes: disk.ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
    })
}

/// Metrics as they are written down.
#[derive(Default)]
struct Text(String);

impl Text {
    /// One metric with its values by label.
    fn metric<'a>(&mut self, kind: &str, name: &str, help: &str, values: impl IntoIterator<Item = (Labels<'a>, u64)>) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "# HELP weir_{name} {help}\n# TYPE weir_{name} {kind}");
        for (labels, value) in values {
            let labels: Vec<_> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.0, "weir_{name}{labels} {value}");
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Into<Option<u64>>) {
        self.metric("gauge", name, help, value.into().map(|value| (Vec::new(), value)));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.metric("counter", name, help, [(Vec::new(), value)]);
    }
}

type Labels<'a> = Vec<(&'static str, &'a str)>;

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn told(taken: &Taken) -> String {
    let mut text = Text::default();
    let health = &taken.status.health;
    text.counter("log_accepted_records_total", "Position of the newest raw record.", health.accepted.0);
    text.counter("log_processed_records_total", "Position up to which everything is derived.", health.processed.0);
    text.gauge("log_quarantined_generations", "Generations of the log that cannot be read.", health.quarantined);
    text.gauge("log_bytes", "Bytes the log takes on disk.", health.log_bytes);
    text.gauge("disk_free_bytes", "Bytes left where the data lies.", taken.disk_free_bytes);
    let ends = "When the certificate of this host ends, in seconds since 1970.";
    text.gauge("tls_certificate_ends_seconds", ends, taken.certificate_ends_s);
    let backup = "When the last backup of `[backup]` was taken, in seconds since 1970.";
    text.gauge("backup_taken_seconds", backup, taken.backed_up_at_s);
    let stuck = u64::from(taken.status.processing_error.is_some());
    text.gauge("processing_stuck", "1 when nothing is processed because of an error.", stuck);
    let Counts { hits, misses, bytes } = taken.answers;
    text.counter("answers_repeated_total", "Answers that were given again without being computed.", hits);
    text.counter("answers_computed_total", "Answers that were computed.", misses);
    text.gauge("answers_bytes", "Bytes of the answers that are kept.", bytes);
    let traces = traces::counts();
    text.counter("traces_sent_spans_total", "Spans of this host that a collector has.", traces.sent);
    text.counter("traces_lost_spans_total", "Spans of this host that no collector took.", traces.lost);
    integrations(&mut text, &taken.status);
    webhooks(&mut text, &taken.status);
    propels(&mut text, taken);
    let central = taken.status.central.as_ref();
    let waiting = central.map(|central| central.last_event.0.saturating_sub(central.acknowledged.0));
    text.gauge("forward_waiting_events", "Events that central does not have yet.", waiting);
    let failing = central.map(|central| u64::from(central.last_error.is_some()));
    text.gauge("forward_failing", "1 when results cannot be forwarded.", failing);
    text.0
}

fn integrations(text: &mut Text, status: &HostStatus) {
    let all = &status.health.integrations;
    let mut each = |kind: &str, name: &str, help: &str, value: &dyn Fn(&query::IntegrationStatus) -> Option<u64>| {
        let labelled = all.iter().filter_map(|one| Some((vec![("integration", one.name.as_str())], value(one)?)));
        text.metric(kind, name, help, labelled);
    };
    each("gauge", "integration_records", "Raw records of an integration.", &|one| Some(one.records));
    each("gauge", "integration_rejected_records", "Records nothing could be made of.", &|one| Some(one.rejected));
    each("gauge", "integration_errors", "Failures of the last run.", &|one| Some(one.errors));
    each("gauge", "integration_age_ms", "Time since everything was last read to its end.", &|one| one.cursor_age_ms);
    let standing =
        all.iter().map(|one| (vec![("integration", one.name.as_str()), ("standing", one.standing.as_str())], 1));
    text.metric("gauge", "integration_standing", "1 for the word by which an integration stands.", standing);
    let budgets = status.budgets.iter().filter_map(|budget| {
        Some((vec![("origin", budget.origin.as_str()), ("resource", budget.resource.as_str())], budget.remaining?))
    });
    text.metric("gauge", "tool_requests_left", "Requests a tool still allows in its window.", budgets);
}

fn webhooks(text: &mut Text, status: &HostStatus) {
    let taken = status.webhooks.iter().map(|hook| (vec![("integration", hook.integration.as_str())], hook.taken));
    text.metric("counter", "webhooks_taken_total", "Webhooks that were kept.", taken);
    let refused = status.webhooks.iter().map(|hook| (vec![("integration", hook.integration.as_str())], hook.refused));
    text.metric("counter", "webhooks_refused_total", "Webhooks that were refused.", refused);
}

fn propels(text: &mut Text, taken: &Taken) {
    let mut each = |kind: &str, name: &str, help: &str, value: &dyn Fn(&PropelStatus) -> u64| {
        text.metric(
            kind,
            name,
            help,
            taken.propels.iter().map(|one| (vec![("propel", one.name.as_str())], value(one))),
        );
    };
    each("counter", "propel_runs_total", "Runs that were tried.", &|one| one.health.runs);
    each("counter", "propel_run_ms_total", "Time that runs took.", &|one| one.health.took_ms);
    each("gauge", "propel_failures", "Failed tries in a row.", &|one| u64::from(one.health.failures));
    each("gauge", "propel_resting", "1 when a propel rests because all it does fails.", &|one| {
        u64::from(one.health.resting_until.is_some())
    });
    let mut actions = |name: &str, help: &str, value: &dyn Fn(&(u64, u64)) -> u64| {
        let each = taken.propels.iter().zip(&taken.actions);
        text.metric("gauge", name, help, each.map(|(one, n)| (vec![("propel", one.name.as_str())], value(n))));
    };
    actions("outbox_waiting_actions", "Actions that wait to be carried out.", &|(waiting, _)| *waiting);
    actions("outbox_dead_letters", "Actions that were given up.", &|(_, given_up)| *given_up);
}
