//! Tiles: cells of metric, team, project, service and day, computed ahead.
//!
//! A tile is a function of the samples that count in it and of nothing else: a change of a sample marks its cells, and
//! marked cells are computed anew. So late, changed and deleted samples need no subtraction.

use std::collections::HashMap;
use std::iter;

use rusqlite::params;
use weir_model::metric::Sample;
use weir_model::{Calendar, Timestamp};

use super::apply::Apply;
use super::sums::{Percentiles, Sums, Values};
use super::values::{stored, teams_in};
use crate::derived::{DerivedError, Doing};

/// Most tiles that wait to be written.
const TILES_WAITING_MAX: usize = 20_000;

/// Number of a name, 0 for the empty one that stands for all.
type Name = u32;

/// Cells of a metric and a day, by team, project and service.
type Cells = HashMap<[Name; 3], Values>;

/// Numbers of names: those of cells are compared and copied all the time.
#[derive(Debug)]
struct Names {
    numbers: HashMap<String, Name>,
    names: Vec<String>,
}

impl Default for Names {
    fn default() -> Self {
        Self { numbers: HashMap::from([(String::new(), 0)]), names: vec![String::new()] }
    }
}

impl Names {
    fn number(&mut self, name: &str) -> Name {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = Name::try_from(self.names.len()).expect("names are of bounded number");
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    fn name(&self, number: Name) -> &str {
        &self.names[usize::try_from(number).expect("it is a place in memory")]
    }

    /// The cells that a sample counts in: of all teams and each of its own, of all projects and its own, of all services
    /// and its own.
    fn combined<'n>(
        &mut self,
        teams: impl Iterator<Item = &'n str>,
        project: &str,
        service: &str,
        mut counts_in: impl FnMut([Name; 3]),
    ) {
        let [project, service] = [project, service].map(|name| self.number(name));
        for team in iter::once("").chain(teams) {
            let team = self.number(team);
            for project in with_all(project) {
                for service in with_all(service) {
                    counts_in([team, project, service]);
                }
            }
        }
    }
}

/// A name, and the empty one that stands for all.
fn with_all(name: Name) -> impl Iterator<Item = Name> {
    iter::once(0).chain(Some(name).filter(|name| *name != 0))
}

/// A cell of one day with what its values come to.
struct Tile {
    metric: Name,
    names: [Name; 3],
    day: i64,
    /// But for the sketch.
    sums: Sums,
    percentiles: Percentiles,
    sketch: Vec<u8>,
}

impl Tile {
    fn new(metric: Name, day: i64, names: [Name; 3], values: Values) -> Self {
        let (mut sums, percentiles) = values.summed();
        let sketch = std::mem::take(&mut sums.sketch).to_bytes();
        Self { metric, names, day, sums, percentiles, sketch }
    }
}

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
    names: Names,
    /// By metric and day.
    cells: HashMap<(Name, i64), Cells>,
}

impl Dirty {
    pub(super) fn new(tiling: Tiling) -> Self {
        Self { tiling, names: Names::default(), cells: HashMap::new() }
    }

    /// Marks the cells a sample counts in.
    pub(super) fn mark(&mut self, sample: &Sample, calendar: &Calendar) {
        if self.tiling == Tiling::Later {
            return;
        }
        let cells = self.cells.entry((self.names.number(&sample.metric), calendar.day_of(sample.at))).or_default();
        let [project, service] = [&sample.project, &sample.service].map(|name| name.as_deref().unwrap_or_default());
        let teams = sample.teams.iter().map(String::as_str).filter(|team| !team.is_empty());
        self.names.combined(teams, project, service, |names| {
            cells.entry(names).or_default();
        });
    }
}

impl Apply<'_> {
    pub(super) fn recompute(&self, dirty: Dirty) -> rusqlite::Result<()> {
        let Dirty { mut names, cells, .. } = dirty;
        let mut tiles = Vec::new();
        for ((metric, day), mut cells) in cells {
            let name = names.name(metric).to_owned();
            self.fill(&name, day, &mut names, &mut cells)?;
            self.take_tiles(metric, day, cells, &names, &mut tiles)?;
        }
        self.put_tiles(&names, &mut tiles)
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
        let (mut names, mut tiles) = (Names::default(), Vec::new());
        let (mut last, mut cells) = ((0, 0), Cells::new());
        while let Some(row) = rows.next()? {
            let metric = names.number(row.get_ref(0)?.as_str()?);
            let day = self.calendar().day_of(Timestamp::from_ms(row.get(1)?));
            if (metric, day) != last {
                self.take_tiles(last.0, last.1, std::mem::take(&mut cells), &names, &mut tiles)?;
                last = (metric, day);
            }
            let [teams, project, service] =
                [row.get_ref(2)?.as_str()?, row.get_ref(3)?.as_str()?, row.get_ref(4)?.as_str()?];
            let value = row.get(5)?;
            names.combined(teams_in(teams), project, service, |names| cells.entry(names).or_default().add(value));
        }
        self.take_tiles(last.0, last.1, cells, &names, &mut tiles)?;
        self.put_tiles(&names, &mut tiles)
    }

    /// One pass over the samples of the day, however many cells of it are dirty.
    fn fill(&self, metric: &str, day: i64, names: &mut Names, cells: &mut Cells) -> rusqlite::Result<()> {
        let sql = "SELECT team, project, service, value FROM sample INDEXED BY sample_at
            WHERE metric = ?1 AND at >= ?2 AND at < ?3";
        let mut query = self.connection().prepare_cached(sql)?;
        let [start, end] = [day, day + 1].map(|day| self.calendar().start_of(day).ms());
        let mut rows = query.query(params![metric, start, end])?;
        while let Some(row) = rows.next()? {
            let (teams, project, service) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?, row.get_ref(2)?);
            let value = row.get(3)?;
            names.combined(teams_in(teams), project, service.as_str()?, |names| {
                if let Some(values) = cells.get_mut(&names) {
                    values.add(value);
                }
            });
        }
        Ok(())
    }

    /// Adds the tiles of some cells to those that wait, which are written when they are many.
    fn take_tiles(
        &self,
        metric: Name,
        day: i64,
        cells: Cells,
        names: &Names,
        tiles: &mut Vec<Tile>,
    ) -> rusqlite::Result<()> {
        tiles.extend(cells.into_iter().map(|(cell, values)| Tile::new(metric, day, cell, values)));
        if tiles.len() >= TILES_WAITING_MAX { self.put_tiles(names, tiles) } else { Ok(()) }
    }

    /// Writes tiles in the order of their table, where the days of a cell lie side by side.
    fn put_tiles(&self, names: &Names, tiles: &mut Vec<Tile>) -> rusqlite::Result<()> {
        tiles.sort_unstable_by_key(|tile| (names.name(tile.metric), tile.names.map(|name| names.name(name)), tile.day));
        tiles.drain(..).try_for_each(|tile| self.put_tile(names, &tile))
    }

    fn put_tile(&self, names: &Names, tile: &Tile) -> rusqlite::Result<()> {
        let Tile { metric, day, sums, percentiles: [p50, p75, p90, p95], sketch, .. } = tile;
        let metric = names.name(*metric);
        let [team, project, service] = tile.names.map(|name| names.name(name));
        if sums.n + sums.unknown == 0 {
            let sql = "DELETE FROM tile
                WHERE metric = ?1 AND team = ?2 AND project = ?3 AND service = ?4 AND day = ?5";
            return self.write(sql, params![metric, team, project, service, day]);
        }
        let (n, unknown, Sums { sum, min, max, .. }) = (stored(sums.n), stored(sums.unknown), sums);
        self.write(
            "INSERT OR REPLACE INTO tile VALUES
                (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            params![metric, team, project, service, day, n, unknown, sum, min, max, p50, p75, p90, p95, sketch],
        )
    }
}
