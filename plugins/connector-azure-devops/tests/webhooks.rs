//! Deliveries: each becomes the record a poll would have brought, asks for a poll, or says why not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use std::rc::Rc;

use connector_azure_devops::AzureDevOps;
use expect_test::expect;
use weir_sdk::mock::{self, Cassette, Order};
use weir_sdk::webhook::{Decoded, Delivery};

fn delivery(body: impl Into<Vec<u8>>) -> Delivery {
    mock::delivery(&[], body)
}

/// What became of a delivery, in a line.
fn line(settings: &str, body: &str) -> String {
    mock::describe_delivery(&mock::decode::<AzureDevOps>(settings, &delivery(body)))
}

#[test]
fn a_delivery_and_a_poll_bring_the_same_pull_request() {
    let cassette = Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap());
    let polled = mock::collect::<AzureDevOps>(&cassette, &Order::full("pulls", r#"{"projects": ["Web"]}"#)).records;
    for record in &polled {
        let payload = std::str::from_utf8(&record.payload).unwrap();
        let body = format!(r#"{{"id": "d-1", "eventType": "git.pullrequest.updated", "resource": {payload}}}"#);
        let decoded = mock::decode::<AzureDevOps>("{}", &delivery(body)).unwrap();
        let Decoded::Accepted(accepted) = decoded else { panic!("{decoded:?}") };
        assert_eq!(accepted.batches[0].records, std::slice::from_ref(record));
        assert_eq!(accepted.id.as_deref(), Some("d-1"));
    }
    assert_eq!(polled.len(), 2);
}

#[test]
fn every_event_has_its_end() {
    let event = |event: &str, resource: &str| {
        format!(
            "{event}: {}\n",
            line(r#"{"projects": ["Web"]}"#, &format!(r#"{{"eventType": "{event}", "resource": {resource}}}"#))
        )
    };
    let pull = |project: &str| {
        format!(r#"{{"pullRequestId": 42, "repository": {{"name": "api", "project": {{"name": "{project}"}}}}}}"#)
    };
    let lines = [
        event("git.push", "{}"),
        event("git.repo.created", "{}"),
        event("git.pullrequest.created", &pull("web")),
        event("git.pullrequest.merged", &pull("Other")),
        event("git.pullrequest.merged", r#"{"pullRequestId": 42}"#),
        event("git.pullrequest.merged", "null"),
        event(
            "ms.vss-code.git-pullrequest-comment-event",
            &format!(r#"{{"comment": {{}}, "pullRequest": {}}}"#, pull("Web")),
        ),
        event("build.complete", "{}"),
        event("ms.vss-pipelines.run-state-changed-event", "{}"),
        event("ms.vss-release.deployment-completed-event", "{}"),
        event("ms.vss-release.release-created-event", "{}"),
        event("workitem.updated", "{}"),
        event("workitem.deleted", r#"{"id": 3}"#),
        event("workitem.deleted", "{}"),
        event("tfvc.checkin", "{}"),
        line("{}", "{}") + "\n",
        line("{}", "[") + "\n",
    ];
    expect![[r"
        git.push: refresh commits
        git.repo.created: refresh repositories
        git.pullrequest.created: pulls web/api!42, refresh pulls
        git.pullrequest.merged: ignored azure-devops.project.not-chosen
        git.pullrequest.merged: Poison azure-devops.delivery.incomplete
        git.pullrequest.merged: Poison azure-devops.delivery.incomplete
        ms.vss-code.git-pullrequest-comment-event: pulls Web/api!42, refresh pulls
        build.complete: refresh builds
        ms.vss-pipelines.run-state-changed-event: refresh builds
        ms.vss-release.deployment-completed-event: refresh deployments
        ms.vss-release.release-created-event: ignored azure-devops.event.ms.vss-release.release-created-event
        workitem.updated: refresh work-items
        workitem.deleted: work-items 3 gone
        workitem.deleted: Poison azure-devops.delivery.incomplete
        tfvc.checkin: ignored azure-devops.event.tfvc.checkin
        Poison azure-devops.delivery.no-event
        Poison azure-devops.delivery.unreadable
    "]]
    .assert_eq(&lines.concat());
}
