//! Tests of a build: the counts it has itself, and of its report the tests that failed.

use std::time::Duration;

use serde::Deserialize;
use weir_sdk::model::entity::{TestCase, TestResult};
use weir_sdk::prelude::*;

use super::cut;
use crate::origin::{about, build_key};
use crate::settings::Settings;

/// Most failed tests of a build that are kept one by one; the counts are of all.
const CASES_MAX: usize = 1_000;

/// A report, or one that is made of reports.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReportJson<'a> {
    duration: Field<f64>,
    fail_count: Field<u32>,
    pass_count: Field<u32>,
    skip_count: Field<u32>,
    #[serde(borrow)]
    suites: List<Object<SuiteJson<'a>>>,
    #[serde(borrow)]
    child_reports: List<Object<ChildJson<'a>>>,
}

/// A part of a report, of one module or matrix cell.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ChildJson<'a> {
    #[serde(borrow)]
    result: Nested<ReportJson<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SuiteJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    cases: List<Object<CaseJson<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CaseJson<'a> {
    #[serde(borrow)]
    class_name: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    duration: Field<f64>,
    #[serde(borrow)]
    error_details: Text<'a>,
}

/// The counts an action of a build has: of all tests, of those that failed, and of those left out.
pub(super) fn counts(raw: &Raw<'_>, total: Field<u32>, failed: Field<u32>, skipped: Field<u32>) -> Option<TestReport> {
    let total = raw.take("/actions/totalCount", total)?;
    let failed = raw.take("/actions/failCount", failed)?;
    let skipped = raw.take("/actions/skipCount", skipped).unwrap_or(0);
    let passed = total.checked_sub(failed).and_then(|rest| rest.checked_sub(skipped));
    Some(TestReport::default().passed(passed).failed(failed).skipped(skipped))
}

/// The report with what the build says about it.
pub(super) fn of_build(report: TestReport, build: &Build, key: &str) -> TestReport {
    let commit = build.checkouts.first().and_then(|checkout| checkout.commit.clone());
    report
        .build(Reference::Key(key.to_owned()))
        .commit(commit)
        .started_at(build.started_at)
        .finished_at(build.finished_at)
}

/// The report of a build.
pub(crate) fn tests(json: ReportJson<'_>, raw: &Raw<'_>, settings: &Settings) -> Outcome {
    let (origin, number) = match about(raw) {
        Ok(about) => about,
        Err(outcome) => return outcome,
    };
    let key = build_key(settings, &origin.job, number);
    let mut cases = Vec::new();
    let duration = raw.take("/duration", json.duration).and_then(duration);
    let report = TestReport::default()
        .build(Reference::Key(key.clone()))
        .passed(raw.take("/passCount", json.pass_count))
        .failed(raw.take("/failCount", json.fail_count))
        .skipped(raw.take("/skipCount", json.skip_count))
        .duration(duration);
    failed(raw, json.suites, &mut cases);
    for child in raw.list("/childReports", json.child_reports) {
        let part = raw.take("/childReports/result", child.0.result).unwrap_or_default().0;
        failed(raw, part.suites, &mut cases);
    }
    if cases.len() > CASES_MAX {
        raw.report(DiagnosticKind::Truncated, "/suites", &format!("{} failed tests", cases.len()));
        cases.truncate(CASES_MAX);
    }
    Outcome::entity(key, &report.cases(cases))
}

fn failed(raw: &Raw<'_>, suites: List<Object<SuiteJson<'_>>>, failed: &mut Vec<TestCase>) {
    for suite in raw.list("/suites", suites) {
        let name = raw.filled("/suites/name", suite.0.name).unwrap_or_default();
        let cases = raw.list("/suites/cases", suite.0.cases).into_iter();
        failed.extend(cases.filter_map(|one| case(raw, one.0, &name)));
    }
}

/// A test that did not pass. Jenkins calls one that failed before already FAILED, and one that just began to REGRESSION.
fn case(raw: &Raw<'_>, json: CaseJson<'_>, suite: &str) -> Option<TestCase> {
    let word = raw.take("/suites/cases/status", json.status)?;
    let result = match word.as_ref() {
        "PASSED" | "FIXED" | "SKIPPED" => return None,
        "FAILED" | "REGRESSION" => TestResult::Failed,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/suites/cases/status", other);
            TestResult::Unknown(other.to_owned())
        }
    };
    let class = raw.filled("/suites/cases/className", json.class_name);
    let name = raw.filled("/suites/cases/name", json.name);
    // Most runners name the suite after its class.
    let suite = Some(suite.to_owned()).filter(|suite| !suite.is_empty() && class.as_ref() != Some(suite));
    let parts: Vec<String> = [suite, class, name].into_iter().flatten().collect();
    let message = raw.filled("/suites/cases/errorDetails", json.error_details);
    Some(TestCase {
        name: Some(parts.join("/")).filter(|name| !name.is_empty())?,
        result,
        duration: raw.take("/suites/cases/duration", json.duration).and_then(duration),
        message: message.map(cut),
    })
}

/// Seconds with a fraction.
fn duration(seconds: f64) -> Option<DurationMs> {
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    u64::try_from(duration.as_millis()).ok().map(DurationMs)
}
