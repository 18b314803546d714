//! Deliveries: each becomes the records a poll would have brought, or says why not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use std::rc::Rc;

use connector_bitbucket::Bitbucket;
use expect_test::{Expect, expect};
use weir_sdk::mock::{self, Cassette, Order};
use weir_sdk::outcome::Outcome;
use weir_sdk::record::{Op, RawRecord};
use weir_sdk::webhook::{Accepted, Decoded, Delivery};

fn delivery(event: &str, body: impl Into<Vec<u8>>) -> Delivery {
    mock::delivery(&[("x-event-key", event), ("x-request-uuid", "d-1")], body)
}

fn accepted(event: &str, body: &str) -> Accepted {
    match mock::decode::<Bitbucket>("{}", &delivery(event, body)) {
        Ok(Decoded::Accepted(accepted)) => accepted,
        other => panic!("{event}: {other:?}"),
    }
}

fn records<'a>(accepted: &'a Accepted, dataset: &str) -> &'a [RawRecord] {
    &accepted.batches.iter().find(|batch| batch.dataset == dataset).unwrap().records
}

fn polled(cassette: &str, settings: &str, dataset: &str, parent: Option<RawRecord>) -> Vec<RawRecord> {
    let cassette = Rc::new(Cassette::read(cassette).unwrap());
    let order = Order { parent, ..Order::full(dataset, settings) };
    mock::collect::<Bitbucket>(&cassette, &order).records
}

const CLOUD: &str = include_str!("../cassettes/cloud.json");
const CLOUD_SETTINGS: &str = r#"{"deployment": "cloud", "repositories": ["acme/api"]}"#;
const REPOSITORY: &str = r#""repository": {"full_name": "acme/api"}"#;
const PULL: &str = r#""pullrequest": {"id": 42, "updated_on": "2025-03-01T09:00:00.250001+00:00"}"#;

fn payload(record: &RawRecord) -> &str {
    std::str::from_utf8(&record.payload).unwrap()
}

#[test]
fn a_delivery_and_a_poll_bring_the_same_record() {
    let pulls = polled(CLOUD, CLOUD_SETTINGS, "pulls", None);
    for pull in &pulls {
        let pushed = accepted("pullrequest:updated", &format!(r#"{{"pullrequest": {}, {REPOSITORY}}}"#, payload(pull)));
        assert_eq!(records(&pushed, "pulls"), std::slice::from_ref(pull));
        assert_eq!(pushed.id.as_deref(), Some("d-1"));
    }
    for issue in &polled(CLOUD, CLOUD_SETTINGS, "issues", None) {
        let pushed = accepted("issue:updated", &format!(r#"{{"issue": {}, {REPOSITORY}}}"#, payload(issue)));
        assert_eq!(records(&pushed, "issues"), std::slice::from_ref(issue));
    }
    for tag in &polled(CLOUD, CLOUD_SETTINGS, "tags", None) {
        let body = format!(r#"{{"push": {{"changes": [{{"old": null, "new": {}}}]}}, {REPOSITORY}}}"#, payload(tag));
        assert_eq!(records(&accepted("repo:push", &body), "tags"), std::slice::from_ref(tag));
    }
    let server = include_str!("../cassettes/server.json");
    let settings = r#"{"deployment": "server", "repositories": ["ACME/api"]}"#;
    let pull = polled(server, settings, "pulls", None).into_iter().next().unwrap();
    let pushed = accepted("pr:merged", &format!(r#"{{"eventKey": "pr:merged", "pullRequest": {}}}"#, payload(&pull)));
    assert_eq!(records(&pushed, "pulls"), [pull]);
}

/// Activity has no payload of its own in a delivery, which is kept whole; key, version and entities are those of a poll.
#[test]
fn activity_is_the_same_from_both_sides() {
    let pull = polled(CLOUD, CLOUD_SETTINGS, "pulls", None).into_iter().find(|pull| pull.key == "acme/api#42");
    let polled = polled(CLOUD, CLOUD_SETTINGS, "pull-activity", pull);
    let entities = |record: &RawRecord| {
        let outcomes = mock::normalize::<Bitbucket>("pull-activity", "{}", std::slice::from_ref(record)).unwrap();
        mock::describe(&outcomes[0])
    };
    let mut n_same = 0;
    for record in &polled {
        let sort = record.key.split('/').nth(2).unwrap();
        let (event, part, as_sent) = match sort {
            "approved" => ("pullrequest:approved", "approval", "approval"),
            "changes-requested" => ("pullrequest:changes_request_created", "changes_requested", "changes_request"),
            "comment" => ("pullrequest:comment_created", "comment", "comment"),
            _ => continue,
        };
        let json: serde_json::Value = serde_json::from_slice(&record.payload).unwrap();
        let pushed = accepted(event, &format!(r#"{{"{as_sent}": {}, {PULL}, {REPOSITORY}}}"#, json[part]));
        let pushed = &records(&pushed, "pull-activity")[0];
        assert_eq!((&pushed.key, pushed.version, &pushed.context), (&record.key, record.version, &record.context));
        assert_eq!(entities(pushed), entities(record));
        n_same += 1;
    }
    assert_eq!(n_same, 5);
}

/// What became of a delivery, and of its records.
#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(event: &str, body: &str, expected: Expect) {
    let mut lines = Vec::new();
    match mock::decode::<Bitbucket>(r#"{"owner": "acme"}"#, &delivery(event, body)) {
        Ok(Decoded::Accepted(accepted)) => {
            for batch in &accepted.batches {
                for record in &batch.records {
                    let gone = if record.op == Op::Delete { " gone" } else { "" };
                    lines.push(format!("{} {}{gone}\n", batch.dataset, record.key));
                }
                let outcomes = mock::normalize::<Bitbucket>(&batch.dataset, "{}", &batch.records).unwrap();
                lines.extend(outcomes.iter().map(mock::describe));
            }
            lines.extend(accepted.refresh.iter().map(|dataset| format!("refresh {dataset}\n")));
        }
        Ok(Decoded::Ignored(reason)) => lines.push(format!("ignored {reason}\n")),
        other => lines.push(format!("{:?}\n", other.map_err(|failure| (failure.kind, failure.code)))),
    }
    expected.assert_eq(&lines.concat());
}

#[test]
fn a_merge_says_when_and_by_whom() {
    let body = format!(r#"{{"actor": {{"uuid": "{{12}}", "nickname": "ben"}}, {PULL}, {REPOSITORY}}}"#);
    check(
        "pullrequest:fulfilled",
        &body,
        expect![[r##"
        pulls acme/api#42
          change acme/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"acme/api"},"updated_at":"2025-03-01T09:00:00.250Z"}
        events acme/api#42/closed
          change acme/api#42 {"merged_by":{"name":"ben"},"merged_at":"2025-03-01T09:00:00.250Z","closed_at":"2025-03-01T09:00:00.250Z"}
    "##]],
    );
    check(
        "pullrequest:rejected",
        &body,
        expect![[r##"
        pulls acme/api#42
          change acme/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"acme/api"},"updated_at":"2025-03-01T09:00:00.250Z"}
        events acme/api#42/closed
          change acme/api#42 {"closed_at":"2025-03-01T09:00:00.250Z"}
    "##]],
    );
}

#[test]
fn what_is_taken_back_is_gone() {
    let approval = r#""approval": {"date": "2025-03-01T09:00:00+00:00", "user": {"uuid": "{12}"}}"#;
    check(
        "pullrequest:unapproved",
        &format!("{{{approval}, {PULL}, {REPOSITORY}}}"),
        expect![[r##"
        pulls acme/api#42
          change acme/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"acme/api"},"updated_at":"2025-03-01T09:00:00.250Z"}
        pull-activity acme/api#42/approved/{12} gone
    "##]],
    );
    let comment = r#""comment": {"id": 601, "deleted": true}"#;
    check(
        "pullrequest:comment_deleted",
        &format!("{{{comment}, {PULL}, {REPOSITORY}}}"),
        expect![[r##"
        pulls acme/api#42
          change acme/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"acme/api"},"updated_at":"2025-03-01T09:00:00.250Z"}
        pull-activity acme/api#42/comment/601 gone
    "##]],
    );
    let tag = r#"{"push": {"changes": [{"new": null, "old": {"type": "tag", "name": "v1"}}]}, "#;
    check(
        "repo:push",
        &format!("{tag}{REPOSITORY}}}"),
        expect![[r"
        tags acme/api/v1 gone
    "]],
    );
}

#[test]
fn a_status_of_pipelines_has_them_read() {
    let status = |url: &str| format!(r#"{{"commit_status": {{"url": "{url}"}}, {REPOSITORY}}}"#);
    let ours = status("https://bitbucket.org/acme/api/addon/pipelines/home#!/results/4");
    check(
        "repo:commit_status_updated",
        &ours,
        expect![[r"
        refresh pipelines
        refresh deployments
    "]],
    );
    check(
        "repo:commit_status_updated",
        &status("https://ci.acme.example/job/4"),
        expect![[r"
        ignored bitbucket.status.of-other-system
    "]],
    );
}

const SERVER_PULL: &str = r#""pullRequest": {"id": 42, "state": "OPEN", "updatedDate": 1740819600000,
    "toRef": {"displayId": "main", "repository": {"slug": "api", "project": {"key": "ACME"}}}}"#;

#[test]
fn verdicts_and_comments_of_a_data_center() {
    let body = |more: &str| {
        format!(r#"{{"date": "2025-03-01T10:00:00+0100", "actor": {{"name": "ben"}}, {more} {SERVER_PULL}}}"#)
    };
    check(
        "pr:reviewer:approved",
        &body(""),
        expect![[r##"
        pulls ACME/api#42
          change ACME/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"ACME/api"},"state":"open","state_word":"OPEN","base_branch":"main","updated_at":"2025-03-01T09:00:00.000Z"}
        events ACME/api#42/verdict/ben
          review ACME/api#42/approved/ben {"change":{"key":"ACME/api#42"},"author":{"name":"ben"},"verdict":"approved","verdict_word":"approved","submitted_at":"2025-03-01T10:00:00.000+01:00"}
    "##]],
    );
    check(
        "pr:reviewer:unapproved",
        &body(r#""previousStatus": "NEEDS_WORK","#),
        expect![[r##"
        pulls ACME/api#42
          change ACME/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"ACME/api"},"state":"open","state_word":"OPEN","base_branch":"main","updated_at":"2025-03-01T09:00:00.000Z"}
        events ACME/api#42/verdict/ben
          review ACME/api#42/changes-requested/ben {"change":{"key":"ACME/api#42"},"author":{"name":"ben"},"verdict":"dismissed","verdict_word":"dismissed","submitted_at":"2025-03-01T10:00:00.000+01:00"}
    "##]],
    );
    let comment = r#""comment": {"id": 601, "text": "why?", "author": {"name": "ben"}, "createdDate": 1740819600000},"#;
    check(
        "pr:comment:added",
        &body(comment),
        expect![[r##"
        pulls ACME/api#42
          change ACME/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"ACME/api"},"state":"open","state_word":"OPEN","base_branch":"main","updated_at":"2025-03-01T09:00:00.000Z"}
        events ACME/api#42/comment/601
          review ACME/api#42/comment/601 {"change":{"key":"ACME/api#42"},"author":{"name":"ben"},"body":"why?","submitted_at":"2025-03-01T09:00:00.000Z"}
    "##]],
    );
    check(
        "pr:comment:deleted",
        &body(comment),
        expect![[r##"
        pulls ACME/api#42
          change ACME/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"ACME/api"},"state":"open","state_word":"OPEN","base_branch":"main","updated_at":"2025-03-01T09:00:00.000Z"}
        events ACME/api#42/comment/601 gone
    "##]],
    );
    check(
        "pr:deleted",
        &body(""),
        expect![[r"
        pulls ACME/api#42 gone
    "]],
    );
}

#[test]
fn pushes_to_a_data_center() {
    let body = |kind: &str, change: &str| {
        let repository = r#""repository": {"slug": "api", "project": {"key": "ACME"}}"#;
        let reference = format!(r#"{{"displayId": "v1", "type": "{kind}"}}"#);
        format!(r#"{{{repository}, "changes": [{{"ref": {reference}, "type": "{change}"}}]}}"#)
    };
    check(
        "repo:refs_changed",
        &body("BRANCH", "UPDATE"),
        expect![[r"
        refresh commits
    "]],
    );
    check(
        "repo:refs_changed",
        &body("BRANCH", "DELETE"),
        expect![[r"
        ignored bitbucket.push.nothing-new
    "]],
    );
    check(
        "repo:refs_changed",
        &body("TAG", "ADD"),
        expect![[r"
        refresh tags
    "]],
    );
    check(
        "repo:refs_changed",
        &body("TAG", "DELETE"),
        expect![[r"
        tags ACME/api/v1 gone
    "]],
    );
}

#[test]
fn what_cannot_be_used_says_why() {
    check(
        "repo:fork",
        &format!("{{{REPOSITORY}}}"),
        expect![[r"
        ignored bitbucket.event.repo-fork
    "]],
    );
    check(
        "diagnostics:ping",
        r#"{"test": true}"#,
        expect![[r"
        ignored bitbucket.event.diagnostics-ping
    "]],
    );
    check(
        "pullrequest:created",
        r#"{"repository": {"full_name": "other/api"}}"#,
        expect![[r"
        ignored bitbucket.repository.not-chosen
    "]],
    );
    check(
        "pullrequest:created",
        "{}",
        expect![[r#"
        Err((Poison, "bitbucket.delivery.incomplete"))
    "#]],
    );
    check(
        "pullrequest:created",
        &format!("{{{REPOSITORY}}}"),
        expect![[r#"
        Err((Poison, "bitbucket.delivery.incomplete"))
    "#]],
    );
    check(
        "pullrequest:approved",
        &format!("{{{PULL}, {REPOSITORY}}}"),
        expect![[r#"
        Err((Poison, "bitbucket.delivery.incomplete"))
    "#]],
    );
    check(
        "pr:merged",
        "[",
        expect![[r#"
        Err((Poison, "bitbucket.delivery.unreadable"))
    "#]],
    );
    let nameless = Delivery { headers: Vec::new(), ..delivery("", "{}") };
    assert_eq!(mock::decode::<Bitbucket>("{}", &nameless).unwrap_err().code, "bitbucket.delivery.no-event");
}

#[test]
fn a_delivery_that_is_a_record_is_read_by_its_context() {
    let record = RawRecord::upsert("k", "{}").context(&serde_json::json!({"repository": "acme/api", "event": "x"}));
    let outcomes = mock::normalize::<Bitbucket>("events", "{}", &[record]).unwrap();
    assert!(matches!(outcomes[0], Outcome::Rejected(_)), "{outcomes:?}");
}
