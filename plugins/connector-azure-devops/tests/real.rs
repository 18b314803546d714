//! Answers and deliveries of the real API, as others recorded them: each is read, ignored or refused with a reason.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use connector_azure_devops::AzureDevOps;
use expect_test::expect;
use serde_json::{Value, json};
use weir_sdk::mock;
use weir_sdk::model::Timestamp;
use weir_sdk::outcome::Outcome;
use weir_sdk::record::RawRecord;
use weir_sdk::webhook::{Decoded, Delivery};

fn became(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Produced(produced) => {
            let odd: String = produced.diagnostics.iter().map(|odd| format!(", odd {}", odd.code)).collect();
            format!("read{odd}")
        }
        Outcome::Ignored(reason) => format!("ignored: {reason}"),
        Outcome::Rejected(findings) => format!("refused: {}", findings[0].code),
    }
}

/// How many became what.
#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn count(&mut self, became: String) {
        *self.0.entry(became).or_default() += 1;
    }

    /// Normalises the elements of a body, or the body where it is no list.
    fn body(&mut self, dataset: &str, body: &Value) {
        let items = body.as_array().or_else(|| body["value"].as_array()).cloned();
        let items = items.unwrap_or_else(|| vec![body.clone()]);
        let context = json!({"project": "Web", "repository": "api", "pull": 1, "build": 12});
        let record = |item: &Value| RawRecord::upsert("k", item.to_string()).context(&context);
        let records: Vec<_> = items.iter().map(record).collect();
        for outcome in mock::normalize::<AzureDevOps>(dataset, "{}", &records).unwrap() {
            self.count(format!("{dataset} {}", became(&outcome)));
        }
    }

    fn lines(&self) -> String {
        self.0.iter().map(|(became, n)| format!("{became}: {n}\n")).collect()
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap_or_default()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn answers_of_go_scm_and_faros() {
    let mut tally = Tally::default();
    for folder in ["scm/go-scm/azure", "faros/azurepipeline/test_files"] {
        let Some(folder) = weir_recordings::shared(folder) else { return };
        let files = weir_recordings::files_below(&folder, ".json");
        for file in files.iter().filter(|file| file.parent() == Some(&folder)) {
            match file_name(file).as_str() {
                "repo.json" | "repos.json" => tally.body("repositories", &json(file)),
                "commit.json" | "commits.json" => tally.body("commits", &json(file)),
                "pr.json" => tally.body("pulls", &json(file)),
                "builds.json" | "builds_eligible_for_coverage.json" => tally.body("builds", &json(file)),
                other => tally.count(format!("not collected: {other}")),
            }
        }
    }
    expect![[r"
        builds read, odd builds.status: 4
        commits read: 4
        not collected: branch_create.json: 1
        not collected: branches.json: 1
        not collected: branches_filter.json: 1
        not collected: builds_coverage.json: 1
        not collected: compare.json: 1
        not collected: content.json: 1
        not collected: content_create.json: 1
        not collected: content_delete.json: 1
        not collected: content_list.json: 1
        not collected: content_update.json: 1
        not collected: hook.json: 1
        not collected: hooks.json: 1
        not collected: pipelines.json: 1
        not collected: projects.json: 1
        not collected: releases.json: 1
        not collected: runs.json: 1
        not collected: tags.json: 1
        pulls read: 1
        repositories read: 3
    "]]
    .assert_eq(&tally.lines());
}

/// DevLake keeps what its API client was answered; nothing of what it makes of it is published.
#[test]
fn answers_of_devlake() {
    let Some(folder) = weir_recordings::shared("devlake-raw/azuredevops_go") else { return };
    let mut tally = Tally::default();
    let tables = [("builds", "builds"), ("pull_requests", "pulls"), ("pull_request_commits", "pull-commits")];
    for (table, dataset) in tables {
        for row in weir_recordings::csv(&folder.join(format!("_raw_azuredevops_go_api_{table}.csv"))) {
            tally.body(dataset, &serde_json::from_str(&row["data"]).unwrap());
        }
    }
    let rows = weir_recordings::csv(&folder.join("_raw_azuredevops_go_api_timeline_records.csv"));
    let records: Vec<Value> = rows.iter().map(|row| serde_json::from_str(&row["data"]).unwrap()).collect();
    tally.body("build-timelines", &json!({"id": "t", "records": records}));
    expect![[r"
        build-timelines read: 1
        builds read: 7
        pull-commits read: 1
        pulls read: 1
    "]]
    .assert_eq(&tally.lines());
}

#[test]
fn deliveries_of_go_scm_and_liatrio() {
    let mut lines = String::new();
    for folder in ["scm/go-scm/azure/webhooks", "otel/liatrio/receiver/azuredevopsreceiver/testdata"] {
        let Some(folder) = weir_recordings::shared(folder) else { return };
        for file in weir_recordings::files_below(&folder, ".json") {
            let body = std::fs::read(&file).unwrap();
            let delivery =
                Delivery { headers: Vec::new(), query: Vec::new(), body, received_at: Timestamp::from_ms(0) };
            let mut parts = Vec::new();
            match mock::decode::<AzureDevOps>("{}", &delivery) {
                Ok(Decoded::Accepted(accepted)) => {
                    for batch in &accepted.batches {
                        let outcomes = mock::normalize::<AzureDevOps>(&batch.dataset, "{}", &batch.records).unwrap();
                        parts.extend(outcomes.iter().map(|outcome| format!("{} {}", batch.dataset, became(outcome))));
                    }
                    parts.extend(accepted.refresh.iter().map(|dataset| format!("refresh {dataset}")));
                }
                other => parts.push(format!("{other:?}")),
            }
            writeln!(lines, "{}: {}", file_name(&file), parts.join(", ")).unwrap();
        }
    }
    expect![[r"
        issue_comment.json: pulls read, refresh pulls
        issue_comment_delete.json: pulls read, refresh pulls
        issue_comment_edit.json: pulls read, refresh pulls
        pr_created.json: pulls read, refresh pulls
        pr_merged.json: pulls read, refresh pulls
        pr_updated.json: pulls read, refresh pulls
        push.json: refresh commits
        example-job-event.json: refresh builds
        example-pipeline-event.json: refresh builds
        example-stage-event.json: refresh builds
    "]]
    .assert_eq(&lines);
}
