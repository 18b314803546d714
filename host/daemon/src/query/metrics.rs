//! Numbers, each with its definition, sample size, unknowns and freshness, and the way down to what is behind it.

use serde::{Deserialize, Serialize};
use weir_model::metric::Sample;
use weir_model::{EntityId, Timestamp};
use weir_stages::aggregate::{self, Definition, Statistic};
use weir_store::{Bucket, Cell, SampleQuery, SampleRow};

use crate::account::Account;
use crate::error::Fault;

/// Samples given when none are asked for.
const SAMPLES_MAX: usize = 1_000;

/// Which numbers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricParams {
    /// First instant or day; none: the first there is.
    pub from: Option<String>,
    /// First instant or day after the window; none: the last there is.
    pub to: Option<String>,
    /// `day`, `week` or `month`.
    pub by: Option<String>,
    /// Team it is for.
    pub team: Option<String>,
    /// Project it is for.
    pub project: Option<String>,
}

/// The numbers of one metric.
#[derive(Debug, Clone, Serialize)]
pub struct MetricAnswer {
    /// Which metric.
    pub metric: String,
    /// Family and version of its definition.
    pub definition: String,
    /// Unit of its values: `ms`, `ratio`, `per-day`.
    pub unit: String,
    /// Begin of the window, included.
    pub from: Option<Timestamp>,
    /// End of the window, not included.
    pub to: Option<Timestamp>,
    /// One per day, week or month that has a sample.
    pub points: Vec<Point>,
    /// Over the whole window.
    pub total: Point,
    /// Samples whose value is unknown; no part of any statistic.
    pub unknown: u64,
    /// When the newest record that was processed was taken.
    pub fresh_at: Option<Timestamp>,
}

/// Statistics over samples. What has no sample has no value.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Point {
    /// Begin of the day, week or month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Samples with a known value; of a level, how many were inside at the end.
    pub n: u64,
    /// Samples whose value is unknown.
    pub unknown: u64,
    /// Mean; for a ratio the ratio itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// Three of four are at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p75: Option<f64>,
    /// Nine of ten are at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<f64>,
    /// Nineteen of twenty are at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
    /// Samples per day, for a frequency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<f64>,
}

/// A sample and the entity it is of.
#[derive(Debug, Clone, Serialize)]
pub struct SampleBehind {
    /// The entity.
    pub entity: EntityId,
    /// What it says.
    #[serde(flatten)]
    pub sample: Sample,
}

/// Names and definitions of the metrics that are computed.
pub fn list_metrics() -> impl Iterator<Item = &'static Definition> {
    aggregate::DEFINITIONS.iter().filter(|definition| definition.computed)
}

/// The numbers of one metric.
pub fn metric(account: &Account, name: &str, params: &MetricParams) -> Result<MetricAnswer, Fault> {
    let definition = definition(name)?;
    let query = sample_query(name, params)?;
    let by = bucket(params.by.as_deref())?;
    if definition.statistic == Statistic::Level {
        return super::work::level(account, definition, &query, by);
    }
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let cells = reader.cells(&query, by).map_err(Fault::from_derived)?;
    let total = reader.total(&query).map_err(Fault::from_derived)?;
    let watermark = reader.watermark();
    let newest = account.log.get(watermark).map_err(Fault::from_log)?;
    let days = window_days(&query, &cells, by);
    Ok(MetricAnswer {
        metric: name.to_owned(),
        definition: definition.version.to_owned(),
        unit: definition.unit.as_str().to_owned(),
        from: query.from,
        to: query.to,
        unknown: total.unknown,
        points: cells.iter().map(|cell| point(definition, cell, Some(by), bucket_days(cell.at, by))).collect(),
        total: point(definition, &total, None, days),
        fresh_at: newest.map(|record| record.received_at),
    })
}

/// The samples behind a number, with the entities they are of.
pub fn samples_behind(account: &Account, name: &str, params: &MetricParams) -> Result<Vec<SampleBehind>, Fault> {
    definition(name)?;
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let mut samples = reader.samples(&sample_query(name, params)?).map_err(Fault::from_derived)?;
    samples.truncate(SAMPLES_MAX);
    Ok(samples.into_iter().map(|SampleRow { entity, sample }| SampleBehind { entity, sample }).collect())
}

fn definition(name: &str) -> Result<&'static Definition, Fault> {
    list_metrics().find(|definition| definition.name == name).ok_or_else(|| {
        let names = list_metrics().map(|definition| definition.name).collect::<Vec<_>>();
        Fault::config(format!("no metric `{name}`")).hint(format!("there are {}", names.join(", ")))
    })
}

fn sample_query(name: &str, params: &MetricParams) -> Result<SampleQuery, Fault> {
    Ok(SampleQuery {
        metric: name.to_owned(),
        from: params.from.as_deref().map(instant).transpose()?,
        to: params.to.as_deref().map(instant).transpose()?,
        team: params.team.clone(),
        project: params.project.clone(),
    })
}

pub(super) fn instant(text: &str) -> Result<Timestamp, Fault> {
    let day = || format!("{text}T00:00:00Z").parse::<Timestamp>();
    text.parse::<Timestamp>().or_else(|_| day()).map_err(|error| {
        Fault::config("cannot read the window").hint("write 2025-03-01 or 2025-03-01T09:30:00Z").caused_by(error)
    })
}

fn bucket(by: Option<&str>) -> Result<Bucket, Fault> {
    match by {
        Some("day") => Ok(Bucket::Day),
        None | Some("week") => Ok(Bucket::Week),
        Some("month") => Ok(Bucket::Month),
        Some(other) => Err(Fault::config(format!("cannot group by `{other}`")).hint("day, week or month")),
    }
}

fn point(definition: &Definition, cell: &Cell, by: Option<Bucket>, days: f64) -> Point {
    let frequency = definition.statistic == Statistic::Rate;
    let ratio = definition.statistic == Statistic::Share;
    let percentile = |value: Option<f64>| value.filter(|_| !frequency && !ratio);
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let per_day = (frequency && days > 0.0).then(|| cell.n as f64 / days);
    Point {
        at: by.map(|_| cell.at.to_string().chars().take(10).collect()),
        n: cell.n,
        unknown: cell.unknown,
        mean: cell.mean.filter(|_| !frequency),
        p50: percentile(cell.p50),
        p75: percentile(cell.p75),
        p90: percentile(cell.p90),
        p95: percentile(cell.p95),
        per_day,
    }
}

const DAY_MS: f64 = 86_400_000.0;

/// Days of the window; where it is open, from the first to the end of the last bucket.
fn window_days(query: &SampleQuery, cells: &[Cell], by: Bucket) -> f64 {
    let first = query.from.or_else(|| cells.first().map(|cell| cell.at));
    let last = query.to.or_else(|| cells.last().map(|cell| end_of(cell.at, by)));
    match (first, last) {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a window stay far below 2^53")]
        (Some(first), Some(last)) => (last.ms() - first.ms()) as f64 / DAY_MS,
        _ => 0.0,
    }
}

fn bucket_days(at: Timestamp, by: Bucket) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a month stay far below 2^53")]
    let days = (end_of(at, by).ms() - at.ms()) as f64 / DAY_MS;
    days
}

/// First instant after the bucket that begins at `start`, in UTC.
pub(super) fn end_of(start: Timestamp, by: Bucket) -> Timestamp {
    let span = match by {
        Bucket::Day => jiff::Span::new().days(1),
        Bucket::Week => jiff::Span::new().weeks(1),
        Bucket::Month => jiff::Span::new().months(1),
    };
    let zoned = jiff::Timestamp::from_millisecond(start.ms()).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    zoned.checked_add(span).map_or(start, |end| Timestamp::from_ms(end.timestamp().as_millisecond()))
}
