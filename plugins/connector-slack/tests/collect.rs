//! Whole passes against our own cassette, and what Slack's refusals mean.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::rc::Rc;

use connector_slack::Slack;
use expect_test::expect;
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Cassette, Order};

fn acme() -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap())
}

#[test]
fn members_become_persons() {
    expect![[r#"
        U01 @1740787200 -
          person U01 {"name":"Ana Lima","login":"ana","emails":["ana@acme.example"],"bot":false,"active":true,"organisation":"Acme"}
        U02 @1740787201 -
          person U02 {"name":"Ben Okafor","login":"ben","bot":false,"active":false}
        USLACKBOT @0 -
          person USLACKBOT {"name":"Slackbot","login":"slackbot","bot":true,"active":true}
        U03 @1740787202 -
          person U03 {"name":"Weir","login":"weir","bot":true,"active":true}
    "#]].assert_eq(&mock::show::<Slack>(&acme(), "users", None, "{}"));
}

#[test]
fn a_check_names_the_scopes_that_are_missing() {
    let checkup = mock::check::<Slack>(&acme(), "{}").unwrap();
    assert_eq!((checkup.tool.as_str(), checkup.identity.as_deref()), ("Slack, workspace Acme", Some("weir")));
    assert_eq!(checkup.missing, ["users:read.email (their e-mail addresses)"]);
}

#[test]
fn webhooks_alone_need_no_token() {
    let nothing = Rc::new(Cassette::default());
    let checkup = mock::check::<Slack>(&nothing, r#"{"datasets": []}"#).unwrap();
    assert_eq!(checkup.tool, "Slack, webhooks only");
    assert_eq!(nothing.heard(), [""; 0]);
}

#[test]
fn a_refusal_with_status_200_is_one() {
    let cases = [
        ("invalid_auth", FailureKind::Auth),
        ("missing_scope", FailureKind::Forbidden),
        ("ratelimited", FailureKind::Throttled),
        ("invalid_cursor", FailureKind::CursorExpired),
        ("fatal_error", FailureKind::Transient),
    ];
    for (word, kind) in cases {
        let body = format!(r#"{{"ok": false, "error": "{word}"}}"#);
        let cassette = Rc::new(Cassette::default().on("GET /users.list?limit=200", &body));
        let collected = mock::collect::<Slack>(&cassette, &Order::full("users", "{}"));
        assert_eq!(collected.failure.unwrap().kind, kind, "{word}");
    }
}
