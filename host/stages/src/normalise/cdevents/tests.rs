use super::super::tests::check;
use super::super::{Arrival, Format, native, record_key};
use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::json;
use weir_model::{Entity, RawRecord};

/// A bare event of the newest release.
fn event(kind: &str, subject: &str, content: Value, custom: Value) -> String {
    let mut event = json!({
        "context": {
            "specversion": "0.5.0", "id": format!("id-{kind}"), "source": "https://ci.acme.dev", "type": format!("dev.cdevents.{kind}"),
            "timestamp": "2026-03-02T10:00:00Z", "chainId": "c1",
        },
        "subject": { "id": subject, "content": content },
    });
    if !custom.is_null() {
        event["customData"] = custom;
    }
    event.to_string()
}

fn check_events(events: &[(&str, &str, Value, Value)], expected: Expect) {
    let events: Vec<String> = events
        .iter()
        .map(|(kind, subject, content, custom)| event(kind, subject, content.clone(), custom.clone()))
        .collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    check(Format::CdEvents, &events, expected);
}

fn entities(event: &str) -> Vec<Entity> {
    match native(Format::CdEvents, &RawRecord::upsert("k", None, event), Arrival::default()).outcome {
        Outcome::Produced(all) => all.into_iter().map(|part| part.entity).collect(),
        other => panic!("{other:?} of {event}"),
    }
}

#[test]
fn a_run_is_one_build() {
    let weir = json!({ "weir": { "revision": "c77b3cb39312b83b053d23a2158b99ac7de44dd3", "branch": "refs/heads/main",
        "repository": "https://u:p@git.acme.dev/acme/api.git", "queued_at": "2026-03-02T09:59:00Z", "attempt": 2,
        "parameters": { "env": "prod", "api_token": "x" } } });
    let pipeline = json!({ "pipelineName": "api", "uri": "https://ci.acme.dev/r/9" });
    let mut finished = pipeline.clone();
    finished["outcome"] = json!("cancel");
    finished["errors"] = json!("stopped by ana");
    let run = json!({ "id": "9" });
    check_events(
        &[
            ("pipelinerun.queued.0.2.0", "9", pipeline.clone(), Value::Null),
            ("pipelinerun.started.0.2.0", "9", pipeline, weir),
            ("pipelinerun.finished.0.2.0", "9", finished, Value::Null),
            ("pipelinerun.finished.0.1.1", "9", json!({ "outcome": "went well", "url": "job/9" }), Value::Null),
            ("taskrun.started.0.2.0", "9-t", json!({ "taskName": "test", "pipelineRun": run }), Value::Null),
            (
                "taskrun.finished.0.2.0",
                "9-t",
                json!({ "taskName": "test", "outcome": "error", "pipelineRun": run }),
                Value::Null,
            ),
            ("taskrun.finished.0.2.0", "alone", json!({ "taskName": "lint", "outcome": "success" }), Value::Null),
            (
                "build.finished.0.2.0",
                "b",
                json!({ "artifactId": "pkg:oci/api@sha256%3A0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427?tag=1.2" }),
                Value::Null,
            ),
        ],
        expect![[r#"
            build:me:pipelinerun/https://ci.acme.dev/9 {"job":"api","url":"https://ci.acme.dev/r/9","state":"queued","queued_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            build:me:pipelinerun/https://ci.acme.dev/9 {"attempt":2,"job":"api","url":"https://ci.acme.dev/r/9","state":"running","parameters":[{"name":"api_token","withheld":true},{"name":"env","value":"prod","withheld":false}],"checkouts":[{"repository":{"name":"https://git.acme.dev/acme/api.git"},"branch":"main","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}],"queued_at":"2026-03-02T09:59:00.000Z","started_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            build:me:pipelinerun/https://ci.acme.dev/9 {"job":"api","url":"https://ci.acme.dev/r/9","state":"finished","result":"cancelled","result_word":"cancel","finished_at":"2026-03-02T10:00:00.000Z","log":{"tail":"stopped by ana"},"attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            build:me:pipelinerun/https://ci.acme.dev/9 {"state":"finished","result":{"unknown":"went well"},"result_word":"went well","finished_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            ! UnknownWord cdevents.outcome went well
            build:me:pipelinerun/https://ci.acme.dev/9 {"stages":[{"key":"9-t","name":"test","kind":"job","state":"running","started_at":"2026-03-02T10:00:00.000Z"}]}
            build:me:pipelinerun/https://ci.acme.dev/9 {"stages":[{"key":"9-t","name":"test","kind":"job","state":"finished","result":"error","result_word":"error","finished_at":"2026-03-02T10:00:00.000Z"}]}
            build:me:taskrun/https://ci.acme.dev/alone {"job":"lint","state":"finished","result":"success","result_word":"success","finished_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev","cdevents.subject":"taskrun"}}
            build:me:build/https://ci.acme.dev/b {"purposes":["build"],"state":"finished","artifacts":[{"artifact":{"key":"sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"},"role":"produced"}],"finished_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            artifact:me:sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427 {"kind":"image","name":"api","version":"1.2","digest":"sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427","purl":"pkg:oci/api@sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427","build":{"key":"build/https://ci.acme.dev/b"},"created_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
        "#]],
    );
}

#[test]
fn the_jenkins_plugin_says_more_beside_the_content() {
    let run = |status: Value| {
        json!({ "name": "main", "url": "job/Team%20A/job/api/job/main/", "userId": "SYSTEM", "build": {
        "number": 12, "queueId": 977, "url": "job/Team%20A/job/api/job/main/12/", "fullUrl": "https://ci/job/Team%20A/job/api/job/main/12/",
        "duration": 4200, "status": status, "parameters": { "env": "uat", "DB_PASSWORD": "hunter2" },
        "scmState": { "url": "https://git.acme.dev/acme/api.git", "branch": "origin/main", "commit": "c77b3cb39312b83b053d23a2158b99ac7de44dd3" } } })
    };
    let block = json!({ "stageName": "Build", "stageNodeUrl": "job/api/12/execution/node/6/" });
    let finished = json!({ "pipelineName": "Team A » api » main", "outcome": "success" });
    check_events(
        &[
            (
                "pipelinerun.queued.0.1.0",
                "977",
                json!({}),
                json!({ "id": 977, "name": "api", "url": "https://ci/job/api/977/", "causes": [] }),
            ),
            ("pipelinerun.finished.0.1.0", "12", finished.clone(), run(json!("UNSTABLE"))),
            ("pipelinerun.finished.0.1.0", "12", json!({ "outcome": "failure" }), run(json!("ABORTED"))),
            (
                "taskrun.finished.0.1.0",
                "12",
                json!({ "taskName": "Team A » api » main", "outcome": "error", "pipelineRun": { "id": "12" },
                "errors": "Unable to get Display Name of the Node Error." }),
                block,
            ),
        ],
        expect![[r#"
            Ignored("cdevents.jenkins.queue-item")
            build:me:pipelinerun/https://ci.acme.dev/12 {"job":"Team A/api/main","number":12,"url":"https://ci/job/Team%20A/job/api/job/main/12/","state":"finished","result":"unstable","result_word":"UNSTABLE","parameters":[{"name":"DB_PASSWORD","withheld":true},{"name":"env","value":"uat","withheld":false}],"checkouts":[{"repository":{"name":"https://git.acme.dev/acme/api.git"},"branch":"main","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}],"finished_at":"2026-03-02T10:00:00.000Z","duration":4200,"attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            build:me:pipelinerun/https://ci.acme.dev/12 {"job":"Team A/api/main","number":12,"url":"https://ci/job/Team%20A/job/api/job/main/12/","state":"finished","result":"cancelled","result_word":"ABORTED","parameters":[{"name":"DB_PASSWORD","withheld":true},{"name":"env","value":"uat","withheld":false}],"checkouts":[{"repository":{"name":"https://git.acme.dev/acme/api.git"},"branch":"main","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}],"finished_at":"2026-03-02T10:00:00.000Z","duration":4200,"attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            build:me:pipelinerun/https://ci.acme.dev/12 {"stages":[{"key":"job/api/12/execution/node/6/","name":"Build","kind":"job","state":"finished","result_word":"error","finished_at":"2026-03-02T10:00:00.000Z"}]}
        "#]],
    );
}

#[test]
fn code_artifacts_and_what_runs() {
    let digest = "pkg:oci/api@sha256%3A0B31B1C02FF458AD9B7B81CBDF8F028BD54699FA151F221D1E8DE6817DB93427?repository_url=ghcr.io/acme";
    let repository = json!({ "id": "acme/api", "source": "https://git.acme.dev" });
    let production = json!({ "environment": { "id": "eu-prod" }, "artifactId": digest });
    check_events(
        &[
            (
                "repository.created.0.2.0",
                "acme/api",
                json!({ "name": "api", "owner": "acme", "uri": "https://u@git.acme.dev/acme/api" }),
                Value::Null,
            ),
            ("repository.deleted.0.2.0", "acme/api", json!({ "name": "api" }), Value::Null),
            ("branch.created.0.2.0", "fix", json!({ "repository": repository }), Value::Null),
            ("branch.created.0.2.0", "fix", json!({}), Value::Null),
            ("change.created.0.3.0", "42", json!({ "repository": repository, "description": "faster" }), Value::Null),
            ("change.reviewed.0.2.0", "42", json!({ "repository": repository }), Value::Null),
            ("change.merged.0.2.0", "42", json!({ "repository": repository }), Value::Null),
            (
                "artifact.packaged.0.2.0",
                digest,
                json!({ "change": { "id": "c77b3cb39312b83b053d23a2158b99ac7de44dd3", "source": "https://git.acme.dev" } }),
                Value::Null,
            ),
            (
                "artifact.published.0.2.0",
                "pkg:golang/git.acme.dev/acme/tool@v1.2.0",
                json!({ "user": "ana" }),
                Value::Null,
            ),
            ("service.deployed.0.2.0", "api", production.clone(), Value::Null),
            ("service.rolledback.0.2.0", "api", production, Value::Null),
            ("service.removed.0.2.0", "api", json!({ "environment": { "id": "eu-prod" } }), Value::Null),
            (
                "environment.created.0.2.0",
                "e1",
                json!({ "name": "eu-prod", "uri": "https://eu.acme.dev" }),
                Value::Null,
            ),
        ],
        expect![[r#"
            repository:me:repository/https://ci.acme.dev/acme/api {"name":"acme/api","remotes":["https://git.acme.dev/acme/api"],"owner":"acme","created_at":"2026-03-02T10:00:00.000Z","updated_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            nothing
            repository:me:repository/https://git.acme.dev/acme/api {"attributes":{"cdevents.branch_created":"fix"}}
            Rejected
            ! Missing cdevents.repository 
            change:me:change/https://ci.acme.dev/42 {"kind":"proposal","handle":"42","repository":{"name":"https://git.acme.dev/acme/api"},"description":"faster","state":"open","state_word":"created","created_at":"2026-03-02T10:00:00.000Z","updated_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            change:me:change/https://ci.acme.dev/42 {"kind":"proposal","handle":"42","repository":{"name":"https://git.acme.dev/acme/api"},"updated_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            review:me:change/https://ci.acme.dev/42/id-change.reviewed.0.2.0 {"change":{"key":"change/https://ci.acme.dev/42"},"submitted_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            change:me:change/https://ci.acme.dev/42 {"kind":"proposal","handle":"42","repository":{"name":"https://git.acme.dev/acme/api"},"state":"merged","state_word":"merged","updated_at":"2026-03-02T10:00:00.000Z","merged_at":"2026-03-02T10:00:00.000Z","closed_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            artifact:me:sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427 {"kind":"image","name":"api","location":"ghcr.io/acme","digest":"sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427","purl":"pkg:oci/api@sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427","commits":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],"created_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.change":"change/https://git.acme.dev/c77b3cb39312b83b053d23a2158b99ac7de44dd3","cdevents.packaged_at":"2026-03-02T10:00:00.000Z","cdevents.source":"https://ci.acme.dev"}}
            artifact:me:pkg:golang/git.acme.dev/acme/tool@v1.2.0 {"kind":"package","name":"git.acme.dev/acme/tool","version":"v1.2.0","purl":"pkg:golang/git.acme.dev/acme/tool@v1.2.0","published_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.published_at":"2026-03-02T10:00:00.000Z","cdevents.published_by":"ana","cdevents.source":"https://ci.acme.dev"}}
            deployment:me:https://ci.acme.dev/id-service.deployed.0.2.0 {"attempt":1,"service":"api","environment":{"name":"eu-prod","class":"production"},"kind":"deploy","state":"finished","result":"success","result_word":"deployed","artifacts":[{"name":"sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"}],"finished_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            deployment:me:https://ci.acme.dev/id-service.rolledback.0.2.0 {"attempt":1,"service":"api","environment":{"name":"eu-prod","class":"production"},"kind":"rollback","state":"finished","result":"success","result_word":"rolledback","artifacts":[{"name":"sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"}],"finished_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            deployment:me:https://ci.acme.dev/id-service.removed.0.2.0 {"attempt":1,"service":"api","environment":{"name":"eu-prod","class":"production"},"kind":"remove","state":"finished","result":"success","result_word":"removed","finished_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            environment:me:environment/https://ci.acme.dev/e1 {"title":"eu-prod","url":"https://eu.acme.dev","at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.class":"production","cdevents.source":"https://ci.acme.dev"}}
        "#]],
    );
}

#[test]
fn incidents_tickets_tests_and_approvals() {
    let detected = json!({ "description": "slow\nmore", "environment": { "id": "prod" }, "service": { "id": "api" }, "artifactId": "pkg:npm/api@1.0.0" });
    let case = json!({ "outcome": "failure", "reason": "no", "testCase": { "id": "7", "name": "login" }, "environment": { "id": "qa" } });
    let mut of_suite = case.clone();
    of_suite["testSuiteRun"] = json!({ "id": "s1" });
    check_events(
        &[
            ("incident.detected.0.2.0", "INC1", detected, Value::Null),
            (
                "incident.reported.0.2.0",
                "INC1",
                json!({ "environment": { "id": "prod" }, "ticketURI": "https://t/1" }),
                Value::Null,
            ),
            ("incident.resolved.0.2.0", "INC1", json!({ "environment": { "id": "prod" } }), Value::Null),
            (
                "ticket.created.0.1.0",
                "T-1",
                json!({ "summary": "CVE", "creator": "ana", "uri": "https://t/T-1", "ticketType": "bug", "assignees": ["bo"], "labels": ["sec"], "milestone": "1.2", "group": "security" }),
                Value::Null,
            ),
            (
                "ticket.closed.0.1.0",
                "T-1",
                json!({ "uri": "https://t/T-1", "resolution": "completed", "updatedBy": "bo" }),
                Value::Null,
            ),
            ("testcaserun.finished.0.2.0", "tc1", case, Value::Null),
            ("testcaserun.finished.0.2.0", "tc1", of_suite, Value::Null),
            (
                "testsuite.finished.0.1.0",
                "s1",
                json!({ "outcome": "failure", "severity": "high", "testSuite": { "id": "auth" } }),
                Value::Null,
            ),
            (
                "testoutput.published.0.1.0",
                "o1",
                json!({ "outputType": "video", "format": "video/quicktime", "testCaseRun": { "id": "tc1" } }),
                Value::Null,
            ),
            (
                "approval.closed.0.1.0",
                "a1",
                json!({ "approvalDetailsUrl": "https://a/1", "resourceTargetUrl": "https://d/prod", "responder": "urn:user:bo", "decision": "approved", "status": "approved" }),
                Value::Null,
            ),
        ],
        expect![[r#"
            incident:me:incident/https://ci.acme.dev/INC1 {"handle":"INC1","title":"slow","description":"slow\nmore","services":["api"],"environment":{"name":"prod","class":"production"},"state":"open","state_word":"detected","detected_at":"2026-03-02T10:00:00.000Z","updated_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.artifact":"pkg:npm/api@1.0.0","cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            incident:me:incident/https://ci.acme.dev/INC1 {"handle":"INC1","url":"https://t/1","environment":{"name":"prod","class":"production"},"state":"open","state_word":"reported","work_item":{"name":"https://t/1"},"updated_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.reported_at":"2026-03-02T10:00:00.000Z","cdevents.source":"https://ci.acme.dev"}}
            incident:me:incident/https://ci.acme.dev/INC1 {"handle":"INC1","environment":{"name":"prod","class":"production"},"state":"resolved","state_word":"resolved","resolved_at":"2026-03-02T10:00:00.000Z","updated_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            work-item:me:ticket/https://ci.acme.dev/T-1 {"handle":"T-1","url":"https://t/T-1","title":"CVE","kind":"bug","kind_word":"bug","status":{"name":"created","category":"todo"},"creator":{"name":"ana"},"assignees":[{"name":"bo"}],"labels":["sec"],"fix_versions":["1.2"],"created_at":"2026-03-02T10:00:00.000Z","updated_at":"2026-03-02T10:00:00.000Z","transitions":[{"at":"2026-03-02T10:00:00.000Z","author":{"name":"ana"},"after":{"name":"created","category":"todo"}}],"attributes":{"cdevents.chain":"c1","cdevents.group":"security","cdevents.source":"https://ci.acme.dev"}}
            work-item:me:ticket/https://ci.acme.dev/T-1 {"handle":"T-1","url":"https://t/T-1","status":{"name":"closed","category":"done"},"resolution":"completed","updated_at":"2026-03-02T10:00:00.000Z","resolved_at":"2026-03-02T10:00:00.000Z","transitions":[{"at":"2026-03-02T10:00:00.000Z","author":{"name":"bo"},"after":{"name":"closed","category":"done"}}],"attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            test-report:me:testcaserun/https://ci.acme.dev/tc1 {"name":"login","passed":0,"failed":1,"errors":0,"skipped":0,"finished_at":"2026-03-02T10:00:00.000Z","cases":[{"name":"login","result":"failed","message":"no"}],"attributes":{"cdevents.chain":"c1","cdevents.environment":"qa","cdevents.outcome":"failure","cdevents.reason":"no","cdevents.source":"https://ci.acme.dev"}}
            test-report:me:testsuiterun/https://ci.acme.dev/s1 {"cases":[{"name":"login","result":"failed","message":"no"}]}
            test-report:me:testsuiterun/https://ci.acme.dev/s1 {"name":"auth","finished_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.outcome":"failure","cdevents.severity":"high","cdevents.source":"https://ci.acme.dev"}}
            test-report:me:testcaserun/https://ci.acme.dev/tc1 {"attributes":{"cdevents.output.video":"o1","cdevents.output.video.format":"video/quicktime"}}
            approval:me:approval/https://ci.acme.dev/a1 {"title":"https://d/prod","url":"https://a/1","at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.closed_at":"2026-03-02T10:00:00.000Z","cdevents.decision":"approved","cdevents.responder":"urn:user:bo","cdevents.source":"https://ci.acme.dev","cdevents.status":"approved","cdevents.target":"https://d/prod"}}
        "#]],
    );
}

#[test]
fn every_envelope_holds_the_same_event() {
    let bare = event("pipelinerun.started.0.2.0", "9", json!({ "pipelineName": "api" }), Value::Null);
    let inner: Value = serde_json::from_str(&bare).unwrap();
    let around = |name: &str, data: Value| {
        let mut cloud_event = json!({ "specversion": "1.0", "id": inner["context"]["id"], "source": "https://ci.acme.dev",
            "type": inner["context"]["type"], "time": "2026-03-02T10:00:00Z", "subject": "9" });
        cloud_event[name] = data;
        cloud_event.to_string()
    };
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &bare);
    let all = [
        bare.clone(),
        around("data", inner.clone()),
        around("data", json!(bare)),
        around("data_base64", json!(encoded)),
    ];
    for event in &all {
        assert_eq!(entities(event), entities(&bare), "{event}");
        let payload: Map<String, Value> = serde_json::from_str(event).unwrap();
        let key = record_key(Format::CdEvents, &payload).unwrap();
        assert_eq!(key.key, "pipelinerun.started/https://ci.acme.dev/id-pipelinerun.started.0.2.0");
        assert_eq!(key.version, Some(1_772_445_600_001));
    }
}

#[test]
fn attributes_may_come_in_headers() {
    let payload = event("pipelinerun.started.0.2.0", "9", json!({ "pipelineName": "api" }), Value::Null);
    let read = |payload: &str, context: &str| {
        let record = RawRecord { context: Some(context.to_owned()), ..RawRecord::upsert("k", None, payload) };
        native(Format::CdEvents, &record, Arrival::default())
    };
    let codes = |read: Normalised| read.diagnostics.into_iter().map(|found| found.code).collect::<Vec<_>>();
    let same = r#"{"id":"id-pipelinerun.started.0.2.0","type":"dev.cdevents.pipelinerun.started.0.2.0"}"#;
    assert_eq!(codes(read(&payload, same)), Vec::<String>::new());
    assert_eq!(codes(read(&payload, r#"{"id":"another"}"#)), ["cdevents.envelope.id"]);
    let ignored = read(r#"{"a":1}"#, r#"{"type":"com.acme.thing"}"#).outcome;
    assert_eq!(ignored, Outcome::Ignored("cdevents.type.com.acme.thing".to_owned()));
}

#[test]
fn what_is_not_known_is_told() {
    check(
        Format::CdEvents,
        &[
            &event("pipelinerun.started.0.9.0", "9", json!({ "pipelineName": "api", "colour": "red" }), Value::Null),
            &event("robot.danced.0.1.0", "9", json!({}), Value::Null),
            r#"{"specversion":"1.0","id":"1","source":"s","type":"com.acme.thing","data":{}}"#,
            r#"{"specversion":"1.0","id":"1","source":"s","type":"com.acme.thing"}"#,
            r#"{"context":{"id":"1","source":"s","type":"dev.cdevents.change.created.0.3.0"},"subject":{}}"#,
            r#"{"context":{"id":"1","source":"s","type":"dev.cdevents.change.created.0.3.0","timestamp":"2026-03-02 10:00"},"subject":{"id":"7"}}"#,
            r#"{"specversion":"1.0","id":"2","source":"s","type":"t","data":{"context":{"id":"1","source":"s","type":"dev.cdevents.change.created.0.3.0"},"subject":{"id":"7"}}}"#,
            "{}",
        ],
        expect![[r#"
            build:me:pipelinerun/https://ci.acme.dev/9 {"job":"api","state":"running","started_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}
            ! Unsupported cdevents.unknown-field colour
            ! Unsupported cdevents.version dev.cdevents.pipelinerun.started.0.9.0
            Ignored("cdevents.type.dev.cdevents.robot.danced.0.1.0")
            Ignored("cdevents.type.com.acme.thing")
            Ignored("cdevents.type.com.acme.thing")
            Rejected
            ! Missing cdevents.subject.id 
            change:me:change/s/7 {"kind":"proposal","handle":"7","state":"open","state_word":"created","attributes":{"cdevents.source":"s"}}
            ! BadTime cdevents.timestamp 2026-03-02 10:00
            change:me:change/s/7 {"kind":"proposal","handle":"7","state":"open","state_word":"created","attributes":{"cdevents.source":"s"}}
            ! Conflicting cdevents.envelope.id 2
            ! Conflicting cdevents.envelope.type t
            ! Missing cdevents.timestamp 
            Rejected
            ! Missing cdevents.type 
        "#]],
    );
}

#[test]
fn one_build_whatever_order_its_events_came_in() {
    let kinds = ["queued", "started", "finished"];
    let content = json!({ "pipelineName": "api", "outcome": "success" });
    let all = kinds.map(|kind| {
        let event = event(&format!("pipelinerun.{kind}.0.2.0"), "9", content.clone(), Value::Null);
        let payload: Map<String, Value> = serde_json::from_str(&event).unwrap();
        let version = record_key(Format::CdEvents, &payload).unwrap().version.unwrap();
        (version, entities(&event).remove(0))
    });
    assert!(all[0].0 < all[1].0 && all[1].0 < all[2].0, "all in the same millisecond, still in order");
    let merged = Entity::merge(all.into_iter().rev().map(|(_, entity)| entity)).unwrap();
    expect![[r#"{"job":"api","state":"finished","result":"success","result_word":"success","queued_at":"2026-03-02T10:00:00.000Z","started_at":"2026-03-02T10:00:00.000Z","finished_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.chain":"c1","cdevents.source":"https://ci.acme.dev"}}"#]].assert_eq(&merged.to_json());
}

#[test]
fn package_urls() {
    let ids = [
        "pkg:oci/myapp@sha256%3A0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427",
        "pkg:golang/mygit.com/myorg/myapp@234fd47e07d1004f0aed9c",
        "pkg:npm/%40acme/ui@1.0.0?repository_url=https%3A%2F%2Fu%3Ap%40npm.acme.dev#lib",
        "pkg:docker/library/nginx@1.25?tag=latest",
        "registry.acme.dev/api:1.2",
        "pkg:",
        "",
    ];
    let line = |id: &&str| {
        let purl = artifacts::PackageUrl::new(id);
        format!("{} {}\n", purl.key(), Entity::from(purl.artifact()).to_json())
    };
    expect![[r#"
        sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427 {"kind":"image","name":"myapp","digest":"sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427","purl":"pkg:oci/myapp@sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"}
        pkg:golang/mygit.com/myorg/myapp@234fd47e07d1004f0aed9c {"kind":"package","name":"mygit.com/myorg/myapp","version":"234fd47e07d1004f0aed9c","purl":"pkg:golang/mygit.com/myorg/myapp@234fd47e07d1004f0aed9c"}
        pkg:npm/@acme/ui@1.0.0 {"kind":"package","name":"@acme/ui","location":"https://npm.acme.dev","version":"1.0.0","purl":"pkg:npm/@acme/ui@1.0.0"}
        pkg:docker/library/nginx@1.25 {"kind":"image","name":"library/nginx","version":"1.25","purl":"pkg:docker/library/nginx@1.25"}
        registry.acme.dev/api:1.2 {"name":"registry.acme.dev/api:1.2"}
        pkg:generic/ {"kind":"file","name":"","purl":"pkg:generic/"}
         {"name":""}
    "#]].assert_eq(&ids.iter().map(line).collect::<String>());
}

proptest! {
    #[test]
    fn whatever_arrives_gives_an_outcome(place in 0_usize..6, value in any::<i64>(), text in ".{0,20}", kind in 0_usize..types::TYPES.len()) {
        let name = types::TYPES[kind].name;
        let content: Map<String, Value> = types::TYPES[kind].content.iter().map(|field| ((*field).to_owned(), json!({ "id": text, "name": value }))).collect();
        let mut payload: Value = serde_json::from_str(&event(&format!("{name}.0.1.0"), &text, Value::Object(content), Value::Null)).unwrap();
        let odd = [json!(value), json!(text), json!([text]), Value::Null][place % 4].clone();
        match place {
            0 => payload["context"] = odd,
            1 => payload["subject"] = odd,
            2 => payload["subject"]["content"] = odd,
            3 => payload["customData"] = odd,
            4 => payload["context"]["timestamp"] = odd,
            _ => payload["context"]["links"] = odd,
        }
        let bytes = payload.to_string();
        native(Format::CdEvents, &RawRecord::upsert("k", None, bytes.as_str()), Arrival::default());
        record_key(Format::CdEvents, payload.as_object().unwrap());
    }
}
