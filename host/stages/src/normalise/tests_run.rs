//! Outcomes of sets of tests: reports of their own, and the counters of a build.

use weir_model::entity::{TestCase, TestReport, TestResult};
use weir_model::{DiagnosticKind, EntityKind, Reference};

use super::fields::Fields;
use super::params::cut;
use super::{Produced, builds, junit};

/// Longest message of a failed test, in bytes.
pub(super) const MESSAGE_BYTES_MAX: usize = 4096;

pub(super) fn record_key(fields: &mut Fields<'_>) -> Option<String> {
    fields.text(&["id"]).or_else(|| builds::key(fields))
}

pub(super) fn read(fields: &mut Fields<'_>) -> Vec<Produced> {
    let Some(key) = record_key(fields) else {
        fields.note(DiagnosticKind::Missing, "id", "");
        return Vec::new();
    };
    if fields.has("xml") {
        let report = junit::within(fields);
        return report.map(|report| Produced::new(EntityKind::TestReport, key, report)).into_iter().collect();
    }
    let build = if fields.has("build_number") || fields.has("execution_id") { builds::key(fields) } else { None };
    let started_at = fields.time(&["started_at", "start_time"]);
    let duration = fields.milliseconds(&["duration_ms", "duration"]);
    let derived = started_at.zip(duration).map(|(started, duration)| started.plus(duration));
    let report = counters(fields)
        .unwrap_or_default()
        .name(fields.text(&["name", "suite"]))
        .build(build.map(Reference::Key))
        .stage(fields.text(&["stage"]))
        .commit(fields.object_id(&["commit", "commit_sha", "sha"]))
        .started_at(started_at)
        .finished_at(fields.time(&["finished_at", "end_time"]).or(derived))
        .duration(duration)
        .cases(fields.each(&["cases", "tests"], case).into_iter().flatten());
    vec![Produced::new(EntityKind::TestReport, key, report)]
}

/// The report that the counters within a build's payload make.
pub(super) fn of_build(fields: &mut Fields<'_>, build: &str) -> Option<TestReport> {
    let nested = fields.within("tests", |tests| {
        let failed = tests.each(&["failed_tests"], case).into_iter().flatten();
        let duration = tests.milliseconds(&["duration_ms", "duration"]);
        counters(tests).map(|report| report.cases(failed).duration(duration))
    });
    let seconds = fields.seconds(&["ts_duration"]);
    let flat = || counters(fields).map(|report| report.duration(seconds));
    nested.flatten().or_else(flat).map(|report| report.build(Reference::Key(build.to_owned())))
}

pub(super) fn counters(fields: &mut Fields<'_>) -> Option<TestReport> {
    let passed = fields.count(&["passed", "pass_count", "tests_passed"]);
    let failed = fields.count(&["failed", "fail_count", "tests_failed"]);
    let skipped = fields.count(&["skipped", "skip_count", "tests_skipped"]);
    let errors = fields.count(&["errors", "tests_errors"]);
    let told = passed.is_some() || failed.is_some() || errors.is_some();
    told.then(|| TestReport::default().passed(passed).failed(failed).skipped(skipped).errors(errors))
}

/// A test; one in a list of failed tests needs no result.
fn case(fields: &mut Fields<'_>) -> Option<TestCase> {
    let result = fields.text(&["result", "status"]).map_or(TestResult::Failed, |word| result_of(&word));
    Some(TestCase {
        name: fields.text(&["name"])?,
        result,
        duration: fields.milliseconds(&["duration_ms", "duration"]),
        message: fields.text(&["message"]).map(|message| cut(&message, MESSAGE_BYTES_MAX)),
    })
}

fn result_of(word: &str) -> TestResult {
    match word.to_ascii_lowercase().as_str() {
        "passed" | "pass" | "success" | "ok" => TestResult::Passed,
        "failed" | "fail" | "failure" => TestResult::Failed,
        "error" | "errored" | "broken" => TestResult::Error,
        "skipped" | "skip" | "ignored" | "disabled" => TestResult::Skipped,
        "flaky" => TestResult::Flaky,
        _ => TestResult::Unknown(word.to_owned()),
    }
}
