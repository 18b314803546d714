//! Tiles: cells of metric, team, project, service and day, computed ahead.
//!
//! A tile is a function of the samples that count in it and of nothing else: a change of a sample marks its cells, and
//! marked cells are computed anew. So late, changed and deleted samples need no subtraction.

use std::collections::BTreeMap;

use rusqlite::params;
use weir_model::metric::{MetricName, Sample};
use weir_model::{Calendar, Timestamp};

use super::apply::Apply;
use super::sums::{Sums, Values};
use super::values::{stored, teams_in};
use crate::derived::{DerivedError, Doing};

/// Cells of a metric and a day, by team, project and service. Empty names stand for all.
type Cells = BTreeMap<String, BTreeMap<String, BTreeMap<String, Values>>>;

/// When tiles are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tiling {
    /// In the transaction that changed their samples.
    Now,
    /// All at once, by [`Apply::tile_all`].
    Later,
}

/// Cells whose samples changed; none has its values yet.
#[derive(Debug)]
pub(super) struct Dirty {
    tiling: Tiling,
    cells: BTreeMap<(MetricName, i64), Cells>,
}

impl Dirty {
    pub(super) fn new(tiling: Tiling) -> Self {
        Self { tiling, cells: BTreeMap::new() }
    }

    /// Marks the cells a sample counts in.
    pub(super) fn mark(&mut self, sample: &Sample, calendar: &Calendar) {
        if self.tiling == Tiling::Later {
            return;
        }
        let cells = self.cells.entry((sample.metric.clone(), calendar.day_of(sample.at))).or_default();
        let [project, service] = [&sample.project, &sample.service].map(|name| name.as_deref().unwrap_or_default());
        let teams = sample.teams.iter().map(String::as_str).filter(|team| !team.is_empty());
        for names in combined(teams, project, service) {
            cell_or_new(cells, names);
        }
    }
}

/// The cells that a sample counts in: of all teams and each of its own, of all projects and its own, of all services
/// and its own.
fn combined<'n>(
    teams: impl Iterator<Item = &'n str>,
    project: &'n str,
    service: &'n str,
) -> impl Iterator<Item = [&'n str; 3]> {
    let of_team = move |team| {
        with_all(project).flat_map(move |project| with_all(service).map(move |service| [team, project, service]))
    };
    [""].into_iter().chain(teams).flat_map(of_team)
}

/// A name, and the empty one that stands for all.
fn with_all(name: &str) -> impl Iterator<Item = &str> {
    [""].into_iter().chain(Some(name).filter(|name| !name.is_empty()))
}

/// A cell that is there.
fn cell<'c>(cells: &'c mut Cells, [team, project, service]: [&str; 3]) -> Option<&'c mut Values> {
    cells.get_mut(team)?.get_mut(project)?.get_mut(service)
}

/// A cell, empty when there was none. Names are copied only then.
fn cell_or_new<'c>(cells: &'c mut Cells, names: [&str; 3]) -> &'c mut Values {
    if cell(cells, names).is_none() {
        let [team, project, service] = names.map(str::to_owned);
        return cells.entry(team).or_default().entry(project).or_default().entry(service).or_default();
    }
    cell(cells, names).expect("it is there")
}

impl Apply<'_> {
    pub(super) fn recompute(&self, dirty: Dirty) -> rusqlite::Result<()> {
        for ((metric, day), mut cells) in dirty.cells {
            self.fill(&metric, day, &mut cells)?;
            self.put_tiles(&metric, day, cells)?;
        }
        Ok(())
    }

    /// Computes every tile from the samples there are, when there is none yet, and ends the transaction.
    pub(super) fn tile_all(self) -> Result<(), DerivedError> {
        self.compute_all().doing("compute the tiles")?;
        self.connection().execute_batch("COMMIT").doing("commit to the projection")
    }

    fn compute_all(&self) -> rusqlite::Result<()> {
        let sql =
            "SELECT metric, at, team, project, service, value FROM sample INDEXED BY sample_at ORDER BY metric, at";
        let mut query = self.connection().prepare(sql)?;
        let mut rows = query.query([])?;
        let mut of_day: Option<(MetricName, i64, Cells)> = None;
        while let Some(row) = rows.next()? {
            let (metric, day) = (row.get_ref(0)?.as_str()?, self.calendar().day_of(Timestamp::from_ms(row.get(1)?)));
            if !of_day.as_ref().is_some_and(|(last, of, _)| last == metric && *of == day) {
                let next = Some((metric.to_owned(), day, Cells::new()));
                if let Some((metric, day, cells)) = std::mem::replace(&mut of_day, next) {
                    self.put_tiles(&metric, day, cells)?;
                }
            }
            let names = [row.get_ref(2)?.as_str()?, row.get_ref(3)?.as_str()?, row.get_ref(4)?.as_str()?];
            let Some((.., cells)) = &mut of_day else { continue };
            let value = row.get(5)?;
            for names in combined(teams_in(names[0]), names[1], names[2]) {
                cell_or_new(cells, names).add(value);
            }
        }
        of_day.map_or(Ok(()), |(metric, day, cells)| self.put_tiles(&metric, day, cells))
    }

    /// One pass over the samples of the day, however many cells of it are dirty.
    fn fill(&self, metric: &str, day: i64, cells: &mut Cells) -> rusqlite::Result<()> {
        let sql = "SELECT team, project, service, value FROM sample INDEXED BY sample_at
            WHERE metric = ?1 AND at >= ?2 AND at < ?3";
        let mut query = self.connection().prepare_cached(sql)?;
        let [start, end] = [day, day + 1].map(|day| self.calendar().start_of(day).ms());
        let mut rows = query.query(params![metric, start, end])?;
        while let Some(row) = rows.next()? {
            let (teams, project, service) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?, row.get_ref(2)?);
            let value = row.get(3)?;
            for names in combined(teams_in(teams), project, service.as_str()?) {
                if let Some(values) = cell(cells, names) {
                    values.add(value);
                }
            }
        }
        Ok(())
    }

    fn put_tiles(&self, metric: &str, day: i64, cells: Cells) -> rusqlite::Result<()> {
        for (team, projects) in cells {
            for (project, services) in projects {
                for (service, values) in services {
                    self.put_tile(metric, [&team, &project, &service], day, values)?;
                }
            }
        }
        Ok(())
    }

    fn put_tile(
        &self,
        metric: &str,
        [team, project, service]: [&str; 3],
        day: i64,
        values: Values,
    ) -> rusqlite::Result<()> {
        let (Sums { n, unknown, sum, min, max, sketch }, [p50, p75, p90, p95]) = values.summed();
        if n + unknown == 0 {
            let sql = "DELETE FROM tile
                WHERE metric = ?1 AND team = ?2 AND project = ?3 AND service = ?4 AND day = ?5";
            return self.write(sql, params![metric, team, project, service, day]);
        }
        let sketch = sketch.to_bytes();
        let (n, unknown) = (stored(n), stored(unknown));
        self.write(
            "INSERT OR REPLACE INTO tile VALUES
                (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            params![metric, team, project, service, day, n, unknown, sum, min, max, p50, p75, p90, p95, sketch],
        )
    }
}
