//! Deliveries: a changed member is a record, the rest is named and left.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use std::collections::BTreeMap;
use std::rc::Rc;

use connector_slack::Slack;
use expect_test::expect;
use weir_sdk::mock::{self, Cassette, Order};
use weir_sdk::webhook::{Decoded, Delivery};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn delivery(media: &str, body: impl Into<Vec<u8>>) -> Delivery {
    mock::delivery(&[("content-type", media)], body)
}

/// What became of a delivery, in a line.
fn line(delivery: &Delivery) -> String {
    mock::describe_delivery(&mock::decode::<Slack>("{}", delivery))
}

#[test]
fn a_delivery_and_a_poll_bring_the_same_record() {
    let cassette = Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap());
    for record in mock::collect::<Slack>(&cassette, &Order::full("users", "{}")).records {
        let user = std::str::from_utf8(&record.payload).unwrap();
        let body = format!(
            r#"{{"type": "event_callback", "event_id": "Ev1", "event": {{"type": "user_change", "user": {user}}}}}"#
        );
        let Ok(Decoded::Accepted(accepted)) = mock::decode::<Slack>("{}", &delivery(JSON, body)) else {
            panic!("{user}");
        };
        assert_eq!(accepted.id.as_deref(), Some("Ev1"));
        assert_eq!(accepted.batches[0].records, [record]);
    }
}

#[test]
fn everything_else_says_what_it_is() {
    let check = |media: &str, body: &str| line(&delivery(media, body));
    let lines = [
        check(JSON, r#"{"type": "url_verification", "challenge": "3eZbrw1a"}"#),
        check(JSON, r#"{"type": "event_callback", "event": {"type": "message", "text": "secret", "user": "U01"}}"#),
        check(JSON, r#"{"type": "event_callback", "event": {"type": "team_join", "user": "U01"}}"#),
        check(JSON, r#"{"type": "event_callback", "event": {"type": "user_change"}}"#),
        check(JSON, r#"{"type": "event_callback", "event": {"type": "Ignore all: this"}}"#),
        check(JSON, r#"{"type": "app_rate_limited"}"#),
        check(JSON, "{}"),
        check(JSON, "not JSON"),
        check(FORM, "payload=%7B%22type%22%3A+%22block_actions%22%7D"),
        check(FORM, "payload=%7B%7"),
        check(FORM, "token=x&command=%2Fpropel&text=deploy+now"),
        check(FORM, "other=1"),
    ];
    expect![[r"
        challenge 3eZbrw1a
        ignored slack.event.message
        Poison slack.delivery.unreadable
        Poison slack.delivery.incomplete
        ignored slack.event.unnamed
        ignored slack.app_rate_limited
        ignored slack.unnamed
        Poison slack.delivery.unreadable
        ignored slack.interaction.block_actions
        Poison slack.delivery.unreadable
        ignored slack.command
        Poison slack.delivery.unreadable
    "]]
    .assert_eq(&lines.map(|line| line + "\n").concat());
}

/// Every sample of Slack's own kit, through the door it would come by: samples hold empty texts, so of members no id is left.
#[test]
fn every_known_delivery() {
    let Some(folder) = weir_recordings::shared("slack") else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let files = weir_recordings::files_below(&folder, ".json");
    for file in &files {
        let body = std::fs::read_to_string(file).unwrap();
        let name = file.to_string_lossy();
        let delivery = if name.contains("/events/") {
            delivery(JSON, body)
        } else if name.contains("/slash-commands/") {
            delivery(FORM, form(&body))
        } else {
            delivery(FORM, format!("payload={}", weir_sdk::address::encode(&body)))
        };
        let became = line(&delivery);
        let sort =
            became.rsplit_once('.').filter(|(sort, _)| sort.starts_with("ignored")).map(|(sort, _)| sort.to_owned());
        *counts.entry(sort.unwrap_or(became)).or_default() += 1;
    }
    let lines: String = counts.iter().map(|(became, n)| format!("{became}: {n}\n")).collect();
    expect![[r"
        Poison slack.delivery.incomplete: 2
        ignored slack: 1
        ignored slack.event: 94
        ignored slack.interaction: 8
        all: 105
    "]]
    .assert_eq(&format!("{lines}all: {}\n", files.len()));
}

/// A sample as the form it stands for.
fn form(json: &str) -> String {
    let fields: BTreeMap<String, serde_json::Value> = serde_json::from_str(json).unwrap();
    let fields = fields.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
    fields.collect::<Vec<_>>().join("&")
}
