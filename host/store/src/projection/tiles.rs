//! Tiles: cells of metric, team, project, service and day, computed ahead.
//!
//! A tile is a function of the samples that count in it and of nothing else: a change of a sample marks its cells, and
//! marked cells are computed anew. So late, changed and deleted samples need no subtraction.

use std::collections::BTreeMap;

use rusqlite::params;
use weir_model::Calendar;
use weir_model::metric::{MetricName, Sample};

use super::apply::Apply;
use super::sums::{Sums, Values};
use super::values::{stored, teams_in};

/// Cells of a metric and a day, by team, project and service. Empty names stand for all.
type Cells = BTreeMap<String, BTreeMap<String, BTreeMap<String, Values>>>;

/// Cells whose samples changed; none has its values yet.
#[derive(Debug, Default)]
pub(super) struct Dirty(BTreeMap<(MetricName, i64), Cells>);

impl Dirty {
    /// Marks the cells a sample counts in.
    pub(super) fn mark(&mut self, sample: &Sample, calendar: &Calendar) {
        let cells = self.0.entry((sample.metric.clone(), calendar.day_of(sample.at))).or_default();
        let [project, service] = [&sample.project, &sample.service].map(|name| name.as_deref().unwrap_or_default());
        let teams = sample.teams.iter().map(String::as_str).filter(|team| !team.is_empty());
        for team in [""].into_iter().chain(teams) {
            let projects = cells.entry(team.to_owned()).or_default();
            for project in with_all(project) {
                let services = projects.entry(project.to_owned()).or_default();
                services.extend(with_all(service).map(|service| (service.to_owned(), Values::default())));
            }
        }
    }
}

/// A name, and the empty one that stands for all.
fn with_all(name: &str) -> impl Iterator<Item = &str> {
    [""].into_iter().chain(Some(name).filter(|name| !name.is_empty()))
}

/// Adds a value to the cells that are there.
fn add(cells: &mut Cells, [teams, project, service]: [&str; 3], value: Option<f64>) {
    for team in [""].into_iter().chain(teams_in(teams)) {
        let Some(projects) = cells.get_mut(team) else { continue };
        for project in with_all(project) {
            let Some(services) = projects.get_mut(project) else { continue };
            for service in with_all(service) {
                services.get_mut(service).into_iter().for_each(|values| values.add(value));
            }
        }
    }
}

impl Apply<'_> {
    pub(super) fn recompute(&self, dirty: Dirty) -> rusqlite::Result<()> {
        for ((metric, day), mut cells) in dirty.0 {
            self.fill(&metric, day, &mut cells)?;
            for (team, projects) in cells {
                for (project, services) in projects {
                    for (service, values) in services {
                        self.put_tile(&metric, [&team, &project, &service], day, values)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// One pass over the samples of the day, however many cells of it are dirty.
    fn fill(&self, metric: &str, day: i64, cells: &mut Cells) -> rusqlite::Result<()> {
        let sql = "SELECT team, project, service, value FROM sample INDEXED BY sample_at
            WHERE metric = ?1 AND at >= ?2 AND at < ?3";
        let mut query = self.connection().prepare_cached(sql)?;
        let [start, end] = [day, day + 1].map(|day| self.calendar().start_of(day).ms());
        let mut rows = query.query(params![metric, start, end])?;
        while let Some(row) = rows.next()? {
            let names = [row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?];
            add(cells, names, row.get(3)?);
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
