//! Reading numbers: cells of days, weeks and months, and totals.
//!
//! Days that lie in the window of a query as a whole come from tiles; what is left of the window at its ends comes
//! from the samples. So each number counts exactly the samples of the window.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use rusqlite::params;
use weir_model::calendar::{Bucket, Calendar, first_day};
use weir_model::time::Timestamp;

use super::read::Reader;
use super::rows::{Cell, SampleQuery};
use super::spans::{Span, Tile, span_of};
use super::sums::{Sums, Values};
use super::values::team_text;
use crate::derived::{DerivedError, Doing};

/// Up to this many samples of the metric in the window of a query, percentiles of weeks, months and totals are computed
/// from the samples and exact; beyond, from the sketches of the days. Those of days are always exact.
const EXACT_SAMPLES_MAX: u64 = 5_000;

/// Milliseconds before and after all instants that can be written.
const EVER: Range<i64> = i64::MIN..i64::MAX;

impl SampleQuery {
    /// First millisecond, and the first one that no longer counts.
    pub(super) fn window(&self) -> Range<i64> {
        let from = self.from.map_or(EVER.start, Timestamp::ms);
        let to = self.to.map_or(EVER.end, Timestamp::ms);
        from..to
    }

    /// The team; empty for all.
    pub(super) fn team(&self) -> &str {
        self.team.as_deref().unwrap_or_default()
    }

    /// What the teams of a sample contain when it counts for the team; see [`team_text`].
    pub(super) fn within_team(&self) -> String {
        team_text(self.team.as_slice())
    }

    /// The project; empty for all.
    pub(super) fn project(&self) -> &str {
        self.project.as_deref().unwrap_or_default()
    }

    /// The service; empty for all.
    pub(super) fn service(&self) -> &str {
        self.service.as_deref().unwrap_or_default()
    }
}

/// A window in three parts.
struct Parts {
    /// Days that lie in it as a whole.
    days: Range<i64>,
    /// What is left of it, in milliseconds.
    ends: Vec<Range<i64>>,
}

impl Parts {
    fn of(window: Range<i64>, calendar: &Calendar) -> Self {
        let [start, last] = [window.start, window.end].map(|ms| calendar.day_of(Timestamp::from_ms(ms)));
        let start_of = |day| calendar.start_of(day).ms();
        let first = if start_of(start) < window.start { start + 1 } else { start };
        if first > last {
            return Self { days: 0..0, ends: vec![window] };
        }
        let ends = vec![window.start..start_of(first), start_of(last)..window.end];
        Self { days: first..last, ends }
    }
}

impl Reader<'_> {
    /// Statistics of each bucket that has samples, in the order of time. In an unfinished [`Apply`](super::Apply) they
    /// do not count what it has changed.
    pub fn cells(&self, query: &SampleQuery, by: Bucket) -> Result<Vec<Cell>, DerivedError> {
        let cells = match by {
            Bucket::Day => self.days(query),
            by => self.grouped(query, |day| first_day(day, by)),
        };
        cells.doing("read the cells of a metric")
    }

    /// Statistics of the whole window.
    pub fn total(&self, query: &SampleQuery) -> Result<Cell, DerivedError> {
        let first_day = query.from.map_or(0, |from| self.calendar().day_of(from));
        let cells = self.grouped(query, |_| first_day).doing("read the total of a metric")?;
        let nothing = || Values::default().cell(self.calendar().start_of(first_day));
        let total = cells.into_iter().next().unwrap_or_else(nothing);
        Ok(Cell { at: query.from.unwrap_or(total.at), ..total })
    }

    fn days(&self, query: &SampleQuery) -> rusqlite::Result<Vec<Cell>> {
        let parts = Parts::of(query.window(), self.calendar());
        let mut cells: BTreeMap<i64, Cell> = BTreeMap::new();
        self.each_tile(query, parts.days, |day, tile| {
            cells.insert(day, tile.cell(self.calendar().start_of(day)));
            Ok(())
        })?;
        for (day, values) in self.values(query, &parts.ends, |day| day)? {
            cells.insert(day, values.cell(self.calendar().start_of(day)));
        }
        Ok(cells.into_values().collect())
    }

    /// The tiles of some days that count a query's team, project and service, in the order of days.
    fn each_tile(
        &self,
        query: &SampleQuery,
        days: Range<i64>,
        mut each: impl FnMut(i64, Tile<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        self.each_span(query, days, |span| {
            span.0.into_iter().try_for_each(|(day, tile)| each(day, tile))?;
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The same, a row at a time, until `each` has enough.
    fn each_span(
        &self,
        query: &SampleQuery,
        days: Range<i64>,
        mut each: impl FnMut(Span<'_>) -> rusqlite::Result<ControlFlow<()>>,
    ) -> rusqlite::Result<()> {
        let sql = "SELECT span, days FROM tile
            WHERE metric = ?1 AND team = ?2 AND project = ?3 AND service = ?4 AND span BETWEEN ?5 AND ?6 ORDER BY span";
        let mut spans = self.connection().prepare_cached(sql)?;
        let [first, last] = [days.start, days.end].map(span_of);
        let mut rows =
            spans.query(params![query.metric, query.team(), query.project(), query.service(), first, last])?;
        while let Some(row) = rows.next()? {
            let mut span = Span::from_bytes(row.get(0)?, row.get_ref(1)?.as_blob()?)?;
            span.0.retain(|(day, _)| days.contains(day));
            if each(span)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Whether there are samples on the days of a window.
    pub(super) fn has_samples(&self, query: &SampleQuery) -> rusqlite::Result<bool> {
        let mut has = false;
        self.each_span(query, self.days_of(query), |span| {
            has = !span.0.is_empty();
            Ok(if has { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(has)
    }

    /// Days that a window reaches into.
    fn days_of(&self, query: &SampleQuery) -> Range<i64> {
        let Range { start, end } = query.window();
        let [first, last] = [start, end].map(|ms| self.calendar().day_of(Timestamp::from_ms(ms)));
        first..last.saturating_add(1)
    }

    fn grouped(&self, query: &SampleQuery, bucket: impl Fn(i64) -> i64) -> rusqlite::Result<Vec<Cell>> {
        let window = query.window();
        if self.is_crowded(query)? {
            return self.merged(query, bucket);
        }
        let values = self.values(query, &[window], bucket)?;
        Ok(values.into_iter().map(|(day, values)| values.cell(self.calendar().start_of(day))).collect())
    }

    /// From the tiles of whole days and the samples of the others.
    pub(super) fn merged(&self, query: &SampleQuery, bucket: impl Fn(i64) -> i64) -> rusqlite::Result<Vec<Cell>> {
        let parts = Parts::of(query.window(), self.calendar());
        let mut sums: BTreeMap<i64, Sums> = BTreeMap::new();
        self.each_tile(query, parts.days, |day, tile| tile.add_to(sums.entry(bucket(day)).or_default()))?;
        for (day, values) in self.values(query, &parts.ends, bucket)? {
            sums.entry(day).or_default().merge(&values.summed().0);
        }
        let cell = |(day, sum): (i64, Sums)| sum.cell(self.calendar().start_of(day), sum.percentiles(), false);
        Ok(sums.into_iter().map(cell).collect())
    }

    /// Values of the samples in some windows, by bucket.
    fn values(
        &self,
        query: &SampleQuery,
        windows: &[Range<i64>],
        bucket: impl Fn(i64) -> i64,
    ) -> rusqlite::Result<BTreeMap<i64, Values>> {
        let sql = "SELECT at, value FROM sample WHERE metric = ?1 AND at >= ?2 AND at < ?3
            AND instr(team, ?4) AND (?5 = '' OR project = ?5) AND (?6 = '' OR service = ?6)";
        let mut samples = self.connection().prepare_cached(sql)?;
        let mut values: BTreeMap<i64, Values> = BTreeMap::new();
        for Range { start, end } in windows {
            let mut rows = samples.query(params![
                query.metric,
                start,
                end,
                query.within_team(),
                query.project(),
                query.service()
            ])?;
            while let Some(row) = rows.next()? {
                let day = self.calendar().day_of(Timestamp::from_ms(row.get(0)?));
                values.entry(bucket(day)).or_default().add(row.get(1)?);
            }
        }
        Ok(values)
    }

    /// Whether a pass over the days of the window would read more samples than are read for exact percentiles.
    fn is_crowded(&self, query: &SampleQuery) -> rusqlite::Result<bool> {
        let of_all = SampleQuery { team: None, project: None, service: None, ..query.clone() };
        let mut n = 0;
        self.each_span(&of_all, self.days_of(query), |span| {
            n += span.0.iter().map(|(_, tile)| tile.n_samples()).sum::<u64>();
            Ok(if n > EXACT_SAMPLES_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(n > EXACT_SAMPLES_MAX)
    }
}
