//! Tiles: cells of metric, team, project and day, computed ahead.
//!
//! A tile is a function of the samples that count in it and of nothing else: a change of a sample marks its cells, and
//! marked cells are computed anew. So late, changed and deleted samples need no subtraction.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;
use weir_model::metric::{MetricName, Sample};

use super::apply::Apply;
use super::calendar::{day_of, start_of};
use super::sums::{Sums, Values};
use super::values::stored;

/// Cells whose samples changed: by metric and day, then team and project. Empty ones stand for all.
#[derive(Debug, Default)]
pub(super) struct Dirty(BTreeMap<(MetricName, i64), BTreeMap<String, BTreeSet<String>>>);

impl Dirty {
    /// Marks the cells a sample counts in.
    pub(super) fn mark(&mut self, sample: &Sample) {
        let cells = self.0.entry((sample.metric.clone(), day_of(sample.at))).or_default();
        for team in [None, sample.team.as_ref()] {
            let projects = cells.entry(team.cloned().unwrap_or_default()).or_default();
            projects.extend([None, sample.project.as_ref()].map(|project| project.cloned().unwrap_or_default()));
        }
    }
}

impl Apply<'_> {
    pub(super) fn recompute(&self, dirty: Dirty) -> rusqlite::Result<()> {
        for ((metric, day), teams) in dirty.0 {
            let cells = self.values_of_day(&metric, day, teams)?;
            for (team, projects) in cells {
                for (project, values) in projects {
                    self.put_tile((&metric, &team, &project, day), values)?;
                }
            }
        }
        Ok(())
    }

    /// One pass over the samples of the day, however many cells of it are dirty.
    fn values_of_day(
        &self,
        metric: &str,
        day: i64,
        dirty: BTreeMap<String, BTreeSet<String>>,
    ) -> rusqlite::Result<BTreeMap<String, BTreeMap<String, Values>>> {
        let empty = |projects: BTreeSet<String>| projects.into_iter().map(|name| (name, Values::default())).collect();
        let mut cells: BTreeMap<String, BTreeMap<String, Values>> =
            dirty.into_iter().map(|(team, projects)| (team, empty(projects))).collect();
        let sql = "SELECT team, project, value FROM sample INDEXED BY sample_at
            WHERE metric = ?1 AND at >= ?2 AND at < ?3";
        let mut query = self.connection().prepare_cached(sql)?;
        let mut rows = query.query(params![metric, start_of(day), start_of(day + 1)])?;
        while let Some(row) = rows.next()? {
            let (team, project) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            let value = row.get(2)?;
            for team in with_all(team) {
                let Some(projects) = cells.get_mut(team) else { continue };
                for project in with_all(project) {
                    if let Some(values) = projects.get_mut(project) {
                        values.add(value);
                    }
                }
            }
        }
        Ok(cells)
    }

    fn put_tile(&self, key: (&str, &str, &str, i64), values: Values) -> rusqlite::Result<()> {
        let (metric, team, project, day) = key;
        let (Sums { n, unknown, sum, min, max, sketch }, [p50, p75, p90, p95]) = values.summed();
        if n + unknown == 0 {
            let sql = "DELETE FROM tile WHERE metric = ?1 AND team = ?2 AND project = ?3 AND day = ?4";
            return self.write(sql, params![metric, team, project, day]);
        }
        let sketch = sketch.to_bytes();
        let (n, unknown) = (stored(n), stored(unknown));
        self.write(
            "INSERT OR REPLACE INTO tile VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![metric, team, project, day, n, unknown, sum, min, max, p50, p75, p90, p95, sketch],
        )
    }
}

/// A name, and the empty one that stands for all.
fn with_all(name: &str) -> impl Iterator<Item = &str> {
    [""].into_iter().chain(Some(name).filter(|name| !name.is_empty()))
}
