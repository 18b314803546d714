//! Deliveries: each becomes the records a poll would have brought, or says why not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_for_each, reason = "a test fails by it")]

use std::collections::BTreeMap;
use std::rc::Rc;

use connector_github::GitHub;
use expect_test::expect;
use weir_sdk::mock::{self, Cassette, Order};
use weir_sdk::outcome::Outcome;
use weir_sdk::record::Op;
use weir_sdk::webhook::{Accepted, Decoded, Delivery};

fn delivery(event: &str, body: impl Into<Vec<u8>>) -> Delivery {
    let json = ("content-type", "application/json");
    mock::delivery(&[("x-github-event", event), ("x-github-delivery", "d-1"), json], body)
}

fn accepted(event: &str, body: &str) -> Accepted {
    match mock::decode::<GitHub>("{}", &delivery(event, body)) {
        Ok(Decoded::Accepted(accepted)) => accepted,
        other => panic!("{event}: {other:?}"),
    }
}

/// What became of a delivery, in a line.
fn line(settings: &str, delivery: &Delivery) -> String {
    mock::describe_delivery(&mock::decode::<GitHub>(settings, delivery))
}

const REPOSITORY: &str = r#""repository": {"id": 7001, "full_name": "acme/api"}"#;

#[test]
fn a_delivery_and_a_poll_bring_the_same_record() {
    let cassette = Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap());
    let settings = r#"{"repositories": ["acme/api"]}"#;
    let polled = |dataset: &str| mock::collect::<GitHub>(&cassette, &Order::full(dataset, settings)).records;
    let same = |event: &str, part: &str, dataset: &str, record: &weir_sdk::record::RawRecord| {
        let payload = std::str::from_utf8(&record.payload).unwrap();
        let pushed = accepted(event, &format!(r#"{{"action": "edited", "{part}": {payload}, {REPOSITORY}}}"#));
        let batch = pushed.batches.iter().find(|batch| batch.dataset == dataset).unwrap();
        assert_eq!(batch.records, std::slice::from_ref(record), "{event}");
    };
    let of_repositories = [
        ("pull_request", "pull_request", "pulls"),
        ("issues", "issue", "issues"),
        ("issue_comment", "comment", "issue-comments"),
        ("pull_request_review_comment", "comment", "review-comments"),
        ("workflow_run", "workflow_run", "workflow-runs"),
        ("deployment", "deployment", "deployments"),
        ("release", "release", "releases"),
    ];
    for (event, part, dataset) in of_repositories {
        polled(dataset).iter().for_each(|record| same(event, part, dataset, record));
    }
    let run = polled("workflow-runs").into_iter().find(|record| record.key == "801/2").unwrap();
    let jobs = mock::collect::<GitHub>(&cassette, &Order::full("jobs", settings).under(run)).records;
    jobs.iter().for_each(|record| same("workflow_job", "workflow_job", "jobs", record));
}

#[test]
fn children_know_what_they_lie_under() {
    let review = accepted(
        "pull_request_review",
        &format!(r#"{{"review": {{"id": 5}}, "pull_request": {{"number": 42}}, {REPOSITORY}}}"#),
    );
    assert_eq!(review.id.as_deref(), Some("d-1"));
    assert_eq!(review.batches[0].records[0].context.as_deref(), Some(r#"{"repository":"acme/api","pull":42}"#));
    let status = accepted(
        "deployment_status",
        &format!(r#"{{"deployment_status": {{"id": 6}}, "deployment": {{"id": 7}}, {REPOSITORY}}}"#),
    );
    let contexts: Vec<_> =
        status.batches.iter().flat_map(|batch| &batch.records).filter_map(|record| record.context.as_deref()).collect();
    assert_eq!(contexts, [r#"{"repository":"acme/api"}"#, r#"{"repository":"acme/api","deployment":7}"#]);
}

#[test]
fn a_push_tells_the_files_of_its_commits() {
    let body = format!(
        r#"{{"ref": "refs/heads/main", "after": "2222222222", "deleted": false, {REPOSITORY},
            "head_commit": {{"id": "2222222222", "timestamp": "2025-03-01T10:00:00+01:00"}},
            "commits": [{{"id": "2222222222", "message": "m", "timestamp": "2025-03-01T10:00:00+01:00",
                "author": {{"name": "Ana", "email": "ana@acme.example", "username": "ana"}},
                "added": ["new.rs"], "removed": [], "modified": ["old.rs"]}}]}}"#
    );
    let pushed = accepted("push", &body);
    assert_eq!(pushed.refresh, ["commits"]);
    let outcomes = mock::normalize::<GitHub>("pushes", "{}", &pushed.batches[0].records).unwrap();
    let Outcome::Produced(produced) = &outcomes[0] else { panic!("{outcomes:?}") };
    expect![[r#"{"repositories":[{"key":"acme/api"}],"author":{"name":"ana"},"authored_at":"2025-03-01T10:00:00.000+01:00","message":"m","files":[{"path":"new.rs","kind":"added"},{"path":"old.rs","kind":"modified"}]}"#]]
        .assert_eq(&produced.entities[0].document);
}

#[test]
fn what_is_not_wanted_says_why() {
    let chosen = r#"{"repositories": ["ACME/api"]}"#;
    let other = r#"{"repositories": ["acme/web"]}"#;
    let issue = format!(r#"{{"action": "opened", "issue": {{"number": 3}}, {REPOSITORY}}}"#);
    let check = |settings, event, body: &str| line(settings, &delivery(event, body));
    assert_eq!(check(chosen, "issues", &issue), "issues acme/api#3");
    assert_eq!(check(other, "issues", &issue), "ignored github.repository.not-chosen");
    assert_eq!(check(r#"{"organisation": "Acme"}"#, "issues", &issue), "issues acme/api#3");
    assert_eq!(check(chosen, "ping", "not even JSON"), "ignored github.event.ping");
    assert_eq!(check(chosen, "issues", "not even JSON"), "Poison github.delivery.unreadable");
    assert_eq!(check(chosen, "issues", &format!("{{{REPOSITORY}}}")), "Poison github.delivery.incomplete");
    assert_eq!(check(chosen, "issues", "{}"), "Poison github.delivery.incomplete");
    assert_eq!(check(chosen, "issues", &issue.replace("opened", "deleted")), "issues acme/api#3 gone");
    assert_eq!(
        check(chosen, "delete", &format!(r#"{{"ref": "v1", "ref_type": "tag", {REPOSITORY}}}"#)),
        "tags acme/api/v1 gone"
    );
    assert_eq!(
        check(chosen, "create", &format!(r#"{{"ref": "v1", "ref_type": "tag", {REPOSITORY}}}"#)),
        "refresh tags"
    );
    let nameless = Delivery { headers: Vec::new(), ..delivery("push", "{}") };
    assert_eq!(line(chosen, &nameless), "Poison github.delivery.no-event");
}

#[test]
fn forms_are_read_too() {
    let mut form = delivery(
        "issues",
        "payload=%7B%22issue%22%3A%7B%22number%22%3A3%7D%2C%22repository%22%3A+%7B%22full_name%22%3A%22a%2Fb%22%7D%7D",
    );
    form.headers[2].1 = "application/x-www-form-urlencoded".to_owned();
    assert_eq!(line("{}", &form), "issues a/b#3");
    form.body = b"other=%7".to_vec();
    assert_eq!(line("{}", &form), "Poison github.delivery.unreadable");
}

/// Every delivery GitHub's own collection has: accepted, ignored or refused, and nothing accepted is rejected afterwards.
#[test]
fn every_known_delivery() {
    let Some(folder) = weir_recordings::shared("github/webhooks/octokit") else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let files = weir_recordings::files_below(&folder, ".json");
    for file in &files {
        let event = file.parent().and_then(|folder| folder.file_name()).unwrap().to_string_lossy().into_owned();
        let delivery = delivery(&event, std::fs::read(file).unwrap());
        let became = match mock::decode::<GitHub>("{}", &delivery) {
            Ok(Decoded::Accepted(accepted)) => normalise(&file.display().to_string(), &accepted),
            Ok(Decoded::Ignored(reason)) => reason,
            other => format!("{other:?}"),
        };
        *counts
            .entry(if became.starts_with("github.event.") { "github.event.*".to_owned() } else { became })
            .or_default() += 1;
    }
    let lines: String = counts.iter().map(|(became, n)| format!("{became}: {n}\n")).collect();
    expect![[r"
        deployments: 3
        deployments + deployment-statuses: 3
        github.comment.on-issue: 6
        github.event.*: 148
        github.issue.is-pull: 4
        github.push.deleted: 4
        issue-comments gone: 2
        issues: 22
        issues gone: 2
        jobs: 7
        pulls: 28
        pushes + refresh commits: 2
        refresh tags: 4
        releases: 10
        releases gone: 2
        repositories: 12
        review-comments: 3
        review-comments gone: 1
        reviews: 3
        tags gone: 3
        workflow-runs: 4
        all: 273
    "]]
    .assert_eq(&format!("{lines}all: {}\n", files.len()));
}

fn normalise(file: &str, accepted: &Accepted) -> String {
    let mut became = Vec::new();
    for batch in &accepted.batches {
        for outcome in mock::normalize::<GitHub>(&batch.dataset, "{}", &batch.records).unwrap() {
            became.push(match outcome {
                Outcome::Produced(produced) => {
                    assert!(produced.diagnostics.is_empty(), "{file}: {:?}", produced.diagnostics);
                    batch.dataset.clone()
                }
                Outcome::Ignored(reason) => reason,
                Outcome::Rejected(findings) => format!("rejected {file}: {findings:?}"),
            });
        }
        became.extend(
            batch.records.iter().filter(|record| record.op == Op::Delete).map(|_| format!("{} gone", batch.dataset)),
        );
    }
    became.extend(accepted.refresh.iter().map(|dataset| format!("refresh {dataset}")));
    became.join(" + ")
}
