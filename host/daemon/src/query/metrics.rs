//! Numbers, each with its definition, sample size, unknowns and freshness, and the way down to what is behind it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::calendar::{Bucket, Calendar, first_day, ordinal};
use weir_model::metric::Sample;
use weir_model::statistics::Sketch;
use weir_model::{EntityId, Timestamp};
use weir_stages::Context;
use weir_stages::aggregate::{
    self, BAND_SETS, CompatValue, Definition, Family, Measured, Rhythm, Statistic, Trend, Waiting, rhythm, trend,
    waiting,
};
use weir_store::{Cell, Dimension, Reader, SampleQuery, SampleRow};

use super::compat;
use crate::access::Sight;
use crate::error::Fault;
use crate::query::View;

/// Samples given when none are asked for.
const SAMPLES_MAX: usize = 1_000;
/// Most samples a rhythm is looked for in.
const RHYTHM_SAMPLES_MAX: u64 = 50_000;
/// Most groups of one answer.
const GROUPS_MAX: usize = 1_000;

/// Which numbers.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
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
    /// Service it is for.
    pub service: Option<String>,
    /// `team`, `project` or `service`: a total for each.
    pub group: Option<String>,
    /// Version of the definition, or the family of another system.
    pub definition: Option<String>,
    /// Set of bands to name the total by: `devlake/2023`.
    pub bands: Option<String>,
    /// Whether to say why values are unknown.
    pub reasons: bool,
}

impl MetricParams {
    /// As a query of the API.
    pub fn pairs(&self) -> [(&'static str, Option<&str>); 10] {
        [
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
            ("by", self.by.as_deref()),
            ("team", self.team.as_deref()),
            ("project", self.project.as_deref()),
            ("service", self.service.as_deref()),
            ("group", self.group.as_deref()),
            ("definition", self.definition.as_deref()),
            ("bands", self.bands.as_deref()),
            ("reasons", self.reasons.then_some("true")),
        ]
    }
}

/// The numbers of one metric.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MetricAnswer {
    /// Which metric.
    pub metric: String,
    /// Family and version of its definition.
    pub definition: String,
    /// Unit of its values: `ms`, `ratio`, `count`, `number`.
    pub unit: String,
    /// The statistic to show first.
    pub statistic: Statistic,
    /// Zone of its days, weeks and months.
    pub time_zone: String,
    /// Days of the week and dates that are no part of its times.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days_off: Vec<String>,
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
    /// How many there are of each reason, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<BTreeMap<String, u64>>,
    /// How long those have waited that have not reached their end, when reasons are asked for. No part of any statistic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// Services the total is a sum over, where they are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum_over_services: Option<usize>,
    /// Whether it grows, of at least three points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trend: Option<Trend>,
    /// How regular it is, for a frequency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<Rhythm>,
    /// Totals of its segments, which come from the same passages; their percentiles do not add up to those of the total.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, Point>,
    /// Totals by team, project or service, when asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Point>,
    /// Band of the total, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub band: Option<BandAnswer>,
    /// The number as another system computes it, when its definition is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compat: Option<CompatValue>,
    /// When the newest record that was processed was taken.
    pub fresh_at: Option<Timestamp>,
}

impl MetricAnswer {
    /// The number it shows first; none where it is not known.
    pub fn value(&self) -> Option<f64> {
        let level = || u32::try_from(self.total.n).ok().map(f64::from);
        if self.statistic == Statistic::Level { level() } else { of_statistic(self.statistic, &self.total) }
    }

    /// The answer without its numbers.
    pub(super) fn of(definition: &Definition, query: &SampleQuery, calendar: &Calendar) -> Self {
        Self {
            metric: definition.name.clone(),
            definition: definition.version.clone(),
            unit: definition.unit.as_str().to_owned(),
            statistic: definition.statistic,
            time_zone: calendar.zone().to_owned(),
            days_off: calendar.days_off().filter(|_| definition.without_days_off).collect(),
            from: query.from,
            to: query.to,
            points: Vec::new(),
            total: Point::default(),
            unknown: 0,
            reasons: None,
            waiting: None,
            sum_over_services: None,
            trend: None,
            rhythm: None,
            segments: BTreeMap::new(),
            groups: BTreeMap::new(),
            band: None,
            compat: None,
            fresh_at: None,
        }
    }
}

/// A label beside a number.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BandAnswer {
    /// The set it is of.
    pub set: String,
    /// `elite`, `high`, `medium` or `low`; none where the set has none for the metric or the number is unknown.
    pub band: Option<&'static str>,
}

/// Statistics over samples. What has no sample has no value.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
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
    /// Smallest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
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
    /// How many of the values of a ratio are so; `n` is what they are a share of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numerator: Option<f64>,
    /// How far the percentiles may be off at most, as a share of their value; none where they are exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_error: Option<f64>,
}

/// A sample and the entity it is of.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SampleBehind {
    /// The entity.
    pub entity: EntityId,
    /// What it says.
    #[serde(flatten)]
    pub sample: Sample,
}

/// Definitions of the metrics that are computed, the operator's last.
pub fn list_metrics(context: &Context) -> impl Iterator<Item = &Definition> {
    let theirs = context.metrics().iter().map(|metric| &metric.definition);
    aggregate::DEFINITIONS.iter().chain(theirs).filter(|definition| definition.computed)
}

/// The numbers of one metric.
pub fn metric(account: &View<'_>, name: &str, params: &MetricParams) -> Result<MetricAnswer, Fault> {
    let context = account.context();
    let definition = definition(&context, name)?;
    let family = family(definition, params)?;
    let by = bucket(params.by.as_deref())?;
    check_bands(params)?;
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let query = account.narrowed(sample_query(name, params, reader.calendar())?)?;
    if definition.statistic == Statistic::Level {
        return super::work::level(account, definition, &query, by);
    }
    let asked = Asked { definition, query: &query, by, reader: &reader, sight: account.sight() };
    let mut answer = match family {
        Some(family) => asked.compat(family, &context)?,
        None => asked.answer(params)?,
    };
    answer.fresh_at = account.taken_at(reader.watermark())?;
    Ok(answer)
}

/// One question.
struct Asked<'a> {
    definition: &'a Definition,
    query: &'a SampleQuery,
    by: Bucket,
    reader: &'a Reader<'a>,
    sight: &'a Sight,
}

impl Asked<'_> {
    fn answer(&self, params: &MetricParams) -> Result<MetricAnswer, Fault> {
        let Self { definition, query, by, reader, .. } = *self;
        let calendar = reader.calendar();
        let cells = reader.cells(query, by).map_err(Fault::from_derived)?;
        let window = window(query, &cells, by, calendar);
        let total = self.total(&definition.name, definition, window)?;
        let points: Vec<Point> = cells.iter().map(|cell| self.point(cell)).collect();
        let rhythm = self.rhythm(window, total.n)?;
        let band = params.bands.as_ref().map(|set| {
            let measured = Measured { value: shown(definition, &total), per_day: total.per_day, rhythm };
            BandAnswer { set: set.clone(), band: aggregate::band(set, &definition.name, &measured) }
        });
        let reasons = params.reasons.then(|| reader.reasons(query)).transpose().map_err(Fault::from_derived)?;
        let services = self.groups(Dimension::Service)?.len();
        Ok(MetricAnswer {
            trend: trend_of(definition, &cells, &points, by, calendar),
            sum_over_services: Some(services).filter(|n| query.service.is_none() && *n > 1),
            unknown: total.unknown,
            reasons,
            waiting: params.reasons.then(|| self.waiting()).transpose()?,
            rhythm,
            segments: self.segments(window)?,
            groups: self.grouped(params, window)?,
            band,
            points,
            total,
            ..MetricAnswer::of(definition, query, calendar)
        })
    }

    fn compat(&self, family: Family, context: &Context) -> Result<MetricAnswer, Fault> {
        let name = &self.definition.name;
        let Some(compat) = compat::value(self.reader, family, self.query, context)? else {
            return Err(Fault::config(format!("`{}` has no `{name}`", family.as_str()))
                .hint("docs/METRICS.md says which numbers of other systems there are"));
        };
        Ok(MetricAnswer {
            definition: family.as_str().to_owned(),
            unit: compat.unit.to_owned(),
            total: Point { n: u64::try_from(compat.n).unwrap_or(u64::MAX), ..Point::default() },
            compat: Some(compat),
            ..MetricAnswer::of(self.definition, self.query, self.reader.calendar())
        })
    }

    fn point(&self, cell: &Cell) -> Point {
        let calendar = self.reader.calendar();
        let length = days(cell.at, end_of(cell.at, self.by, calendar));
        Point { at: Some(cell.at.to_string().chars().take(10).collect()), ..point(self.definition, cell, length) }
    }

    /// Of the whole window, for this metric or one like it.
    fn total(&self, metric: &str, definition: &Definition, window: Option<Window>) -> Result<Point, Fault> {
        let query = SampleQuery { metric: metric.to_owned(), ..self.query.clone() };
        let total = self.reader.total(&query).map_err(Fault::from_derived)?;
        Ok(point(definition, &total, window.map_or(0.0, |(from, to)| days(from, to))))
    }

    fn segments(&self, window: Option<Window>) -> Result<BTreeMap<String, Point>, Fault> {
        let name = &self.definition.name;
        let segments = aggregate::DEFINITIONS.iter().filter(|part| part.part_of.as_ref() == Some(name));
        let total = |part: &Definition| {
            let short = part.name.rsplit('.').next().unwrap_or(&part.name).to_owned();
            Ok((short, self.total(&part.name, part, window)?))
        };
        segments.map(total).collect()
    }

    fn waiting(&self) -> Result<Waiting, Fault> {
        let times = self.reader.waiting(self.query).map_err(Fault::from_derived)?;
        Ok(waiting(&times, crate::clock::now()))
    }

    fn groups(&self, by: Dimension) -> Result<Vec<String>, Fault> {
        self.reader.groups(self.query, by).map_err(Fault::from_derived)
    }

    fn grouped(&self, params: &MetricParams, window: Option<Window>) -> Result<BTreeMap<String, Point>, Fault> {
        let Some(by) = grouping(params.group.as_deref())? else { return Ok(BTreeMap::new()) };
        let mut groups = BTreeMap::new();
        let names = self.groups(by)?.into_iter();
        // A team above one's own is made of others too.
        let names = names.filter(|name| by != Dimension::Team || self.sight.has_team(name));
        for name in names.take(GROUPS_MAX) {
            let mut query = self.query.clone();
            match by {
                Dimension::Team => query.team = Some(name.clone()),
                Dimension::Project => query.project = Some(name.clone()),
                Dimension::Service => query.service = Some(name.clone()),
            }
            let asked = Asked { query: &query, ..*self };
            groups.insert(name, asked.total(&self.definition.name, self.definition, window)?);
        }
        Ok(groups)
    }

    /// Of a frequency whose times can be looked at one by one.
    fn rhythm(&self, window: Option<Window>, n: u64) -> Result<Option<Rhythm>, Fault> {
        let is_rate = self.definition.statistic == Statistic::Rate && n <= RHYTHM_SAMPLES_MAX;
        let Some((from, to)) = window.filter(|_| is_rate) else { return Ok(None) };
        let times = self.reader.instants(self.query).map_err(Fault::from_derived)?;
        Ok(Some(rhythm(&times, from..to, self.reader.calendar())))
    }
}

/// The newest samples behind a number, with the entities they are of.
pub fn samples_behind(account: &View<'_>, name: &str, params: &MetricParams) -> Result<Vec<SampleBehind>, Fault> {
    definition(&account.context(), name)?;
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let query = account.narrowed(sample_query(name, params, reader.calendar())?)?;
    let mut samples = reader.samples(&query).map_err(Fault::from_derived)?;
    let older = samples.len().saturating_sub(SAMPLES_MAX);
    samples.drain(..older);
    let told = |SampleRow { entity, mut sample }| {
        sample.teams.retain(|team: &String| account.sight().has_team(team));
        SampleBehind { entity, sample }
    };
    Ok(samples.into_iter().map(told).collect())
}

fn definition<'c>(context: &'c Context, name: &str) -> Result<&'c Definition, Fault> {
    list_metrics(context).find(|definition| definition.name == name).ok_or_else(|| {
        let names = list_metrics(context).map(|definition| definition.name.as_str()).collect::<Vec<_>>();
        Fault::config(format!("no metric `{name}`")).hint(format!("there are {}", names.join(", ")))
    })
}

/// The family of another system that is asked for; none when it is our own definition.
fn family(definition: &Definition, params: &MetricParams) -> Result<Option<Family>, Fault> {
    let asked = params.definition.as_deref().filter(|asked| *asked != definition.version);
    let Some(asked) = asked else { return Ok(None) };
    Family::named(asked).map(Some).ok_or_else(|| {
        let families = Family::ALL.map(Family::as_str).join(", ");
        Fault::config(format!("`{}` has no definition `{asked}`", definition.name))
            .hint(format!("there are {}, {families}", definition.version))
    })
}

fn check_bands(params: &MetricParams) -> Result<(), Fault> {
    match &params.bands {
        Some(set) if !aggregate::has_band_set(set) => {
            Err(Fault::config(format!("no bands `{set}`")).hint(format!("there are {}", BAND_SETS.join(", "))))
        }
        _ => Ok(()),
    }
}

fn sample_query(name: &str, params: &MetricParams, calendar: &Calendar) -> Result<SampleQuery, Fault> {
    Ok(SampleQuery {
        metric: name.to_owned(),
        from: params.from.as_deref().map(|text| instant(text, calendar)).transpose()?,
        to: params.to.as_deref().map(|text| instant(text, calendar)).transpose()?,
        team: params.team.clone(),
        project: params.project.clone(),
        service: params.service.clone(),
    })
}

pub(super) fn instant(text: &str, calendar: &Calendar) -> Result<Timestamp, Fault> {
    calendar.start_of_date(text).map_or_else(|| text.parse(), Ok).map_err(|error| {
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

fn grouping(group: Option<&str>) -> Result<Option<Dimension>, Fault> {
    match group {
        None => Ok(None),
        Some("team") => Ok(Some(Dimension::Team)),
        Some("project") => Ok(Some(Dimension::Project)),
        Some("service") => Ok(Some(Dimension::Service)),
        Some(other) => Err(Fault::config(format!("cannot group by `{other}`")).hint("team, project or service")),
    }
}

fn point(definition: &Definition, cell: &Cell, days: f64) -> Point {
    let frequency = definition.statistic == Statistic::Rate;
    let ratio = definition.statistic == Statistic::Share;
    let spread = |value: Option<f64>| value.filter(|_| !frequency && !ratio);
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let per_day = (frequency && days > 0.0).then(|| cell.n as f64 / days);
    Point {
        at: None,
        n: cell.n,
        unknown: cell.unknown,
        mean: cell.mean.filter(|_| !frequency),
        min: spread(cell.min),
        max: spread(cell.max),
        p50: spread(cell.p50),
        p75: spread(cell.p75),
        p90: spread(cell.p90),
        p95: spread(cell.p95),
        per_day,
        numerator: Some(cell.sum).filter(|_| ratio && cell.n > 0),
        relative_error: spread(Some(Sketch::RELATIVE_ERROR)).filter(|_| !cell.exact),
    }
}

/// The statistic a definition shows first.
fn shown(definition: &Definition, point: &Point) -> Option<f64> {
    of_statistic(definition.statistic, point)
}

fn of_statistic(statistic: Statistic, point: &Point) -> Option<f64> {
    match statistic {
        Statistic::P50 => point.p50,
        Statistic::P75 => point.p75,
        Statistic::P90 => point.p90,
        Statistic::P95 => point.p95,
        Statistic::Mean | Statistic::Share => point.mean,
        Statistic::Rate => point.per_day,
        Statistic::Level => None,
    }
}

fn trend_of(
    definition: &Definition,
    cells: &[Cell],
    points: &[Point],
    by: Bucket,
    calendar: &Calendar,
) -> Option<Trend> {
    let place = |cell: &Cell| ordinal(calendar.day_of(cell.at), by);
    let values = cells.iter().zip(points).filter_map(|(cell, point)| Some((place(cell), shown(definition, point)?)));
    trend(&values.collect::<Vec<_>>())
}

const DAY_MS: f64 = 86_400_000.0;

/// From the first instant to the first that no longer counts.
type Window = (Timestamp, Timestamp);

/// The window; where it is open, from the first to the end of the last bucket.
fn window(query: &SampleQuery, cells: &[Cell], by: Bucket, calendar: &Calendar) -> Option<Window> {
    let first = query.from.or_else(|| cells.first().map(|cell| cell.at));
    let last = query.to.or_else(|| cells.last().map(|cell| end_of(cell.at, by, calendar)));
    first.zip(last)
}

/// Real length in days of 24 hours.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a window stay far below 2^53")]
fn days(first: Timestamp, last: Timestamp) -> f64 {
    (last.ms() - first.ms()) as f64 / DAY_MS
}

/// First instant after the bucket that begins at `start`.
pub(super) fn end_of(start: Timestamp, by: Bucket, calendar: &Calendar) -> Timestamp {
    calendar.end_of(first_day(calendar.day_of(start), by), by)
}
