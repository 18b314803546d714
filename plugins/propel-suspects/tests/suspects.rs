//! A broken build in, comments out.

use expect_test::{Expect, expect};
use propel_suspects::Suspects;
use weir_sdk::mock::{Cassette, Scene};

const BUILD: &str = "build:ci:shop/7/1";

fn scene(state: &str) -> Scene {
    let suspects = format!(
        r#"{{"state": "{state}", "commits": [
        {{"id": "commit::1111111111", "sha": "1111111111", "reason": "candidate", "confidence": 0.75, "evidence": ["failing-test"], "title": "Round up", "author": "ana"}},
        {{"id": "commit::2222222222", "sha": "2222222222", "reason": "candidate", "confidence": 0.25}}]}}"#
    );
    let commit = r#"{"id": "commit::1111111111", "kind": "commit", "links": [
        {"from": "change:github:acme/api#7", "to": "commit::1111111111", "kind": "contains", "reason": "merge-commit", "confidence": 1},
        {"from": "commit::1111111111", "to": "work-item:jira:10012", "kind": "mentions", "reason": "message", "confidence": 0.8}]}"#;
    Scene::changed("build.broken", BUILD, r#"{"job": "shop", "number": 7, "url": "https://ci.example/7"}"#)
        .fact("suspects", &format!(r#"{{"build":"{BUILD}"}}"#), &suspects)
        .fact("entity", r#"{"id":"commit::1111111111"}"#, commit)
        .connection("github", Cassette::default())
        .connection("jira", Cassette::default())
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(state: &str, settings: &str, expected: Expect) {
    expected.assert_eq(&scene(state).told::<Suspects>(settings));
}

#[test]
fn the_change_and_the_item_of_a_suspect_are_told() {
    check(
        "broken",
        "{}",
        expect![[r#"
        done
        tell-0: github POST /repos/acme/api/issues/7/comments
          {"body":"shop #7 broke, and 11111111 (Round up) may be why: 75 % by candidate, failing-test.\nhttps://ci.example/7\n\n<!-- weir:45f9f1ee3bebc79f -->"}
          unless body of GET /repos/acme/api/issues/7/comments?per_page=100&since=2025-06-14T15%3A06%3A40.000Z has weir:45f9f1ee3bebc79f
    "#]],
    );
    check(
        "broken",
        r#"{"about": ["change", "work-item"]}"#,
        expect![[r#"
        done
        tell-0: github POST /repos/acme/api/issues/7/comments
          {"body":"shop #7 broke, and 11111111 (Round up) may be why: 75 % by candidate, failing-test.\nhttps://ci.example/7\n\n<!-- weir:45f9f1ee3bebc79f -->"}
          unless body of GET /repos/acme/api/issues/7/comments?per_page=100&since=2025-06-14T15%3A06%3A40.000Z has weir:45f9f1ee3bebc79f
        tell-1: jira POST /rest/api/2/issue/10012/comment
          {"body":"shop #7 broke, and 11111111 (Round up) may be why: 75 % by candidate, failing-test.\nhttps://ci.example/7\n\n{color:#97a0af}weir:45f9f1ee3bebc79f{color}"}
          unless body of GET /rest/api/2/issue/10012/comment?orderBy=-created&maxResults=100 has weir:45f9f1ee3bebc79f
    "#]],
    );
}

#[test]
fn nobody_is_told_of_what_they_know_or_have_no_part_in() {
    check(
        "still-broken",
        "{}",
        expect![[r"
        skipped suspects.not-broken
    "]],
    );
    check(
        "broken",
        r#"{"at_least": 0.9}"#,
        expect![[r"
        skipped suspects.nobody-to-tell
    "]],
    );
}

#[test]
fn commits_that_are_not_known_yet_are_waited_for() {
    let early = r#"{"state": "unknown", "reason": "incomplete-history", "commits": []}"#;
    let scene = Scene::changed("build.broken", BUILD, r#"{"job": "shop"}"#);
    let scene = scene.fact("suspects", &format!(r#"{{"build":"{BUILD}"}}"#), early);
    expect![[r"
        later in 10s
    "]]
    .assert_eq(&scene.told::<Suspects>("{}"));
}
