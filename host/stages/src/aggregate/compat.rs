//! Numbers of other systems, computed as they compute them, errors included, from the same entities. They are labelled
//! with their family and never mixed with Weir's own.
//!
//! Windows are half-open; what lies in one is told by the family: a deployment by its end, a recovery by its resolution.

use std::collections::BTreeSet;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::statistics::percentile;
use weir_model::{Bucket, Calendar, Timestamp};

use super::answers::days_per;

/// Whose definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// DORA dashboards of Apache `DevLake`, 2023 edition.
    Devlake2023,
    /// The same, 2021 edition.
    Devlake2021,
    /// Middleware.
    Middleware1,
    /// Harness SEI, first lead-time definition.
    Harness1,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Devlake2023, Self::Devlake2021, Self::Middleware1, Self::Harness1];

    /// Family and version as it is asked for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Devlake2023 => "devlake/2023",
            Self::Devlake2021 => "devlake/2021",
            Self::Middleware1 => "middleware/1",
            Self::Harness1 => "harness/1.0",
        }
    }

    /// The family called so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == name)
    }
}

/// An attempt to bring something to production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompatDeployment {
    /// Over.
    pub finished_at: Timestamp,
    /// Whether it succeeded.
    pub succeeded: bool,
}

/// An incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompatIncident {
    /// Reported.
    pub created_at: Timestamp,
    /// Over; none while it is not.
    pub resolved_at: Option<Timestamp>,
}

/// A merged change with the boundaries the families look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompatChange {
    /// Earliest authored time of its commits.
    pub first_commit: Option<Timestamp>,
    /// Opened.
    pub opened: Option<Timestamp>,
    /// Ready for review.
    pub ready: Option<Timestamp>,
    /// First comment or review by another account, machines included.
    pub first_comment: Option<Timestamp>,
    /// First review, the author's own included.
    pub first_review: Option<Timestamp>,
    /// First approval.
    pub approved: Option<Timestamp>,
    /// Merged.
    pub merged: Option<Timestamp>,
    /// First in production.
    pub deployed: Option<Timestamp>,
}

/// What the numbers of a window are computed from.
#[derive(Debug, Clone, Copy)]
pub struct CompatFacts<'a> {
    /// Attempts to deploy to production, by end; some before the window, for incidents point back.
    pub deployments: &'a [CompatDeployment],
    /// Incidents, in any order.
    pub incidents: &'a [CompatIncident],
    /// Changes that were deployed in the window.
    pub changes: &'a [CompatChange],
    /// The window.
    pub window: (Timestamp, Timestamp),
    /// Whose weeks.
    pub calendar: &'a Calendar,
}

/// A number of another system.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CompatValue {
    /// The number; none where the system shows none.
    pub value: Option<f64>,
    /// Its unit: `ms`, `ratio`, `per-day`, `days-per-week`.
    pub unit: &'static str,
    /// How many it is of.
    pub n: usize,
}

/// A metric of Weir's name as a family computes it; none where the family has no such metric.
pub fn compat(family: Family, metric: &str, facts: &CompatFacts<'_>) -> Option<CompatValue> {
    match metric {
        "deployment-frequency" => Some(frequency(family, facts)),
        "change-fail-rate" => fail_rate(family, facts),
        "recovery-time" => Some(recovery(family, facts)),
        "change-lead-time" => Some(lead_time(family, facts)),
        _ => None,
    }
}

impl CompatFacts<'_> {
    fn window(&self) -> Range<Timestamp> {
        self.window.0..self.window.1
    }

    fn within(&self) -> impl Iterator<Item = &CompatDeployment> {
        let window = self.window();
        self.deployments.iter().filter(move |deployment| window.contains(&deployment.finished_at))
    }
}

fn frequency(family: Family, facts: &CompatFacts<'_>) -> CompatValue {
    let finished: Vec<Timestamp> =
        facts.within().filter(|deployment| deployment.succeeded).map(|deployment| deployment.finished_at).collect();
    let n = finished.len();
    let days = facts.window.1.since(facts.window.0).map_or(0.0, |length| number(length.0) / 86_400_000.0);
    match family {
        Family::Devlake2023 | Family::Devlake2021 => {
            let days: BTreeSet<i64> = finished.iter().map(|at| facts.calendar.day_of(*at)).collect();
            let days: Vec<i64> = days.into_iter().collect();
            let mut weeks = days_per(&days, &facts.window(), Bucket::Week, facts.calendar);
            CompatValue { value: lower_median(&mut weeks), unit: "days-per-week", n }
        }
        Family::Middleware1 => CompatValue { value: per(n, days), unit: "per-day", n },
        // One day is taken off the window.
        Family::Harness1 => CompatValue { value: per(n, days - 1.0), unit: "per-day", n },
    }
}

fn per(n: usize, days: f64) -> Option<f64> {
    (days > 0.0).then(|| count(n) / days)
}

fn fail_rate(family: Family, facts: &CompatFacts<'_>) -> Option<CompatValue> {
    let counts: Vec<&CompatDeployment> = match family {
        Family::Devlake2023 | Family::Devlake2021 => facts.within().filter(|deployment| deployment.succeeded).collect(),
        // Attempts that never reached production count too.
        Family::Middleware1 => facts.within().collect(),
        // Two filters that need not have to do with each other: nothing to reproduce from entities.
        Family::Harness1 => return None,
    };
    let blamed: BTreeSet<Timestamp> = facts
        .incidents
        .iter()
        .filter_map(|incident| blamed(family, facts, incident))
        .map(|deployment| deployment.finished_at)
        .collect();
    let n_failed = counts.iter().filter(|deployment| blamed.contains(&deployment.finished_at)).count();
    let nothing = if family == Family::Middleware1 { Some(0.0) } else { None };
    let value = if counts.is_empty() { nothing } else { Some(count(n_failed) / count(counts.len())) };
    Some(CompatValue { value, unit: "ratio", n: counts.len() })
}

/// The latest deployment over before the incident was reported, of whatever service.
fn blamed<'d>(family: Family, facts: &CompatFacts<'d>, incident: &CompatIncident) -> Option<&'d CompatDeployment> {
    let before = |deployment: &&CompatDeployment| match family {
        // Attempts that never reached production are blamed too.
        Family::Middleware1 => deployment.finished_at <= incident.created_at,
        Family::Devlake2023 | Family::Devlake2021 | Family::Harness1 => {
            deployment.succeeded && deployment.finished_at < incident.created_at
        }
    };
    facts.deployments.iter().filter(before).max_by_key(|deployment| deployment.finished_at)
}

fn recovery(family: Family, facts: &CompatFacts<'_>) -> CompatValue {
    let window = facts.window();
    let resolved = facts.incidents.iter().filter_map(|incident| Some((incident, incident.resolved_at?)));
    let resolved = resolved.filter(|(_, at)| window.contains(at));
    let mut times: Vec<f64> = match family {
        Family::Devlake2023 => resolved
            .filter_map(|(incident, at)| Some((at, blamed(family, facts, incident)?)))
            .filter_map(|(at, deployment)| at.since(deployment.finished_at))
            .map(|length| number(length.0))
            .collect(),
        _ => resolved.map(|(incident, at)| signed(incident.created_at, at)).collect(),
    };
    let n = times.len();
    let value = match family {
        Family::Devlake2023 | Family::Devlake2021 => lower_median(&mut times),
        Family::Middleware1 => mean(&times),
        // A resolution before the report counts as 0.
        Family::Harness1 => mean(&times.iter().map(|time| time.max(0.0)).collect::<Vec<_>>()),
    };
    CompatValue { value, unit: "ms", n }
}

fn lead_time(family: Family, facts: &CompatFacts<'_>) -> CompatValue {
    let n = facts.changes.len();
    let value = match family {
        Family::Devlake2023 | Family::Devlake2021 => {
            let mut minutes: Vec<f64> = facts.changes.iter().map(devlake_cycle_minutes).collect();
            lower_median(&mut minutes).map(|minutes| minutes * MINUTE_MS)
        }
        Family::Middleware1 => mean(&facts.changes.iter().map(middleware_lead).collect::<Vec<_>>()),
        Family::Harness1 => Some(harness_lead(facts.changes)).filter(|_| n > 0),
    };
    CompatValue { value, unit: "ms", n }
}

const MINUTE_MS: f64 = 60_000.0;

/// Whole minutes, rounded up; what is negative or not known counts as 0 in the sum.
fn devlake_cycle_minutes(change: &CompatChange) -> f64 {
    let minutes = |from: Option<Timestamp>, to: Option<Timestamp>| {
        let minutes = from.zip(to).map(|(from, to)| (signed(from, to) / MINUTE_MS).ceil());
        minutes.filter(|minutes| *minutes >= 0.0).unwrap_or(0.0)
    };
    minutes(change.first_commit, change.opened)
        + minutes(change.opened, change.merged)
        + minutes(change.merged, change.deployed)
}

/// The sum of five parts, of which the first may be negative.
fn middleware_lead(change: &CompatChange) -> f64 {
    let span = |from: Option<Timestamp>, to: Option<Timestamp>| from.zip(to).map(|(from, to)| signed(from, to));
    let parts = [
        span(change.first_commit, change.opened),
        span(change.ready.or(change.opened), change.first_review),
        span(change.first_review, change.approved),
        span(change.approved, change.merged).filter(|length| *length >= 0.0),
        span(change.merged, change.deployed),
    ];
    parts.into_iter().flatten().sum()
}

/// The sum over the stages of their medians, where what was not reached, or came before the one before it, is 0.
fn harness_lead(changes: &[CompatChange]) -> f64 {
    let mut stages: Vec<Vec<f64>> = vec![Vec::new(); 4];
    for change in changes {
        let boundaries = [change.first_commit, change.opened, change.approved, change.merged, change.deployed];
        for (stage, length) in stages.iter_mut().zip(harness_stages(&boundaries)) {
            stage.push(length);
        }
    }
    summed_percentile(&mut stages, 0.5)
}

/// Each stage is the time since the last boundary that is known, 0 where it is not known or negative. One less than
/// there are boundaries.
pub(super) fn harness_stages(boundaries: &[Option<Timestamp>]) -> Vec<f64> {
    let mut last = boundaries.first().copied().flatten();
    let stage = |own: &Option<Timestamp>| {
        let length = last.zip(*own).map_or(0.0, |(last, own)| signed(last, own).max(0.0));
        last = own.or(last);
        length
    };
    boundaries.iter().skip(1).map(stage).collect()
}

/// Largest value whose percent rank is at most one half; equal ones share the lowest rank.
pub(super) fn lower_median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = count(values.len().checked_sub(1)?);
    let rank = |value: &f64| count(values.partition_point(|other| other < value)) / last.max(1.0);
    values.iter().copied().rfind(|value| rank(value) <= 0.5)
}

/// Sum over the stages of a percentile of each.
pub(super) fn summed_percentile(stages: &mut [Vec<f64>], p: f64) -> f64 {
    let one = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        percentile(values, p).unwrap_or(0.0)
    };
    stages.iter_mut().map(one).sum()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count(values.len()))
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
fn signed(from: Timestamp, to: Timestamp) -> f64 {
    (to.ms() - from.ms()) as f64
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
fn number(ms: u64) -> f64 {
    ms as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
fn count(n: usize) -> f64 {
    n as f64
}
