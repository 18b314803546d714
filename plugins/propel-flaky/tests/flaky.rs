//! Reports in, rows out.

use expect_test::{Expect, expect};
use propel_flaky::Flaky;
use weir_sdk::mock::Scene;

/// The second of two reports about a commit, in which `first` and `second` came out so.
#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(reports: [&str; 2], known: &str, expected: Expect) {
    let scene = |index: usize, cases: &str| {
        let id = format!("test-report:ci:shop/{index}");
        let report = format!(
            r#"{{"id": "{id}", "kind": "test-report", "links": [{{"from": "{id}", "to": "build:ci:shop/{index}", "kind": "tests", "reason": "stated", "confidence": 1}}]}}"#
        );
        let build = format!(
            r#"{{"id": "build:ci:shop/{index}", "kind": "build", "document": {{"job": "shop", "checkouts": [{{"commit": "1111111111111111111111111111111111111111"}}]}}}}"#
        );
        Scene::changed("test-report.created", &id, &format!(r#"{{"cases": [{cases}]}}"#))
            .fact("entity", &format!(r#"{{"id":"{id}"}}"#), &report)
            .fact("entity", &format!(r#"{{"id":"build:ci:shop/{index}"}}"#), &build)
            .fact("table", r#"{"key":"round","name":"quarantine"}"#, known)
    };
    let told = reports.iter().enumerate().map(|(index, cases)| scene(index, cases).told::<Flaky>("{}"));
    expected.assert_eq(&told.collect::<String>());
}

const RED: &str = r#"{"name": "round", "result": "failed"}, {"name": "add", "result": "passed"}"#;
const GREEN: &str = r#"{"name": "round", "result": "passed"}, {"name": "add", "result": "passed"}"#;

#[test]
fn a_test_that_fails_and_then_passes_on_one_commit_is_flaky() {
    check(
        [RED, GREEN],
        "null",
        expect![[r#"
        skipped flaky.none
        done
        flaky-0: row of quarantine {"test":"round","job":"shop","last_seen":"2025-06-15T15:06:40.000Z","times":1,"state":"open"}
    "#]],
    );
}

#[test]
fn it_is_counted_and_one_that_stays_red_is_not_flaky() {
    check(
        [RED, GREEN],
        r#"{"test": "round", "times": 4}"#,
        expect![[r#"
        skipped flaky.none
        done
        flaky-0: row of quarantine {"test":"round","job":"shop","last_seen":"2025-06-15T15:06:40.000Z","times":5,"state":"open"}
    "#]],
    );
    check(
        [RED, RED],
        "null",
        expect![[r"
        skipped flaky.none
        skipped flaky.none
    "]],
    );
}
