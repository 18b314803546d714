//! Reading numbers: cells of days, weeks and months, and totals.
//!
//! Days that lie in the window of a query as a whole come from tiles; what is left of the window at its ends comes
//! from the samples. So each number counts exactly the samples of the window.

use std::collections::BTreeMap;
use std::ops::Range;

use rusqlite::{Row, params};
use weir_model::calendar::{Bucket, Calendar, first_day};
use weir_model::time::Timestamp;

use super::read::Reader;
use super::rows::{Cell, SampleQuery};
use super::sums::{Percentiles, Sums, Values};
use super::values::{number, team_text};
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
        let sql = "SELECT day, n, unknown, sum, min, max, x'', p50, p75, p90, p95 FROM tile
            WHERE metric = ?1 AND team = ?2 AND project = ?3 AND service = ?4 AND day >= ?5 AND day < ?6 ORDER BY day";
        let row = |row: &Row<'_>| {
            let percentiles: Percentiles = [row.get(7)?, row.get(8)?, row.get(9)?, row.get(10)?];
            let day = row.get(0)?;
            let mut sums = Sums::default();
            add_tile(&mut sums, row)?;
            Ok((day, sums.cell(self.calendar().start_of(day), percentiles, true)))
        };
        let Range { start, end } = parts.days;
        let params = params![query.metric, query.team(), query.project(), query.service(), start, end];
        let mut cells: BTreeMap<i64, Cell> = self.rows(sql, params, row)?.into_iter().collect();
        for (day, values) in self.values(query, &parts.ends, |day| day)? {
            cells.insert(day, values.cell(self.calendar().start_of(day)));
        }
        Ok(cells.into_values().collect())
    }

    fn grouped(&self, query: &SampleQuery, bucket: impl Fn(i64) -> i64) -> rusqlite::Result<Vec<Cell>> {
        let window = query.window();
        if self.n_samples(query)? > EXACT_SAMPLES_MAX {
            return self.merged(query, bucket);
        }
        let values = self.values(query, &[window], bucket)?;
        Ok(values.into_iter().map(|(day, values)| values.cell(self.calendar().start_of(day))).collect())
    }

    /// From the tiles of whole days and the samples of the others.
    pub(super) fn merged(&self, query: &SampleQuery, bucket: impl Fn(i64) -> i64) -> rusqlite::Result<Vec<Cell>> {
        let parts = Parts::of(query.window(), self.calendar());
        let mut sums: BTreeMap<i64, Sums> = BTreeMap::new();
        let sql = "SELECT day, n, unknown, sum, min, max, sketch FROM tile
            WHERE metric = ?1 AND team = ?2 AND project = ?3 AND service = ?4 AND day >= ?5 AND day < ?6 ORDER BY day";
        let mut tiles = self.connection().prepare_cached(sql)?;
        let Range { start, end } = parts.days;
        let mut rows =
            tiles.query(params![query.metric, query.team(), query.project(), query.service(), start, end])?;
        while let Some(row) = rows.next()? {
            add_tile(sums.entry(bucket(row.get(0)?)).or_default(), row)?;
        }
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
        let sql = "SELECT at, value FROM sample INDEXED BY sample_at WHERE metric = ?1 AND at >= ?2 AND at < ?3
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

    /// About how many samples a pass over the window would read.
    fn n_samples(&self, query: &SampleQuery) -> rusqlite::Result<u64> {
        let Range { start, end } = query.window();
        let sql = "SELECT coalesce(sum(n + unknown), 0) FROM tile
            WHERE metric = ?1 AND team = '' AND project = '' AND service = '' AND day BETWEEN ?2 AND ?3";
        let [first, last] = [start, end].map(|ms| self.calendar().day_of(Timestamp::from_ms(ms)));
        let params = params![query.metric, first, last];
        Ok(self.row(sql, params, |row| number(row, 0))?.unwrap_or(0))
    }
}

/// Columns: day, n, unknown, sum, min, max, sketch.
fn add_tile(sums: &mut Sums, row: &Row<'_>) -> rusqlite::Result<()> {
    if !sums.sketch.merge_bytes(row.get_ref(6)?.as_blob()?) {
        return Err(rusqlite::types::FromSqlError::InvalidType.into());
    }
    sums.add(number(row, 1)?, number(row, 2)?, row.get(3)?, [row.get(4)?, row.get(5)?]);
    Ok(())
}
