//! Bodies and deliveries of the real tool, as others recorded them: each is read, ignored by name or refused with a
//! reason, and none makes the connector panic.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;
use std::path::Path;

use connector_gitlab::GitLab;
use expect_test::expect;
use serde_json::{Value, json};
use weir_sdk::mock;
use weir_sdk::model::Timestamp;
use weir_sdk::outcome::Outcome;
use weir_sdk::record::RawRecord;
use weir_sdk::webhook::{Decoded, Delivery};

/// What became of how many.
#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn count(&mut self, became: String) {
        *self.0.entry(became).or_default() += 1;
    }

    fn lines(&self) -> String {
        self.0.iter().map(|(became, n)| format!("{became}: {n}\n")).collect()
    }

    fn records(&mut self, dataset: &str, records: &[RawRecord]) {
        for outcome in mock::normalize::<GitLab>(dataset, "{}", records).unwrap() {
            let codes = |findings: &[weir_sdk::outcome::Diagnostic]| {
                findings.iter().map(|finding| format!(" {}", finding.code)).collect::<String>()
            };
            self.count(match outcome {
                Outcome::Produced(produced) => format!("{dataset}: read{}", codes(&produced.diagnostics)),
                Outcome::Ignored(reason) => format!("{dataset}: {reason}"),
                Outcome::Rejected(findings) => format!("{dataset}: rejected{}", codes(&findings)),
            });
        }
    }

    fn delivery(&mut self, body: Vec<u8>) {
        let received_at = Timestamp::from_ms(1_750_000_000_000);
        let delivery = Delivery { headers: Vec::new(), query: Vec::new(), body, received_at };
        match mock::decode::<GitLab>("{}", &delivery) {
            Ok(Decoded::Accepted(accepted)) => {
                accepted.refresh.iter().for_each(|dataset| self.count(format!("refresh {dataset}")));
                for batch in accepted.batches {
                    let n_gone = batch.records.iter().filter(|record| record.payload.is_empty()).count();
                    (0..n_gone).for_each(|_| self.count(format!("{}: gone", batch.dataset)));
                    self.records(&batch.dataset, &batch.records);
                }
            }
            Ok(Decoded::Ignored(reason)) => self.count(reason),
            Ok(other) => self.count(format!("{other:?}")),
            Err(failure) => self.count(format!("refused {}: {}", failure.code, failure.message)),
        }
    }
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The dataset an object of the API belongs to, by the name of its file.
fn dataset(name: &str) -> Option<&'static str> {
    Some(match name {
        "project" | "repo" | "repos" | "repos_filter" => "projects",
        "members" | "project-users" => "members",
        "commit" | "commits" => "commits",
        "merge-request" | "merge" | "merges" | "merge_with_diffrefs" => "merge-requests",
        "merge-request-note" | "merge_note" | "merge_notes" | "note" => "notes",
        "approvals" => "approvals",
        "pipeline" => "pipelines",
        "job" => "jobs",
        "bridge" => "bridges",
        "deployment" => "deployments",
        "issue" | "issues" => "issues",
        "label-events" => "issue-labels",
        "release" | "releases" => "releases",
        "tag" | "tags" => "tags",
        _ => return None,
    })
}

fn objects(tally: &mut Tally, file: &Path) {
    let Some(dataset) = dataset(&name(file)) else { return };
    let body: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let items = body.as_array().cloned().unwrap_or_else(|| vec![body]);
    let context = json!({ "project": "acme/api", "merge_request": 1, "issue": 1 });
    let records: Vec<_> = items.iter().map(|item| RawRecord::upsert("k", item.to_string()).context(&context)).collect();
    tally.records(dataset, &records);
}

#[test]
fn objects_of_the_api() {
    let mut tally = Tally::default();
    for folder in ["gitlab/gitlab4j", "scm/go-scm/gitlab"] {
        let Some(folder) = weir_recordings::shared(folder) else { return };
        let files = weir_recordings::files_below(&folder, ".json");
        files
            .iter()
            .filter(|file| !file.to_string_lossy().contains("/webhooks/"))
            .for_each(|file| objects(&mut tally, file));
    }
    expect![[r"
        approvals: read: 1
        bridges: read: 1
        commits: read: 3
        deployments: read: 1
        issue-labels: read: 6
        issues: read: 3
        jobs: read: 1
        members: read: 5
        merge-requests: read: 4
        notes: gitlab.note.not-on-merge-request: 1
        notes: read: 3
        pipelines: read: 1
        projects: read: 4
        releases: read: 5
        tags: read: 3
    "]]
    .assert_eq(&tally.lines());
}

#[test]
fn deliveries() {
    let mut tally = Tally::default();
    let folders = ["gitlab/gitlab4j", "scm/go-scm/gitlab/webhooks", "otel/liatrio/processor/gitlabprocessor/testdata"];
    for folder in folders {
        let Some(folder) = weir_recordings::shared(folder) else { return };
        for file in weir_recordings::files_below(&folder, ".json") {
            let body = std::fs::read(file).unwrap();
            let json: Value = serde_json::from_slice(&body).unwrap_or_default();
            if json.get("object_kind").is_some() || json.get("event_name").is_some() {
                tally.delivery(body);
            }
        }
    }
    expect![[r"
        deployments: read: 2
        gitlab.event.group-rename: 1
        gitlab.event.key-destroy: 1
        gitlab.event.project-create: 1
        gitlab.event.repository-update: 1
        gitlab.event.user-add-to-group: 1
        gitlab.event.user-add-to-team: 1
        gitlab.event.user-failed-login: 1
        gitlab.event.user-rename: 1
        gitlab.event.user-update-for-group: 1
        gitlab.event.user-update-for-team: 1
        gitlab.event.wiki-page: 1
        gitlab.note.not-on-merge-request: 4
        gitlab.push.deleted: 2
        gitlab.work-item.of-group: 1
        issues: read: 6
        jobs: read: 14
        merge-requests: read: 9
        notes: read: 4
        pipelines: read: 4
        pushes: read: 6
        refresh commits: 6
        refresh tags: 3
        refused gitlab.delivery.incomplete: a delivery of `issue` has no `project`: 1
        refused gitlab.delivery.incomplete: a delivery of `job` has no `pipeline_id`: 1
        tags: gone: 2
    "]]
    .assert_eq(&tally.lines());
}

/// Every file as a delivery and as a record of every dataset: nothing panics.
#[test]
fn nothing_panics() {
    for folder in ["gitlab/gitlab4j", "scm/go-scm/gitlab"] {
        let Some(folder) = weir_recordings::shared(folder) else { return };
        for file in weir_recordings::files_below(&folder, ".json") {
            let mut tally = Tally::default();
            let body = std::fs::read(file).unwrap();
            let record = RawRecord::upsert("k", body.clone());
            tally.delivery(body);
            let settings = "{}";
            for dataset in <GitLab as weir_sdk::Connector>::datasets(&serde_json::from_str(settings).unwrap()).unwrap()
            {
                tally.records(dataset.name, std::slice::from_ref(&record));
            }
        }
    }
}
