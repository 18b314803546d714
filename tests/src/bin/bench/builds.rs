//! Builds as a CI server tells them: about 2 kB each, of 50 repositories with four jobs.

use std::fmt::Write;

const REPOSITORIES: u64 = 50;
const JOBS: u64 = 4;
/// Begin of their time.
const START_MS: u64 = 1_760_000_000_000;
/// Time between two.
const STEP_MS: u64 = 60_000;
const STAGES: [&str; 6] = ["Checkout", "Compile", "Unit tests", "Integration tests", "Package", "Publish"];

/// Build `number` of all, sent by `sender`. One of ten is red. Written as text: the sender's CPU is the host's too.
pub(crate) fn build(sender: &str, number: u64) -> String {
    let (repository, job) = (number % REPOSITORIES, number / REPOSITORIES % JOBS);
    let (start, turn) = (START_MS + number * STEP_MS, number / (REPOSITORIES * JOBS) + 1);
    let result = if number % 10 == 7 { "FAILURE" } else { "SUCCESS" };
    let name = format!("{sender}-team-{}/service-{repository}/job-{job}", repository % 8);
    let (user, node, total, failed) = (number % 37, number % 12, 1_240 + number % 17, u64::from(result == "FAILURE"));
    let (started, duration, shas) = (start + 900, 61_000 + number % 90 * 1_000, [sha(number * 3), sha(number * 3 + 1)]);
    let mut text = String::with_capacity(2_400);
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        r#"{{"instance_guid":"7c1e2a90-2f5b-4f0e-9f0e-3a0f4f1f8d11","instance_name":"jenkins","instance_url":"https://jenkins.example/","job_name":"job-{job}","job_full_name":"{name}","qualified_name":"{name}","branch_name":"main","build_number":{turn},"state":"finished","result":"{result}","start_time":{start},"started_at":{started},"duration":{duration},"queue_ms":4200,"user_id":"user-{user}","web_url":"https://jenkins.example/job/{name}/{turn}/","repo_url":"https://github.com/acme/service-{repository}.git","scm_commit_ids":{shas:?},"job_run_params":[{{"name":"ENVIRONMENT","type":"StringParameterValue","value":"staging"}},{{"name":"SKIP_SLOW_TESTS","type":"BooleanParameterValue","value":"false"}}],"tests":{{"total":{total},"failed":{failed},"skipped":3}},"node":"agent-{node}","job_run":{{"stages":["#
    );
    for (index, stage) in STAGES.iter().enumerate() {
        let status = if *stage == "Integration tests" { result } else { "SUCCESS" };
        let (comma, took) = (if index == 0 { "" } else { "," }, 9_000 + index * 700);
        let _ = write!(
            text,
            r#"{comma}{{"id":"{index}","name":"{stage}","status":"{status}","startTimeMillis":{start},"durationMillis":{took},"pauseDurationMillis":0,"description":"Runs on a container of the team's own image with the caches of the branch mounted"}}"#
        );
    }
    text + "]}}"
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
