//! Deliveries of webhooks: they become the records that polling gives the same things, or say why not.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::fmt::Write;

use connector_gitlab::GitLab;
use expect_test::{Expect, expect};
use weir_sdk::mock;
use weir_sdk::model::Timestamp;
use weir_sdk::record::Op;
use weir_sdk::webhook::{Decoded, Delivery};

const PROJECT: &str =
    r#""project": {"id": 7001, "path_with_namespace": "acme/api", "web_url": "https://gitlab.example/acme/api"}"#;

fn delivery(body: &str) -> Delivery {
    mock::delivery(&[("x-gitlab-event", "Hook"), ("x-gitlab-event-uuid", "0a1b")], body.replace("PROJECT", PROJECT))
}

/// What a delivery becomes, records with what is made of them.
fn line(settings: &str, body: &str) -> String {
    let accepted = match mock::decode::<GitLab>(settings, &delivery(body)) {
        Ok(Decoded::Accepted(accepted)) => accepted,
        Ok(Decoded::Ignored(reason)) => return format!("ignored {reason}\n"),
        Ok(Decoded::Challenge(text)) => return format!("challenge {text}\n"),
        Err(failure) => return format!("{:?} {}\n", failure.kind, failure.code),
    };
    assert_eq!(accepted.id.as_deref(), Some("0a1b"));
    let mut text = String::new();
    for batch in &accepted.batches {
        for record in &batch.records {
            let version = record.version.map(|version| Timestamp::from_ms(version).to_string()).unwrap_or_default();
            let gone = if record.op == Op::Delete { " gone" } else { "" };
            writeln!(
                text,
                "{} {}{gone} {version} {}",
                batch.dataset,
                record.key,
                record.context.as_deref().unwrap_or("-")
            )
            .unwrap();
        }
        let outcomes = mock::normalize::<GitLab>(&batch.dataset, settings, &batch.records).unwrap();
        text.extend(outcomes.iter().map(mock::describe));
    }
    accepted.refresh.iter().for_each(|dataset| writeln!(text, "refresh {dataset}").unwrap());
    text
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(body: &str, expected: Expect) {
    expected.assert_eq(&line("{}", body));
}

/// Times are in whole seconds and of their own spelling; the author is known when he did what it tells of.
#[test]
fn merge_requests() {
    check(
        r#"{"object_kind": "merge_request", PROJECT, "user": {"id": 11, "username": "ana"},
            "assignees": [{"id": 11, "username": "ana"}], "reviewers": [{"id": 12, "username": "ben"}],
            "object_attributes": {"id": 90042, "iid": 42, "title": "Answer in time", "state": "opened", "draft": false,
                "author_id": 11, "source_branch": "in-time", "target_branch": "main", "source_project_id": 7001,
                "target_project_id": 7001, "labels": [{"id": 1, "title": "speed"}], "action": "update",
                "last_commit": {"id": "3333333333333333333333333333333333333333"}, "merge_commit_sha": null,
                "url": "https://gitlab.example/acme/api/-/merge_requests/42",
                "created_at": "2025-02-27 10:00:00 UTC", "updated_at": "2025-02-28 10:00:00 UTC"}}"#,
        expect![[r#"
            merge-requests acme/api!42 2025-02-28T09:59:59.999Z {"project":"acme/api"}
              change acme/api!42 {"kind":"proposal","handle":"!42","repository":{"key":"acme/api"},"url":"https://gitlab.example/acme/api/-/merge_requests/42","title":"Answer in time","state":"open","state_word":"opened","draft":false,"author":{"name":"ana"},"assignees":[{"name":"ana"}],"reviewers":[{"name":"ben"}],"labels":["speed"],"base_branch":"main","head_branch":"in-time","head_commit":"3333333333333333333333333333333333333333","created_at":"2025-02-27T10:00:00.000Z","updated_at":"2025-02-28T10:00:00.000Z"}
        "#]],
    );
}

#[test]
fn notes() {
    check(
        r#"{"object_kind": "note", PROJECT, "user": {"id": 12, "username": "ben"}, "merge_request": {"iid": 42},
            "object_attributes": {"id": 502, "note": "why?", "noteable_type": "MergeRequest", "author_id": 12,
                "system": false, "position": {"new_path": "src/lib.rs", "head_sha": "3333333333333333333333333333333333333333"},
                "url": "https://gitlab.example/acme/api/-/merge_requests/42#note_502",
                "created_at": "2025-02-28 09:59:00 UTC", "updated_at": "2025-02-28 09:59:30 UTC"}}"#,
        expect![[r#"
            notes 502 2025-02-28T09:59:29.999Z {"project":"acme/api","merge_request":42}
              review note/502 {"change":{"key":"acme/api!42"},"author":{"name":"ben"},"commit":"3333333333333333333333333333333333333333","path":"src/lib.rs","body":"why?","url":"https://gitlab.example/acme/api/-/merge_requests/42#note_502","submitted_at":"2025-02-28T09:59:00.000Z","updated_at":"2025-02-28T09:59:30.000Z"}
        "#]],
    );
    check(
        r#"{"object_kind": "note", PROJECT, "issue": {"iid": 3}, "object_attributes": {"id": 504, "noteable_type": "Issue"}}"#,
        expect![[r"
            ignored gitlab.note.not-on-merge-request
        "]],
    );
}

/// A running pipeline is as new as the newest time of its jobs.
#[test]
fn pipelines_with_their_jobs() {
    check(
        r#"{"object_kind": "pipeline", PROJECT, "user": {"id": 11, "username": "ana"},
            "merge_request": {"iid": 42, "source_branch": "in-time", "target_branch": "main"},
            "source_pipeline": {"pipeline_id": 700, "project": {"id": 7002}},
            "object_attributes": {"id": 801, "iid": 1, "ref": "refs/merge-requests/42/merge", "status": "running",
                "sha": "4444444444444444444444444444444444444444", "source": "merge_request_event", "duration": null,
                "queued_duration": 4, "url": "https://gitlab.example/acme/api/-/pipelines/801",
                "created_at": "2025-02-27 10:00:00 UTC", "finished_at": null, "variables": [{"key": "TOKEN", "value": "x"}]},
            "builds": [{"id": 9001, "stage": "test", "name": "unit", "status": "running", "duration": 12.4,
                "created_at": "2025-02-27 10:00:00 UTC", "started_at": "2025-02-27 10:00:05 UTC", "finished_at": null,
                "runner": {"id": 3, "description": "runner-1"}}]}"#,
        expect![[r#"
            pipelines 801 2025-02-27T10:00:04.999Z {"project":"acme/api"}
              build 801 {"attempt":1,"system":"gitlab.example","job":"acme/api","number":1,"url":"https://gitlab.example/acme/api/-/pipelines/801","state":"running","triggers":[{"kind":"change","text":"merge_request_event","person":{"name":"ana"},"build":{"key":"700"}}],"checkouts":[{"repository":{"key":"acme/api"},"branch":"in-time","commit":"4444444444444444444444444444444444444444","base_branch":"main"}],"change":{"key":"acme/api!42"},"queued_at":"2025-02-27T10:00:00.000Z","queued_for":4000}
            jobs 9001 2025-02-27T10:00:04.999Z {"project":"acme/api","pipeline":801}
              build 801 {"stages":[{"key":"stage/test","name":"test","kind":"stage"},{"key":"9001","parent":"stage/test","name":"unit","kind":"job","state":"running","queued_at":"2025-02-27T10:00:00.000Z","started_at":"2025-02-27T10:00:05.000Z","duration":12400,"worker":"runner-1"}]}
        "#]],
    );
}

#[test]
fn jobs_and_deployments() {
    check(
        r#"{"object_kind": "build", PROJECT, "build_id": 9003, "build_name": "e2e", "build_stage": "test",
            "build_status": "failed", "build_failure_reason": "stuck_or_timeout_failure", "pipeline_id": 801,
            "build_created_at": "2025-02-27 10:04:10 UTC", "build_started_at": null, "build_duration": null,
            "build_finished_at": "2025-02-27 10:09:04 UTC", "runner": null}"#,
        expect![[r#"
            jobs 9003 2025-02-27T10:09:03.999Z {"project":"acme/api","pipeline":801}
              build 801 {"stages":[{"key":"stage/test","name":"test","kind":"stage"},{"key":"9003","parent":"stage/test","name":"e2e","kind":"job","state":"finished","result":"timeout","result_word":"failed (stuck_or_timeout_failure)","queued_at":"2025-02-27T10:04:10.000Z","finished_at":"2025-02-27T10:09:04.000Z"}]}
        "#]],
    );
    check(
        r#"{"object_kind": "deployment", PROJECT, "status": "success", "status_changed_at": "2025-03-01 10:13:00 +0100",
            "deployment_id": 1001, "deployable_id": 9010, "deployable_url": "https://gitlab.example/acme/api/-/jobs/9010",
            "environment": "customer-a", "environment_tier": "production", "short_sha": "11111111",
            "commit_url": "https://gitlab.example/acme/api/-/commit/1111111111111111111111111111111111111111",
            "commit_title": "Merge branch 'in-time' into 'main'", "ref": "main", "user": {"id": 12, "username": "ben"}}"#,
        expect![[r#"
            deployments 1001 2025-03-01T09:12:59.999Z {"project":"acme/api"}
              deployment 1001 {"attempt":1,"service":"api","environment":{"name":"customer-a","class":"production"},"kind":"deploy","title":"Merge branch 'in-time' into 'main'","url":"https://gitlab.example/acme/api/-/jobs/9010","state":"finished","result":"success","result_word":"success","version":"main","author":{"name":"ben"},"stage":"9010","repositories":[{"key":"acme/api"}],"commits":["1111111111111111111111111111111111111111"],"finished_at":"2025-03-01T10:13:00.000+01:00"}
        "#]],
    );
}

#[test]
fn issues() {
    let issue = |kind: &str, sort: &str| {
        format!(
            r#"{{"object_kind": "{kind}", PROJECT, "user": {{"id": 12, "username": "ben"}}, "assignees": [],
                "object_attributes": {{"id": 60003, "iid": 3, "title": "Late", "state": "closed", "type": "{sort}",
                "severity": "high", "author_id": 11, "labels": [], "url": "https://gitlab.example/acme/api/-/issues/3",
                "time_estimate": 1800, "total_time_spent": 0, "due_date": null, "weight": null,
                "created_at": "2025-02-26 08:00:00 UTC", "updated_at": "2025-03-01 09:00:01 UTC",
                "closed_at": "2025-03-01 09:00:01 UTC", "action": "close"}}}}"#
        )
    };
    check(
        &issue("issue", "Incident"),
        expect![[r##"
        issues acme/api#3 2025-03-01T09:00:00.999Z {"project":"acme/api"}
          work-item acme/api#3 {"handle":"#3","url":"https://gitlab.example/acme/api/-/issues/3","project":"acme/api","title":"Late","kind":"incident","kind_word":"incident","status":{"name":"closed","category":"done"},"severity":"high","estimate":1800000,"created_at":"2025-02-26T08:00:00.000Z","updated_at":"2025-03-01T09:00:01.000Z","resolved_at":"2025-03-01T09:00:01.000Z","transitions":[{"at":"2025-02-26T08:00:00.000Z","after":{"name":"opened","category":"todo"}}]}
    "##]],
    );
    assert!(line("{}", &issue("work_item", "Task")).contains(r#""kind":"task""#));
    let of_group = r#"{"object_kind": "work_item", "object_attributes": {"iid": 1, "type": "Epic"}}"#;
    check(
        of_group,
        expect![[r"
        ignored gitlab.work-item.of-group
    "]],
    );
}

#[test]
fn pushes_tags_and_releases() {
    check(
        r#"{"object_kind": "push", PROJECT, "ref": "refs/heads/main", "after": "1111111111111111111111111111111111111111",
            "user_id": 11, "user_name": "Ana Lima", "user_username": "ana", "user_email": "ana@acme.example",
            "commits": [{"id": "1111111111111111111111111111111111111111", "message": "first", "timestamp": "2025-03-01T10:00:00+01:00",
                "author": {"name": "Ana Lima", "email": "[REDACTED]"}, "added": ["a"], "modified": ["b"], "removed": []}]}"#,
        expect![[r#"
            pushes acme/api/refs/heads/main/1111111111111111111111111111111111111111  {"project":"acme/api"}
              commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"acme/api"}],"author":{"name":"Ana Lima"},"authored_at":"2025-03-01T10:00:00.000+01:00","message":"first","files":[{"path":"a","kind":"added"},{"path":"b","kind":"modified"}]}
              person 11 {"name":"Ana Lima","login":"ana","emails":["ana@acme.example"]}
            refresh commits
        "#]],
    );
    let zeros = "0".repeat(40);
    let tag = |after: &str| {
        format!(r#"{{"object_kind": "tag_push", PROJECT, "ref": "refs/tags/v1", "after": "{after}", "commits": []}}"#)
    };
    assert_eq!(line("{}", &tag(&"1".repeat(40))), "refresh tags\n");
    assert_eq!(line("{}", &tag(&zeros)), "tags acme/api@v1 gone  -\n");
    check(
        &tag(&zeros).replace("tag_push", "push"),
        expect![[r"
        ignored gitlab.push.deleted
    "]],
    );
    let release = |action: &str| {
        format!(
            r#"{{"object_kind": "release", PROJECT, "tag": "v1.2.0", "name": "1.2", "action": "{action}",
                "url": "https://gitlab.example/acme/api/-/releases/v1.2.0", "created_at": "2025-03-01 09:20:00 UTC",
                "released_at": "2025-03-01 09:21:00 UTC", "commit": {{"id": "1111111111111111111111111111111111111111"}}}}"#
        )
    };
    check(
        &release("create"),
        expect![[r#"
        releases acme/api@v1.2.0  {"project":"acme/api"}
          artifact acme/api@v1.2.0 {"kind":"package","name":"api","location":"acme/api","version":"v1.2.0","purl":"pkg:gitlab/acme/api@v1.2.0","url":"https://gitlab.example/acme/api/-/releases/v1.2.0","commits":["1111111111111111111111111111111111111111"],"created_at":"2025-03-01T09:20:00.000Z","published_at":"2025-03-01T09:21:00.000Z"}
    "#]],
    );
    assert_eq!(line("{}", &release("delete")), "releases acme/api@v1.2.0 gone  -\n");
}

#[test]
fn what_is_not_for_us_is_named_and_what_is_broken_refused() {
    let issue = r#"{"object_kind": "issue", PROJECT, "object_attributes": {"iid": 3}}"#;
    assert!(line(r#"{"projects": ["Acme/API"]}"#, issue).starts_with("issues acme/api#3"));
    assert!(line(r#"{"groups": ["acme"]}"#, issue).starts_with("issues acme/api#3"));
    assert_eq!(line(r#"{"groups": ["ac"]}"#, issue), "ignored gitlab.project.not-chosen\n");
    check(
        r#"{"object_kind": "wiki_page", PROJECT}"#,
        expect![[r"
        ignored gitlab.event.wiki-page
    "]],
    );
    check(
        r#"{"event_name": "project_create", "path_with_namespace": "acme/new"}"#,
        expect![[r"
        ignored gitlab.event.project-create
    "]],
    );
    check(
        "not even JSON",
        expect![[r"
        Poison gitlab.delivery.unreadable
    "]],
    );
    check(
        "{}",
        expect![[r"
        Poison gitlab.delivery.incomplete
    "]],
    );
    check(
        r#"{"object_kind": "issue", "object_attributes": {"iid": 3}}"#,
        expect![[r"
        Poison gitlab.delivery.incomplete
    "]],
    );
    check(
        r#"{"object_kind": "issue", PROJECT}"#,
        expect![[r"
        Poison gitlab.delivery.incomplete
    "]],
    );
    check(
        r#"{"object_kind": "build", PROJECT, "build_id": 1}"#,
        expect![[r"
        Poison gitlab.delivery.incomplete
    "]],
    );
}
