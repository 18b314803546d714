//! Reports of test runners, kept as they were written, as test reports of the build they came with.

use serde::{Deserialize, Serialize};
use weir_junit::{Case, FindingKind, Limits, Outcome as CaseOutcome, Report, read as read_report};
use weir_model::entity::{LIST_ELEMENTS_MAX, TestCase, TestReport, TestResult};
use weir_model::{Diagnostic, DiagnosticKind, DurationMs, EntityKind, RawRecord, Reference};
use weir_stages::normalise::{Normalised, Outcome, Produced};

/// Dataset of the raw records.
pub(crate) const DATASET: &str = "junit";
/// Most tests that passed and are kept by name: the counts are of all.
const PASSED_MAX: usize = 1_000;

/// What is known about a report beside what it says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct JunitContext {
    /// Key of the build it came with.
    pub(crate) build: Option<String>,
}

/// Reads a raw record of the dataset.
pub(crate) fn read(record: &RawRecord) -> Normalised {
    let report = read_report(&record.payload, &Limits::default());
    if report.dialect.is_none() {
        return Normalised { outcome: Outcome::Ignored("junit.no-test-report".to_owned()), diagnostics: Vec::new() };
    }
    let context = record.context.as_deref().and_then(|context| serde_json::from_str::<JunitContext>(context).ok());
    let diagnostics = report.findings.iter().map(diagnostic).collect();
    let entity = entity(report).build(context.and_then(|context| context.build).map(Reference::Key));
    let produced = Produced::new(EntityKind::TestReport, record.key.clone(), entity);
    Normalised { outcome: Outcome::Produced(vec![produced]), diagnostics }
}

fn entity(report: Report) -> TestReport {
    let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    // A time without a zone is no time.
    let time = |text: Option<String>| text.and_then(|text| text.parse().ok());
    TestReport::default()
        .name(report.name)
        .passed(count(report.counts.passed + report.counts.flaky))
        .failed(count(report.counts.failed))
        .errors(count(report.counts.errors))
        .skipped(count(report.counts.skipped))
        .duration(report.duration_ms.map(DurationMs))
        .started_at(time(report.started_at))
        .finished_at(time(report.finished_at))
        .cases(kept(report.cases))
}

/// Tests that did not pass before those that did.
fn kept(cases: Vec<Case>) -> Vec<TestCase> {
    let (passed, others): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.outcome == CaseOutcome::Passed);
    others.into_iter().take(LIST_ELEMENTS_MAX - PASSED_MAX).chain(passed.into_iter().take(PASSED_MAX)).map(case).collect()
}

fn case(case: Case) -> TestCase {
    let result = match &case.outcome {
        CaseOutcome::Passed => TestResult::Passed,
        CaseOutcome::Flaky => TestResult::Flaky,
        CaseOutcome::Skipped => TestResult::Skipped,
        CaseOutcome::Unknown(word) => TestResult::Unknown(word.clone()),
        CaseOutcome::Failed => TestResult::Failed,
        CaseOutcome::Error => TestResult::Error,
    };
    TestCase { name: case.full_name(), result, duration: case.duration_ms.map(DurationMs), message: case.message }
}

fn diagnostic(finding: &weir_junit::Finding) -> Diagnostic {
    let kind = match finding.kind {
        FindingKind::Malformed | FindingKind::Encoding => DiagnosticKind::Malformed,
        FindingKind::Unsupported | FindingKind::OnlyCounted => DiagnosticKind::Unsupported,
        FindingKind::Truncated => DiagnosticKind::Truncated,
    };
    let place = format!("line {}, column {}", finding.line, finding.column);
    Diagnostic::new(kind, "junit.report").at(place).found(&finding.message)
}
