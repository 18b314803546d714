//! Items at an instant, how many there were over time, and where their time went.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::{EntityId, Timestamp};
use weir_stages::aggregate::{Definition, Phase};
use weir_store::{Bucket, SampleQuery};

use super::super::metrics::{MetricAnswer, Point, end_of, instant};
use super::{DEFINITION, Known, Spread, WorkParams, fresh_at, ms, read};
use crate::clock;
use crate::error::Fault;
use crate::query::View;

/// Items listed when no limit is given.
const ITEMS_LISTED: usize = 200;
/// Most items of which the parts of a window are looked at.
const ITEMS_MAX: usize = 50_000;

/// Items at an instant.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ItemsAnswer {
    /// Version of the definition.
    pub definition: &'static str,
    /// The instant.
    pub at: Timestamp,
    /// Items there.
    pub n: usize,
    /// Items of which it is unknown whether they were in progress.
    pub unknown: usize,
    /// Ages, in milliseconds, since the creation; of those in progress, since they were begun.
    pub age: Spread,
    /// Counts by status then, by project and by team.
    pub by: BTreeMap<&'static str, BTreeMap<String, usize>>,
    /// The oldest first.
    pub items: Vec<ItemAnswer>,
    /// When the newest record that was processed was taken.
    pub fresh_at: Option<Timestamp>,
}

/// An item at an instant.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ItemAnswer {
    /// Which.
    pub id: EntityId,
    /// Handle as people write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Status then; none where the tool did not tell it.
    pub status: Option<String>,
    /// What it did then.
    pub phase: Option<Phase>,
    /// Since when it was in that status.
    pub since: Option<Timestamp>,
    /// Age in milliseconds.
    pub age_ms: f64,
}

/// The items that were open, or in progress, at an instant.
pub fn items(account: &View<'_>, params: &WorkParams) -> Result<ItemsAnswer, Fault> {
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let calendar = reader.calendar();
    let at = params.at.as_deref().map(|text| instant(text, calendar)).transpose()?.unwrap_or_else(clock::now);
    let inside = |metric: &str| {
        // What happens at the instant itself has happened.
        let query = SampleQuery {
            from: None,
            to: Some(Timestamp::from_ms(at.ms() + 1)),
            ..params.query(account, metric, calendar)?
        };
        reader.inside(&query).map_err(Fault::from_derived)
    };
    let there = inside(if params.begun { "wip" } else { "open-items" })?;
    let found = read(&reader, there.iter().map(|(id, _)| id.clone()), &account.context())?;
    let since: BTreeMap<EntityId, Timestamp> = there.into_iter().collect();
    let age = |item: &Known| since.get(&item.id).and_then(|from| at.since(*from)).map_or(0.0, ms);
    let limit = params.limit.unwrap_or(ITEMS_LISTED);
    Ok(ItemsAnswer {
        definition: DEFINITION,
        at,
        n: found.len(),
        unknown: inside("wip-unknown")?.len(),
        age: Spread::of(found.iter().map(age)),
        by: counts(account, &found, at),
        items: found.iter().take(limit).map(|item| shown(item, at, age(item))).collect(),
        fresh_at: fresh_at(account, &reader)?,
    })
}

fn shown(item: &Known, at: Timestamp, age_ms: f64) -> ItemAnswer {
    let stay = item.history.stay_at(at);
    ItemAnswer {
        id: item.id.clone(),
        handle: item.item.handle.clone(),
        title: item.item.title.clone(),
        status: stay.and_then(|stay| stay.status.clone()),
        phase: stay.and_then(|stay| stay.phase),
        since: stay.map(|stay| stay.from),
        age_ms,
    }
}

fn counts(account: &View<'_>, items: &[Known], at: Timestamp) -> BTreeMap<&'static str, BTreeMap<String, usize>> {
    let mut by: BTreeMap<_, BTreeMap<String, usize>> =
        ["project", "status", "team"].map(|name| (name, BTreeMap::new())).into();
    for item in items {
        let status = item.history.stay_at(at).and_then(|stay| stay.status.clone());
        let mut count = |name, value: &str| *by.entry(name).or_default().entry(value.to_owned()).or_default() += 1;
        count("status", status.as_deref().unwrap_or("unknown"));
        for name in ["project", "team"] {
            let told = item.document.values(name).iter();
            told.filter(|value| name != "team" || account.sight().has_team(value)).for_each(|value| count(name, value));
        }
    }
    by
}

/// How many were inside at the end of each bucket: the sum of all entries and exits before. A bucket in which nothing
/// happened has the level of the one before; the last one is that of the newest entry or exit, or of the window.
pub(in crate::query) fn level(
    account: &View<'_>,
    definition: &Definition,
    query: &SampleQuery,
    by: Bucket,
) -> Result<MetricAnswer, Fault> {
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let steps = |metric: &str| -> Result<BTreeMap<Timestamp, i64>, Fault> {
        let query = SampleQuery { metric: metric.to_owned(), from: None, ..query.clone() };
        let cells = reader.cells(&query, by).map_err(Fault::from_derived)?;
        Ok(cells.into_iter().map(|cell| (cell.at, rounded(cell.sum))).collect())
    };
    let known = steps(&definition.name)?;
    let unknown = if definition.name == "wip" { steps("wip-unknown")? } else { BTreeMap::new() };
    let mut points: Vec<Point> = Vec::new();
    let mut level = (0, 0);
    let last = known.keys().chain(unknown.keys()).max().copied();
    let mut next = known.keys().chain(unknown.keys()).min().copied();
    while let Some(at) = next.filter(|at| last.is_some_and(|last| *at <= last)) {
        level.0 += known.get(&at).copied().unwrap_or_default();
        level.1 += unknown.get(&at).copied().unwrap_or_default();
        let end = end_of(at, by, reader.calendar());
        if query.from.is_none_or(|from| from < end) {
            points.push(point(Some(at), level));
        }
        next = Some(end).filter(|end| *end > at);
    }
    let total = point(None, level);
    Ok(MetricAnswer {
        unknown: total.unknown,
        points,
        total,
        fresh_at: fresh_at(account, &reader)?,
        ..MetricAnswer::of(definition, query, reader.calendar())
    })
}

fn point(at: Option<Timestamp>, (known, unknown): (i64, i64)) -> Point {
    let count = |level: i64| u64::try_from(level).unwrap_or_default();
    Point {
        at: at.map(|at| at.to_string().chars().take(10).collect()),
        n: count(known),
        unknown: count(unknown),
        ..Point::default()
    }
}

/// Sums of ones are whole.
#[expect(clippy::cast_possible_truncation, reason = "sums of ones stay far below 2^53")]
fn rounded(sum: f64) -> i64 {
    sum.round() as i64
}

/// Where the time of finished items went.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatusesAnswer {
    /// Version of the definition.
    pub definition: &'static str,
    /// Items done in the window.
    pub n: usize,
    /// Of these, items with a time of unknown status.
    pub unknown: usize,
    /// By status: milliseconds that an item was in it before it was done, all its stays together, over the items that
    /// were in it at all.
    pub statuses: BTreeMap<String, Spread>,
    /// The same by what the items did.
    pub phases: BTreeMap<String, Spread>,
    /// When the newest record that was processed was taken.
    pub fresh_at: Option<Timestamp>,
}

/// Time in status of the items that were done in the window.
pub fn statuses(account: &View<'_>, params: &WorkParams) -> Result<StatusesAnswer, Fault> {
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let found = done(account, &reader, params)?;
    let (mut statuses, mut phases) = (Times::new(), Times::new());
    let mut unknown = 0;
    for Known { history, .. } in &found {
        let Some(done) = history.done_at() else { continue };
        let (mut by_status, mut by_phase) = (BTreeMap::new(), BTreeMap::new());
        for stay in history.stays.iter().filter(|stay| stay.from < done) {
            let length = ms(stay.length(done));
            *by_status.entry(stay.status.clone().unwrap_or_else(unnamed)).or_insert(0.0) += length;
            *by_phase.entry(stay.phase.map_or_else(unnamed, |phase| phase.as_str().to_owned())).or_insert(0.0) +=
                length;
        }
        unknown += usize::from(by_phase.contains_key(&unnamed()));
        for (name, time) in by_status {
            statuses.entry(name).or_default().push(time);
        }
        for (name, time) in by_phase {
            phases.entry(name).or_default().push(time);
        }
    }
    let spread = |times: Times| times.into_iter().map(|(name, times)| (name, Spread::of(times))).collect();
    Ok(StatusesAnswer {
        definition: DEFINITION,
        n: found.len(),
        unknown,
        statuses: spread(statuses),
        phases: spread(phases),
        fresh_at: fresh_at(account, &reader)?,
    })
}

/// Times of items by name.
type Times = BTreeMap<String, Vec<f64>>;

fn unnamed() -> String {
    "unknown".to_owned()
}

/// Items done in the window.
pub(super) fn done(
    account: &View<'_>,
    reader: &weir_store::Reader<'_>,
    params: &WorkParams,
) -> Result<Vec<Known>, Fault> {
    let samples =
        reader.samples(&params.query(account, "throughput", reader.calendar())?).map_err(Fault::from_derived)?;
    if samples.len() > ITEMS_MAX {
        return Err(Fault::config(format!("{} items were done in the window", samples.len()))
            .hint(format!("ask for a window, a team or a project with at most {ITEMS_MAX}")));
    }
    read(reader, samples.into_iter().map(|sample| sample.entity), &account.context())
}
