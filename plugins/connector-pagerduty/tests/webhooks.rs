//! Deliveries of version 3: the incident as it is then, or a name.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use connector_pagerduty::PagerDuty;
use expect_test::expect;
use weir_sdk::mock;
use weir_sdk::webhook::{Accepted, Decoded, Delivery};

const INCIDENT: &str = r#"{
    "id": "PINC003", "type": "incident", "self": "https://api.pagerduty.com/incidents/PINC003",
    "html_url": "https://acme.pagerduty.com/incidents/PINC003", "number": 3, "status": "STATUS", "incident_key": "key-3",
    "created_at": "2025-06-14T08:00:00Z", "title": "Mail is down",
    "service": {"id": "PMAIL01", "type": "service_reference", "summary": "Mail"},
    "assignees": [{"id": "PANA001", "type": "user_reference", "summary": "Ana Lima"}],
    "escalation_policy": {"id": "PESC001", "type": "escalation_policy_reference", "summary": "Office hours"},
    "teams": [{"id": "PTEAM01", "type": "team_reference", "summary": "SRE"}],
    "priority": {"id": "PPRI001", "type": "priority_reference", "summary": "P1"}, "urgency": "high",
    "conference_bridge": null, "resolve_reason": null
}"#;

fn delivery(event: &str, data: &str) -> Delivery {
    let body = format!(
        r#"{{"event": {{"id": "01BKT", "event_type": "{event}", "resource_type": "incident",
            "occurred_at": "2025-06-14T08:05:00.712Z", "agent": null, "data": {data}}}}}"#
    );
    mock::delivery(&[], body)
}

fn accepted(event: &str, status: &str) -> Accepted {
    match mock::decode::<PagerDuty>("{}", &delivery(event, &INCIDENT.replace("STATUS", status))) {
        Ok(Decoded::Accepted(accepted)) => accepted,
        other => panic!("{event}: {other:?}"),
    }
}

#[test]
fn an_event_brings_the_incident_and_the_moment() {
    let mut lines = String::new();
    let events = [
        ("triggered", "triggered"),
        ("acknowledged", "acknowledged"),
        ("resolved", "resolved"),
        ("reassigned", "resolved"),
    ];
    for (event, status) in events {
        let accepted = accepted(&format!("incident.{event}"), status);
        assert_eq!(
            (accepted.id.as_deref(), accepted.refresh.as_slice()),
            (Some("01BKT"), ["incidents".to_owned()].as_slice())
        );
        let records = &accepted.batches[0].records;
        lines += &format!("{event}: {} @{}\n", records[0].key, records[0].version.unwrap());
        lines += &mock::describe(&mock::normalize::<PagerDuty>("incidents", "{}", records).unwrap()[0]);
    }
    expect![[r##"
        triggered: PINC003 @1749888300000
          incident PINC003 {"handle":"#3","url":"https://acme.pagerduty.com/incidents/PINC003","title":"Mail is down","services":["Mail"],"state":"open","state_word":"triggered","priority":"P1","urgency":"high","assignees":[{"key":"PANA001"}],"detected_at":"2025-06-14T08:00:00.000Z","updated_at":"2025-06-14T08:05:00.712Z","attributes":{"pagerduty.escalation_policy":"Office hours","pagerduty.incident_key":"key-3","pagerduty.teams":["SRE"]}}
        acknowledged: PINC003 @1749888300000
          incident PINC003 {"handle":"#3","url":"https://acme.pagerduty.com/incidents/PINC003","title":"Mail is down","services":["Mail"],"state":"acknowledged","state_word":"acknowledged","priority":"P1","urgency":"high","assignees":[{"key":"PANA001"}],"detected_at":"2025-06-14T08:00:00.000Z","acknowledged_at":"2025-06-14T08:05:00.712Z","updated_at":"2025-06-14T08:05:00.712Z","attributes":{"pagerduty.escalation_policy":"Office hours","pagerduty.incident_key":"key-3","pagerduty.teams":["SRE"]}}
        resolved: PINC003 @1749888300000
          incident PINC003 {"handle":"#3","url":"https://acme.pagerduty.com/incidents/PINC003","title":"Mail is down","services":["Mail"],"state":"resolved","state_word":"resolved","priority":"P1","urgency":"high","assignees":[{"key":"PANA001"}],"detected_at":"2025-06-14T08:00:00.000Z","resolved_at":"2025-06-14T08:05:00.712Z","updated_at":"2025-06-14T08:05:00.712Z","attributes":{"pagerduty.escalation_policy":"Office hours","pagerduty.incident_key":"key-3","pagerduty.teams":["SRE"]}}
        reassigned: PINC003 @1749888300000
          incident PINC003 {"handle":"#3","url":"https://acme.pagerduty.com/incidents/PINC003","title":"Mail is down","services":["Mail"],"state":"resolved","state_word":"resolved","priority":"P1","urgency":"high","assignees":[{"key":"PANA001"}],"detected_at":"2025-06-14T08:00:00.000Z","updated_at":"2025-06-14T08:05:00.712Z","attributes":{"pagerduty.escalation_policy":"Office hours","pagerduty.incident_key":"key-3","pagerduty.teams":["SRE"]}}
    "##]].assert_eq(&lines);
}

#[test]
fn what_is_not_wanted_says_why() {
    let check =
        |settings: &str, event: &str, data: &str| match mock::decode::<PagerDuty>(settings, &delivery(event, data)) {
            Ok(Decoded::Accepted(accepted)) => accepted.batches[0].records[0].key.clone(),
            Ok(Decoded::Ignored(reason)) => reason,
            Ok(Decoded::Challenge(_)) => "challenge".to_owned(),
            Err(failure) => format!("{:?} {}", failure.kind, failure.code),
        };
    let lines = [
        check(r#"{"services": ["PMAIL01"]}"#, "incident.triggered", INCIDENT),
        check(r#"{"services": ["POTHER1"]}"#, "incident.triggered", INCIDENT),
        check(r#"{"since": "2025-06-15T00:00:00Z"}"#, "incident.triggered", INCIDENT),
        check("{}", "incident.annotated", r#"{"id": "PNOTE", "type": "incident_note", "content": "secret"}"#),
        check("{}", "pagey.ping", r#"{"message": "Hello from your friend Pagey!", "type": "ping"}"#),
        check("{}", "service.updated", "null"),
        check("{}", "incident.triggered", r#"{"type": "incident"}"#),
        check("{}", "incident.triggered", "17"),
    ];
    expect![[r"
        PINC003
        pagerduty.service.not-chosen
        pagerduty.incident.before-since
        pagerduty.event.incident.annotated
        pagerduty.event.pagey.ping
        pagerduty.event.service.updated
        Poison pagerduty.delivery.incomplete
        Poison pagerduty.delivery.unreadable
    "]]
    .assert_eq(&lines.map(|line| line + "\n").concat());
}
