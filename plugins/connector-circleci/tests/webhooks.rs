//! Deliveries: what completed is the record that a poll would have brought.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use connector_circleci::CircleCi;
use expect_test::expect;
use weir_sdk::mock;
use weir_sdk::record::RawRecord;
use weir_sdk::webhook::{Decoded, Delivery};

const SETTINGS: &str = r#"{"projects": ["gh/acme/api"]}"#;

fn delivery(body: String) -> Delivery {
    mock::delivery(&[], body)
}

/// A delivery of the shape the tool documents.
fn completed(kind: &str, slug: &str) -> Delivery {
    delivery(format!(
        r#"{{
            "id": "3888f21b-eaa7-38e3-8f3d-75a63bba8895", "type": "{kind}", "happened_at": "2025-03-01T10:05:00.100Z",
            "webhook": {{"id": "cf8c4fdd", "name": "weir"}},
            "project": {{"id": "84996744", "name": "api", "slug": "{slug}"}},
            "organization": {{"id": "f22b6566", "name": "acme"}},
            "pipeline": {{
                "id": "00000000-0000-0000-0000-000000000002", "number": 2, "created_at": "2025-03-01T10:00:00.500Z",
                "trigger": {{"type": "webhook"}},
                "vcs": {{
                    "provider_name": "github", "origin_repository_url": "https://github.com/acme/api",
                    "target_repository_url": "https://github.com/acme/api",
                    "revision": "2222222222222222222222222222222222222222", "branch": "in-time",
                    "review_id": "42", "review_url": "https://github.com/acme/api/pull/42"
                }}
            }},
            "workflow": {{
                "id": "10000000-0000-0000-0000-000000000001", "name": "build", "created_at": "2025-03-01T10:00:01.000Z",
                "stopped_at": "2025-03-01T10:05:00.000Z", "url": "https://app.circleci.com/x", "status": "failed"
            }},
            "job": {{
                "id": "20000000-0000-0000-0000-000000000002", "number": 2, "name": "test", "status": "failed",
                "started_at": "2025-03-01T10:02:03.000Z", "stopped_at": "2025-03-01T10:05:00.000Z"
            }}
        }}"#
    ))
}

fn described(dataset: &str, records: &[RawRecord]) -> String {
    let outcomes = mock::normalize::<CircleCi>(dataset, SETTINGS, records).unwrap();
    let lines = records.iter().zip(outcomes).map(|(record, outcome)| {
        format!("{dataset} {} {}\n{}", record.key, record.context.as_deref().unwrap(), mock::describe(&outcome))
    });
    lines.collect()
}

#[test]
fn what_completed_has_the_keys_and_the_origin_of_a_poll() {
    let mut lines = String::new();
    for kind in ["workflow-completed", "job-completed"] {
        let Ok(Decoded::Accepted(accepted)) = mock::decode::<CircleCi>(SETTINGS, &completed(kind, "github/acme/api"))
        else {
            panic!("{kind}");
        };
        assert_eq!(accepted.id.as_deref(), Some("3888f21b-eaa7-38e3-8f3d-75a63bba8895"));
        let batch = &accepted.batches[0];
        lines += &described(&batch.dataset, &batch.records);
    }
    expect![[r#"
        runs 10000000-0000-0000-0000-000000000001 {"project":"gh/acme/api","number":2,"branch":"in-time","commit":"2222222222222222222222222222222222222222","repository":"https://github.com/acme/api","review":"https://github.com/acme/api/pull/42","trigger":"webhook"}
          build 10000000-0000-0000-0000-000000000001 {"job":"gh/acme/api/build","number":2,"url":"https://app.circleci.com/pipelines/gh/acme/api/2/workflows/10000000-0000-0000-0000-000000000001","state":"finished","result":"failure","result_word":"failed","triggers":[{"kind":"change","text":"webhook"}],"checkouts":[{"repository":{"name":"https://github.com/acme/api"},"branch":"in-time","commit":"2222222222222222222222222222222222222222"}],"change":{"name":"acme/api#42"},"queued_at":"2025-03-01T10:00:01.000Z","started_at":"2025-03-01T10:00:01.000Z","finished_at":"2025-03-01T10:05:00.000Z","duration":299000}
        jobs 10000000-0000-0000-0000-000000000001/20000000-0000-0000-0000-000000000002 {"project":"gh/acme/api","number":2,"workflow":"10000000-0000-0000-0000-000000000001"}
          build 10000000-0000-0000-0000-000000000001 {"stages":[{"key":"20000000-0000-0000-0000-000000000002","name":"test","kind":"job","state":"finished","result":"failure","result_word":"failed","started_at":"2025-03-01T10:02:03.000Z","finished_at":"2025-03-01T10:05:00.000Z","duration":177000,"url":"https://app.circleci.com/pipelines/gh/acme/api/2/workflows/10000000-0000-0000-0000-000000000001/jobs/2"}]}
    "#]].assert_eq(&lines);
}

#[test]
fn what_is_not_wanted_says_why() {
    let check = |delivery: &Delivery| match mock::decode::<CircleCi>(SETTINGS, delivery) {
        Ok(Decoded::Ignored(reason)) => reason,
        Err(failure) => format!("{:?} {}", failure.kind, failure.code),
        other => format!("{other:?}"),
    };
    let lines = [
        check(&completed("workflow-completed", "gh/acme/other")),
        check(&completed("ping", "gh/acme/api")),
        check(&delivery("{}".to_owned())),
        check(&delivery(r#"{"type": "job-completed"}"#.to_owned())),
        check(&delivery(r#"{"type": "job-completed", "project": {"slug": "gh/acme/api"}}"#.to_owned())),
        check(&delivery("ping".to_owned())),
    ];
    expect![[r"
        circleci.project.not-chosen
        circleci.event.ping
        circleci.event.unnamed
        Poison circleci.delivery.incomplete
        Poison circleci.delivery.incomplete
        Poison circleci.delivery.unreadable
    "]]
    .assert_eq(&lines.map(|line| line + "\n").concat());
}
