//! Time in, reminders out.

use expect_test::{Expect, expect};
use propel_stale_review::StaleReview;
use weir_sdk::mock::{Cassette, Scene};

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(hits: &str, settings: &str, expected: Expect) {
    let asked = r#"{"limit":50,"q":"(kind:change AND state:open) AND updated:<now-3d"}"#;
    let scene = Scene::scheduled().fact("search", asked, hits).connection("github", Cassette::default());
    expected.assert_eq(&scene.told::<StaleReview>(settings));
}

const TWO: &str = r#"{"total": 2, "hits": [
    {"id": "change:github:acme/api#7", "title": "Round up", "url": ["https://github.com/acme/api/pull/7"]},
    {"id": "change:github:acme/api#8"}]}"#;

#[test]
fn each_change_is_reminded_of_and_the_team_gets_a_list() {
    check(
        TWO,
        r#"{"channel": "chat"}"#,
        expect![[r#"
        done
        remind-0: github POST /repos/acme/api/issues/7/comments
          {"body":"Nothing has happened here for 3 days. Is something needed?\n\n<!-- weir:136c8f56cb9de1a0 -->"}
          unless body of GET /repos/acme/api/issues/7/comments?per_page=100&since=2025-06-11T00%3A00%3A00.000Z has weir:136c8f56cb9de1a0
        remind-1: github POST /repos/acme/api/issues/8/comments
          {"body":"Nothing has happened here for 3 days. Is something needed?\n\n<!-- weir:6caceaad51e713ad -->"}
          unless body of GET /repos/acme/api/issues/8/comments?per_page=100&since=2025-06-11T00%3A00%3A00.000Z has weir:6caceaad51e713ad
        list: notify chat (Info) 2 reviews wait
          - Round up https://github.com/acme/api/pull/7
          - change:github:acme/api#8
    "#]],
    );
    check(
        TWO,
        r#"{"channel": "chat", "comment": false}"#,
        expect![[r"
        done
        list: notify chat (Info) 2 reviews wait
          - Round up https://github.com/acme/api/pull/7
          - change:github:acme/api#8
    "]],
    );
}

#[test]
fn where_none_waits_nothing_is_said() {
    check(
        r#"{"total": 0, "hits": []}"#,
        "{}",
        expect![[r"
        skipped stale-review.none
    "]],
    );
}
