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
use super::spans::{Span, Tile, span_of};
use super::sums::Values;
use super::values::teams_in;
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
        &self.names[place(number)]
    }

    /// The place of each name in the order of names.
    fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<Name> = self.numbers.values().copied().collect();
        order.sort_unstable_by_key(|number| self.name(*number));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (0..).zip(order) {
            ranks[place(number)] = rank;
        }
        ranks
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

fn place(number: Name) -> usize {
    usize::try_from(number).expect("it is a place in memory")
}

/// A name, and the empty one that stands for all.
fn with_all(name: Name) -> impl Iterator<Item = Name> {
    iter::once(0).chain(Some(name).filter(|name| *name != 0))
}

/// A cell of one day with what its values come to; none of no samples.
struct Computed {
    metric: Name,
    names: [Name; 3],
    day: i64,
    tile: Option<Tile<'static>>,
}

impl Computed {
    /// What it has in common with those that are stored in the same row.
    fn row(&self) -> (Name, [Name; 3], i64) {
        (self.metric, self.names, span_of(self.day))
    }
}

/// What the rows are that tiles are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// They may be there, with tiles of other days.
    Changed,
    /// None of them is there.
    New,
}

/// Where a row of tiles is in their table.
struct TilePlace<'n> {
    metric: &'n str,
    /// Team, project and service.
    cell: [&'n str; 3],
    span: i64,
}

impl<'n> TilePlace<'n> {
    fn of(names: &'n Names, (metric, cell, span): (Name, [Name; 3], i64)) -> Self {
        Self { metric: names.name(metric), cell: cell.map(|name| names.name(name)), span }
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
            take_tiles(metric, day, cells, &mut tiles);
            if tiles.len() >= TILES_WAITING_MAX {
                self.put_tiles(Rows::Changed, &names, &mut tiles)?;
            }
        }
        self.put_tiles(Rows::Changed, &names, &mut tiles)
    }

    /// Computes every tile from the samples there are, when there is none yet, and ends the transaction.
    pub(super) fn tile_all(self) -> Result<(), DerivedError> {
        self.compute_all().doing("compute the tiles")?;
        self.connection().execute_batch("COMMIT").doing("commit to the projection")
    }

    fn compute_all(&self) -> rusqlite::Result<()> {
        let sql = "SELECT metric, at, team, project, service, value FROM sample ORDER BY metric, at";
        let mut query = self.connection().prepare(sql)?;
        let mut rows = query.query([])?;
        let (mut names, mut tiles) = (Names::default(), Vec::new());
        let (mut last, mut cells) = ((0, 0), Cells::new());
        while let Some(row) = rows.next()? {
            let metric = names.number(row.get_ref(0)?.as_str()?);
            let day = self.calendar().day_of(Timestamp::from_ms(row.get(1)?));
            if (metric, day) != last {
                take_tiles(last.0, last.1, std::mem::take(&mut cells), &mut tiles);
                // Where rows end, so that none is written twice.
                if (metric, span_of(day)) != (last.0, span_of(last.1)) && tiles.len() >= TILES_WAITING_MAX {
                    self.put_tiles(Rows::New, &names, &mut tiles)?;
                }
                last = (metric, day);
            }
            let [teams, project, service] =
                [row.get_ref(2)?.as_str()?, row.get_ref(3)?.as_str()?, row.get_ref(4)?.as_str()?];
            let value = row.get(5)?;
            names.combined(teams_in(teams), project, service, |names| cells.entry(names).or_default().add(value));
        }
        take_tiles(last.0, last.1, cells, &mut tiles);
        self.put_tiles(Rows::New, &names, &mut tiles)
    }

    /// One pass over the samples of the day, however many cells of it are dirty.
    fn fill(&self, metric: &str, day: i64, names: &mut Names, cells: &mut Cells) -> rusqlite::Result<()> {
        let sql = "SELECT team, project, service, value FROM sample
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

    /// Writes tiles in the order of their table, where those of a row and then the rows of a cell lie side by side.
    fn put_tiles(&self, rows: Rows, names: &Names, tiles: &mut Vec<Computed>) -> rusqlite::Result<()> {
        let ranks = names.ranks();
        let rank = |name| ranks[place(name)];
        tiles.sort_unstable_by_key(|tile| (rank(tile.metric), tile.names.map(rank), tile.day));
        let mut waiting = tiles.drain(..).peekable();
        while let Some(first) = waiting.next() {
            let row = first.row();
            let rest = std::iter::from_fn(|| waiting.next_if(|next| next.row() == row));
            let place = TilePlace::of(names, row);
            let stored = if rows == Rows::New { None } else { self.days(&place)? };
            let read = |bytes| Span::from_bytes(place.span, bytes);
            let mut span = stored.as_deref().map(read).transpose()?.unwrap_or_default();
            iter::once(first).chain(rest).for_each(|Computed { day, tile, .. }| span.set(day, tile));
            self.put_span(&place, &span)?;
        }
        Ok(())
    }

    fn days(
        &self,
        TilePlace { metric, cell: [team, project, service], span }: &TilePlace<'_>,
    ) -> rusqlite::Result<Option<Vec<u8>>> {
        let sql = "SELECT days FROM tile
            WHERE metric = ?1 AND team = ?2 AND project = ?3 AND service = ?4 AND span = ?5";
        self.row(sql, params![metric, team, project, service, span], |row| row.get(0))
    }

    fn put_span(&self, place: &TilePlace<'_>, tiles: &Span<'_>) -> rusqlite::Result<()> {
        let TilePlace { metric, cell: [team, project, service], span } = place;
        if tiles.0.is_empty() {
            let sql =
                "DELETE FROM tile WHERE metric = ?1 AND team = ?2 AND project = ?3 AND service = ?4 AND span = ?5";
            return self.write(sql, params![metric, team, project, service, span]);
        }
        let sql = "INSERT OR REPLACE INTO tile VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.write(sql, params![metric, team, project, service, span, tiles.to_bytes()])
    }
}

/// Adds the tiles of some cells to those that wait.
fn take_tiles(metric: Name, day: i64, cells: Cells, tiles: &mut Vec<Computed>) {
    tiles.extend(cells.into_iter().map(|(names, values)| Computed { metric, names, day, tile: Tile::of(values) }));
}
