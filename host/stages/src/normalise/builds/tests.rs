use super::super::{Format, Outcome, native, record_key};
use super::*;
use crate::normalise::DurationUnit;
use expect_test::{Expect, expect};
use weir_model::RawRecord;

fn read(json: &str, arrival: Arrival) -> String {
    let read = native(Format::Builds, &RawRecord::upsert("k", None, json), arrival);
    let mut text = String::new();
    match read.outcome {
        Outcome::Produced(all) => {
            for part in all {
                text += &format!("{} {} {}\n", part.kind, part.key, part.entity.to_json());
            }
        }
        other => text += &format!("{other:?}\n"),
    }
    for diagnostic in read.diagnostics {
        let (place, found) = (diagnostic.place.unwrap_or_default(), diagnostic.found.unwrap_or_default());
        text += &format!("! {:?} {} {place} {found}\n", diagnostic.kind, diagnostic.code);
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(payloads: &[&str], expected: Expect) {
    expected.assert_eq(&payloads.iter().map(|json| read(json, Arrival::default())).collect::<Vec<_>>().join("--\n"));
}

const HEAD: &str = "4a4353c6d9d471826328b298fe3042c28bbe318d";

#[test]
fn the_report_of_a_collector() {
    let report = format!(
        r#"{{"collector": {{"name": "jenkins", "version": "0.1.0"}},
        "instance_guid": "1f0c", "instance_name": "ci.example.com", "instance_url": "https://ci.example.com/",
        "job_name": "api", "job_full_name": "Team/jobs/api/branches/feature-x.abc123", "qualified_name": "Team/api/feature/x",
        "branch_name": "feature/x", "job_type": "pipeline", "build_number": 9, "attempt": 1,
        "web_url": "https://ci.example.com/job/9/", "state": "finished", "result": "ABORTED", "outcome": "timeout",
        "queued_at": 1700000000000, "queue_ms": 4000, "start_time": 1700000004000, "started_at": 1700000004010,
        "duration": 60000, "finished_at": 1700000064010, "user_id": "ana",
        "job_run_params": [{{"type": "StringParameterValue", "name": "ENV", "value": "UAT"}},
            {{"type": "PasswordParameterValue", "name": "PW", "value": null, "withheld": true}}],
        "causes": [{{"type": "UserIdCause", "class": "hudson.model.Cause$UserIdCause", "fields": {{"userId": "ana"}}}}],
        "trigger_chain": [{{"id": "ana", "type": "UserIdCause"}}],
        "repo_url": "https://u:p@github.com/acme/api.git", "scm_commit_ids": ["{HEAD}"],
        "checkouts": [{{"scm": "git", "repository": "https://github.com/acme/api.git", "branch": "feature/x",
            "head_commit": "{HEAD}", "base_branch": "main", "base_commit": "92ed815527b401d4f2240fdcffc4bff28776333a"}}],
        "change_list": [{{"scm": "git", "commit": "{HEAD}", "author": "Ana", "author_email": "ana@example.com",
            "time": 1699999000000, "message": "fix", "parents": ["92ed815527b401d4f2240fdcffc4bff28776333a"]}}],
        "change": {{"id": "5", "title": "Fix it", "source_branch": "feature/x", "target_branch": "main"}},
        "job_run": {{"id": "9", "result": "ABORTED", "state": "FINISHED", "durationInMillis": 60000,
          "stages": [{{"id": "4", "displayName": "Test", "result": "ABORTED", "state": "FINISHED", "durationInMillis": 59000,
            "startTime": "2023-11-14T22:13:25.000+0000", "type": "STAGE", "firstParent": null, "node": "agent-1",
            "steps": [{{"id": "5", "displayName": "sh", "durationInMillis": 58000, "result": "ABORTED", "state": "FINISHED",
              "startTime": "2023-11-14T22:13:25.100+0000"}}]}}]}},
        "artifacts": [{{"input": false, "output": true, "type": "container", "location": "registry/acme", "name": "api",
            "qualifier": "1.0.0-9", "hash": "sha256:00"}}],
        "ci": true, "node": "agent-1",
        "tests": {{"total": 3, "passed": 1, "failed": 1, "skipped": 1, "duration_ms": 116,
            "failed_tests": [{{"name": "a.B.c", "duration_ms": 5, "failed_since": 8, "message": "expected 1"}}]}},
        "interruptions": [{{"type": "ExceededTimeout"}}],
        "failure_cause": {{"stage": "Test", "step": "sh", "type": "FlowInterruptedException", "message": null}},
        "log_excerpt": {{"text": "...", "truncated": true, "bytes_total": 200000, "redactions": 1}},
        "diagnostics": [{{"code": "truncated", "subject": "log", "message": "cut"}}]}}"#
    );
    check(
        &[&report],
        expect![[r#"
        artifact sha256:00 {"kind":"image","name":"api","location":"registry/acme","version":"1.0.0-9","digest":"sha256:00","build":{"key":"1f0c/Team/jobs/api/branches/feature-x.abc123/9/1"}}
        test-report 1f0c/Team/jobs/api/branches/feature-x.abc123/9/1 {"build":{"key":"1f0c/Team/jobs/api/branches/feature-x.abc123/9/1"},"commit":"4a4353c6d9d471826328b298fe3042c28bbe318d","passed":1,"failed":1,"skipped":1,"duration":116,"started_at":"2023-11-14T22:13:24.010Z","finished_at":"2023-11-14T22:14:24.010Z","cases":[{"name":"a.B.c","result":"failed","duration":5,"message":"expected 1"}],"attributes":{"project":"acme/api"}}
        commit 4a4353c6d9d471826328b298fe3042c28bbe318d {"repositories":[{"name":"https://github.com/acme/api.git"}],"parents":["92ed815527b401d4f2240fdcffc4bff28776333a"],"author":{"name":"ana@example.com"},"authored_at":"2023-11-14T21:56:40.000Z","message":"fix","attributes":{"git.author_name":"Ana"}}
        build 1f0c/Team/jobs/api/branches/feature-x.abc123/9/1 {"attempt":1,"system":"1f0c","job":"Team/api","number":9,"url":"https://ci.example.com/job/9/","purposes":["build"],"state":"finished","result":"timeout","result_word":"ABORTED","triggers":[{"kind":"manual","text":"ana","person":{"name":"ana"}}],"parameters":[{"name":"ENV","kind":"StringParameterValue","value":"UAT","withheld":false},{"name":"PW","kind":"PasswordParameterValue","withheld":true}],"checkouts":[{"repository":{"name":"https://github.com/acme/api.git"},"branch":"feature/x","commit":"4a4353c6d9d471826328b298fe3042c28bbe318d","base_branch":"main","base_commit":"92ed815527b401d4f2240fdcffc4bff28776333a"}],"commits":["4a4353c6d9d471826328b298fe3042c28bbe318d"],"change":{"name":"acme/api#5"},"stages":[{"key":"4","name":"Test","kind":"stage","state":"finished","result":"cancelled","result_word":"ABORTED","started_at":"2023-11-14T22:13:25.000Z","finished_at":"2023-11-14T22:14:24.000Z","duration":59000,"worker":"agent-1"},{"key":"5","parent":"4","name":"sh","kind":"step","state":"finished","result":"cancelled","result_word":"ABORTED","started_at":"2023-11-14T22:13:25.100Z","finished_at":"2023-11-14T22:14:23.100Z","duration":58000}],"artifacts":[{"artifact":{"key":"sha256:00"},"role":"produced"}],"worker":"agent-1","queued_at":"2023-11-14T22:13:20.000Z","started_at":"2023-11-14T22:13:24.010Z","finished_at":"2023-11-14T22:14:24.010Z","queued_for":4000,"duration":60000,"log":{"tail":"..."},"attributes":{"ci.failure_stage":"Test","ci.failure_type":"FlowInterruptedException","ci.instance":"ci.example.com","ci.job_type":"pipeline"}}
        ! Truncated builds.collector.truncated log cut
    "#]],
    );
}

#[test]
fn custom_payloads_in_all_spellings() {
    check(
        &[
            // Aliases, numbers as text, a duration in another's name, seconds since the epoch.
            r#"{"pipeline": "p", "jobFullName": "F/p", "job_normalized_full_name": "F/p", "jenkins_instance_name": "j",
                "start_time": "1680006843", "duration": "26000", "result": "failed", "triggered_by": "viraj",
                "execution_parameters": [{"name": "n", "value": 3}, {"name": "api_key", "value": "abc"}],
                "build_number": "9", "branch_name": "refs/heads/main", "cd": "true", "environment": "Prod-EU"}"#,
            // Envelope with the payload encoded twice.
            r#"{"request_type": "JenkinsPluginJobRunComplete",
                "payload": "{\"job_full_name\":\"a\",\"build_number\":1,\"result\":\"SUCCESS\",\"start_time\":1680006843000}"}"#,
            // No result: not over, whatever else is there.
            r#"{"job_full_name": "a", "build_number": 2, "start_time": 1680006843000, "duration": 0}"#,
            // Over, and how is not told.
            r#"{"job_full_name": "a", "build_number": 2, "state": "finished", "result": null}"#,
            r#"{"job_full_name": "a", "build_number": 3, "result": "Weird", "duration": -5, "start_time": "2024-01-01T00:00:00"}"#,
            r#"{"job_full_name": "a", "execution_id": "x-1", "status": "in_progress", "scm_commit_ids": ["1234567", "89abcde"]}"#,
            r#"{"build_number": 4}"#,
            "7",
            "{",
        ],
        expect![[r#"
            deployment j/F/p/9/1 {"attempt":1,"environment":{"name":"Prod-EU","class":"production"},"title":"F/p","state":"finished","result":"failure","result_word":"failed","author":{"name":"viraj"},"build":{"key":"j/F/p/9/1"},"started_at":"2023-03-28T12:34:03.000Z","finished_at":"2023-03-28T12:34:29.000Z","duration":26000}
            build j/F/p/9/1 {"attempt":1,"system":"j","job":"F/p","number":9,"purposes":["deploy"],"state":"finished","result":"failure","result_word":"failed","triggers":[{"kind":"manual","person":{"name":"viraj"}}],"parameters":[{"name":"n","value":"3","withheld":false},{"name":"api_key","withheld":true}],"checkouts":[{"branch":"main"}],"environment":{"name":"Prod-EU","class":"production"},"started_at":"2023-03-28T12:34:03.000Z","finished_at":"2023-03-28T12:34:29.000Z","duration":26000,"attributes":{"ci.instance":"j","weir.derived":["finished_at"]}}
            --
            build a/1/1 {"attempt":1,"job":"a","number":1,"state":"finished","result":"success","result_word":"SUCCESS","started_at":"2023-03-28T12:34:03.000Z"}
            --
            build a/2/1 {"attempt":1,"job":"a","number":2,"state":"running","started_at":"2023-03-28T12:34:03.000Z"}
            --
            build a/2/1 {"attempt":1,"job":"a","number":2,"state":"finished"}
            --
            build a/3/1 {"attempt":1,"job":"a","number":3,"state":"finished","result":{"unknown":"Weird"},"result_word":"Weird"}
            ! UnknownWord builds.result /result Weird
            ! BadTime builds.start_time /start_time 2024-01-01T00:00:00
            ! BadTime builds.duration /duration -5
            --
            build a/x-1/1 {"attempt":1,"job":"a","state":"running","commits":["1234567","89abcde"],"attributes":{"ci.execution":"x-1"}}
            --
            Rejected
            ! Missing builds.job_full_name /job_full_name 
            --
            Rejected
            ! Malformed builds.payload  7
            --
            Rejected
            ! Malformed builds.payload  EOF while parsing an object at line 1 column 1
        "#]],
    );
}

#[test]
fn rows_of_one_build_make_one_build() {
    let row = |stage: &str| {
        format!(
            r#"{{"project": "log4j", "pr_name": "PR-441", "pr_base_branch": "master", "build_id": "2", "build_duration": "5103.0",
            "build_timestamp": "1605650223.0", "build_result": "UNSTABLE", "build_head_sha": "{HEAD}", "ts_duration": "2046.4535",
            "passcount": "7448", "failcount": "3", "skipcount": "49", "trunk_sha": "7f5c24c6125b79e878b11cb81d304c136bf1ce5d",
            "stage_id": "{stage}", "stage_duration_by_suite_sum": "8789.01"}}"#
        )
    };
    let key = |row: &str| record_key(Format::Builds, serde_json::from_str(row).as_ref().unwrap()).unwrap().key;
    assert_eq!(key(&row("Ubuntu")), "log4j/PR-441/2/1/Ubuntu");
    assert_eq!(key(&row("Windows")), "log4j/PR-441/2/1/Windows");
    check(
        &[&row("Ubuntu")],
        expect![[r#"
        test-report log4j/PR-441/2/1 {"build":{"key":"log4j/PR-441/2/1"},"commit":"4a4353c6d9d471826328b298fe3042c28bbe318d","passed":7448,"failed":3,"skipped":49,"duration":2046454,"started_at":"2020-11-17T21:57:03.000Z","finished_at":"2020-11-17T23:22:06.000Z","attributes":{"project":"log4j"}}
        build log4j/PR-441/2/1 {"attempt":1,"job":"log4j","number":2,"state":"finished","result":"unstable","result_word":"UNSTABLE","checkouts":[{"branch":"PR-441","commit":"4a4353c6d9d471826328b298fe3042c28bbe318d","base_branch":"master","base_commit":"7f5c24c6125b79e878b11cb81d304c136bf1ce5d"}],"stages":[{"key":"Ubuntu","name":"Ubuntu","kind":"stage","duration":8789010}],"started_at":"2020-11-17T21:57:03.000Z","finished_at":"2020-11-17T23:22:06.000Z","duration":5103000,"attributes":{"project":"log4j","weir.derived":["finished_at"]}}
    "#]],
    );
}

#[test]
fn a_duration_that_fits_only_as_seconds_is_noted() {
    let payload = r#"{"job_full_name": "a", "build_number": 1, "result": "success", "start_time": 1680006843000, "duration": 600}"#;
    let received_at = Some(weir_model::Timestamp::from_ms(1_680_006_843_000 + 610_000));
    let seen = Arrival { received_at, ..Arrival::default() };
    assert!(read(payload, seen).contains("unit-suspect"));
    assert!(!read(payload, Arrival::default()).contains("unit-suspect"));
    let seconds = Arrival { duration_unit: DurationUnit::Seconds, ..seen };
    assert!(read(payload, seconds).contains("\"duration\":600000"));
}

#[test]
fn secrets_do_not_reach_entities() {
    let params = [
        ("token", "x"),
        ("URL", "https://u:p@host/x"),
        ("KEY", "ghp_aaaa"),
        ("BLOB", "aB3dE5gH7jK9mN1pQ3sT5v"),
        ("SHA", HEAD),
        ("TEXT", "a long text with 3 words"),
        ("JOB", "Team/jobs/api/branches/main"),
    ];
    let params: Vec<String> =
        params.iter().map(|(name, value)| format!(r#"{{"name":"{name}","value":"{value}"}}"#)).collect();
    let payload = format!(r#"{{"job_full_name": "a", "build_number": 1, "job_run_params": [{}]}}"#, params.join(","));
    let read = read(&payload, Arrival::default());
    let withheld: Vec<&str> = read
        .split("\"name\":\"")
        .skip(1)
        .filter(|part| part.contains("\"withheld\":true"))
        .map(|part| part.split('"').next().unwrap())
        .collect();
    assert_eq!(withheld, ["token", "URL", "KEY", "BLOB"]);
}
