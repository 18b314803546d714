use super::super::{Format, Outcome, native, record_key};
use super::*;
use crate::normalise::{DurationUnit, PushSettings};
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
            build 1f0c/Team/jobs/api/branches/feature-x.abc123/9/1 {"attempt":1,"system":"1f0c","job":"Team/api","number":9,"url":"https://ci.example.com/job/9/","purposes":["build"],"state":"finished","result":"timeout","result_word":"ABORTED","triggers":[{"kind":"manual","text":"ana","person":{"name":"ana"}}],"parameters":[{"name":"ENV","kind":"StringParameterValue","value":"UAT","withheld":false},{"name":"PW","kind":"PasswordParameterValue","withheld":true}],"checkouts":[{"repository":{"name":"https://github.com/acme/api.git"},"branch":"feature/x","commit":"4a4353c6d9d471826328b298fe3042c28bbe318d","base_branch":"main","base_commit":"92ed815527b401d4f2240fdcffc4bff28776333a"}],"commits":["4a4353c6d9d471826328b298fe3042c28bbe318d"],"change":{"name":"acme/api#5"},"stages":[{"key":"4","name":"Test","kind":"stage","state":"finished","result":"cancelled","result_word":"ABORTED","started_at":"2023-11-14T22:13:25.000Z","finished_at":"2023-11-14T22:14:24.000Z","duration":59000,"worker":"agent-1"},{"key":"5","parent":"4","name":"sh","kind":"step","state":"finished","result":"cancelled","result_word":"ABORTED","started_at":"2023-11-14T22:13:25.100Z","finished_at":"2023-11-14T22:14:23.100Z","duration":58000}],"artifacts":[{"artifact":{"key":"sha256:00"},"role":"produced"}],"worker":"agent-1","queued_at":"2023-11-14T22:13:20.000Z","started_at":"2023-11-14T22:13:24.010Z","finished_at":"2023-11-14T22:14:24.010Z","queued_for":4000,"duration":60000,"log_tail":"...","attributes":{"ci.failure_stage":"Test","ci.failure_type":"FlowInterruptedException","ci.instance":"ci.example.com","ci.instance_url":"https://ci.example.com/","ci.job_type":"pipeline"}}
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
            deployment j/F/p/9/1680006843000 {"attempt":1,"environment":{"name":"Prod-EU","class":"production"},"title":"F/p","state":"finished","result":"failure","result_word":"failed","author":{"name":"viraj"},"build":{"key":"j/F/p/9/1680006843000"},"started_at":"2023-03-28T12:34:03.000Z","finished_at":"2023-03-28T12:34:29.000Z","duration":26000}
            build j/F/p/9/1680006843000 {"attempt":1,"system":"j","job":"F/p","number":9,"purposes":["deploy"],"state":"finished","result":"failure","result_word":"failed","triggers":[{"kind":"manual","person":{"name":"viraj"}}],"parameters":[{"name":"n","value":"3","withheld":false},{"name":"api_key","withheld":true}],"checkouts":[{"branch":"main"}],"environment":{"name":"Prod-EU","class":"production"},"started_at":"2023-03-28T12:34:03.000Z","finished_at":"2023-03-28T12:34:29.000Z","duration":26000,"attributes":{"ci.instance":"j","weir.derived":["finished_at"]}}
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
            ! Unknown("negative") builds.duration /duration -5
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
    let seconds =
        Arrival { settings: PushSettings { duration_unit: DurationUnit::Seconds, ..PushSettings::default() }, ..seen };
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

/// The envelope a plugin sends, its payload being text.
fn envelope(payload: &str) -> String {
    serde_json::json!({ "request_type": "JenkinsPluginJobRunComplete", "payload": payload }).to_string()
}

#[test]
fn the_report_of_the_reference_plugin() {
    // With the tree of Blue Ocean: times without a colon in the offset, logs that lie beside the report, a run that
    // was started by a stage, whose ids count from 1 again.
    let tree = r#"{"job_name": "Pipe 1", "user_id": "SCMTrigger", "repo_url": "https://u:tok@host/o/r.git.git", "scm_user_id": null,
        "start_time": 1462082788639, "result": "ABORTED", "duration": 30000, "build_number": 9, "jenkins_instance_guid": "g-1",
        "jenkins_instance_name": "Jenkins US1", "jenkins_instance_url": "https://ci/", "module_name": null, "branch_name": "feature%2Fx",
        "job_full_name": "Folder/jobs/Pipe 1/branches/feature%2Fx", "job_normalized_full_name": "Folder/Pipe 1/feature%2Fx",
        "scm_commit_ids": ["4a4353c6d9d471826328b298fe3042c28bbe318d", "1234567", "4a4353c6d9d471826328b298fe3042c28bbe318d"],
        "trigger_chain": [{"id": "Build-X", "job_run_number": "1591", "type": "UpstreamCause", "direct_parents": [{"id": "viraj", "type": "UserIdCause"}]}],
        "job_run": {"id": "9", "result": "ABORTED", "state": "FINISHED", "durationInMillis": 30500, "enQueueTime": "2016-05-01T16:06:20.000+1000",
          "startTime": "2016-05-01T16:06:28.639+1000", "endTime": "2016-05-01T16:06:59.139+1000", "log": null,
          "actions": [{"_class": "InterruptedBuildAction", "causes": [{"_class": "org.jenkinsci.ExceededTimeout"}]}],
          "stages": [{"id": "6", "displayName": "Test", "result": "ABORTED", "state": "FINISHED", "durationInMillis": 20000, "type": "STAGE", "log": null,
            "startTime": "2016-05-01T16:06:30.000+1000",
            "steps": [{"id": "7", "displayName": "sh", "durationInMillis": 19000, "result": "FAILURE", "state": "FINISHED", "log": "log-7", "input": null}],
            "child_job_runs": [{"id": "3", "job_normalized_full_name": "Folder/Sub", "result": "SUCCESS", "state": "FINISHED", "durationInMillis": 1000,
              "stages": [{"id": "6", "displayName": "Build", "result": "SUCCESS", "state": "FINISHED", "firstParent": "2", "child_job_runs": []}]}]}]},
        "ci": true, "cd": null}"#;
    // Without Blue Ocean a failed run has a stub, whose start is digits in a text; a result that is null is told of no run.
    let stub = r#"{"job_full_name": "Pipe2", "job_normalized_full_name": "Pipe2", "jenkins_instance_guid": "g-1", "build_number": 1,
        "start_time": 1680006843000, "result": "FAILURE", "duration": 0,
        "job_run": {"name": "Pipe2", "result": "FAILURE", "durationInMillis": 0, "startTime": "1680006843000", "log": "log-1", "job_normalized_full_name": "Pipe2",
          "id": null, "stages": [], "actions": [], "child_job_runs": []}}"#;
    let told_nothing = r#"{"job_full_name": "Pipe2", "jenkins_instance_guid": "g-1", "build_number": 2, "start_time": 1680006843000, "result": null, "duration": 5, "job_run": null}"#;
    check(
        &[&envelope(tree), &envelope(stub), &envelope(told_nothing), &envelope("no JSON")],
        expect![[r#"
        build g-1/Folder/jobs/Pipe 1/branches/feature%2Fx/9/1462082788639 {"attempt":1,"system":"g-1","job":"Folder/Pipe 1","number":9,"purposes":["build"],"state":"finished","result":"timeout","result_word":"ABORTED","triggers":[{"kind":"upstream","text":"Build-X #1591"},{"kind":"manual","text":"viraj","person":{"name":"viraj"},"led_to":0}],"checkouts":[{"repository":{"name":"https://host/o/r.git.git"},"branch":"feature/x","commit":"4a4353c6d9d471826328b298fe3042c28bbe318d"}],"commits":["4a4353c6d9d471826328b298fe3042c28bbe318d"],"stages":[{"key":"6","name":"Test","kind":"stage","state":"finished","result":"cancelled","result_word":"ABORTED","started_at":"2016-05-01T16:06:30.000+10:00","finished_at":"2016-05-01T16:06:50.000+10:00","duration":20000},{"key":"7","parent":"6","name":"sh","kind":"step","state":"finished","result":"failure","result_word":"FAILURE","duration":19000,"log":{"raw":["logs","log-7"]}},{"key":"6/Folder/Sub #3","parent":"6","name":"Folder/Sub #3","kind":"job","state":"finished","result":"success","result_word":"SUCCESS","duration":1000},{"key":"6/Folder/Sub #3/6","parent":"6/Folder/Sub #3/2","name":"Build","kind":"stage","state":"finished","result":"success","result_word":"SUCCESS"}],"queued_at":"2016-05-01T16:06:20.000+10:00","started_at":"2016-05-01T06:06:28.639Z","finished_at":"2016-05-01T16:06:59.139+10:00","duration":30000,"attributes":{"ci.change_numbers":["1234567"],"ci.instance":"Jenkins US1","ci.instance_url":"https://ci/"}}
        --
        build g-1/Pipe2/1/1680006843000 {"attempt":1,"system":"g-1","job":"Pipe2","number":1,"state":"finished","result":"failure","result_word":"FAILURE","started_at":"2023-03-28T12:34:03.000Z","finished_at":"2023-03-28T12:34:03.000Z","duration":0,"log":{"raw":["logs","log-1"]},"attributes":{"weir.derived":["finished_at"]}}
        --
        build g-1/Pipe2/2/1680006843000 {"attempt":1,"system":"g-1","job":"Pipe2","number":2,"state":"finished","started_at":"2023-03-28T12:34:03.000Z","finished_at":"2023-03-28T12:34:03.005Z","duration":5,"attributes":{"weir.derived":["finished_at"]}}
        --
        Rejected
        ! Malformed builds.payload  envelope
    "#]],
    );
}

#[test]
fn jobs_as_their_path_on_disk_names_them() {
    let jobs = [
        ("Pipe2", "null"),
        ("Folder1/jobs/Folder2/jobs/leetcode", "null"),
        ("TestBlueOcean/branches/master", "\"master\""),
        ("Folder1/jobs/mvn/modules/com.acme$core", "null"),
        ("Jobs/jobs/branches", "null"),
        ("", "null"),
    ];
    let mut lines = String::new();
    for (job, branch) in jobs {
        let payload = format!(
            r#"{{"job_name": "as given", "job_full_name": "{job}", "build_number": 1, "start_time": 1680006843000, "branch_name": {branch},
                "jenkins_instance_guid": "g", "result": "SUCCESS"}}"#
        );
        let record = RawRecord::upsert("k", None, payload);
        let Outcome::Produced(produced) = native(Format::Builds, &record, Arrival::default()).outcome else { panic!() };
        let weir_model::Entity::Build(build) = &produced[0].entity else { panic!() };
        lines += &format!(
            "{} | {:?} | {:?}\n",
            produced[0].key,
            build.job,
            build.checkouts.first().and_then(|c| c.branch.clone())
        );
    }
    expect![[r#"
        g/Pipe2/1/1680006843000 | Some("Pipe2") | None
        g/Folder1/jobs/Folder2/jobs/leetcode/1/1680006843000 | Some("Folder1/Folder2/leetcode") | None
        g/TestBlueOcean/branches/master/1/1680006843000 | Some("TestBlueOcean") | Some("master")
        g/Folder1/jobs/mvn/modules/com.acme$core/1/1680006843000 | Some("Folder1/mvn/com.acme$core") | None
        g/Jobs/jobs/branches/1/1680006843000 | Some("Jobs/jobs/branches") | None
        g/as given/1/1680006843000 | Some("as given") | None
    "#]]
    .assert_eq(&lines);
}

#[test]
fn what_tells_runs_apart() {
    let key =
        |json: &str| record_key(Format::Builds, serde_json::from_str(json).as_ref().unwrap()).map(|known| known.key);
    let keys = [
        // A number that was given again, after its job was deleted.
        r#"{"instance_guid":"g","job_full_name":"a","build_number":1,"start_time":1680006843000}"#,
        r#"{"instance_guid":"g","job_full_name":"a","build_number":1,"start_time":"1680009999"}"#,
        // Payloads of before there were ids.
        r#"{"instance_name":"n","job_full_name":"a","build_number":1,"start_time":1680006843000}"#,
        // The id of an execution is enough; so is a number with its attempt.
        r#"{"instance_guid":"g","job_full_name":"a","build_number":1,"start_time":1680006843000,"execution_id":"x"}"#,
        r#"{"instance_guid":"g","job_full_name":"a","build_number":1,"start_time":1680006843000,"attempt":2}"#,
        r#"{"instance_guid":"g","job_full_name":"a","build_number":1}"#,
    ];
    let keys: Vec<_> = keys.into_iter().map(|json| key(json).unwrap()).collect();
    assert_eq!(
        keys,
        ["g/a/1/1680006843000", "g/a/1/1680009999000", "n/a/1/1680006843000", "g/a/x/1", "g/a/1/2", "g/a/1/1"]
    );
}

#[test]
fn runs_within_runs_are_read_to_a_depth() {
    let nested = |levels: usize| {
        let run = (0..levels).rev().fold("null".to_owned(), |inner, level| {
            format!(r#"{{"id":"{level}","job_normalized_full_name":"j","result":"SUCCESS","stages":[{{"id":"s","displayName":"s","child_job_runs":[{inner}]}}]}}"#)
        });
        format!(r#"{{"job_full_name":"a","build_number":1,"result":"SUCCESS","job_run":{run}}}"#)
    };
    let stages = |levels: usize| {
        let read = read(&nested(levels), Arrival::default());
        (read.matches("\"kind\":\"job\"").count(), read.contains("Truncated"))
    };
    assert_eq!(stages(20), (19, false));
    let (shown, cut) = stages(60);
    assert!(shown > 25 && cut, "{shown}");
    // A chain of causes has two levels for each.
    let chain = (0..50).fold(r#"{"id":"x","type":"UserIdCause"}"#.to_owned(), |inner, at| {
        format!(r#"{{"id":"up{at}","job_run_number":"{at}","type":"UpstreamCause","direct_parents":[{inner}]}}"#)
    });
    let read =
        read(&format!(r#"{{"job_full_name":"a","build_number":1,"trigger_chain":[{chain}]}}"#), Arrival::default());
    assert_eq!(
        (read.matches("\"kind\":\"upstream\"").count(), read.contains("\"person\":{\"name\":\"x\"}")),
        (50, true)
    );
}

#[test]
fn a_moving_tag_names_nothing_beyond_its_build() {
    let artifacts = [
        r#"{"name":"app","location":"r/x","qualifier":"1.0.0-42","hash":"SHA256:ab"}"#,
        r#"{"name":"app","location":"r/x","tag":"1.0.0-42"}"#,
        r#"{"name":"app","location":"r/x","version":"Latest"}"#,
        r#"{"name":"app","location":"r/x","qualifier":"release-7"}"#,
        r#"{"name":"app"}"#,
    ];
    let payload = format!(
        r#"{{"job_full_name":"a","build_number":1,"branch_name":"release-7","artifacts":[{}]}}"#,
        artifacts.join(",")
    );
    let read = read(&payload, Arrival::default());
    let keys: Vec<&str> = read.lines().filter_map(|line| line.strip_prefix("artifact ")?.split(' ').next()).collect();
    assert_eq!(keys, ["sha256:ab", "r/x/app:1.0.0-42", "r/x/app:Latest@a/1/1", "r/x/app:release-7@a/1/1", "app@a/1/1"]);
}

#[test]
fn a_change_failure_is_one_only_where_the_settings_say_so() {
    let payload = r#"{"job_full_name":"a","build_number":1,"result":"SUCCESS","cd":true,"environment":"prod","cfr_status":true,"themes":["a/b","c"]}"#;
    assert!(!read(payload, Arrival::default()).contains("incident"));
    let settings = |failed| PushSettings { cfr_status_failed: Some(failed), ..PushSettings::default() };
    assert!(!read(payload, Arrival { settings: settings(false), ..Arrival::default() }).contains("incident"));
    let failed = read(payload, Arrival { settings: settings(true), ..Arrival::default() });
    expect![[r#"
        deployment a/1/1 {"attempt":1,"service":"a","environment":{"name":"prod","class":"production"},"title":"a","state":"finished","result":"success","result_word":"SUCCESS","build":{"key":"a/1/1"}}
        incident a/1/1 {"title":"change failure reported by its pipeline","environment":{"name":"prod","class":"production"},"deployments":[{"deployment":{"key":"a/1/1"},"kind":"caused"}]}
        build a/1/1 {"attempt":1,"job":"a","number":1,"purposes":["deploy"],"state":"finished","result":"success","result_word":"SUCCESS","environment":{"name":"prod","class":"production"},"attributes":{"ci.cfr_status":"true","ci.themes":["a/b","c"]}}
    "#]].assert_eq(&failed);
}

#[test]
fn numbers_of_changes_are_no_object_ids() {
    let commits = |ids: &str| {
        read(&format!(r#"{{"job_full_name":"a","build_number":1,"scm_commit_ids":[{ids}]}}"#), Arrival::default())
    };
    let mixed = commits(r#""12345678", "4a4353c6d9d471826328b298fe3042c28bbe318d", 998877"#);
    assert!(mixed.contains(r#""commits":["4a4353c6d9d471826328b298fe3042c28bbe318d"]"#), "{mixed}");
    assert!(mixed.contains(r#""ci.change_numbers":["12345678","998877"]"#), "{mixed}");
    assert!(commits(r#""1234567", "4a4353c""#).contains(r#""commits":["1234567","4a4353c"]"#));
}

#[test]
fn the_end_of_a_log_is_kept_of_what_did_not_succeed() {
    let told = |result: &str, log: &str| {
        let payload = serde_json::json!({ "job_full_name": "a", "build_number": 1, "result": result, "log_tail": log });
        let read = native(Format::Builds, &RawRecord::upsert("k", None, payload.to_string()), Arrival::default());
        let Outcome::Produced(produced) = read.outcome else { panic!("{result}") };
        let Some(weir_model::Entity::Build(build)) = produced.into_iter().map(|part| part.entity).next() else {
            panic!("{result}")
        };
        (build.log_tail.map(String::from), read.diagnostics)
    };
    assert_eq!(told("FAILURE", "1\n\u{1b}[31m2\u{1b}[0m\n"), (Some("1\n2".to_owned()), Vec::new()));
    assert_eq!(told("SUCCESS", "1\n2\n"), (None, Vec::new()));
    assert_eq!(told("FAILURE", " \n"), (None, Vec::new()));
    let (kept, diagnostics) = told("FAILURE", &format!("first\n{}last\n", "yes\n".repeat(8_000)));
    let kept = kept.unwrap();
    assert!(kept.len() <= LogTail::BYTES_MAX && kept.starts_with("yes\n") && kept.ends_with("\nlast"));
    expect!["! Truncated builds.log_tail /log_tail 32010 bytes"].assert_eq(
        &diagnostics
            .iter()
            .map(|it| {
                let (place, found) = (it.place.as_deref().unwrap_or_default(), it.found.as_deref().unwrap_or_default());
                format!("! {:?} {} {place} {found}", it.kind, it.code)
            })
            .collect::<String>(),
    );
}
