//! Test results that Jenkins keeps beside a build.
//!
//! Invariant: one test is in memory at a time, however big the file.

use std::path::Path;

use weir_protocol::redact::excerpt;
use weir_protocol::{FailedTest, TestCounts};

use crate::notes::Notes;
use crate::xml::{self, Limits, Node};

/// The file, below the folder of a build.
pub(crate) const JUNIT_XML: &str = "junitResult.xml";

const FAILED_MAX: usize = 100;
const MESSAGE_BYTES_MAX: usize = 1 << 10;

/// Counts the tests of a build; None when it has none.
pub(crate) fn read(dir: &Path, notes: &mut Notes) -> Option<TestCounts> {
    let path = dir.join(JUNIT_XML);
    if !path.is_file() {
        return None;
    }
    let mut counts = TestCounts::default();
    let rest = xml::read_each(&path, Limits::STREAM, "case", &mut |case| {
        if let Some(case) = case.root() {
            count(&mut counts, case);
        }
    });
    counts.duration_ms = rest.root().and_then(|root| root.value("duration")).and_then(milliseconds);
    notes.add_all(JUNIT_XML, rest.notes);
    if counts.failed > FAILED_MAX as u64 {
        notes.add("truncated", JUNIT_XML, format!("only {FAILED_MAX} of {} failed tests are named", counts.failed));
    }
    Some(counts)
}

fn count(counts: &mut TestCounts, case: Node<'_>) {
    counts.total += 1;
    if case.value("skipped") == Some("true") {
        counts.skipped += 1;
    } else if case.child("errorStackTrace").is_some() || case.child("errorDetails").is_some() {
        counts.failed += 1;
        if counts.failed_tests.len() < FAILED_MAX {
            counts.failed_tests.push(failed(case));
        }
    } else {
        counts.passed += 1;
    }
}

fn failed(case: Node<'_>) -> FailedTest {
    let names = [case.value("className"), case.value("testName")];
    let message = ["errorDetails", "errorStackTrace"].iter().find_map(|name| case.value(name));
    FailedTest {
        name: names.into_iter().flatten().collect::<Vec<_>>().join("."),
        duration_ms: case.value("duration").and_then(milliseconds),
        failed_since: case
            .integer("failedSince")
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| *number > 0),
        message: message.and_then(|message| excerpt(message, MESSAGE_BYTES_MAX)),
    }
}

/// Seconds with a fraction, as text.
#[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
fn milliseconds(seconds: &str) -> Option<i64> {
    let ms = (seconds.parse::<f64>().ok()? * 1000.0).round();
    (0.0..=9e15).contains(&ms).then_some(ms as i64)
}
