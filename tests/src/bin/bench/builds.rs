//! Builds as a CI server tells them: about 2 kB each, of 50 repositories with four jobs.

use std::fmt::Write;

use serde_json::json;

const REPOSITORIES: u64 = 50;
const JOBS: u64 = 4;
/// Begin of their time.
const START_MS: u64 = 1_760_000_000_000;
/// Time between two.
const STEP_MS: u64 = 60_000;

/// Build `number` of all, sent by `sender`. One of ten is red.
pub(crate) fn build(sender: &str, number: u64) -> String {
    let (repository, job) = (number % REPOSITORIES, number / REPOSITORIES % JOBS);
    let start = START_MS + number * STEP_MS;
    let result = if number % 10 == 7 { "FAILURE" } else { "SUCCESS" };
    let name = format!("{sender}-team-{}/service-{repository}/job-{job}", repository % 8);
    json!({
        "instance_guid": "7c1e2a90-2f5b-4f0e-9f0e-3a0f4f1f8d11",
        "instance_name": "jenkins",
        "instance_url": "https://jenkins.example/",
        "job_name": format!("job-{job}"),
        "job_full_name": name,
        "qualified_name": name,
        "branch_name": "main",
        "build_number": number / (REPOSITORIES * JOBS) + 1,
        "state": "finished",
        "result": result,
        "start_time": start,
        "started_at": start + 900,
        "duration": 61_000 + number % 90 * 1_000,
        "queue_ms": 4_200,
        "user_id": format!("user-{}", number % 37),
        "web_url": format!("https://jenkins.example/job/{name}/{number}/"),
        "repo_url": format!("https://github.com/acme/service-{repository}.git"),
        "scm_commit_ids": [sha(number * 3), sha(number * 3 + 1)],
        "job_run_params": [
            { "name": "ENVIRONMENT", "type": "StringParameterValue", "value": "staging" },
            { "name": "SKIP_SLOW_TESTS", "type": "BooleanParameterValue", "value": "false" },
        ],
        "job_run": { "stages": stages(result) },
        "tests": { "total": 1_240 + number % 17, "failed": u64::from(result == "FAILURE"), "skipped": 3 },
        "node": format!("agent-{}", number % 12),
    })
    .to_string()
}

fn stages(result: &str) -> serde_json::Value {
    let stage = |(index, name): (usize, &str)| {
        let status = if name == "Integration tests" { result } else { "SUCCESS" };
        json!({
            "id": index.to_string(),
            "name": name,
            "status": status,
            "startTimeMillis": START_MS,
            "durationMillis": 9_000 + index * 700,
            "pauseDurationMillis": 0,
            "description": "Runs on a container of the team's own image with the caches of the branch mounted",
        })
    };
    let names = ["Checkout", "Compile", "Unit tests", "Integration tests", "Package", "Publish"];
    names.into_iter().enumerate().map(stage).collect()
}

fn sha(seed: u64) -> String {
    let mut text = String::with_capacity(40);
    let mut state = seed;
    while text.len() < 40 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Writing to a text cannot fail.
        let _ = write!(text, "{:08x}", state >> 32);
    }
    text
}
