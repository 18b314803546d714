//! The reference system's plugins, workflows and scripts, sending as they always did.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use weir_tests::{Client, Response, Running, Weir, until};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const LOG: &str = "04659eed-9fd7-432e-b1da-42804713c190";
const HEAD: &str = "4a4353c6d9d471826328b298fe3042c28bbe318d";

fn host(config: &str) -> (Weir, Running) {
    let weir = Weir::new(config);
    let host = weir.run();
    (weir, host)
}

/// A report as the plugin writes it.
fn report(number: u64) -> Value {
    json!({
        "job_name": "Pipe 1", "user_id": "viraj", "job_run_params": [{ "type": "StringParameterValue", "name": "env", "value": "UAT" }],
        "repo_url": "https://user:secret@host/o/r.git", "scm_user_id": null, "start_time": 1_680_006_843_000_u64 + number,
        "result": "FAILURE", "duration": 26_000, "build_number": number, "jenkins_instance_guid": "guid-1",
        "jenkins_instance_name": "Jenkins US1", "jenkins_instance_url": "https://ci/", "job_full_name": "Folder/jobs/Pipe 1",
        "job_normalized_full_name": "Folder/Pipe 1", "branch_name": null, "module_name": null, "scm_commit_ids": [HEAD],
        "job_run": { "id": number.to_string(), "result": "FAILURE", "state": "FINISHED", "stages": [{
            "id": "6", "displayName": "Test", "result": "FAILURE", "state": "FINISHED", "durationInMillis": 5, "log": LOG,
            "startTime": "2023-03-28T14:34:04.000+0200", "type": "STAGE", "steps": [], "child_job_runs": [] }] },
        "ci": true, "cd": null,
    })
}

fn envelope(kind: &str, payload: &Value) -> String {
    json!({ "request_type": kind, "payload": payload.to_string() }).to_string()
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Parts as the plugin's library writes them.
fn parts(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let head =
            format!("--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b0undary--\r\n");
    body
}

fn post_parts(client: &Client, path: &str, kind: &str, bodies: &[(&str, &[u8])]) -> Response {
    client.with("content-type", &format!("multipart/{kind}; boundary=b0undary")).post(path, &parts(bodies))
}

/// The payload of a reply, as the plugin reads it.
fn reply(response: &Response, kind: &str) -> Value {
    assert_eq!(response.status, 200, "{}", response.text());
    let reply = response.json();
    assert_eq!(reply["response_type"], kind, "{reply}");
    serde_json::from_str(reply["payload"].as_str().unwrap()).unwrap()
}

fn hits(host: &Running, query: &str) -> u64 {
    let query = query.replace(' ', "%20").replace(':', "%3A").replace('"', "%22").replace('#', "%23");
    host.get(&format!("/v1/search?q={query}"))["total"].as_u64().unwrap()
}

fn entity(host: &Running, id: &str) -> Value {
    let id = id.replace(':', "%3A").replace('/', "%2F").replace(' ', "%20").replace('#', "%23");
    host.get(&format!("/v1/entities/{id}"))["document"].clone()
}

const NO_ERROR: &str = r#"{"error":null,"run_ids":[]}"#;

#[test]
fn a_report_with_its_files_comes_in_as_the_plugin_sends_it() {
    let (_weir, host) = host("");
    let junit = zipped(&[("TEST-a.xml", br#"<testsuite name="a" tests="2"><testcase name="x"/><testcase name="y"><failure message="no"/></testcase></testsuite>"#)]);
    let files = zipped(&[(LOG, b"console text"), ("all_junit_reports.zip", &junit), ("../evil", b"x")]);
    let json = envelope("JenkinsPluginJobRunComplete", &report(9));
    let path = "/gratis/sei/api/v1/generic-requests/multipart";
    let answer = post_parts(&host.client(), path, "mixed", &[("json", json.as_bytes()), ("file", &files)]);
    let payload = reply(&answer, "JenkinsPluginJobRunCompleteResponse");
    assert_eq!(payload["run_ids"], json!([]));
    assert_eq!(payload["error"], "`../evil` is a link or leads elsewhere, and was left out");
    host.processed();
    let build = entity(&host, "build:jenkins:guid-1/Folder/jobs/Pipe 1/9/1680006843009");
    assert_eq!(
        (&build["job"], &build["result"], &build["number"]),
        (&json!("Folder/Pipe 1"), &json!("failure"), &json!(9))
    );
    assert_eq!(build["stages"][0]["log"], json!({ "raw": ["logs", LOG] }));
    assert!(!build.to_string().contains("secret"));
    assert_eq!(hits(&host, "kind:test-report integration:jenkins"), 1);
    // Parts in the other order, of the other kind, and one nobody knows; again without a file.
    let json = envelope("JenkinsPluginJobRunComplete", &report(10));
    let bodies: [(&str, &[u8]); 3] = [("more", b"?"), ("file", &files), ("json", json.as_bytes())];
    reply(&post_parts(&host.client(), path, "form-data", &bodies), "JenkinsPluginJobRunCompleteResponse");
    let json = envelope("JenkinsPluginJobRunComplete", &report(11));
    let payload = reply(
        &post_parts(&host.client(), path, "mixed", &[("json", json.as_bytes())]),
        "JenkinsPluginJobRunCompleteResponse",
    );
    assert_eq!(payload.to_string(), NO_ERROR);
    host.processed();
    assert_eq!(hits(&host, "kind:build integration:jenkins"), 3);
    let nothing = post_parts(&host.client(), path, "mixed", &[("file", &files)]);
    assert_eq!((nothing.status, nothing.text().contains("no part `json`")), (400, true));
    assert_eq!(host.client().post(path, b"{}").status, 415);
    let torn =
        host.client().with("content-type", "multipart/mixed; boundary=b0undary").post(path, b"--b0undary\r\nContent-");
    assert_eq!(torn.status, 400, "{}", torn.text());
    host.stop();
}

#[test]
fn every_request_has_its_reply_under_every_base() {
    let (_weir, host) = host("");
    let run = |id: &str| json!({ "run_id": id, "state": "failure" });
    let requests = [
        (
            "JenkinsPluginJobRunComplete",
            report(1),
            "JenkinsPluginJobRunCompleteResponse",
            serde_json::from_str(NO_ERROR).unwrap(),
        ),
        (
            "JenkinsPluginJobConfigChange",
            json!({ "job_full_name": "a", "change_time": 1_680_006_843_000_u64, "change_type": "changed" }),
            "JenkinsPluginJobConfigChangeResponse",
            json!({ "run_ids": [], "error": null }),
        ),
        (
            "JenkinsPluginJobRunClearanceRequest",
            json!({ "job_name": "a", "upstream_job_run": { "job_name": "b" } }),
            "JenkinsPluginJobRunClearanceResponse",
            json!({ "run_ids": [] }),
        ),
        (
            "RunbookRunsStatusCheckRequest",
            json!({ "run_ids": ["u1", "u2"] }),
            "RunbookRunsStatusCheckResponse",
            json!([run("u1"), run("u2")]),
        ),
        ("Something", json!({}), "SomethingResponse", json!({ "run_ids": [], "error": "unknown request type" })),
    ];
    for base in ["", "/sei/api", "/gateway/sei/api", "/prod1/sei/api/v1", "/v1"] {
        for (kind, payload, response, expected) in &requests {
            let answer =
                host.client().post(&format!("{base}/v1/generic-requests/"), envelope(kind, payload).as_bytes());
            assert_eq!(reply(&answer, response), *expected, "{base} {kind}");
        }
    }
    let beat = json!({ "instance_id": "guid-1", "timestamp": 1_763_600_000, "details": { "config_updated_at": 0 } });
    let payload = reply(
        &host.client().post("/v1/generic-requests", envelope("JenkinsHeartbeat", &beat).as_bytes()),
        "JenkinsHeartbeatResponse",
    );
    assert_eq!(
        (&payload["success"], payload["server_version"].is_string(), &payload["configuration"]),
        (&json!(true), true, &Value::Null)
    );
    // An error of the plugin is plain text; a payload may be an object.
    let error = json!({ "request_type": "pluginErrorReport", "payload": "java.lang.NullPointerException\n\tat x" });
    reply(&host.client().post("/v1/generic-requests", error.to_string().as_bytes()), "pluginErrorReportResponse");
    let object = json!({ "request_type": "JenkinsPluginJobRunComplete", "payload": report(2) });
    reply(
        &host.client().post("/v1/generic-requests", object.to_string().as_bytes()),
        "JenkinsPluginJobRunCompleteResponse",
    );
    host.processed();
    assert_eq!(hits(&host, "kind:build integration:jenkins"), 2);
    assert_eq!(hits(&host, "kind:configuration-change"), 1);
    assert_eq!(host.client().get("/v1/generic-requests").status, 405);
    host.stop();
}

#[test]
fn what_is_no_envelope_is_refused_and_kept() {
    let (_weir, host) = host("");
    let before = host.processed()["accepted"].as_u64().unwrap();
    for (body, told) in [
        ("{\"request_type\": \"x\",\n \"payload\" 1}", "line 2 column 12"),
        ("{}", "request_type"),
        ("[]", "no JSON object"),
    ] {
        let answer = host.client().post("/v1/generic-requests", body.as_bytes());
        assert_eq!((answer.status, answer.text().contains(told)), (400, true), "{}", answer.text());
    }
    let unnamed = host.client().post(
        "/v1/generic-requests",
        envelope("JenkinsPluginJobRunComplete", &json!({ "result": "SUCCESS" })).as_bytes(),
    );
    let payload = reply(&unnamed, "JenkinsPluginJobRunCompleteResponse");
    assert!(payload["error"].as_str().unwrap().contains("names no run"));
    assert_eq!(host.processed()["accepted"].as_u64().unwrap(), before + 4);
    host.stop();
}

#[test]
fn what_is_too_large_is_refused_with_the_bound_named() {
    let (_weir, host) = host("[intake]\nbody_bytes_max = 20000\nfile_bytes_max = 30000\nunpacked_bytes_max = 40000\n");
    let path = "/v1/generic-requests/multipart";
    let large = envelope("JenkinsPluginJobRunComplete", &json!({ "text": "x".repeat(20_000) }));
    for answer in [
        host.client().post("/v1/generic-requests", large.as_bytes()),
        post_parts(&host.client(), path, "mixed", &[("json", large.as_bytes())]),
    ] {
        assert_eq!((answer.status, answer.text().contains("20000")), (413, true), "{}", answer.text());
    }
    // The report counts though its file does not.
    let json = envelope("JenkinsPluginJobRunComplete", &report(1));
    let answer = post_parts(&host.client(), path, "mixed", &[("json", json.as_bytes()), ("file", &[0; 30_001])]);
    assert_eq!((answer.status, answer.text().contains("30000")), (413, true), "{}", answer.text());
    let bomb = zipped(&[(LOG, &[b'x'; 40_001])]);
    let json = envelope("JenkinsPluginJobRunComplete", &report(2));
    let payload = reply(
        &post_parts(&host.client(), path, "mixed", &[("json", json.as_bytes()), ("file", &bomb)]),
        "JenkinsPluginJobRunCompleteResponse",
    );
    assert!(payload["error"].as_str().unwrap().contains("unpacked_bytes_max"), "{payload}");
    host.processed();
    assert_eq!(hits(&host, "kind:build integration:jenkins"), 2);
    host.stop();
}

/// A run as the custom CI/CD interface takes it.
fn custom(change: impl FnOnce(&mut Value)) -> String {
    let mut run = json!({
        "pipeline": "deploy", "job_full_name": "shop/deploy", "qualified_name": "shop/deploy", "instance_guid": "guid-2",
        "instance_name": "gitlab", "start_time": 1_680_006_843_000_u64, "duration": 26_000, "result": "success",
        "execution_id": "run-1", "triggered_by": "ana", "cd": true, "environment": "production", "themes": ["a/b"],
        "execution_parameters": [{ "name": "n", "value": 3 }, { "name": "force", "value": true }],
    });
    change(&mut run);
    run.to_string()
}

#[test]
fn runs_of_other_systems_are_taken_in_every_spelling() {
    let (_weir, host) = host("");
    let post = |body: &str| host.client().post("/sei/api/v1/custom-cicd", body.as_bytes());
    assert_eq!(post(&custom(|_| ())).json()["accepted"], 1);
    // Other names, digits as text, seconds, a number in place of an execution.
    let other = custom(|run| {
        for (from, to) in [
            ("pipeline", "job_name"),
            ("qualified_name", "job_normalized_full_name"),
            ("instance_guid", "jenkins_instance_guid"),
            ("instance_name", "jenkins_instance_name"),
        ] {
            let value = run.as_object_mut().unwrap().remove(from).unwrap();
            run[to] = value;
        }
        run.as_object_mut().unwrap().remove("execution_id");
        run["start_time"] = json!("1680006843");
        run["build_number"] = json!("7");
        run["result"] = json!("FAILED");
    });
    assert_eq!(post(&other).status, 202);
    // The same execution again supersedes; the envelope of old scripts is known.
    assert_eq!(post(&custom(|run| run["result"] = json!("failure"))).status, 202);
    let old = envelope("JenkinsPluginJobRunComplete", &report(3));
    reply(&post(&old), "JenkinsPluginJobRunCompleteResponse");
    host.processed();
    assert_eq!(hits(&host, "kind:build"), 3);
    assert_eq!(entity(&host, "build:push:guid-2/shop/deploy/run-1/1")["result"], "failure");
    assert_eq!(entity(&host, "build:push:guid-2/shop/deploy/7/1680006843000")["result"], "failure");
    assert_eq!(entity(&host, "deployment:push:guid-2/shop/deploy/run-1/1")["environment"]["class"], "production");
    host.stop();
}

#[test]
fn a_run_that_lacks_fields_is_not_taken_in_part() {
    let (_weir, host) = host("");
    let post = |body: &str| host.client().post("/v1/custom-cicd", body.as_bytes());
    let answer = post(r#"{"pipeline": "p", "result": "success"}"#);
    assert_eq!(answer.status, 422);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert_eq!(
        detail,
        "fields are missing: job_full_name, qualified_name, instance_name, start_time, duration, build_number"
    );
    let without_id = custom(|run| drop(run.as_object_mut().unwrap().remove("instance_guid")));
    assert_eq!(post(&without_id).status, 202);
    let bad = "{\n \"pipeline\": \"p\",\n \"cfr_status\": true\n \"themes\": []\n}";
    let answer = post(bad);
    assert_eq!((answer.status, answer.text().contains("line 4 column 2")), (400, true), "{}", answer.text());
    assert_eq!(post(&custom(|_| ()).replace("}", ",}")).status, 400);
    assert_eq!(post("").status, 400);
    let status = host.processed();
    assert_eq!(
        (status["accepted"].as_u64(), hits(&host, "kind:build")),
        (Some(4), 1),
        "refused bytes are kept, and no build"
    );
    host.stop();
}

#[test]
fn settings_say_how_a_sender_writes() {
    let (_weir, host) = host(
        "[[integration]]\nname = \"scripts\"\ncollector = \"push\"\naliases = [\"guid-2\", \"155\"]\n\
         settings = { duration_unit = \"s\", cfr_status_failed = true }\n",
    );
    let failed = custom(|run| {
        run["duration"] = json!(26);
        run["cfr_status"] = json!("true");
    });
    assert_eq!(host.client().post("/v1/custom-cicd", failed.as_bytes()).status, 202);
    host.processed();
    let id = "scripts:guid-2/shop/deploy/run-1/1";
    assert_eq!(entity(&host, &format!("build:{id}"))["duration"], 26_000);
    assert_eq!(entity(&host, &format!("incident:{id}"))["deployments"][0]["kind"], "caused");
    // Without the setting such a duration is read as it stands, and looks wrong.
    let arrived = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let short = custom(|run| {
        run["instance_guid"] = json!("other");
        run["start_time"] = json!(arrived - 3_600);
        run["duration"] = json!(3_600);
    });
    assert_eq!(host.client().post("/v1/custom-cicd", short.as_bytes()).status, 202);
    host.processed();
    assert_eq!(entity(&host, "build:push:other/shop/deploy/run-1/1")["duration"], 3_600);
    assert!(host.get("/v1/outcomes").to_string().contains("unit-suspect"));
    host.stop();
}

#[test]
fn a_system_that_makes_itself_known_keeps_its_id() {
    let (weir, host) = host("[[integration]]\nname = \"ci-eu\"\ncollector = \"push\"\naliases = [\"42\"]\n");
    let make = |host: &Running, path: &str, body: &Value| {
        let answer = host.client().post(path, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    let asked = json!({ "integration_id": "42", "name": "EU", "type": "jenkins" });
    let id = make(&host, "/sei/api/cicd/instances", &asked);
    assert_eq!(id.len(), 36);
    assert_eq!(
        make(&host, "/sei/api/v1/cicd/instances/", &json!({ "integration_id": 42, "name": "EU", "type": "Jenkins" })),
        id
    );
    assert_ne!(
        make(&host, "/v1/cicd/instances", &json!({ "integration_id": "42", "name": "US", "type": "jenkins" })),
        id
    );
    assert_eq!(host.client().post("/v1/cicd/instances", b"{}").status, 422);
    host.kill();
    let host = weir.run();
    assert_eq!(make(&host, "/v1/v1/cicd/instances", &asked), id);
    let run = custom(|run| run["instance_guid"] = json!(id));
    assert_eq!(host.client().post("/v1/custom-cicd", run.as_bytes()).status, 202);
    host.processed();
    assert_eq!(hits(&host, "kind:build integration:ci-eu"), 1);
    host.stop();
}

#[test]
fn what_a_workflow_pushes_belongs_to_its_run_whichever_comes_first() {
    let (_weir, host) = host("");
    let artifacts = json!({ "integration_id": "155", "repository": "acme/api", "job_run_number": "42", "job_name": "CI",
        "artifacts": [{ "name": "app", "location": "ghcr.io/o", "tag": "v1.2.3", "digest": "sha256:ab", "type": "container",
            "artifacts_created_at": "2023-01-01T12:00:00.000+00:00" }, { "name": "tool", "tag": "latest" }] });
    let parameters = json!({ "integration_id": 155, "repository": "acme/api", "job_run_number": 42, "job_name": "CI",
        "params": [{ "name": "env", "type": "string", "value": "prod" }] });
    let post = |path: &str, body: &Value| host.client().post(path, body.to_string().as_bytes()).status;
    assert_eq!(post("/api/v1/v1/cicd/push_artifacts", &artifacts), 202);
    host.processed();
    assert_eq!(hits(&host, "kind:build"), 0);
    assert_eq!(hits(&host, "kind:run-addition"), 1);
    assert_eq!(entity(&host, "artifact:push:sha256:ab")["version"], "v1.2.3");
    // The code host's own report comes later, in a repository of its own.
    let run = |attempt: u64| json!({ "job_full_name": "acme/api/CI", "build_number": 42, "attempt": attempt, "result": "success" });
    assert_eq!(post("/v1/builds?integration=github", &run(1)), 202);
    host.processed();
    let id = |attempt: u64| format!("build:github:acme/api/CI/42/{attempt}");
    assert_eq!(entity(&host, &id(1))["artifacts"].as_array().unwrap().len(), 2);
    assert_eq!(entity(&host, "artifact:github:sha256:ab")["build"], json!({ "key": "acme/api/CI/42/1" }));
    assert_eq!(post("/v1/cicd/push_job_run_params", &parameters), 202);
    host.processed();
    assert_eq!(entity(&host, &id(1))["parameters"][0]["value"], "prod");
    // A newer attempt takes over what names none.
    assert_eq!(post("/v1/builds?integration=github", &run(2)), 202);
    host.processed();
    let (first, second) = (entity(&host, &id(1)), entity(&host, &id(2)));
    assert_eq!((&first["parameters"], &first["artifacts"]), (&Value::Null, &Value::Null));
    assert_eq!(second["parameters"][0]["name"], "env");
    assert_eq!(second["artifacts"].as_array().unwrap().len(), 2);
    assert_eq!(hits(&host, "kind:build"), 2);
    assert_eq!(post("/v1/cicd/push_artifacts", &json!({ "repository": "acme/api" })), 422);
    host.stop();
}

#[test]
fn results_of_scanners_and_rows_of_tables_are_kept_and_found() {
    let (_weir, host) = host("");
    let scan = json!({ "tool": "brakeman", "version": "1", "labels": { "env": ["prod"] }, "successful": true, "results": { "high": 2 } });
    assert_eq!(host.client().post("/sei/api/v1/plugins/results", scan.to_string().as_bytes()).status, 202);
    let rows = r#"{"data": [{"id": "r1", "cost": 1.5}, 7, {"id": "r2", "cost": 2}]}"#;
    let answer = host.client().post("/sei/api/v2/external-data/my%20costs/ingestions", rows.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let job = answer.json();
    assert_eq!((&job["valid"], &job["total"], &job["state"]), (&json!(2), &json!(3), &json!("COMPLETED_WITH_ERRORS")));
    assert_eq!(
        job["errors"][0],
        json!({ "row": 1, "column": null, "code": "WRONG_TYPE", "message": "a row is an object of columns" })
    );
    assert_eq!(host.client().post("/v2/external-data/x/ingestions", b"{\"rows\": []}").status, 400);
    host.processed();
    assert_eq!(hits(&host, "kind:scan-result attr.scan.results.high:2"), 1);
    assert_eq!(hits(&host, "kind:custom-my-costs"), 2);
    assert_eq!(entity(&host, "custom-my-costs:push:my costs/r1")["attributes"]["row.cost"], 1.5);
    host.stop();
}

#[test]
fn the_old_schemes_of_keys_open_the_door() {
    let weir = Weir::new("require_keys = true\n");
    let key = |scope: &str| weir.json(&["key", "create", scope, "--scope", scope])["key"].as_str().unwrap().to_owned();
    let (ingest, read) = (key("ingest"), key("read"));
    let host = weir.run();
    let body = envelope("JenkinsPluginJobRunComplete", &report(1));
    let ask = |authorization: &str| {
        let client = host.client().with("Authorization", authorization);
        client.post("/v1/generic-requests", body.as_bytes())
    };
    for scheme in ["Apikey", "ApiKey", "APIKEY", "apikey", "Bearer"] {
        assert_eq!(ask(&format!("{scheme} {ingest}")).status, 200, "{scheme}");
    }
    let refused = ask(&format!("Apikey {read}"));
    assert_eq!((refused.status, refused.text().contains(&read)), (403, false));
    assert_eq!(ask("Apikey weir_0123_4567").status, 401);
    assert_eq!(host.client().post("/v1/custom-cicd", body.as_bytes()).status, 401);
    host.stop();
}

#[test]
fn what_was_answered_is_there_after_a_loss_of_power() {
    let weir = Weir::new("");
    for number in 1..=3 {
        let host = weir.run();
        let files = zipped(&[(LOG, b"console text")]);
        let json = envelope("JenkinsPluginJobRunComplete", &report(number));
        let bodies: [(&str, &[u8]); 2] = [("json", json.as_bytes()), ("file", &files)];
        assert_eq!(post_parts(&host.client(), "/v1/generic-requests/multipart", "mixed", &bodies).status, 200);
        let run = custom(|run| run["execution_id"] = json!(number));
        assert_eq!(host.client().post("/v1/custom-cicd", run.as_bytes()).status, 202);
        host.kill();
    }
    let host = weir.run();
    until("all that was answered", || hits(&host, "kind:build") == 6);
    assert_eq!(host.processed()["accepted"], 9);
    host.stop();
}

#[test]
fn what_is_sent_beside_a_connector_stays_apart_from_its_records() {
    let github = "[[integration]]\nname = \"gh\"\nplugin = \"connector-github\"\naliases = [\"155\", \"guid-2\"]\n\
        settings = { repositories = [\"acme/api\"] }\n[integration.webhook]\nscheme = \"none\"\n";
    let (_weir, host) = host(github);
    assert_eq!(host.client().post("/v1/custom-cicd", custom(|_| ()).as_bytes()).status, 202);
    let pushed = json!({ "integration_id": 155, "repository": "acme/api", "job_run_number": "1", "job_name": "CI", "params": [] });
    assert_eq!(host.client().post("/v1/cicd/push_job_run_params", pushed.to_string().as_bytes()).status, 202);
    host.processed();
    assert_eq!(entity(&host, "build:gh:guid-2/shop/deploy/run-1/1")["result"], "success");
    assert_eq!(hits(&host, "kind:run-addition integration:gh"), 1);
    host.stop();
}

#[test]
fn a_satellite_is_taken_over_without_its_secrets_in_the_open() {
    use std::os::unix::fs::PermissionsExt;
    let weir = Weir::new("");
    let satellite = "satellite:: {tenant: acme, api_key: SATELLITE-KEY, url: \"https://host\", proxy: {host: h}}\nintegrations:\n\
        - {id: 1, application: jira, url: \"https://jira.acme.example\", username: ana, api_key: JIRA-KEY, satellite: true}\n\
        - {id: '2', application: rally, url: \"https://rally\", api_key: RALLY-KEY}\n";
    weir.write("satellite.yml", satellite);
    let answer = weir.command(&["init", "new/taken.toml", "--from-satellite", "satellite.yml"]);
    assert_eq!(answer.code, 2, "the folder is not there: {}", answer.stderr);
    std::fs::create_dir(weir.path("other")).unwrap();
    let answer = weir.command(&["init", "other/taken.toml", "--from-satellite", "satellite.yml"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    for told in ["no connector for `rally`", "satellite.proxy.host", "satellite.api_key"] {
        assert!(answer.stderr.contains(told), "{}", answer.stderr);
    }
    let text = std::fs::read_to_string(weir.path("other/taken.toml")).unwrap();
    assert!(text.contains("# - satellite.proxy.host") && !text.contains("-KEY"), "{text}");
    assert!(!answer.stderr.contains("-KEY") && !answer.stdout.contains("-KEY"));
    let secret = weir.path("other/secrets/jira.secret");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "JIRA-KEY");
    assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let again = weir.command(&["init", "other/taken.toml", "--from-satellite", "satellite.yml"]);
    assert_eq!(again.code, 2, "a file that is there is not written over");
    weir.write("encrypted.yml", "U2FsdGVkX19abcdef=");
    let refused = weir.command(&["init", "x.toml", "--from-satellite", "encrypted.yml"]);
    assert_eq!((refused.code, refused.stderr.contains("encrypted")), (2, true), "{}", refused.stderr);
}

/// The resources of the plugin's own tests, where they are at hand.
#[test]
fn what_the_plugin_reads_in_its_own_tests_is_what_it_is_told() {
    let Some(folder) = weir_tests::shared("jenkins") else {
        return println!("skipped: the plugin's resources are not here");
    };
    let folder = folder.join("propelo-plugin");
    let model: Value =
        serde_json::from_slice(&std::fs::read(folder.join("models/CheckRunbookRunsStatusResponse.json")).unwrap())
            .unwrap();
    let states: Value = serde_json::from_str(model["payload"].as_str().unwrap()).unwrap();
    let ids: Vec<&Value> = states.as_array().unwrap().iter().map(|state| &state["run_id"]).collect();
    let (_weir, host) = host("");
    let asked = envelope("RunbookRunsStatusCheckRequest", &json!({ "run_ids": ids }));
    let answer =
        reply(&host.client().post("/v1/generic-requests", asked.as_bytes()), model["response_type"].as_str().unwrap());
    assert_eq!(answer.as_array().unwrap().len(), ids.len());
    // Artifacts as the plugin finds them in a job, put into a report as it does.
    let mut sent = 0;
    for file in weir_tests::files_below(&folder.join("artifacts"), "json") {
        let manifest: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let artifacts = manifest.get("artifacts").cloned().unwrap_or_else(|| json!([manifest["artifact"]]));
        sent += 1;
        let mut run = report(sent);
        run["artifacts"] = artifacts;
        reply(
            &host.client().post("/v1/generic-requests", envelope("JenkinsPluginJobRunComplete", &run).as_bytes()),
            "JenkinsPluginJobRunCompleteResponse",
        );
    }
    host.processed();
    assert_eq!((sent, hits(&host, "kind:artifact")), (3, 2), "two name one digest, one is incomplete");
    host.stop();
}

#[test]
fn a_build_that_asks_for_clearance_is_let_pass_or_stopped() {
    let (weir, host) = host(
        r#"
        [[rule]]
        name = "freeze"
        gates = ["clearance"]
        [[rule.do]]
        if = "build.job == 'deploy' and build.parameters.env == 'prod'"
        stop = "{{ build.user }} must wait: prod is frozen"
        "#,
    );
    let asked = |job: &str| {
        let params = json!([
            { "type": "StringParameterValue", "name": "env", "value": "prod" },
            { "type": "StringParameterValue", "name": "api_token", "value": "hunter2" },
        ]);
        let payload =
            json!({ "job_name": job, "user_id": "viraj", "job_run_params": params, "upstream_job_run": null });
        let body = envelope("JenkinsPluginJobRunClearanceRequest", &payload);
        let answer = host.client().post("/v1/generic-requests", body.as_bytes());
        reply(&answer, "JenkinsPluginJobRunClearanceResponse")["run_ids"].clone()
    };
    let states = |ids: &Value| {
        let body = envelope("RunbookRunsStatusCheckRequest", &json!({ "run_ids": ids }));
        let answer = host.client().post("/v1/generic-requests", body.as_bytes());
        reply(&answer, "RunbookRunsStatusCheckResponse")
    };
    let (deploy, test) = (asked("deploy"), asked("test"));
    let stopped = states(&deploy);
    assert_eq!(stopped[0]["run_id"], deploy[0]);
    assert_eq!(
        (&stopped[0]["state"], &stopped[0]["output"]["stop_build"]["value"]),
        (&json!("success"), &json!("true"))
    );
    assert_eq!(stopped[0]["output"]["result"]["value"], "viraj must wait: prod is frozen");
    let passed = states(&test);
    assert_eq!((&passed[0]["state"], &passed[0]["output"].get("stop_build")), (&json!("success"), &None));
    let unknown = json!(["nobody", "0190b3a0-0000-7000-8000-000000000000"]);
    assert!(states(&unknown).as_array().unwrap().iter().all(|state| state["state"] == "failure"));
    let runs = weir.json(&["propel", "runs", "--propel", "freeze"]).to_string();
    assert!(runs.contains("frozen") && !runs.contains("hunter2"), "{runs}");
    host.stop();
}
