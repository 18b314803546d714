//! A deployment in, an announcement out.

use expect_test::{Expect, expect};
use propel_announce::Announce;
use weir_sdk::mock::Scene;

const ID: &str = "deployment:ci:9";

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(kind: &str, links: &[(&str, &str, &str)], expected: Expect) {
    let link = |(to, kind, title): &(&str, &str, &str)| {
        format!(
            r#"{{"from": "{ID}", "to": "{to}", "kind": "{kind}", "reason": "range", "confidence": 1, "title": {title}}}"#
        )
    };
    let links: Vec<String> = links.iter().map(link).collect();
    let known = format!(r#"{{"id": "{ID}", "kind": "deployment", "links": [{}]}}"#, links.join(","));
    let document = format!(
        r#"{{"service": "shop", "version": "1.2", "environment": {{"name": "production"}}, "result": "success", "kind": "{kind}", "url": "https://ci.example/9"}}"#
    );
    let scene =
        Scene::changed("deployment.finished", ID, &document).fact("entity", &format!(r#"{{"id":"{ID}"}}"#), &known);
    expected.assert_eq(&scene.told::<Announce>(r#"{"most": 2}"#));
}

#[test]
fn a_deployment_is_told_with_what_it_brings() {
    check(
        "rollout",
        &[
            ("change:github:a/b#1", "delivers", "\"Round up\""),
            ("change:github:a/b#1", "delivers", "\"Round up\""),
            ("change:github:a/b#2", "delivers", "null"),
            ("change:github:a/b#3", "delivers", "\"Third\""),
            ("commit::1", "delivers", "null"),
        ],
        expect![[r"
            done
            announce: notify chat (Info) shop 1.2 on production: success
              It brings 3 changes with 1 commits:
              - Round up
              - change:github:a/b#2
              - and 1 more
              https://ci.example/9
        "]],
    );
    check(
        "rollback",
        &[("change:github:a/b#1", "undeploys", "\"Round up\"")],
        expect![[r"
        done
        announce: notify chat (Info) shop 1.2 on production: success
          It takes back 1 changes with 0 commits:
          - Round up
          https://ci.example/9
    "]],
    );
    check(
        "rollout",
        &[("commit::1", "delivers", "null")],
        expect![[r"
        done
        announce: notify chat (Info) shop 1.2 on production: success
          It brings 1 commits, none of them by a change that is known.
          https://ci.example/9
    "]],
    );
    check(
        "rollout",
        &[],
        expect![[r"
        done
        announce: notify chat (Info) shop 1.2 on production: success
          It is not known what it brings.
          https://ci.example/9
    "]],
    );
}
