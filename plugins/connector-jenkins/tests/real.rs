//! Answers of real Jenkins: each is read, or what keeps it from being read has a name. Skipped, aloud, where there are none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]
#![allow(clippy::print_stdout, reason = "what is skipped is told")]

mod acme;

use std::collections::BTreeMap;
use std::path::Path;

use connector_jenkins::Jenkins;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use weir_sdk::mock;
use weir_sdk::outcome::Outcome;
use weir_sdk::record::RawRecord;

const CONTEXT: &str = r#"{"system": "ci.example", "job": "Team/api", "path": "/job/Team/job/api"}"#;

fn outcome(dataset: &str, payload: &str) -> Outcome {
    let record = RawRecord { context: Some(CONTEXT.to_owned()), ..RawRecord::upsert("Team/api/1", payload) };
    mock::normalize::<Jenkins>(dataset, acme::SETTINGS, &[record]).unwrap().remove(0)
}

/// The records a file holds, by dataset: answers come alone, in lists, or within the answer about a list.
fn records(json: &Value) -> Vec<(&'static str, Value)> {
    let is_node = |item: &Value| item.get("edges").is_some() && item.get("displayName").is_some();
    match json {
        Value::Array(items) if items.first().is_some_and(is_node) => vec![("stages", json.clone())],
        Value::Array(items) => items.iter().flat_map(records).collect(),
        Value::Object(fields) if fields.contains_key("stages") => vec![("stages", json.clone())],
        Value::Object(fields) if fields.contains_key("inQueueSince") => vec![("queue", json.clone())],
        Value::Object(fields) if fields.contains_key("building") => vec![("builds", json.clone())],
        Value::Object(fields) => fields.get("items").map(records).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// How many records of each dataset, and what became of them.
fn tally(folder: &Path, end: &str) -> String {
    let mut lines: BTreeMap<String, u32> = BTreeMap::new();
    for path in weir_recordings::files_below(folder, end) {
        let text = std::fs::read_to_string(&path).unwrap();
        let found = serde_json::from_str(&text).map(|json| records(&json));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match found {
            Err(_) => *lines.entry(format!("no JSON: {name}")).or_default() += 1,
            Ok(found) if found.is_empty() => *lines.entry(format!("about something else: {name}")).or_default() += 1,
            Ok(found) => {
                for (dataset, record) in found {
                    for line in fates(dataset, &outcome(dataset, &record.to_string())) {
                        *lines.entry(line).or_default() += 1;
                    }
                }
            }
        }
    }
    lines.iter().map(|(line, n)| format!("{n} {line}\n")).collect()
}

fn fates(dataset: &str, outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Ignored(reason) => vec![format!("{dataset} ignored: {reason}")],
        Outcome::Rejected(findings) => vec![format!("{dataset} refused: {}", findings[0].code)],
        Outcome::Produced(produced) => {
            let entities = produced.entities.iter().map(|entity| format!("{dataset} -> {}", entity.kind));
            let findings = produced.diagnostics.iter().map(|finding| {
                format!("{dataset} finding: {} {}", finding.code, finding.found.as_deref().unwrap_or_default())
            });
            entities.chain(findings).collect()
        }
    }
}

fn check(folder: &str, expected: &Expect) {
    if let Some(folder) = weir_recordings::shared(folder) {
        expected.assert_eq(&tally(&folder, ".json"));
    }
}

#[test]
fn answers_of_the_remote_api_and_stage_view() {
    check(
        "jenkins/rest",
        &expect![[r"
        1 about something else: 01_expected_modelData.json
        1 about something else: 01_expected_modelData_small_groups.json
        1 about something else: 01_run_changeset_post_model.json
        1 about something else: 01_run_changeset_pre_model.json
        1 about something else: 02_expected_modelData.json
        1 about something else: 03_expected_modelData.json
        1 about something else: 05_expected_modelData.json
        1 about something else: 06_expected_modelData.json
        1 about something else: api-token.json
        1 about something else: checkpoint_resumed_stage_description.json
        1 about something else: computer.json
        1 about something else: input-model-01.json
        1 about something else: input-model-02.json
        1 about something else: job-info.json
        1 about something else: jobsInJenkinsFolder.json
        1 about something else: jobsInRootFolder.json
        1 about something else: overall-load.json
        1 about something else: pipeline-node.json
        1 about something else: pipelineNodeLog.json
        1 about something else: plugins.json
        1 about something else: user.json
        4 builds -> build
        1 builds -> commit
        9 queue -> build
        13 stages -> build
        10 stages ignored: jenkins.stages.none
    "]],
    );
}

#[test]
fn answers_of_blue_ocean() {
    check(
        "jenkins/blueocean",
        &expect![[r"
        1 about something else: branches-1.json
        1 about something else: favorites-1.json
        1 about something else: multibranch-1.json
        1 about something else: pipeline-1.json
        1 about something else: pipelines-1.json
        1 about something else: stages-with-null-children.json
        1 about something else: user-1.json
        6 stages -> build
    "]],
    );
}

#[test]
fn a_build_without_the_classes_jenkins_has_had_since_2_0() {
    let Some(file) = weir_recordings::shared("jenkins/rest/jenkins-rest/build-info.json") else { return };
    let text = std::fs::read_to_string(file).unwrap();
    let found = mock::describe(&outcome("builds", &text));
    for fact in [r#""kind":"manual""#, r#"{"name":"bear","value":"true","withheld":false}"#, r#""result":"success""#] {
        assert!(found.contains(fact), "{fact} is not in {found}");
    }
    let mut cut: Value = serde_json::from_str(&text).unwrap();
    cut["result"] = json!(null);
    cut["building"] = json!(null);
    assert!(mock::describe(&outcome("builds", &cut.to_string())).contains(r#""state":"running""#));
}
