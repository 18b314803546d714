//! Deliveries: each becomes the records a poll would have brought, or says why not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use std::rc::Rc;

use connector_jira::Jira;
use expect_test::expect;
use serde_json::Value;
use weir_sdk::mock::{self, Cassette, Order};
use weir_sdk::record::RawRecord;
use weir_sdk::webhook::{Accepted, Decoded, Delivery};

fn delivery(body: impl Into<Vec<u8>>) -> Delivery {
    mock::delivery(&[("x-atlassian-webhook-identifier", "d-1")], body)
}

fn accepted(settings: &str, body: &str) -> Accepted {
    match mock::decode::<Jira>(settings, &delivery(body)) {
        Ok(Decoded::Accepted(accepted)) => accepted,
        other => panic!("{other:?}"),
    }
}

fn polled(dataset: &str) -> Vec<RawRecord> {
    let cassette = Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap());
    let collected = mock::collect::<Jira>(&cassette, &Order::full(dataset, r#"{"comments": true}"#));
    assert_eq!(collected.failure, None);
    collected.records
}

fn with_key(records: Vec<RawRecord>, key: &str) -> RawRecord {
    records.into_iter().find(|record| record.key == key).unwrap()
}

fn batch<'a>(accepted: &'a Accepted, dataset: &str) -> &'a [RawRecord] {
    accepted.batches.iter().find(|batch| batch.dataset == dataset).map_or(&[], |batch| &batch.records)
}

/// What became of a delivery, in a line.
fn line(settings: &str, body: &str) -> String {
    mock::describe_delivery(&mock::decode::<Jira>(settings, &delivery(body)))
}

/// The issue of the cassette as a webhook sends it: with fields nobody asked for, and texts as text.
fn issue_updated() -> String {
    let mut issue: Value = serde_json::from_slice(&with_key(polled("issues"), "10002").payload).unwrap();
    issue["fields"]["customfield_10016"] = 5.into();
    issue["fields"]["description"] = "Within a second.".into();
    let user = r#"{"accountId": "5b10b", "displayName": "Ben Okoro"}"#;
    let items = r#"[{"field": "status", "fieldId": "status", "from": "3", "fromString": "In Progress", "to": "5", "toString": "Done"},
        {"field": "description", "from": null, "fromString": "Soon.", "to": null, "toString": "Within a second."}]"#;
    format!(
        r#"{{"timestamp": 1740128400120, "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic",
            "user": {user}, "issue": {issue}, "changelog": {{"id": "504", "items": {items}}}}}"#
    )
}

#[test]
fn an_issue_and_a_poll_of_it_make_one_entity() {
    let accepted = accepted("{}", &issue_updated());
    assert_eq!(accepted.id.as_deref(), Some("d-1"));
    assert_eq!(accepted.refresh, ["issues", "custom-fields", "changelogs"]);
    let [pushed] = batch(&accepted, "issues") else { panic!("{accepted:?}") };
    let polled = with_key(polled("issues"), "10002");
    assert_eq!((&pushed.key, pushed.version, &pushed.context), (&polled.key, polled.version, &polled.context));
    let outcome = |record: &RawRecord| mock::normalize::<Jira>("issues", "{}", std::slice::from_ref(record)).unwrap();
    assert_eq!(outcome(pushed), outcome(&polled));
}

#[test]
fn an_entry_of_the_history_gives_way_to_what_a_poll_says_of_it() {
    let accepted = accepted("{}", &issue_updated());
    let [pushed] = batch(&accepted, "changelogs") else { panic!("{accepted:?}") };
    let polled = with_key(polled("changelogs"), "10002/504");
    assert_eq!(pushed.key, polled.key);
    assert!(pushed.version < polled.version);
    let outcomes = mock::normalize::<Jira>("changelogs", "{}", std::slice::from_ref(pushed)).unwrap();
    expect![[r#"work-item 10002 {"transitions":[{"id":"504","at":"2025-02-21T09:00:00.000Z","author":{"key":"5b10b"},"before":{"name":"In Progress"},"after":{"name":"Done","category":"done"}}]}"#]].assert_eq(mock::describe(&outcomes[0]).trim());
    assert!(!String::from_utf8_lossy(&pushed.payload).contains("Within a second"));
}

#[test]
fn fields_that_nobody_asked_for_and_those_that_must_not_be_stored_are_cut() {
    let accepted = accepted(r#"{"sensitive_fields": ["summary", "status"]}"#, &issue_updated());
    let text = |dataset: &str| String::from_utf8_lossy(&batch(&accepted, dataset)[0].payload).into_owned();
    for word in ["customfield_10016", "Answer in time", "In Progress", "Done\""] {
        assert!(!text("changelogs").contains(word), "{word}");
    }
    assert!(!text("issues").contains("customfield_10016") && !text("issues").contains("Answer in time"));
}

#[test]
fn what_lies_under_an_issue_knows_it() {
    let comment = r#"{"webhookEvent": "comment_created", "comment": {"id": "801", "updated": 1739178000000, "body": "How far is it?"},
        "issue": {"id": "10002", "key": "API-2", "fields": {"project": {"key": "API"}}}}"#;
    let accepted_comment = accepted(r#"{"comments": true}"#, comment);
    let [pushed] = batch(&accepted_comment, "comments") else { panic!("{accepted_comment:?}") };
    let known = with_key(polled("comments"), "801");
    assert_eq!((&pushed.key, pushed.version, &pushed.context), (&known.key, known.version, &known.context));

    let worklog = r#"{"webhookEvent": "worklog_updated", "worklog": {"id": "701", "issueId": "10002", "comment": "x",
        "timeSpentSeconds": 60, "updated": "2025-02-04T10:00:00.000+0100"}}"#;
    let accepted_worklog = accepted("{}", worklog);
    let [pushed] = batch(&accepted_worklog, "worklogs") else { panic!("{accepted_worklog:?}") };
    let known = with_key(polled("worklogs"), "701");
    assert_eq!((&pushed.key, pushed.version, &pushed.context), (&known.key, known.version, &known.context));
    assert!(!String::from_utf8_lossy(&pushed.payload).contains("comment"));
}

#[test]
fn every_event_has_its_line() {
    let issue = r#""issue": {"id": "10002", "key": "API-2", "fields": {"project": {"key": "API"}}}"#;
    let check = |settings: &str, event: &str, rest: &str| {
        let body = format!(r#"{{"webhookEvent": "{event}", "timestamp": 1740128400120, {rest}}}"#);
        format!("{event}: {}\n", line(settings, &body))
    };
    let sprint = r#""sprint": {"id": 37, "originBoardId": 8, "name": "API 1", "state": "active"}"#;
    let lines = [
        check("{}", "jira:issue_created", issue),
        check("{}", "jira:issue_deleted", issue),
        check(r#"{"projects": ["API"]}"#, "jira:issue_updated", issue),
        check(r#"{"projects": ["WEB"]}"#, "jira:issue_updated", issue),
        check(r#"{"jql": "labels != internal"}"#, "jira:issue_updated", issue),
        check(r#"{"datasets": ["issues"]}"#, "jira:issue_updated", issue),
        check("{}", "jira:issue_updated", r#""issue": {"key": "API-2"}"#),
        check("{}", "jira:issue_updated", r#""issue": []"#),
        check("{}", "jira:issue_updated", r#""user": {}"#),
        check("{}", "issuelink_created", r#""issueLink": {"id": 1}"#),
        check("{}", "comment_created", r#""comment": {"id": "1"}"#),
        check(r#"{"comments": true}"#, "comment_deleted", r#""comment": {"id": "1"}"#),
        check("{}", "worklog_created", r#""worklog": {"id": "1", "issueId": "10002"}"#),
        check(r#"{"projects": ["API"]}"#, "worklog_created", r#""worklog": {"id": "1", "issueId": "10002"}"#),
        check("{}", "worklog_deleted", r#""worklog": {"id": "1", "issueId": "10002"}"#),
        check("{}", "sprint_started", sprint),
        check("{}", "sprint_deleted", sprint),
        check("{}", "sprint_closed", r#""sprint": {"id": 37}"#),
        check("{}", "project_updated", r#""project": {"id": 20001, "key": "API"}"#),
        check(r#"{"projects": ["WEB"]}"#, "project_updated", r#""project": {"id": 20001, "key": "API"}"#),
        check("{}", "project_deleted", r#""project": {"id": 20001, "key": "API"}"#),
        check("{}", "user_updated", r#""user": {"accountId": "5b10a"}"#),
        check("{}", "user_updated", r#""user": {"key": "ana", "name": "ana"}"#),
        check("{}", "user_deleted", r#""user": {"accountId": "5b10a"}"#),
        check("{}", "board_created", r#""board": {"id": 8}"#),
        check("{}", "jira:version_released", r#""version": {"id": 8}"#),
    ];
    expect![[r"
        jira:issue_created: issues 10002, refresh issues, refresh custom-fields, refresh changelogs
        jira:issue_deleted: issues 10002 gone, custom-fields 10002 gone
        jira:issue_updated: issues 10002, refresh issues, refresh custom-fields, refresh changelogs
        jira:issue_updated: ignored jira.project.not-chosen
        jira:issue_updated: refresh issues, refresh custom-fields, refresh changelogs
        jira:issue_updated: issues 10002, refresh issues
        jira:issue_updated: Poison jira.delivery.incomplete
        jira:issue_updated: Poison jira.delivery.incomplete
        jira:issue_updated: Poison jira.delivery.incomplete
        issuelink_created: refresh issues, refresh custom-fields, refresh changelogs
        comment_created: ignored jira.dataset.comments
        comment_deleted: comments 1 gone
        worklog_created: worklogs 1
        worklog_created: refresh worklogs
        worklog_deleted: worklogs 1 gone
        sprint_started: sprints 8/37
        sprint_deleted: sprints 8/37 gone
        sprint_closed: Poison jira.delivery.incomplete
        project_updated: projects 20001
        project_updated: ignored jira.project.not-chosen
        project_deleted: projects 20001 gone
        user_updated: users 5b10a
        user_updated: users ana
        user_deleted: users 5b10a gone
        board_created: refresh boards
        jira:version_released: ignored jira.event.jira:version_released
    "]]
    .assert_eq(&lines.concat());
}

#[test]
fn a_delivery_without_a_body_asks_for_a_poll() {
    assert_eq!(line("{}", ""), "refresh issues, refresh custom-fields, refresh changelogs");
    assert_eq!(line("{}", "no JSON"), "Poison jira.delivery.unreadable");
    assert_eq!(line("{}", "{}"), "Poison jira.delivery.incomplete");
    assert_eq!(line("{}", "[]"), "Poison jira.delivery.incomplete");
}
