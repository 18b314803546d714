//! Time in, a report out.

use expect_test::{Expect, expect};
use propel_hygiene::Hygiene;
use weir_sdk::mock::Scene;

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(orphans: &str, expected: Expect) {
    let settings =
        r#"{"checks": {"nobody's items": "kind:work-item -person:*", "old changes": "kind:change"}, "listed": 2}"#;
    let scene = Scene::scheduled().fact("search", r#"{"limit":2,"q":"kind:work-item -person:*"}"#, orphans).fact(
        "search",
        r#"{"limit":2,"q":"kind:change"}"#,
        r#"{"total": 0, "hits": []}"#,
    );
    expected.assert_eq(&scene.told::<Hygiene>(settings));
}

#[test]
fn what_is_found_is_counted_and_listed() {
    check(
        r#"{"total": 3, "hits": [{"id": "work-item:jira:1", "title": "Round up", "url": "https://jira.example/browse/A-1"}, {"id": "work-item:jira:2"}]}"#,
        expect![[r"
            done
            report: notify chat (Info) What needs care
              3 nobody's items
              - Round up https://jira.example/browse/A-1
              - work-item:jira:2
              - and 1 more
        "]],
    );
}

#[test]
fn where_all_is_well_nothing_is_said() {
    check(
        r#"{"total": 0, "hits": []}"#,
        expect![[r"
        skipped hygiene.all-well
    "]],
    );
}
