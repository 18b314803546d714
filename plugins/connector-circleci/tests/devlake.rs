//! Recorded pipelines against what `DevLake` makes of them, field by field; `docs/devlake/circleci.md` has the reasons.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use connector_circleci::CircleCi;
use expect_test::expect;
use serde_json::Value;
use weir_sdk::mock::{self, Answer, Cassette, Order};
use weir_sdk::model::Timestamp;
use weir_sdk::model::entity::{Build, Reference, RunResult, Stage};
use weir_sdk::outcome::Outcome;

const SETTINGS: &str = r#"{"projects": ["gh/coldgust/coldgust.github.io"]}"#;

type Row = BTreeMap<String, String>;

/// The recorded rows as the API that gave them.
fn server(folder: &Path) -> Rc<Cassette> {
    let rows = |name: &str| weir_recordings::csv(&folder.join(format!("_raw_circleci_api_{name}.csv")));
    let (pipelines, workflows, jobs) = (rows("pipelines"), rows("workflows"), rows("jobs"));
    let serve = move |request: &str| {
        let path = request.strip_prefix("GET ")?;
        let rows = if path.starts_with("/project/") {
            pipelines.iter().collect::<Vec<_>>()
        } else {
            workflows.iter().chain(&jobs).filter(|row| row["url"].ends_with(path)).collect()
        };
        let items: Vec<_> = rows.iter().map(|row| row["data"].as_str()).collect();
        Some(Answer::of(format!(r#"{{"items": [{}], "next_page_token": null}}"#, items.join(","))))
    };
    Rc::new(Cassette::default().serving(serve))
}

/// What our side makes of the recordings: builds by the id of their workflow, with their stages; and what was found odd.
fn ours(folder: &Path) -> (BTreeMap<String, Build>, Vec<String>) {
    let cassette = server(folder);
    let runs = mock::collect::<CircleCi>(&cassette, &Order::full("runs", SETTINGS));
    assert_eq!(runs.failure, None);
    let jobs = runs.records.iter().flat_map(|run| {
        mock::collect::<CircleCi>(&cassette, &Order::full("jobs", SETTINGS).under(run.clone())).records
    });
    let jobs: Vec<_> = jobs.collect();
    let (mut builds, mut odd) = (BTreeMap::<String, Build>::new(), Vec::new());
    for (dataset, records) in [("runs", &runs.records), ("jobs", &jobs)] {
        for outcome in mock::normalize::<CircleCi>(dataset, SETTINGS, records).unwrap() {
            let Outcome::Produced(produced) = outcome else { panic!("{outcome:?}") };
            odd.extend(produced.diagnostics.iter().map(|found| format!("{} {}", produced.entities[0].key, found.code)));
            let build: Build = serde_json::from_str(&produced.entities[0].document).unwrap();
            let known = builds.entry(produced.entities[0].key.clone()).or_default();
            if dataset == "runs" { *known = build } else { known.stages.extend(build.stages) }
        }
    }
    (builds, odd)
}

/// Facts that agreed, and for each other field the things it differs on.
#[derive(Default)]
struct Comparison {
    n_agreed: usize,
    differences: BTreeMap<&'static str, Vec<String>>,
}

impl Comparison {
    fn fact<T: PartialEq + std::fmt::Debug>(&mut self, field: &'static str, thing: &str, theirs: &T, ours: &T) {
        if theirs == ours {
            self.n_agreed += 1;
        } else {
            self.differences.entry(field).or_default().push(format!("{thing}: {theirs:?}, ours {ours:?}"));
        }
    }

    fn lines(&self) -> String {
        let lines = self.differences.iter().map(|(field, things)| format!("{field}\n  {}\n", things.join("\n  ")));
        format!("agreed: {}\n{}", self.n_agreed, lines.collect::<String>())
    }
}

fn text(row: &Row, column: &str) -> Option<String> {
    row.get(column).filter(|text| !text.is_empty()).cloned()
}

fn time(row: &Row, column: &str) -> Option<Timestamp> {
    text(row, column)?.parse().ok()
}

/// The id in `circleci:CircleciWorkflow:1:6731159f-...`.
fn last(id: &str) -> String {
    id.rsplit(':').next().unwrap().to_owned()
}

fn result(result: Option<&RunResult>) -> Option<String> {
    result.map(|result| if result.is_green() { "SUCCESS" } else { "FAILURE" }.to_owned())
}

fn secs(ms: Option<weir_sdk::model::DurationMs>) -> Option<String> {
    ms.map(|ms| (ms.0 / 1_000).to_string())
}

#[test]
fn workflows_and_jobs_agree() {
    let Some(raw) = weir_recordings::shared("devlake-raw/circleci") else { return };
    let Some(expected) = weir_recordings::shared("devlake-expected/circleci") else { return };
    let (builds, odd) = ours(&raw);
    let rows = |name: &str| weir_recordings::csv(&expected.join(name));
    let mut compared = Comparison::default();
    let (workflows, jobs) = (rows("cicd_pipelines.csv"), rows("cicd_tasks.csv"));
    for row in &workflows {
        workflow(&mut compared, row, &builds[&last(&row["id"])]);
    }
    for row in &jobs {
        let build = &builds[&last(&row["pipeline_id"])];
        job(&mut compared, row, build.stages.iter().find(|stage| stage.key == last(&row["id"])).unwrap());
    }
    for row in rows("_tool_circleci_pipelines.csv") {
        let build = builds.values().find(|build| build.number == row["number"].parse().ok()).unwrap();
        pipeline(&mut compared, &row, build);
    }
    let n_stages: usize = builds.values().map(|build| build.stages.len()).sum();
    let found = format!("builds {} / {}, stages {n_stages} / {}\n", builds.len(), workflows.len(), jobs.len());
    expect![[r#"
        builds 10 / 9, stages 9 / 9
        agreed: 166
        commit
          pipeline 10: None, ours Some("6ba0cdaf7e7791c5bc5aa89a13b9cd184f8ad296")
        duration
          workflow#8: Some("0"), ours None
        environment
          workflow#5: Some("PRODUCTION"), ours None
          workflow#7: Some("PRODUCTION"), ours None
          say-hello-workflow#3: Some("PRODUCTION"), ours None
          say-hello-workflow#2: Some("PRODUCTION"), ours None
          say-hello-workflow#1: Some("PRODUCTION"), ours None
          workflow#6: Some("PRODUCTION"), ours None
          workflow#4: Some("PRODUCTION"), ours None
          workflow#8: Some("PRODUCTION"), ours None
          workflow#9: Some("PRODUCTION"), ours None
        odd: fc76deef-bcdd-4856-8e96-a8e2d1c5a85f runs.stopped_at
    "#]]
    .assert_eq(&format!("{found}{}odd: {}\n", compared.lines(), odd.join(", ")));
}

fn workflow(compared: &mut Comparison, row: &Row, build: &Build) {
    let thing = &row["display_title"];
    let name = build.job.as_deref().and_then(|job| job.rsplit('/').next()).map(str::to_owned);
    compared.fact("name", thing, &text(row, "name"), &name);
    compared.fact("result", thing, &text(row, "result"), &result(build.result.as_ref()));
    compared.fact("word", thing, &text(row, "original_status"), &build.result_word);
    compared.fact("started", thing, &time(row, "started_date"), &build.started_at);
    compared.fact("created", thing, &time(row, "created_date"), &build.queued_at);
    compared.fact("duration", thing, &text(row, "duration_sec"), &secs(build.duration));
    compared.fact("environment", thing, &text(row, "environment"), &build.environment.as_ref().map(|e| e.name.clone()));
}

fn job(compared: &mut Comparison, row: &Row, stage: &Stage) {
    let thing = &last(&row["id"]);
    compared.fact("job name", thing, &text(row, "name"), &stage.name);
    compared.fact("job result", thing, &text(row, "result"), &result(stage.result.as_ref()));
    compared.fact("job word", thing, &text(row, "original_status"), &stage.result_word);
    compared.fact("job started", thing, &time(row, "started_date"), &stage.started_at);
    compared.fact("job finished", thing, &time(row, "finished_date"), &stage.finished_at);
    compared.fact("job duration", thing, &text(row, "duration_sec"), &secs(stage.duration));
}

fn pipeline(compared: &mut Comparison, row: &Row, build: &Build) {
    let thing = &format!("pipeline {}", row["number"]);
    let json = |column: &str| serde_json::from_str::<Value>(&row[column]).unwrap_or_default();
    let (vcs, trigger) = (json("vcs"), json("trigger"));
    let said = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let checkout = build.checkouts.first().cloned().unwrap_or_default();
    let repository = checkout.repository.as_ref().map(|repository| repository.text().to_owned());
    compared.fact("branch", thing, &said(&vcs["branch"]), &checkout.branch);
    compared.fact("commit", thing, &said(&vcs["revision"]), &checkout.commit.map(|commit| commit.to_string()));
    compared.fact("repository", thing, &said(&vcs["target_repository_url"]), &repository);
    compared.fact("title", thing, &said(&vcs["commit"]["subject"]), &build.title);
    let cause = build.triggers.first();
    compared.fact("trigger", thing, &said(&trigger["type"]), &cause.and_then(|cause| cause.text.clone()));
    let person = cause.and_then(|cause| cause.person.as_ref()).map(Reference::text).map(str::to_owned);
    compared.fact("actor", thing, &said(&trigger["actor"]["login"]), &person);
}
