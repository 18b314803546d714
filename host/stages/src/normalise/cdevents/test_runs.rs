//! Runs of tests: a suite is a test report, a case belongs to the report of its suite.
//!
//! Events of a suite name no numbers of tests, and each case comes alone: counts are stated of a case without a suite,
//! where they are known, and of nothing else.

use weir_model::entity::{TestCase, TestReport, TestResult};
use weir_model::{DiagnosticKind, EntityKind};

use super::super::Produced;
use super::super::params::cut;
use super::event::{Event, put};

/// Longest reason that is kept, in bytes.
const REASON_BYTES_MAX: usize = 4096;

pub(super) fn suite_begun(event: &mut Event<'_>) -> Vec<Produced> {
    let report = begun(event, "testSuite");
    event.produced(EntityKind::TestReport, report)
}

pub(super) fn suite_ended(event: &mut Event<'_>) -> Vec<Produced> {
    let report = report(event, "testSuite").finished_at(event.at);
    event.produced(EntityKind::TestReport, report)
}

pub(super) fn case_begun(event: &mut Event<'_>) -> Vec<Produced> {
    // The report begins with its suite and not with each of its cases.
    if let Some(suite) = event.key_of("testSuiteRun", "testsuiterun") {
        return vec![Produced::new(EntityKind::TestReport, suite, TestReport::default())];
    }
    let report = begun(event, "testCase");
    event.produced(EntityKind::TestReport, report)
}

pub(super) fn case_ended(event: &mut Event<'_>) -> Vec<Produced> {
    let case = case(event);
    if let Some(suite) = event.key_of("testSuiteRun", "testsuiterun") {
        return vec![Produced::new(EntityKind::TestReport, suite, TestReport::default().cases([case]))];
    }
    let counted = |result: TestResult| Some(u32::from(case.result == result));
    let report = report(event, "testCase")
        .passed(counted(TestResult::Passed))
        .failed(counted(TestResult::Failed))
        .errors(counted(TestResult::Error))
        .skipped(counted(TestResult::Skipped))
        .finished_at(event.at)
        .cases([case]);
    event.produced(EntityKind::TestReport, report)
}

/// Something a test left behind, as attributes of its report: `cdevents.output.video`.
pub(super) fn output(event: &mut Event<'_>) -> Vec<Produced> {
    let kind = event.content.text(&["outputType"]).unwrap_or_else(|| "other".to_owned()).to_ascii_lowercase();
    let format = event.content.text(&["format"]);
    let place = event.content.text(&["uri", "url"]).or_else(|| Some(event.subject.clone()));
    let mut report = TestReport::default();
    put(&mut report.attributes, &format!("cdevents.output.{kind}"), place);
    put(&mut report.attributes, &format!("cdevents.output.{kind}.format"), format);
    let key = event.key_of("testCaseRun", "testcaserun").unwrap_or_else(|| event.key());
    vec![Produced::new(EntityKind::TestReport, key, report)]
}

fn begun(event: &mut Event<'_>, what: &str) -> TestReport {
    let is_started = event.kind.name.ends_with(".started");
    report(event, what).started_at(event.at.filter(|_| is_started))
}

fn report(event: &mut Event<'_>, what: &str) -> TestReport {
    let mut attributes = event.attributes();
    let content = &mut event.content;
    for name in ["outcome", "severity", "reason"] {
        let text = content.text(&[name]).map(|text| cut(&text, REASON_BYTES_MAX));
        put(&mut attributes, &format!("cdevents.{name}"), text);
    }
    let kind = content.within("trigger", |trigger| trigger.text(&["type"])).flatten();
    put(&mut attributes, "cdevents.trigger", kind);
    let name = name(event, what);
    put(&mut attributes, "cdevents.environment", event.named("environment").map(|(id, _)| id));
    let mut report = TestReport::default().name(name);
    report.attributes = attributes;
    report
}

fn name(event: &mut Event<'_>, what: &str) -> Option<String> {
    event.content.within(what, |named| named.text(&["name"]).or_else(|| named.text(&["id"]))).flatten()
}

fn case(event: &mut Event<'_>) -> TestCase {
    let word = event.content.text(&["outcome"]);
    let result = match word.as_deref() {
        None if event.kind.name.ends_with(".skipped") => TestResult::Skipped,
        None => TestResult::Unknown("unknown".to_owned()),
        Some("success" | "pass") => TestResult::Passed,
        Some("failure" | "fail") => TestResult::Failed,
        Some("error") => TestResult::Error,
        Some("cancel" | "skip") => TestResult::Skipped,
        Some(other) => {
            event.content.note(DiagnosticKind::UnknownWord, "outcome", other);
            TestResult::Unknown(other.to_owned())
        }
    };
    let message = event.content.text(&["reason"]).map(|reason| cut(&reason, REASON_BYTES_MAX));
    let name = name(event, "testCase").unwrap_or_else(|| event.subject.clone());
    TestCase { name, result, duration: None, message }
}
