//! An event in, the message out.

use expect_test::{Expect, expect};
use propel_notify::Notify;
use weir_sdk::mock;
use weir_sdk::model::Timestamp;
use weir_sdk::outcome::EntityDocument;
use weir_sdk::propel::{Effect, Event, EventBody, Outcome, Verdict};

const ID: &str = "build:github:acme/api/801/1";
const ASKED: &str = r#"{"build":"build:github:acme/api/801/1"}"#;
const RED: &str = r#"{"job": "acme/api/ci", "number": 17, "url": "https://github.com/acme/api/actions/runs/801", "state": "finished",
    "result": "failure", "checkouts": [{"branch": "main", "commit": "1111111111111111"}], "of_a_newer_weir": 1}"#;

fn event(kind: &str, document: &str) -> Event {
    let after = EntityDocument { kind: kind.to_owned(), key: ID.to_owned(), document: document.to_owned() };
    Event {
        id: "12".to_owned(),
        kind: format!("{kind}.finished"),
        at: Timestamp::from_ms(0),
        attempt: 1,
        deadline: None,
        body: EventBody::Entity { before: None, after: Some(after) },
    }
}

/// What came of an event, with the body of the call if there is one.
fn told(outcome: &Outcome) -> String {
    let Outcome { verdict, actions } = outcome;
    match (verdict, actions.as_slice()) {
        (Verdict::Skipped(reason), []) => format!("skipped {reason}"),
        (Verdict::Done, [action]) => match &action.effect {
            Effect::Call { connection, method, target, body, .. } => {
                let body = String::from_utf8_lossy(body.as_deref().unwrap_or_default());
                format!("{} {connection} {method:?} {target:?}\n{body}", action.id)
            }
            other => format!("{other:?}"),
        },
        other => format!("{other:?}"),
    }
}

fn check(settings: &str, document: &str, suspects: &str, expected: Expect) {
    check_event(&event("build", document), settings, suspects, expected);
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check_event(event: &Event, settings: &str, suspects: &str, expected: Expect) {
    mock::on_query("suspects", ASKED, suspects);
    let outcome = mock::handle::<Notify>(event, &["other", "chat"], settings);
    expected.assert_eq(&outcome.map_or_else(|failure| failure.to_string(), |outcome| told(&outcome)));
}

const BROKEN: &str = r#"{"build": "b", "state": "broken", "since": "a", "commits": [
    {"id": "commit::1", "sha": "1111111111111111", "reason": "candidate", "confidence": 0.5, "title": "Answer {url} in time", "author": "ana"},
    {"id": "commit::2", "sha": "2222222222222222", "reason": "candidate", "confidence": 0.5},
    {"id": "commit::3", "sha": "3333333333333333", "reason": "listed", "confidence": 0.0}]}"#;

#[test]
fn a_broken_build_is_told_with_those_who_may_have_broken_it() {
    check(
        "{}",
        RED,
        BROKEN,
        expect![[r#"
        tell chat Post Path("")
        {"text":"acme/api/ci #17 broke on main: failure\n11111111 by ana: Answer {url} in time (50 %)\n22222222 by somebody (50 %)\nhttps://github.com/acme/api/actions/runs/801"}"#]],
    );
}

#[test]
fn the_only_candidate_is_called_so_and_the_template_is_filled() {
    let one = r#"{"state": "broken", "commits": [{"sha": "1111", "confidence": 1.0, "title": "t", "author": "ana"}]}"#;
    check(
        r#"{"template": "{branch} {nothing} { {suspects}", "branches": ["ma*"]}"#,
        RED,
        one,
        expect![[r#"
        tell chat Post Path("")
        {"text":"main {nothing} { 1111 by ana: t (the only candidate)"}"#]],
    );
}

#[test]
fn nobody_is_told_what_they_know_or_need_not() {
    check("{}", RED, r#"{"state": "still-broken", "commits": []}"#, expect!["skipped notify.not-broken"]);
    check("{}", RED, "null", expect!["skipped notify.not-broken"]);
    check("{}", &RED.replace("failure", "success"), BROKEN, expect!["skipped notify.not-red"]);
    check("{}", &RED.replace("\"main\"", "\"fix\""), BROKEN, expect!["skipped notify.other-branch"]);
    let other = mock::handle::<Notify>(&event("change", "{}"), &["chat"], "{}").unwrap();
    assert_eq!(told(&other), "skipped notify.not-a-build");
}

#[test]
fn a_missing_connection_is_a_mistake_of_the_settings() {
    let expected = expect!["notify.connection: there is no connection `room`; name one under `connections`"];
    check(r#"{"connection": "room", "form": "text"}"#, RED, BROKEN, expected);
}

#[test]
fn each_chat_has_its_form() {
    check(
        r#"{"form": "slack"}"#,
        RED,
        BROKEN,
        expect![[r#"
        tell chat Post Path("")
        {"blocks":[{"text":{"text":"acme/api/ci #17 broke on main: failure","type":"plain_text"},"type":"header"},{"text":{"text":"11111111 by ana: Answer {url} in time (50 %)\n22222222 by somebody (50 %)\nhttps://github.com/acme/api/actions/runs/801","type":"plain_text"},"type":"section"},{"elements":[{"text":{"text":"Open the build","type":"plain_text"},"type":"button","url":"https://github.com/acme/api/actions/runs/801"}],"type":"actions"}],"text":"acme/api/ci #17 broke on main: failure"}"#]],
    );
    check(
        r#"{"form": "teams"}"#,
        RED,
        BROKEN,
        expect![[r#"
        tell chat Post Path("")
        {"attachments":[{"content":{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","actions":[{"title":"Open the build","type":"Action.OpenUrl","url":"https://github.com/acme/api/actions/runs/801"}],"body":[{"size":"Medium","text":"acme/api/ci #17 broke on main: failure","type":"TextBlock","weight":"Bolder","wrap":true},{"spacing":"Small","text":"11111111 by ana: Answer {url} in time (50 %)","type":"TextBlock","wrap":true},{"spacing":"Small","text":"22222222 by somebody (50 %)","type":"TextBlock","wrap":true},{"spacing":"Small","text":"https://github.com/acme/api/actions/runs/801","type":"TextBlock","wrap":true}],"type":"AdaptiveCard","version":"1.4"},"contentType":"application/vnd.microsoft.card.adaptive"}],"type":"message"}"#]],
    );
    check(
        r#"{"connection": "mail"}"#,
        RED,
        BROKEN,
        expect![[
            r#"Notify(Notice { channel: "mail", people: [], urgency: Warning, title: "acme/api/ci #17 broke on main: failure", text: "11111111 by ana: Answer {url} in time (50 %)\n22222222 by somebody (50 %)\nhttps://github.com/acme/api/actions/runs/801", url: None, fold_key: None })"#
        ]],
    );
}

#[test]
fn the_same_event_gives_the_same_action() {
    mock::on_query("suspects", ASKED, BROKEN);
    let handle = || mock::handle::<Notify>(&event("build", RED), &["chat"], "{}").unwrap();
    assert_eq!(handle(), handle());
}

#[test]
fn commits_that_are_not_known_yet_are_waited_for() {
    let early = r#"{"state": "unknown", "reason": "incomplete-history", "since": "a", "commits": []}"#;
    let at = |attempt, kind: &str| Event { attempt, kind: kind.to_owned(), ..event("build", RED) };
    check_event(&at(1, "build.broken"), "{}", early, expect!["(Later(10s), [])"]);
    check_event(&at(3, "build.broken"), "{}", early, expect!["(Later(300s), [])"]);
    check_event(
        &at(4, "build.broken"),
        "{}",
        early,
        expect![[r#"
        tell chat Post Path("")
        {"text":"acme/api/ci #17 broke on main: failure\nNo commit is known that may have broken it.\nhttps://github.com/acme/api/actions/runs/801"}"#]],
    );
    check_event(&at(4, "build.finished"), "{}", early, expect!["skipped notify.not-broken"]);
}
