//! Recorded answers of the API, served again and read whole.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::path::Path;
use std::rc::Rc;

use connector_circleci::CircleCi;
use expect_test::expect;
use serde_json::Value;
use weir_sdk::mock::{self, Answer, Cassette, Order};

fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// Four pipelines of two projects, and the one of the documentation, each with the one workflow and job there is.
#[test]
fn recorded_pipelines_are_read() {
    let Some(folder) = weir_recordings::shared("faros/circleci/test_files") else { return };
    let pipelines = [read(&folder, "pipelines_input.json"), read(&folder, "pipeline_input.json")];
    let pipelines: Vec<Value> = pipelines.iter().flat_map(|file| file.as_array().unwrap()).cloned().collect();
    let (workflows, jobs) = (read(&folder, "workflows_input.json"), read(&folder, "jobs_input.json"));
    let server = move |request: &str| {
        let list = |items: &Value| Some(Answer::of(format!(r#"{{"items": {items}, "next_page_token": null}}"#)));
        if request.ends_with("/job") {
            return list(&jobs);
        }
        if request.ends_with("/workflow") {
            return list(&workflows);
        }
        let slug = request.strip_prefix("GET /project/")?.strip_suffix("/pipeline")?;
        list(&pipelines.iter().filter(|pipeline| pipeline["project_slug"] == slug).cloned().collect())
    };
    let settings = r#"{"projects": ["gh/huongtn/sample-test", "gh/huongtn/sample-test-2", "gh/CircleCI-Public/api-preview-docs"]}"#;
    let cassette = Rc::new(Cassette::default().serving(server));
    let mut lines = String::new();
    let runs = mock::collect::<CircleCi>(&cassette, &Order::full("runs", settings));
    assert_eq!(runs.failure, None);
    let last = runs.records.first().cloned().unwrap();
    let jobs = mock::collect::<CircleCi>(&cassette, &Order::full("jobs", settings).under(last));
    assert_eq!(jobs.failure, None);
    for (dataset, records) in [("runs", runs.records), ("jobs", jobs.records)] {
        lines += &format!("{dataset}: {}\n", records.len());
        for outcome in mock::normalize::<CircleCi>(dataset, settings, &records).unwrap() {
            lines += &mock::describe(&outcome);
        }
    }
    expect![[r#"
        runs: 5
          build 497f6eca-6276-4993-bfeb-53cbbbba6f08 {"attempt":1,"job":"gh/CircleCI-Public/api-preview-docs/build-and-test","number":25,"title":"string","url":"https://app.circleci.com/pipelines/gh/CircleCI-Public/api-preview-docs/25/workflows/497f6eca-6276-4993-bfeb-53cbbbba6f08","state":"finished","result":"success","result_word":"success","triggers":[{"kind":"schedule","text":"scheduled_pipeline","person":{"name":"string"}}],"checkouts":[{"repository":{"name":"https://github.com/CircleCI-Public/api-preview-docs"},"branch":"feature/design-new-api","commit":"f454a02b5d10fcccfd7d9dd7608a76d6493a98b4"}],"change":{"name":"CircleCI-Public/api-preview-docs#123"},"queued_at":"2019-08-24T14:15:22.000Z","started_at":"2019-08-24T14:15:22.000Z","finished_at":"2019-08-24T14:15:22.000Z","duration":0}
          build 497f6eca-6276-4993-bfeb-53cbbbba6f08 {"attempt":1,"job":"gh/huongtn/sample-test/build-and-test","number":1,"url":"https://app.circleci.com/pipelines/gh/huongtn/sample-test/1/workflows/497f6eca-6276-4993-bfeb-53cbbbba6f08","state":"finished","result":"success","result_word":"success","triggers":[{"kind":"api","text":"api","person":{"name":"huongtn"}}],"checkouts":[{"repository":{"name":"https://github.com/huongtn/sample-test"},"branch":"circleci-project-setup","commit":"4bb2547c19b752c1260fbae2891145faeed63670"}],"queued_at":"2019-08-24T14:15:22.000Z","started_at":"2019-08-24T14:15:22.000Z","finished_at":"2019-08-24T14:15:22.000Z","duration":0}
          build 497f6eca-6276-4993-bfeb-53cbbbba6f08 {"attempt":1,"job":"gh/huongtn/sample-test/build-and-test","number":3,"url":"https://app.circleci.com/pipelines/gh/huongtn/sample-test/3/workflows/497f6eca-6276-4993-bfeb-53cbbbba6f08","state":"finished","result":"success","result_word":"success","triggers":[{"kind":"api","text":"api","person":{"name":"huongtn"}}],"checkouts":[{"repository":{"name":"https://github.com/huongtn/sample-test"},"branch":"circleci-project-setup","commit":"4bb2547c19b752c1260fbae2891145faeed63670"}],"queued_at":"2019-08-24T14:15:22.000Z","started_at":"2019-08-24T14:15:22.000Z","finished_at":"2019-08-24T14:15:22.000Z","duration":0}
          build 497f6eca-6276-4993-bfeb-53cbbbba6f08 {"attempt":1,"job":"gh/huongtn/sample-test/build-and-test","number":4,"url":"https://app.circleci.com/pipelines/gh/huongtn/sample-test/4/workflows/497f6eca-6276-4993-bfeb-53cbbbba6f08","state":"finished","result":"success","result_word":"success","triggers":[{"kind":"api","text":"api","person":{"name":"huongtn"}}],"checkouts":[{"repository":{"name":"https://github.com/huongtn/sample-test"},"branch":"circleci-project-setup","commit":"4bb2547c19b752c1260fbae2891145faeed63670"}],"queued_at":"2019-08-24T14:15:22.000Z","started_at":"2019-08-24T14:15:22.000Z","finished_at":"2019-08-24T14:15:22.000Z","duration":0}
          build 497f6eca-6276-4993-bfeb-53cbbbba6f08 {"attempt":1,"job":"gh/huongtn/sample-test-2/build-and-test","number":2,"url":"https://app.circleci.com/pipelines/gh/huongtn/sample-test-2/2/workflows/497f6eca-6276-4993-bfeb-53cbbbba6f08","state":"finished","result":"success","result_word":"success","triggers":[{"kind":"api","text":"api","person":{"name":"huongtn"}}],"checkouts":[{"repository":{"name":"https://github.com/huongtn/sample-test-2"},"branch":"circleci-project-setup","commit":"4bb2547c19b752c1260fbae2891145faeed63670"}],"queued_at":"2019-08-24T14:15:22.000Z","started_at":"2019-08-24T14:15:22.000Z","finished_at":"2019-08-24T14:15:22.000Z","duration":0}
        jobs: 1
          build 497f6eca-6276-4993-bfeb-53cbbbba6f08 {"stages":[{"key":"497f6eca-6276-4993-bfeb-53cbbbba6f08","name":"string","kind":"job","state":"finished","result":"success","result_word":"success","started_at":"2019-08-24T14:15:22.000Z","finished_at":"2019-08-24T14:15:22.000Z","duration":0,"url":"https://app.circleci.com/pipelines/gh/CircleCI-Public/api-preview-docs/25/workflows/497f6eca-6276-4993-bfeb-53cbbbba6f08/jobs/0"}]}
    "#]].assert_eq(&lines);
}
