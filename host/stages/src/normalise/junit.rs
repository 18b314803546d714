//! Reports of test runners as they wrote them: XML, alone or within a test report in JSON.

use serde_json::{Map, Value};
use weir_junit::{Case, Finding, FindingKind, Limits, Outcome as CaseOutcome, Report};
use weir_model::entity::{LIST_ELEMENTS_MAX, TestCase, TestReport, TestResult};
use weir_model::{Diagnostic, DiagnosticKind, DurationMs, EntityKind, RawRecord, Reference};

use super::fields::{Fields, time_of};
use super::params::cut;
use super::tests_run::MESSAGE_BYTES_MAX;
use super::{Normalised, Outcome, Produced, builds};

const LIMITS: Limits = Limits { cases_max: 10 * LIST_ELEMENTS_MAX, depth_max: 128, text_bytes_max: MESSAGE_BYTES_MAX };

/// Whether a payload is XML rather than JSON.
pub fn is_xml(payload: &[u8]) -> bool {
    let plain = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload).trim_ascii_start();
    plain.starts_with(b"<") || payload.starts_with(b"\xfe\xff") || payload.starts_with(b"\xff\xfe")
}

/// Key of a report in XML, by what its sender says about it beside: its own id, else the build and the content.
pub fn xml_report_key(about: &Map<String, Value>, content: &str) -> String {
    let mut fields = Fields::new("test-reports", about);
    let id = fields.text(&["id"]);
    id.unwrap_or_else(|| {
        builds::key(&mut fields).map_or_else(|| content.to_owned(), |build| format!("{build}/{content}"))
    })
}

/// Reads a record that is XML; what its sender said beside is the context.
pub(super) fn record(record: &RawRecord) -> Normalised {
    let context =
        record.context.as_deref().and_then(|context| serde_json::from_str::<Map<String, Value>>(context).ok());
    let context = context.unwrap_or_default();
    let mut fields = Fields::new("test-reports", &context);
    let read = weir_junit::read(&record.payload, &LIMITS);
    let produced = |report| vec![Produced::new(EntityKind::TestReport, record.key.clone(), report)];
    let outcome = told(&mut fields, read).map_or(Outcome::Rejected, |report| Outcome::Produced(produced(report)));
    Normalised { outcome, diagnostics: fields.into_diagnostics() }
}

/// The report in the field `xml` of a test report in JSON.
pub(super) fn within(fields: &mut Fields<'_>) -> Option<TestReport> {
    let xml = fields.text(&["xml"])?;
    told(fields, weir_junit::read_text(&xml, &LIMITS))
}

/// What the XML tells, with build, stage, commit and name as its sender says them; none when it is no report of a test
/// runner.
fn told(fields: &mut Fields<'_>, read: Report) -> Option<TestReport> {
    for finding in &read.findings {
        fields.note_other(diagnostic(finding));
    }
    read.dialect?;
    let name = fields.text(&["name", "suite"]).or(read.name);
    let counts = read.counts;
    if counts.unknown > 0 {
        fields.note(DiagnosticKind::UnknownWord, "outcome", &format!("{} tests", counts.unknown));
    }
    // Most runners write local times without a zone, which are no instants.
    let time = |text: &Option<String>| text.as_deref().and_then(|text| time_of(text).ok());
    let started_at = time(&read.started_at);
    let duration = read.duration_ms.map(DurationMs);
    let derived = started_at.zip(duration).map(|(started, duration)| started.plus(duration));
    let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Some(
        TestReport::default()
            .name(name)
            .build(builds::key(fields).map(Reference::Key))
            .stage(fields.text(&["stage"]))
            .commit(fields.object_id(&["commit", "commit_sha", "sha"]))
            .passed(number(counts.passed + counts.flaky))
            .failed(number(counts.failed))
            .errors(number(counts.errors))
            .skipped(number(counts.skipped))
            .started_at(started_at)
            .finished_at(time(&read.finished_at).or(derived))
            .duration(duration)
            .cases(kept(read.cases)),
    )
}

/// As many tests as an entity holds; those that are not simply green go first.
fn kept(cases: Vec<Case>) -> Vec<TestCase> {
    let (green, others): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.outcome == CaseOutcome::Passed);
    others.into_iter().chain(green).take(LIST_ELEMENTS_MAX).map(test_case).collect()
}

fn test_case(case: Case) -> TestCase {
    TestCase {
        name: case.full_name(),
        result: result(case.outcome),
        duration: case.duration_ms.map(DurationMs),
        message: case.message.map(|message| cut(&message, MESSAGE_BYTES_MAX)),
    }
}

fn result(outcome: CaseOutcome) -> TestResult {
    match outcome {
        CaseOutcome::Passed => TestResult::Passed,
        CaseOutcome::Flaky => TestResult::Flaky,
        CaseOutcome::Skipped => TestResult::Skipped,
        CaseOutcome::Failed => TestResult::Failed,
        CaseOutcome::Error => TestResult::Error,
        CaseOutcome::Unknown(word) => TestResult::Unknown(word),
    }
}

fn diagnostic(finding: &Finding) -> Diagnostic {
    let kind = match finding.kind {
        FindingKind::Malformed => DiagnosticKind::Malformed,
        FindingKind::Unsupported => DiagnosticKind::Unsupported,
        FindingKind::Truncated => DiagnosticKind::Truncated,
        FindingKind::Encoding => DiagnosticKind::Unknown("encoding".to_owned()),
        FindingKind::OnlyCounted => DiagnosticKind::Unknown("only-counted".to_owned()),
    };
    let place = format!("line {} column {}", finding.line, finding.column);
    Diagnostic::new(kind, "test-reports.xml").at(place).found(&finding.message)
}

#[cfg(test)]
mod tests {
    use super::super::{Arrival, Format, native, tests::check};
    use super::*;
    use expect_test::expect;

    const XML: &str = "<testsuites><testsuite name='unit' timestamp='2026-01-02T03:04:05Z' time='1.5'>\
        <testcase classname='a.B' name='good' time='0.5'/><testcase classname='a.B' name='bad'><failure message='no'/></testcase>";

    #[test]
    fn xml_within_a_report_and_alone() {
        let whole = format!("{XML}</testsuite></testsuites>");
        let json = |xml: &str| {
            serde_json::json!({ "id": "t", "xml": xml, "instance_name": "ci", "job_full_name": "a", "build_number": 3 })
                .to_string()
        };
        check(
            Format::TestReports,
            &[&json(&whole), &json(XML), &json("<html/>"), &whole, "<html/>"],
            expect![[r#"
            test-report:me:t {"name":"unit","build":{"key":"ci/a/3/1"},"passed":1,"failed":1,"errors":0,"skipped":0,"duration":1500,"started_at":"2026-01-02T03:04:05.000Z","finished_at":"2026-01-02T03:04:06.500Z","cases":[{"name":"unit/a.B/bad","result":"failed","message":"no"},{"name":"unit/a.B/good","result":"passed","duration":500}]}
            test-report:me:t {"name":"unit","build":{"key":"ci/a/3/1"},"passed":1,"failed":1,"errors":0,"skipped":0,"duration":1500,"started_at":"2026-01-02T03:04:05.000Z","finished_at":"2026-01-02T03:04:06.500Z","cases":[{"name":"unit/a.B/bad","result":"failed","message":"no"},{"name":"unit/a.B/good","result":"passed","duration":500}]}
            ! Malformed test-reports.xml ends before its elements do
            Rejected
            ! Unsupported test-reports.xml <html> is the root of no report we know
            test-report:me:k {"name":"unit","passed":1,"failed":1,"errors":0,"skipped":0,"duration":1500,"started_at":"2026-01-02T03:04:05.000Z","finished_at":"2026-01-02T03:04:06.500Z","cases":[{"name":"unit/a.B/bad","result":"failed","message":"no"},{"name":"unit/a.B/good","result":"passed","duration":500}]}
            Rejected
            ! Unsupported test-reports.xml <html> is the root of no report we know
        "#]],
        );
    }

    #[test]
    fn the_context_says_of_which_build() {
        let context = r#"{"instance_name":"ci","job_full_name":"a","build_number":3,"commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3","stage":"test"}"#;
        let object = serde_json::from_str(context).unwrap();
        assert_eq!(xml_report_key(&object, "body/7"), "ci/a/3/1/body/7");
        let record = RawRecord { context: Some(context.to_owned()), ..RawRecord::upsert("k", None, "<testsuite/>") };
        let read = native(Format::TestReports, &record, Arrival::default());
        let Outcome::Produced(produced) = read.outcome else { unreachable!("{:?}", read.outcome) };
        expect![[r#"{"build":{"key":"ci/a/3/1"},"stage":"test","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3","passed":0,"failed":0,"errors":0,"skipped":0}"#]].assert_eq(&produced[0].entity.to_json());
    }

    #[test]
    fn what_is_xml() {
        let are = ["<a/>", " \n<a/>", "\u{feff}<a/>"].map(|text| is_xml(text.as_bytes()));
        assert_eq!((are, is_xml(b"{\"xml\": \"<a/>\"}"), is_xml(b"\xff\xfe<\0")), ([true; 3], false, true));
    }
}
