//! Every report of the recordings, and what a peer counts in them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that panics has failed; what is skipped is told")]

use std::path::Path;

use expect_test::expect;
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
    expect![[r#"
        junit-plugin/JENKINS-12457/TestSuite_a1.xml Junit 1+0p 0f 0e 0s 157980ms
        junit-plugin/JENKINS-12457/TestSuite_a2.xml Junit 1+0p 0f 0e 0s 15000ms
        junit-plugin/JENKINS-12457/TestSuite_b.xml Junit 1+0p 0f 0e 0s 1000ms
        junit-plugin/JENKINS-12457/TestSuite_b_duplicate.xml Junit 1+0p 0f 0e 0s 1000ms
        junit-plugin/JENKINS-12457/TestSuite_b_nonduplicate.xml Junit 1+0p 0f 0e 0s 1000ms
        junit-plugin/JENKINS-13214/27449.xml Junit 1+0p 0f 0e 0s 157980ms
        junit-plugin/JENKINS-13214/27540.xml Junit 1+0p 0f 0e 0s 146368ms
        junit-plugin/JENKINS-13214/29734.xml Junit 1+0p 0f 0e 0s 153027ms
        junit-plugin/JENKINS-30413.xml Junit 1+0p 1f 0e 0s 0ms
        junit-plugin/JENKINS-41134/TestSuite_first.xml Junit 1+0p 0f 0e 0s 157980ms
        junit-plugin/JENKINS-41134/TestSuite_second.xml Junit 0+0p 1f 0e 0s 123980ms
        junit-plugin/JENKINS-41134/TestSuite_second_dup_first.xml Junit 0+0p 1f 0e 0s 157980ms
        junit-plugin/JENKINS-42438/junit-report-1.xml Junit 8+0p 0f 0e 3s 2000ms
        junit-plugin/JENKINS-48583/TEST-com.sample.test.TestMessage.xml Junit 1+0p 0f 0e 0s 63ms
        junit-plugin/JENKINS-48583/TEST-com.sample.test.TestMessage2.xml Junit 2+0p 0f 0e 0s 60ms
        junit-plugin/JENKINS-48583/TESTS-TestSuites.xml Junit 3+0p 0f 0e 0s 123ms
        junit-plugin/SKIPPED_MESSAGE/afterSkippedResult.xml Junit 0+0p 0f 1e 0s 173ms
        junit-plugin/SKIPPED_MESSAGE/skippedTestResult.xml Junit 0+0p 0f 0e 1s 173ms
        junit-plugin/TEST-null.xml Junit 0+0p 0f 1e 0s 0ms
        junit-plugin/eclipse-plugin-test-report.xml Junit 3366+0p 0f 0e 0s 367126ms
        junit-plugin/gh-237/TEST-io.olamy.AlwaysFailTest.xml Junit 0+0p 1f 0e 0s 2ms
        junit-plugin/gh-237/TEST-io.olamy.FlakyTest.xml Junit 0+1p 0f 0e 0s 46ms
        junit-plugin/junit-report-1233.xml Junit 5+0p 0f 0e 0s 107824ms
        junit-plugin/junit-report-1463.xml Junit 6+0p 0f 0e 0s 1426000ms
        junit-plugin/junit-report-1472.xml Junit 2652+0p 2f 0e 0s 0ms
            OnlyCounted 16465:30 suite `make_test.Test_Summary_Report` counts its tests and does not list them
        junit-plugin/junit-report-20090516.xml Junit 5+0p 0f 3e 0s 14398ms
        junit-plugin/junit-report-2874.xml Junit 1+0p 0f 0e 0s 4158ms
        junit-plugin/junit-report-494.xml Junit 1+0p 1f 0e 0s 2000ms
        junit-plugin/junit-report-6700.xml Junit 0+0p 0f 1e 0s 0ms
        junit-plugin/junit-report-bad-duration.xml Junit 2+0p 0f 0e 0s 100000ms
        junit-plugin/junit-report-empty-testcasename.xml Junit 0+0p 1f 0e 0s 16ms
        junit-plugin/junit-report-errror-details.xml Junit 0+0p 0f 1e 0s 16ms
        junit-plugin/junit-report-huge.xml Junit 5130+1p 19f 0e 2430s 408057ms
        junit-plugin/junit-report-nested-testsuites.xml Junit 2+0p 0f 1e 0s 4486ms
        junit-plugin/junit-report-testsuite-time-attrs.xml Junit 8+0p 0f 0e 0s 2543100ms
        junit-plugin/junit-report-testsuite-various-timestamps.xml Junit 12+0p 0f 0e 0s 2543100ms
        junit-plugin/junit-report-time-aggregation.xml Junit 3+0p 0f 0e 0s 100000ms
        junit-plugin/junit-report-time-aggregation2.xml Junit 3+0p 0f 0e 0s 30000ms
        junit-plugin/junit-report-with-properties.xml Junit 1+0p 1f 0e 0s 2000ms
        junit-plugin/junitResult.xml none 0+0p 0f 0e 0s -ms
            Unsupported 2:1 <result> is the root of no report we know
        junit-plugin/old-reports/junit-report-1.xml Junit 3+0p 0f 0e 0s 100000ms
        junit-plugin/old-reports/junit-report-2.xml Junit 3+0p 0f 0e 0s 30000ms
        junit-plugin/pipeline/ageReset-1.xml Junit 0+0p 1f 0e 0s 2000ms
        junit-plugin/pipeline/ageReset-2.xml Junit 1+0p 0f 0e 0s 0ms
        junit-plugin/pipeline/junit-report-testTrends-first-1.xml Junit 8+0p 0f 0e 0s 14000ms
        junit-plugin/pipeline/junit-report-testTrends-first-2.xml Junit 5+0p 0f 3e 0s 14398ms
        junit-plugin/pipeline/junit-report-testTrends-first-3.xml Junit 5+0p 0f 3e 0s 21000ms
        junit-plugin/pipeline/junit-report-testTrends-second-1.xml Junit 1+0p 0f 0e 0s 4158ms
        junit-plugin/pipeline/junit-report-testTrends-second-2.xml Junit 1+0p 0f 0e 0s 5158ms
        junit-plugin/pipeline/junit-report-testTrends-second-3.xml Junit 1+0p 0f 0e 0s 6158ms
        junit-plugin/testXxe-oob.xml none 0+0p 0f 0e 0s -ms
            Malformed 1:1 syntax error: unknown or missed symbol in markup
        junit-plugin/testXxe-xxe.xml none 0+0p 0f 0e 0s -ms
            Unsupported 8:1 <r> is the root of no report we know
        publish-unit-test-result/junit-xml/bazel/suite-logs.xml Junit 0+0p 0f 1e 0s 0ms
        publish-unit-test-result/junit-xml/empty-system-out-err.xml Junit 1+0p 0f 0e 0s 1234ms
        publish-unit-test-result/junit-xml/jest/jest-junit.xml Junit 2+0p 0f 0e 0s 929ms
        publish-unit-test-result/junit-xml/junit.multiresult.xml Junit 1+0p 1f 1e 1s 1158ms
        publish-unit-test-result/junit-xml/minimal-attributes.xml Junit 1+0p 1f 1e 1s 0ms
        publish-unit-test-result/junit-xml/mocha/latex-utensils.xml Junit 109+0p 0f 0e 0s 290ms
        publish-unit-test-result/junit-xml/no-attributes.xml Junit 1+0p 1f 1e 1s 0ms
        publish-unit-test-result/junit-xml/no-cases-but-tests.xml Junit 3+0p 1f 0e 2s 10ms
            OnlyCounted 1:190 suite `pytest` counts its tests and does not list them
        publish-unit-test-result/junit-xml/no-cases.xml Junit 0+0p 0f 0e 0s 10ms
        publish-unit-test-result/junit-xml/non-junit.xml none 0+0p 0f 0e 0s -ms
            Unsupported 2:1 <suites> is the root of no report we know
        publish-unit-test-result/junit-xml/pytest/corrupt-xml.xml Junit 1+0p 0f 0e 1s 2481ms
            Malformed 11:22 ends before its elements do
        publish-unit-test-result/junit-xml/pytest/junit.fail.xml Junit 3+0p 1f 0e 1s 2481ms
        publish-unit-test-result/junit-xml/pytest/junit.gloo.elastic.spark.tf.xml Junit 20+0p 0f 0e 2s 627416ms
        publish-unit-test-result/junit-xml/pytest/junit.gloo.elastic.spark.torch.xml Junit 22+0p 0f 0e 0s 670069ms
        publish-unit-test-result/junit-xml/pytest/junit.gloo.elastic.xml Junit 10+0p 0f 0e 4s 72194ms
        publish-unit-test-result/junit-xml/pytest/junit.gloo.standalone.xml Junit 80+0p 0f 0e 17s 205094ms
        publish-unit-test-result/junit-xml/pytest/junit.gloo.static.xml Junit 12+0p 0f 0e 12s 69153ms
        publish-unit-test-result/junit-xml/pytest/junit.mpi.integration.xml Junit 3+0p 0f 0e 0s 15583ms
        publish-unit-test-result/junit-xml/pytest/junit.mpi.standalone.xml Junit 96+0p 0f 0e 1s 219243ms
        publish-unit-test-result/junit-xml/pytest/junit.mpi.static.xml Junit 24+0p 0f 0e 0s 124719ms
        publish-unit-test-result/junit-xml/pytest/junit.spark.integration.1.xml Junit 33+0p 0f 0e 2s 165184ms
        publish-unit-test-result/junit-xml/pytest/junit.spark.integration.2.xml Junit 33+0p 0f 0e 2s 172773ms
        publish-unit-test-result/junit-xml/scalatest/TEST-uk.co.gresearch.spark.diff.DiffOptionsSuite.xml Junit 5+0p 0f 0e 0s 2238ms
        publish-unit-test-result/junit-xml/testsuite-in-testsuite.xml Junit 5+0p 0f 0e 0s 4807ms
        publish-unit-test-result/junit-xml/testsuite-root.xml Junit 5+0p 0f 0e 0s 4807ms
        publish-unit-test-result/junit-xml/tst/disabled.xml Junit 6+0p 19f 1e 5s 2ms
        publish-unit-test-result/junit-xml/unsupported-unicode.xml Junit 1+0p 2f 2e 2s 8610ms
        publish-unit-test-result/junit-xml/with-xml-entities.xml Junit 0+0p 1f 1e 2s 0ms
        publish-unit-test-result/junit-xml/xunit/xunit.xml Junit 2+0p 0f 0e 0s 4260ms
        publish-unit-test-result/nunit/mstest/clicketyclackety.xml Nunit 13+0p 1f 9e 0s 567ms
        publish-unit-test-result/nunit/mstest/pickles.xml Nunit 3+0p 1f 0e 0s 732ms
        publish-unit-test-result/nunit/mstest/timewarpinc.xml Nunit 0+0p 0f 1e 0s 2117ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-correct.xml Nunit 18+0p 1f 4e 5s 824ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-correct2.xml Nunit 218+0p 0f 0e 0s 1392ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-correct3.xml Nunit 22+0p 0f 0e 0s 294050ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-failure.xml Nunit 2+0p 1f 0e 0s 404ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-healthReport.xml Nunit 9+0p 1f 0e 0s 404ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-ignored.xml Nunit 1+0p 0f 0e 2s 169ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-issue1077.xml Nunit 6+0p 0f 0e 0s 35396ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-issue17521.xml Nunit 1+0p 0f 0e 1s 8114ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-issue33493.xml Nunit 1+0p 0f 0e 1s 8114ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-issue44527.xml Nunit 6+0p 1f 143e 0s 974066ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-issue47367.xml Nunit 8+0p 0f 0e 0s 562ms
            Malformed 5:17 position 147: attribute key must be directly followed by `=` or space
            Malformed 6:17 position 135: attribute key must be directly followed by `=` or space
            Malformed 7:17 position 132: attribute key must be directly followed by `=` or space
            Malformed 8:17 position 150: attribute key must be directly followed by `=` or space
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-issue48478.xml Nunit 3+0p 0f 0e 0s 17849ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-issue50162.xml Nunit 3+0p 3f 0e 0s 922ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-issue5674.xml Nunit 6+0p 3f 0e 0s 67ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-issue6353.xml Nunit 1+0p 1f 0e 1s 119612ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-multinamespace.xml Nunit 3+0p 0f 0e 0s 1? 404ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-sec1752-file.xml Nunit 1+0p 1f 0e 0s 404ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-sec1752-https.xml Nunit 1+0p 1f 0e 0s 404ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit-simple.xml Nunit 2+0p 0f 0e 0s 404ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnit.xml Nunit 3+0p 1f 0e 0s 404ms
        publish-unit-test-result/nunit/nunit3/jenkins/NUnitUnicode.xml Nunit 0+0p 1f 0e 0s 404ms
        publish-unit-test-result/xunit/mstest/fixie.xml Xunit 3+0p 3f 0e 1s 1234ms
        publish-unit-test-result/xunit/mstest/jenkinsci/testcase1.xml Xunit 1+0p 1f 0e 1s 288ms
        publish-unit-test-result/xunit/mstest/jenkinsci/testcase2.xml Xunit 1+0p 0f 0e 0s 288ms
        publish-unit-test-result/xunit/mstest/jenkinsci/testcase3.xml Xunit 1+0p 1f 0e 1s 0ms
        publish-unit-test-result/xunit/mstest/jenkinsci/testcase4.xml Xunit 0+0p 0f 0e 0s -ms
        publish-unit-test-result/xunit/mstest/jenkinsci/testcase5.xml Xunit 5+0p 0f 0e 0s 92728ms
        publish-unit-test-result/xunit/mstest/jenkinsci/testcase6.xml Xunit 0+0p 1f 0e 0s 36782ms
        publish-unit-test-result/xunit/mstest/pickles.xml Xunit 3+0p 1f 0e 0s 185ms
        publish-unit-test-result/trx/mstest/pickles.trx Trx 3+0p 1f 0e 0s 140ms
        publish-unit-test-result/trx/nunit/FluentValidation.Tests.trx Trx 803+0p 0f 0e 1s 3124ms
        publish-unit-test-result/trx/nunit/NUnit-net461-sample.trx Trx 2+0p 3f 0e 1s 138ms
        publish-unit-test-result/trx/nunit/NUnit-netcoreapp3.1-sample.trx Trx 2+0p 3f 0e 1s 77ms
        publish-unit-test-result/trx/nunit/SilentNotes.trx Trx 67+0p 0f 0e 12s 446ms
        publish-unit-test-result/trx/xunit/dotnet-trx.trx Trx 5+0p 5f 0e 1s 118ms
        publish-unit-test-result/trx/xunit/xUnit-net461-sample.trx Trx 2+0p 3f 0e 1s 49ms
        publish-unit-test-result/trx/xunit/xUnit-netcoreapp3.1-sample.trx Trx 2+0p 3f 0e 1s 12ms
        publish-unit-test-result/trx/yami_YAMILEX_2015-10-24_04_18_59.trx Trx 2+0p 2f 2e 19s 26669ms
    "#]].assert_eq(&text);
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
    expect![[r#"
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
    "#]]
    .assert_eq(&text);
}
