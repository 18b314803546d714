//! An incident in, comments out.

use expect_test::{Expect, expect};
use propel_incident::Incident;
use weir_sdk::mock::{Cassette, Scene};

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(id: &str, confidence: &str, expected: Expect) {
    let incident = format!(
        r#"{{"id": "{id}", "kind": "x", "document": {{"title": "Checkout is down", "url": "https://x.example/1"}}, "links": [
        {{"from": "{id}", "to": "deployment:ci:9", "kind": "caused-by", "reason": "time", "confidence": {confidence}}}]}}"#
    );
    let deployment = r#"{"id": "deployment:ci:9", "kind": "deployment", "document": {"title": "shop 1.2"}, "links": [
        {"from": "deployment:ci:9", "to": "change:github:acme/api#7", "kind": "delivers", "reason": "merge-commit", "confidence": 1, "title": "Round up"},
        {"from": "deployment:ci:9", "to": "commit::1", "kind": "delivers", "reason": "range", "confidence": 1}]}"#;
    let scene = Scene::changed("incident.opened", id, "{}")
        .fact("entity", &format!(r#"{{"id":"{id}"}}"#), &incident)
        .fact("entity", r#"{"id":"deployment:ci:9"}"#, deployment)
        .connection("github", Cassette::default());
    expected.assert_eq(&scene.told::<Incident>("{}"));
}

#[test]
fn the_incident_and_the_changes_behind_it_are_told() {
    check(
        "work-item:github:acme/api#3",
        "1",
        expect![[r#"
        done
        incident: github POST /repos/acme/api/issues/3/comments
          {"body":"shop 1.2 may have brought this about, 100 % sure (time). It delivered:\n- Round up\n\n<!-- weir:da15656ae2d4094c -->"}
          unless body of GET /repos/acme/api/issues/3/comments?per_page=100&since=2025-06-14T15%3A06%3A40.000Z has weir:da15656ae2d4094c
        change-0: github POST /repos/acme/api/issues/7/comments
          {"body":"shop 1.2 may have brought about Checkout is down (https://x.example/1), 100 % sure (time). It delivered this change.\n\n<!-- weir:da15656ae2d4094c -->"}
          unless body of GET /repos/acme/api/issues/7/comments?per_page=100&since=2025-06-14T15%3A06%3A40.000Z has weir:da15656ae2d4094c
    "#]],
    );
    check(
        "incident:pagerduty:P1",
        "0.5",
        expect![[r#"
        done
        change-0: github POST /repos/acme/api/issues/7/comments
          {"body":"shop 1.2 may have brought about Checkout is down (https://x.example/1), 50 % sure (time). It delivered this change.\n\n<!-- weir:97e536fe30afde51 -->"}
          unless body of GET /repos/acme/api/issues/7/comments?per_page=100&since=2025-06-14T15%3A06%3A40.000Z has weir:97e536fe30afde51
    "#]],
    );
}

#[test]
fn nobody_is_told_on_a_hunch() {
    check(
        "incident:pagerduty:P1",
        "0.2",
        expect![[r"
        skipped incident.no-cause
    "]],
    );
}
