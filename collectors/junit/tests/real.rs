//! Every report of the recordings, and what a peer counts in them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that panics has failed; what is skipped is told")]

use std::path::Path;

use expect_test::{expect, expect_file};
use serde_json::Value;
use weir_junit::{Counts, Limits, Report, read};

fn report(path: &Path) -> Report {
    read(&std::fs::read(path).unwrap(), &Limits::default())
}

fn line(name: &str, report: &Report) -> String {
    let Counts { passed, flaky, failed, errors, skipped, unknown } = report.counts;
    let dialect = report.dialect.map_or_else(|| "none".to_owned(), |dialect| format!("{dialect:?}"));
    let ms = report.duration_ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string());
    let mut line = format!("{name} {dialect} {passed}+{flaky}p {failed}f {errors}e {skipped}s");
    if unknown > 0 {
        line += &format!(" {unknown}?");
    }
    line += &format!(" {ms}ms\n");
    for finding in &report.findings {
        line += &format!("    {:?} {}:{} {}\n", finding.kind, finding.line, finding.column, finding.message);
    }
    line
}

#[test]
fn every_report_is_read_or_named() {
    let Some(folder) = weir_recordings::shared("junit") else { return };
    let mut text = String::new();
    for end in [".xml", ".trx"] {
        for path in weir_recordings::files_below(&folder, end) {
            let name = path.strip_prefix(&folder).unwrap().display().to_string();
            text += &line(&name, &report(&path));
        }
    }
    expect_file!["reports.txt"].assert_eq(&text);
}

#[test]
fn the_huge_one_is_counted_to_the_last() {
    let Some(file) = weir_recordings::shared("junit/junit-plugin/junit-report-huge.xml") else { return };
    let report = report(&file);
    let counts = report.counts;
    assert_eq!((counts.total(), counts.failed + counts.errors, counts.skipped), (7580, 19, 2430));
    assert_eq!(report.cases.len(), 7580);
}

#[test]
fn half_a_report_is_never_greener_than_the_whole() {
    let Some(folder) = weir_recordings::shared("junit") else { return };
    for end in [".xml", ".trx"] {
        for path in weir_recordings::files_below(&folder, end) {
            let bytes = std::fs::read(&path).unwrap();
            let whole = read(&bytes, &Limits::default()).counts;
            for at in (0..bytes.len().min(50_000)).step_by(bytes.len().div_ceil(40)) {
                let half = read(&bytes[..at], &Limits::default());
                assert!(half.counts.passed <= whole.passed, "{} cut at {at}", path.display());
                assert!(!half.findings.is_empty(), "{} cut at {at}", path.display());
            }
        }
    }
}

/// Counts of the peer and ours, where they differ.
#[test]
fn a_peer_counts_the_same() {
    let Some(folder) = weir_recordings::shared("junit/publish-unit-test-result-expected") else { return };
    let files = weir_recordings::files_below(&folder, ".results.json");
    let mut text = String::new();
    for path in &files {
        let name = path.strip_prefix(&folder).unwrap().display().to_string().replace(".results.json", ".xml");
        let expected: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let stats = &expected["stats"];
        let number = |name: &str| stats[name].as_i64().unwrap();
        let theirs = ["runs", "runs_succ", "runs_skip", "runs_fail", "runs_error", "duration", "suites"].map(number);
        let theirs = (theirs, stats["errors"].as_array().unwrap().len());
        let report = report(&folder.with_file_name("publish-unit-test-result").join(&name));
        let Counts { passed, flaky, failed, errors, skipped, .. } = report.counts;
        let seconds = report.duration_ms.unwrap_or_default() / 1000;
        let ours = [report.counts.total(), passed + flaky, skipped, failed, errors, seconds, report.suites];
        let ours = (ours.map(|n| i64::try_from(n).unwrap()), report.findings.len());
        if ours != theirs {
            text += &format!("{name}\n  theirs {theirs:?}\n  ours   {ours:?}\n");
        }
    }
    println!("{} reports compared", files.len());
    expect![[r"
        junit-xml/junit.multiresult.xml
          theirs ([4, -2, 3, 2, 1, 1, 1], 0)
          ours   ([4, 1, 1, 1, 1, 1, 1], 0)
        junit-xml/no-cases-but-tests.xml
          theirs ([6, 3, 2, 1, 0, 0, 1], 0)
          ours   ([6, 3, 2, 1, 0, 0, 1], 1)
        junit-xml/no-cases.xml
          theirs ([0, 0, 0, 0, 0, 0, 1], 0)
          ours   ([0, 0, 0, 0, 0, 0, 0], 0)
        junit-xml/tst/disabled.xml
          theirs ([31, 11, 0, 19, 1, 0, 2], 0)
          ours   ([31, 6, 5, 19, 1, 0, 2], 0)
        junit-xml/xunit/xunit.xml
          theirs ([2, 2, 0, 0, 0, 0, 1], 0)
          ours   ([2, 2, 0, 0, 0, 4, 1], 0)
    "]]
    .assert_eq(&text);
}
