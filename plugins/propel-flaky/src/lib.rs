//! Keeps a table of flaky tests: a test that failed and then passed on the same commit of the same job.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_sdk::facts;
use weir_sdk::failure::Failure;
use weir_sdk::http::Connection;
use weir_sdk::model::entity::{Build, TestReport, TestResult};
use weir_sdk::model::{Entity, Timestamp};
use weir_sdk::propel::{Action, Event, Outcome, Propel};
use weir_sdk::state;

/// Failed tests of one commit that are remembered.
const TESTS_MAX: usize = 100;
/// Where they are remembered.
const STATE: &str = "failed";

/// The propel.
pub struct Flaky;

/// Settings, as in `weir.toml`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Table of the tests.
    table: String,
    /// Commits whose failed tests are remembered.
    remembered: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { table: "quarantine".to_owned(), remembered: 500 }
    }
}

/// Failed tests by job and commit, and when they were last heard of.
type Failed = BTreeMap<String, (Timestamp, BTreeSet<String>)>;

#[derive(Deserialize)]
struct Known {
    #[serde(default)]
    times: u32,
}

#[derive(Serialize)]
struct Row<'a> {
    test: &'a str,
    job: &'a str,
    last_seen: Timestamp,
    times: u32,
    state: &'static str,
}

impl Propel for Flaky {
    type Settings = Settings;

    fn handle(event: &Event, _: &[Connection<'_>], settings: &Settings) -> Result<Outcome, Failure> {
        let Some((id, Entity::TestReport(report))) = event.entity() else {
            return Ok(Outcome::skipped("flaky.not-a-report"));
        };
        let Some(build) = build_of(id)? else { return Ok(Outcome::skipped("flaky.no-build")) };
        let checked_out = build.checkouts.iter().find_map(|checkout| checkout.commit.as_ref());
        let commit = report.commit.as_ref().or(checked_out);
        let (Some(job), Some(commit)) = (&build.job, commit) else { return Ok(Outcome::skipped("flaky.no-commit")) };
        let mut failed = remembered()?;
        let of_commit = failed.entry(format!("{job} {}", commit.as_str())).or_insert((event.at, BTreeSet::new()));
        of_commit.0 = event.at;
        let flaky = judge(&report, &mut of_commit.1);
        remember(failed, settings.remembered)?;
        let mut actions = Vec::new();
        for (index, test) in flaky.iter().enumerate() {
            let known: Option<Known> = facts::row(&settings.table, test)?;
            let times = known.map_or(0, |known| known.times) + 1;
            let row = Row { test, job, last_seen: event.at, times, state: "open" };
            actions.push(Action::set_row(format!("flaky-{index}"), &settings.table, &row));
        }
        Ok(if actions.is_empty() { Outcome::skipped("flaky.none") } else { Outcome::done(actions) })
    }
}

/// Tests that pass now and failed before; what fails now is added to `failed`.
fn judge(report: &TestReport, failed: &mut BTreeSet<String>) -> Vec<String> {
    let mut flaky = Vec::new();
    for case in &report.cases {
        match case.result {
            TestResult::Passed => flaky.extend(failed.take(&case.name)),
            TestResult::Failed | TestResult::Error if failed.len() < TESTS_MAX => {
                failed.insert(case.name.clone());
            }
            _ => {}
        }
    }
    flaky
}

/// The build a report belongs to.
fn build_of(report: &str) -> Result<Option<Build>, Failure> {
    let Some(known) = facts::entity(report)? else { return Ok(None) };
    let Some(build) = known.links.iter().map(|link| link.other(report)).find(|id| id.starts_with("build:")) else {
        return Ok(None);
    };
    Ok(facts::entity(build)?.and_then(|known| match known.read()? {
        Entity::Build(build) => Some(*build),
        _ => None,
    }))
}

fn remembered() -> Result<Failed, Failure> {
    let bytes = state::get(STATE)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
}

/// Remembers what was heard of last.
fn remember(mut failed: Failed, most: usize) -> Result<(), Failure> {
    failed.retain(|_, (_, tests)| !tests.is_empty());
    while failed.len() > most {
        let oldest = failed.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| key.clone());
        oldest.map(|key| failed.remove(&key));
    }
    let bytes = serde_json::to_vec(&failed).map_err(|error| Failure::internal("flaky.state", error.to_string()))?;
    state::set(STATE, &bytes)
}

weir_sdk::export_propel!(Flaky, manifest = "../manifest.json");
