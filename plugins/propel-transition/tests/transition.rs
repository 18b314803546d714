//! A merge or a deployment in, transitions out.

use expect_test::{Expect, expect};
use propel_transition::Transition;
use weir_sdk::mock::{Cassette, Scene};

const CHANGE: &str = r#"{"id": "change:github:acme/api#7", "kind": "change", "links": [
    {"from": "change:github:acme/api#7", "to": "work-item:jira:10012", "kind": "mentions", "reason": "title", "confidence": 0.8},
    {"from": "change:github:acme/api#7", "to": "work-item:jira:10013", "kind": "mentions", "reason": "guess", "confidence": 0.3},
    {"from": "change:github:acme/api#7", "to": "work-item:github:acme/api#3", "kind": "closes", "reason": "stated", "confidence": 1}]}"#;
const DEPLOYMENT: &str = r#"{"id": "deployment:github:9", "kind": "deployment", "links": [
    {"from": "deployment:github:9", "to": "change:github:acme/api#7", "kind": "delivers", "reason": "merge-commit", "confidence": 1}]}"#;

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(kind: &str, id: &str, status: &str, to: &str, expected: Expect) {
    let github = Cassette::default().on("GET /repos/acme/api/issues/3", &format!(r#"{{"state": "{status}"}}"#));
    let jira = Cassette::default()
        .on(
            "GET /rest/api/2/issue/10012?fields=status",
            &format!(r#"{{"fields": {{"status": {{"name": "{status}"}}}}}}"#),
        )
        .on("GET /rest/api/2/issue/10012/transitions", r#"{"transitions": [{"id": "31", "to": {"name": "closed"}}]}"#);
    let scene = Scene::changed(kind, id, "{}")
        .fact("entity", r#"{"id":"change:github:acme/api#7"}"#, CHANGE)
        .fact("entity", r#"{"id":"deployment:github:9"}"#, DEPLOYMENT)
        .connection("github", github)
        .connection("jira", jira);
    expected.assert_eq(&scene.told::<Transition>(&format!(r#"{{"to": "{to}"}}"#)));
}

#[test]
fn a_merge_moves_the_items_it_names() {
    check(
        "change.merged",
        "change:github:acme/api#7",
        "open",
        "closed",
        expect![[r#"
        done
        move-0: github PATCH /repos/acme/api/issues/3
          {"state":"closed"}
          unless /state of GET /repos/acme/api/issues/3 has closed
        move-1: jira POST /rest/api/2/issue/10012/transitions
          {"transition":{"id":"31"}}
          unless /fields/status/name of GET /rest/api/2/issue/10012?fields=status has closed
    "#]],
    );
}

#[test]
fn a_deployment_moves_the_items_of_what_it_brought() {
    check(
        "deployment.finished",
        "deployment:github:9",
        "open",
        "closed",
        expect![[r#"
        done
        move-0: github PATCH /repos/acme/api/issues/3
          {"state":"closed"}
          unless /state of GET /repos/acme/api/issues/3 has closed
        move-1: jira POST /rest/api/2/issue/10012/transitions
          {"transition":{"id":"31"}}
          unless /fields/status/name of GET /rest/api/2/issue/10012?fields=status has closed
    "#]],
    );
}

#[test]
fn what_is_there_is_not_moved_and_what_cannot_be_holds_nothing_up() {
    check(
        "change.merged",
        "change:github:acme/api#7",
        "closed",
        "closed",
        expect![[r"
        skipped transition.nothing-to-move
    "]],
    );
    check(
        "change.merged",
        "change:github:acme/api#7",
        "open",
        "open",
        expect![[r"
        skipped transition.nothing-to-move
    "]],
    );
}
