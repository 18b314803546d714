//! The conformance examples of `CDEvents`, and spans as collectors make them of runs of real tools.

#![expect(clippy::unwrap_used, reason = "a test fails by these")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use expect_test::expect;
use serde_json::{Map, Value};
use weir_model::{Diagnostic, IntegrationName, RawRecord};
use weir_recordings::{files_below, shared};
use weir_stages::normalise::otlp::{Signal, count};
use weir_stages::normalise::{Arrival, Format, Outcome, native, record_key};

fn integration() -> IntegrationName {
    "shared".parse().unwrap()
}

/// One line: what became of a record, and what was wrong with it.
fn fate(format: Format, bytes: &[u8]) -> String {
    let read = native(format, &RawRecord::upsert("k", None, bytes), Arrival::default());
    let outcome = match read.outcome {
        Outcome::Produced(all) if all.is_empty() => "withdraws".to_owned(),
        Outcome::Produced(all) => {
            all.iter().map(|part| part.id(&integration()).to_string()).collect::<Vec<_>>().join(" + ")
        }
        Outcome::Ignored(reason) => format!("ignored: {reason}"),
        Outcome::Rejected => "rejected".to_owned(),
    };
    read.diagnostics.iter().fold(outcome, |line, diagnostic| line + &noted(diagnostic))
}

fn noted(diagnostic: &Diagnostic) -> String {
    format!(" ! {} {}", diagnostic.code, diagnostic.found.as_deref().unwrap_or_default())
}

fn name(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_conformance_example_is_read() {
    let Some(folder) = shared("cdevents/spec/conformance") else { return };
    let mut lines = String::new();
    for file in files_below(&folder, ".json") {
        let line = fate(Format::CdEvents, &std::fs::read(&file).unwrap());
        writeln!(lines, "{} {}", name(&file), line.replace("/event/source/123", "~")).unwrap();
    }
    expect![[r"
        approval_closed.json approval:shared:approval/~/approval-123
        approval_created.json approval:shared:approval/~/approval-123
        approval_updated.json approval:shared:approval/~/approval-123
        artifact_deleted.json artifact:shared:pkg:golang/mygit.com/myorg/myapp@234fd47e07d1004f0aed9c
        artifact_downloaded.json artifact:shared:pkg:golang/mygit.com/myorg/myapp@234fd47e07d1004f0aed9c
        artifact_packaged.json artifact:shared:pkg:golang/mygit.com/myorg/myapp@234fd47e07d1004f0aed9c
        artifact_published.json artifact:shared:pkg:golang/mygit.com/myorg/myapp@234fd47e07d1004f0aed9c
        artifact_signed.json artifact:shared:pkg:golang/mygit.com/myorg/myapp@234fd47e07d1004f0aed9c
        branch_created.json repository:shared:repository/https://example.org/TestRepo/TestOrg
        branch_deleted.json repository:shared:repository/https://example.org/TestRepo/TestOrg
        build_finished.json build:shared:build/~/mySubject123 + artifact:shared:sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427
        build_queued.json build:shared:build/~/mySubject123
        build_started.json build:shared:build/~/mySubject123
        change_abandoned.json change:shared:change/~/mySubject123
        change_created.json change:shared:change/~/mySubject123
        change_merged.json change:shared:change/~/mySubject123
        change_reviewed.json change:shared:change/~/mySubject123 + review:shared:change/~/mySubject123/271069a8-fc18-44f1-b38f-9d70a1695819
        change_updated.json change:shared:change/~/mySubject123
        environment_created.json environment:shared:environment/~/mySubject123
        environment_deleted.json withdraws
        environment_modified.json environment:shared:environment/~/mySubject123
        domainid.json rejected ! cdevents.type 
        incident_detected.json incident:shared:incident//monitoring/prod1/incident-123
        incident_reported.json incident:shared:incident//monitoring/prod1/incident-123
        incident_resolved.json incident:shared:incident//monitoring/prod1/incident-123
        pipelinerun_finished.json build:shared:pipelinerun/~/mySubject123
        pipelinerun_queued.json build:shared:pipelinerun/~/mySubject123
        pipelinerun_started.json build:shared:pipelinerun/~/mySubject123
        repository_created.json repository:shared:repository/~/mySubject123
        repository_deleted.json withdraws
        repository_modified.json repository:shared:repository/~/mySubject123
        service_deployed.json deployment:shared:271069a8-fc18-44f1-b38f-9d70a1695819
        service_published.json service:shared:service/~/mySubject123
        service_removed.json deployment:shared:271069a8-fc18-44f1-b38f-9d70a1695819
        service_rolledback.json deployment:shared:271069a8-fc18-44f1-b38f-9d70a1695819
        service_upgraded.json deployment:shared:271069a8-fc18-44f1-b38f-9d70a1695819
        taskrun_finished.json build:shared:pipelinerun/~/mySubject123
        taskrun_started.json build:shared:pipelinerun/~/mySubject123
        testcaserun_finished.json test-report:shared:testcaserun/~/myTestCaseRun123
        testcaserun_queued.json test-report:shared:testcaserun/~/myTestCaseRun123
        testcaserun_skipped.json test-report:shared:testsuiterun/testkube-dev-123/test-suite-111
        testcaserun_started.json test-report:shared:testcaserun/~/myTestCaseRun123
        testoutput_published.json test-report:shared:testcaserun/testkube-dev-123/myTestCaseRun123
        testsuiterun_finished.json test-report:shared:testsuiterun/~/myTestSuiteRun123
        testsuiterun_queued.json test-report:shared:testsuiterun/~/myTestSuiteRun123
        testsuiterun_started.json test-report:shared:testsuiterun/~/myTestSuiteRun123
        ticket_closed.json work-item:shared:ticket//ticketing/system/ticket-123
        ticket_created.json work-item:shared:ticket//ticketing/system/ticket-123
        ticket_updated.json work-item:shared:ticket//ticketing/system/ticket-123
    "]].assert_eq(&lines);
}

/// The examples are of the newest release; older ones differ in names.
#[test]
fn every_example_is_read_as_older_releases_write_it() {
    let Some(folder) = shared("cdevents/spec/conformance") else { return };
    for file in files_below(&folder, ".json") {
        let text = std::fs::read_to_string(&file).unwrap();
        if !text.contains("\"subject\"") {
            continue;
        }
        let old = text
            .replace("\"specversion\": \"0.6.0-draft\"", "\"version\": \"0.1.2\"")
            .replace("\"chainId\"", "\"chain_id\"")
            .replace("\"uri\": \"https://www.example.com", "\"url\": \"https://www.example.com")
            .replace("\"uri\": \"https://example.org", "\"url\": \"https://example.org")
            .replace(".0.3.0\"", ".0.1.1\"")
            .replace(".0.2.0\"", ".0.1.0\"")
            .replace("\"subject\": {", "\"subject\": {\"type\": \"any\",");
        let plain = |text: &str| fate(Format::CdEvents, text.as_bytes());
        let (old_key, key) = (key(&old), key(&text));
        assert_eq!((plain(&old), old_key), (plain(&text), key), "{}", file.display());
    }
}

fn key(text: &str) -> String {
    let payload: Map<String, Value> = serde_json::from_str(text).unwrap();
    record_key(Format::CdEvents, &payload).unwrap().key
}

/// Every field that a schema of the newest release knows is one we know, and the other way round for required ones.
#[test]
fn every_field_of_every_schema_is_known() {
    let Some(folder) = shared("cdevents/spec/schemas") else { return };
    let mut n_types = 0;
    for file in files_below(&folder, ".json") {
        let schema: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let properties = &schema["properties"];
        let kind = &properties["context"]["properties"]["type"]["enum"][0];
        let Some(kind) = kind.as_str().filter(|kind| kind.starts_with("dev.cdevents.")) else { continue };
        let content =
            properties["subject"]["properties"]["content"]["properties"].as_object().cloned().unwrap_or_default();
        let content: Map<String, Value> = content.into_iter().map(|(field, _)| (field, Value::Null)).collect();
        let event = serde_json::json!({
            "context": { "specversion": "0.6.0", "id": "1", "source": "s", "type": kind, "timestamp": "2026-01-01T00:00:00Z" },
            "subject": { "id": "x", "content": content },
        });
        let read = native(Format::CdEvents, &RawRecord::upsert("k", None, event.to_string()), Arrival::default());
        let unknown: Vec<String> = read
            .diagnostics
            .iter()
            .map(noted)
            .filter(|line| line.contains("unknown-field") || line.contains("version"))
            .collect();
        assert!(unknown.is_empty() && !matches!(read.outcome, Outcome::Ignored(_)), "{kind}: {unknown:?}");
        n_types += 1;
    }
    assert_eq!(n_types, 48);
}

#[test]
fn spans_of_github_runs_become_one_build() {
    let Some(folder) = shared("otel/liatrio/receiver/githubreceiver/testdata") else { return };
    let mut lines = String::new();
    for file in ["workflow-run-expected.yaml", "workflow-job-expected.yaml"] {
        let body = yaml(&std::fs::read_to_string(folder.join(file)).unwrap()).to_string();
        let read = native(Format::Otlp, &RawRecord::upsert("k", None, body.as_str()), Arrival::default());
        let Outcome::Produced(all) = read.outcome else { panic!("{:?}", read.outcome) };
        for part in all {
            writeln!(lines, "{} {}", part.id(&integration()), part.entity.to_json()).unwrap();
        }
        assert_eq!(read.diagnostics, []);
    }
    expect![[r#"
        build:shared:731ec8a47fd7450f753a812a4a8aa5a0 {"attempt":13,"job":"build-and-test","url":"https://github.com/open-telemetry/open-telemetry-otel-collector/actions/runs/14460881260","state":"finished","result":"failure","result_word":"failure","triggers":[{"kind":{"unknown":"sender"},"person":{"name":"renovate[bot]"}}],"checkouts":[{"repository":{"name":"open-telemetry-otel-collector"},"branch":"renovate/major-tool-deps","commit":"6077d805b0fc49f65e6dbaefc2d1fc9b4f92aa4e"}],"started_at":"2025-04-16T21:08:53.000Z","finished_at":"2025-04-16T21:10:27.000Z","duration":94000,"attributes":{"otel.run":"14460881260","otel.service":"otel-collector","otel.trace":"731ec8a47fd7450f753a812a4a8aa5a0"}}
        build:shared:731ec8a47fd7450f753a812a4a8aa5a0 {"checkouts":[{"repository":{"name":"open-telemetry-otel-collector"},"branch":"renovate/major-tool-deps","commit":"6077d805b0fc49f65e6dbaefc2d1fc9b4f92aa4e"}],"stages":[{"key":"e68a36b3514c8634","parent":"aba151af7cfbcf0f","name":"test (1.23)","kind":"job","state":"finished","result":"success","result_word":"success","started_at":"2025-04-16T21:09:02.000Z","finished_at":"2025-04-16T21:10:23.000Z","duration":81000,"worker":"GitHub Actions 320","url":"https://github.com/open-telemetry/open-telemetry-otel-collector/actions/runs/14460881260/job/40685651258"},{"key":"d328504edfc4f5dc","parent":"e68a36b3514c8634","name":"queue-test (1.23)","kind":"step","state":"finished","started_at":"2025-04-16T21:08:58.000Z","finished_at":"2025-04-16T21:09:03.000Z","duration":5000},{"key":"103b52e85d34ae1c","parent":"d328504edfc4f5dc","name":"Set up job","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-04-16T21:09:02.000Z","finished_at":"2025-04-16T21:09:04.000Z","duration":2000},{"key":"b0a2cdd89199b9a5","parent":"d328504edfc4f5dc","name":"Run actions/checkout@v4","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-04-16T21:09:04.000Z","finished_at":"2025-04-16T21:09:05.000Z","duration":1000},{"key":"c04460ffd6bf3917","parent":"d328504edfc4f5dc","name":"Set up Go","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-04-16T21:09:05.000Z","finished_at":"2025-04-16T21:09:05.000Z","duration":0},{"key":"1684627ec86a096c","parent":"d328504edfc4f5dc","name":"Make test-all","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-04-16T21:09:06.000Z","finished_at":"2025-04-16T21:10:20.000Z","duration":74000},{"key":"25aeeca484f9f7e5","parent":"d328504edfc4f5dc","name":"Upload coverage to Codecov","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-04-16T21:10:20.000Z","finished_at":"2025-04-16T21:10:23.000Z","duration":3000},{"key":"0715a13bb338e46e","parent":"d328504edfc4f5dc","name":"Post Set up Go","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-04-16T21:10:23.000Z","finished_at":"2025-04-16T21:10:23.000Z","duration":0},{"key":"e231dce10420723b","parent":"d328504edfc4f5dc","name":"Post Run actions/checkout@v4","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-04-16T21:10:25.000Z","finished_at":"2025-04-16T21:10:25.000Z","duration":0},{"key":"bb94c07ba3717632","parent":"d328504edfc4f5dc","name":"Complete job","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-04-16T21:10:23.000Z","finished_at":"2025-04-16T21:10:23.000Z","duration":0}]}
    "#]].assert_eq(&lines);
}

/// What is no body of spans is refused or ignored, each with its reason.
#[test]
fn every_other_file_has_an_outcome() {
    let Some(folder) = shared("otel/liatrio") else { return };
    let mut tally: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files_below(&folder, ".json").into_iter().chain(files_below(&folder, ".yaml")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let is_yaml = file.extension().is_some_and(|end| end == "yaml");
        let body = if is_yaml { yaml(&text).to_string() } else { text };
        let mut line = fate(Format::Otlp, body.as_bytes());
        for (signal, what) in [(Signal::Metrics, "data points"), (Signal::Logs, "log records")] {
            let items = count(signal, body.as_bytes()).map_or(0, |counted| counted.items);
            if items > 0 {
                line = format!("refused: {what}");
            }
        }
        tally.entry(line).or_default().push(name(&file));
    }
    let lines: String =
        tally.iter().map(|(line, files)| format!("{} {line}: {}\n", files.len(), files.join(" "))).collect();
    expect![[r"
        2 build:shared:731ec8a47fd7450f753a812a4a8aa5a0: workflow-job-expected.yaml workflow-run-expected.yaml
        1 ignored: otlp.no-pipeline: expected_no_projects.yaml
        8 refused: data points: expected_happy_path.yaml expected_happy_path.yaml expected_happy_path_with_team.yaml expected_no_repos.yaml expected_happy_path.yaml expected_happy_path.yaml expected_happy_path.yaml expected_no_modules.yaml
        4 refused: log records: expected_logs.yaml expected_logs_no_includes.yaml input_logs.yaml input_logs_missing_repo.yaml
        1 rejected ! otlp.payload bad kind of field: expected_no_projects.yaml
        21 rejected ! otlp.payload no list `resourceSpans`: blobContent.json deployment.json pipeline.json example-job-event.json example-pipeline-event.json example-stage-event.json 5_workflow_job_completed.json 8_workflow_run_completed.json 9_workflow_job_completed.json 1_workflow_job_queued.json 4_workflow_job_queued.json 1_workflow_run_requested.json 1_workflow_job_unknown.json workflow-job-completed.json workflow-run-completed.json config-invalidscraperkey.yaml config-noscrapers.yaml config-invalidscraperkey.yaml config-noscrapers.yaml config-invalidscraperkey.yaml config-noscrapers.yaml
    "]].assert_eq(&lines);
}

/// The little of YAML that expected spans are written in: nested maps and lists by indentation, plain and quoted texts.
fn yaml(text: &str) -> Value {
    let text = text.replace('\t', " ");
    let lines = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("---") && !line.trim_start().starts_with('#'));
    // A dash is the indentation of what it begins.
    let lines: Vec<(usize, &str)> =
        lines.map(|line| (line.len() - line.trim_start().len(), line.trim_start())).collect();
    block(&mut lines.into_iter().peekable(), 0)
}

type Lines<'a> = std::iter::Peekable<std::vec::IntoIter<(usize, &'a str)>>;

fn block(lines: &mut Lines<'_>, indent: usize) -> Value {
    match lines.peek().copied() {
        Some((at, line)) if at >= indent && (line.starts_with("- ") || line == "-") => list(lines, at),
        Some((at, _)) if at >= indent => map(lines, at, None),
        _ => Value::Null,
    }
}

fn list(lines: &mut Lines<'_>, indent: usize) -> Value {
    let mut all = Vec::new();
    while let Some((_, line)) = lines.next_if(|(at, line)| *at == indent && line.starts_with('-')) {
        let first = line[1..].trim_start();
        let inner = indent + (line.len() - first.len());
        all.push(if first.contains(": ") || first.ends_with(':') {
            map(lines, inner, Some(first))
        } else {
            scalar(first)
        });
    }
    Value::Array(all)
}

fn map(lines: &mut Lines<'_>, indent: usize, first: Option<&str>) -> Value {
    let mut object = Map::new();
    let mut next = first.map(|line| (indent, line)).or_else(|| lines.next());
    while let Some((_, line)) = next {
        let Some((key, rest)) = line.split_once(':') else { return scalar(line) };
        let value = if rest.trim().is_empty() { nested(lines, indent) } else { scalar(rest.trim()) };
        object.insert(key.trim_matches(['\'', '"']).to_owned(), value);
        next = lines.next_if(|(at, line)| *at == indent && !line.starts_with("- "));
    }
    Value::Object(object)
}

/// A list may stand as far left as the name it belongs to.
fn nested(lines: &mut Lines<'_>, indent: usize) -> Value {
    let is_list = lines.peek().is_some_and(|(at, line)| *at == indent && line.starts_with('-'));
    block(lines, if is_list { indent } else { indent + 1 })
}

fn scalar(text: &str) -> Value {
    if let Some(quoted) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return Value::String(quoted.to_owned());
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
