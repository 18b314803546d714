//! Test reports, from spans of suites and of tests.
//!
//! One report a suite of a trace. Its tests come with whatever batch they are in, so they are not counted.

use std::collections::BTreeMap;

use weir_model::entity::{AttributeValue, TestCase, TestReport, TestResult};
use weir_model::{EntityKind, Reference};

use super::super::Produced;
use super::spans::Span;

pub(super) fn read(spans: &[Span]) -> Vec<Produced> {
    let mut reports: BTreeMap<String, TestReport> = BTreeMap::new();
    for span in spans {
        let suite = span.own_text(&["test.suite.name"]);
        let case = case(span);
        if suite.is_none() && case.is_none() {
            continue;
        }
        let key = format!("{}/{}", span.trace, suite.as_deref().unwrap_or("tests"));
        let report = reports.entry(key).or_default();
        report.name = report.name.take().or_else(|| suite.clone());
        report.build = Some(Reference::Key(span.trace.clone()));
        match case {
            Some(case) => report.cases.push(case),
            None => ended(report, span),
        }
    }
    reports.into_iter().map(|(key, report)| Produced::new(EntityKind::TestReport, key, report)).collect()
}

/// The span of a suite is the time of its report.
fn ended(report: &mut TestReport, span: &Span) {
    report.started_at = span.started_at;
    report.finished_at = span.finished_at;
    report.duration = span.started_at.zip(span.finished_at).and_then(|(start, end)| end.since(start));
    let status = span.own_text(&["test.suite.run.status"]).map(AttributeValue::Text);
    report.attributes.extend(status.map(|status| ("otel.suite_status".to_owned(), status)));
}

fn case(span: &Span) -> Option<TestCase> {
    let word = span.own_text(&["test.case.result.status"]);
    let result = match word.as_deref() {
        Some("pass") => TestResult::Passed,
        Some("fail") => TestResult::Failed,
        Some(other) => TestResult::Unknown(other.to_owned()),
        None => TestResult::Unknown("unknown".to_owned()),
    };
    let duration = span.started_at.zip(span.finished_at).and_then(|(start, end)| end.since(start));
    Some(TestCase { name: span.own_text(&["test.case.name"])?, result, duration, message: span.message.clone() })
}
