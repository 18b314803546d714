//! What Apache DevLake makes of the same answers of GitLab, fact by fact. Each group of differences is explained in
//! `docs/devlake/gitlab.md`.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;

use connector_gitlab::GitLab;
use expect_test::expect;
use serde_json::{Value, json};
use weir_recordings::devlake::{Comparison, Entities, Row, id, made, raw, seconds, text};
use weir_sdk::record::RawRecord;

const PROJECT: &str = "acme/api";

fn records(table: &str) -> Vec<RawRecord> {
    let record = |row: &Row| {
        let input: Value = serde_json::from_str(&row["input"]).unwrap_or_default();
        let context = json!({ "project": PROJECT, "merge_request": input["Iid"].as_u64() });
        RawRecord::upsert("k", row["data"].as_bytes()).context(&context)
    };
    raw("gitlab", table).iter().map(record).collect()
}

fn entities(tables: &[(&str, &str)]) -> Option<Entities> {
    weir_recordings::shared("devlake-raw/gitlab")?;
    let mut entities = Entities::default();
    for (table, dataset) in tables {
        entities.add::<GitLab>(dataset, &records(table));
    }
    Some(entities)
}

/// Keys of ours by the ids that DevLake's tables have in their place.
fn numbered(tables: &[&str], mark: char) -> BTreeMap<String, String> {
    let pair = |row: &Row| {
        let json: Value = serde_json::from_str(&row["data"]).unwrap_or_default();
        (json["id"].to_string(), format!("{PROJECT}{mark}{}", json["iid"]))
    };
    tables.iter().flat_map(|table| raw("gitlab", table)).map(|row| pair(&row)).collect()
}

/// The merge requests are spread over tables.
const MERGE_REQUESTS: &[&str] = &["_raw_gitlab_api_merge_requests", "_raw_gitlab_api_merge_requests_for_mr_notes_test"];

/// Their words for ours.
fn word(word: &str) -> String {
    match word {
        "todo" => "TODO",
        "done" | "finished" => "DONE",
        "success" => "SUCCESS",
        "failure" => "FAILURE",
        "open" => "OPEN",
        "merged" => "MERGED",
        "closed" => "CLOSED",
        other => other,
    }
    .to_owned()
}

/// Whether a list of ours has an element; "there" in both columns when it has.
fn held(document: Option<&Value>, list: &str, element: &Value) -> &'static str {
    let list = document.and_then(|document| document[list].as_array());
    if list.is_some_and(|list| list.contains(element)) { "there" } else { "" }
}

#[test]
fn issues() {
    let Some(entities) = entities(&[("_raw_gitlab_api_issues", "issues")]) else { return };
    let keys = numbered(&["_raw_gitlab_api_issues"], '#');
    let key = |row: &Row, column: &str| keys.get(id(&row[column])).cloned().unwrap_or_default();
    let mut comparison = Comparison::default();
    comparison.table(
        ("issues", &made("gitlab", "issues")),
        &entities,
        |row| ("work-item", key(row, "id")),
        &[
            ("url", &|it| text(it, "/url")),
            ("issue_key", &|it| text(it, "/handle").replace('#', "")),
            ("title", &|it| text(it, "/title")),
            ("description", &|it| text(it, "/description")),
            ("type", &|it| text(it, "/kind")),
            ("status", &|it| word(&text(it, "/status/category"))),
            ("original_status", &|it| text(it, "/status/name")),
            ("severity", &|it| text(it, "/severity")),
            ("created_date", &|it| text(it, "/created_at")),
            ("updated_date", &|it| text(it, "/updated_at")),
            ("resolution_date", &|it| text(it, "/resolved_at")),
            ("creator_name", &|it| text(it, "/creator/name")),
            ("assignee_name", &|it| text(it, "/assignees/0/name")),
        ],
    );
    for row in made("gitlab", "issue_labels") {
        let issue = entities.get("work-item", &key(&row, "issue_id"));
        comparison.fact("issue_labels", "there", held(issue, "labels", &json!(row["label_name"])));
    }
    for row in made("gitlab", "issue_assignees") {
        let issue = entities.get("work-item", &key(&row, "issue_id"));
        comparison.fact("issue_assignees", "there", held(issue, "assignees", &json!({ "name": row["assignee_name"] })));
    }
    expect![[r"
        same: 181
        issues.original_status: none | closed: 12
        issues.original_status: none | opened: 4
        issues.severity: UNKNOWN | none: 16
        issues.type: none | story: 3
    "]]
    .assert_eq(&comparison.lines());
}

#[test]
fn merge_requests() {
    let tables = [
        ("_raw_gitlab_api_merge_requests", "merge-requests"),
        ("_raw_gitlab_api_merge_request_commits", "merge-request-commits"),
    ];
    let Some(entities) = entities(&tables) else { return };
    let keys = numbered(MERGE_REQUESTS, '!');
    let key = |row: &Row, column: &str| keys.get(id(&row[column])).cloned().unwrap_or_default();
    let mut comparison = Comparison::default();
    comparison.table(
        ("pull_requests", &made("gitlab", "pull_requests")),
        &entities,
        |row| ("change", key(row, "id")),
        &[
            ("url", &|it| text(it, "/url")),
            ("pull_request_key", &|it| text(it, "/handle").replace('!', "")),
            ("title", &|it| text(it, "/title")),
            ("description", &|it| text(it, "/description")),
            ("status", &|it| word(&text(it, "/state"))),
            ("original_status", &|it| text(it, "/state_word")),
            ("author_name", &|it| text(it, "/author/name")),
            ("merged_by_name", &|it| text(it, "/merged_by/name")),
            ("created_date", &|it| text(it, "/created_at")),
            ("merged_date", &|it| text(it, "/merged_at")),
            ("head_ref", &|it| text(it, "/head_branch")),
            ("base_ref", &|it| text(it, "/base_branch")),
        ],
    );
    for row in made("gitlab", "pull_requests") {
        let change = entities.get("change", &key(&row, "id")).unwrap_or(&Value::Null);
        let state = &row["status"];
        let merge_commit = text(change, "/merge_commit");
        let merged = if row["merge_commit_sha"] == merge_commit { &merge_commit } else { "another" };
        comparison.fact(&format!("pull_requests.merge_commit_sha of {state}"), merged, &merge_commit);
        let closed = text(change, "/closed_at");
        let shown = if row["closed_date"].is_empty() && !closed.is_empty() { "that of the merge" } else { &closed };
        comparison.fact(&format!("pull_requests.closed_date of {state}"), &row["closed_date"], shown);
    }
    for row in made("gitlab", "pull_request_labels") {
        let change = entities.get("change", &key(&row, "pull_request_id"));
        comparison.fact("pull_request_labels", "there", held(change, "labels", &json!(row["label_name"])));
    }
    for row in made("gitlab", "pull_request_commits") {
        let change = entities.get("change", &key(&row, "pull_request_id"));
        comparison.fact("pull_request_commits", "there", held(change, "commits", &json!(row["commit_sha"])));
        let commit = entities.get("commit", &row["commit_sha"]).unwrap_or(&Value::Null);
        let author = text(commit, "/author/name");
        comparison.fact("pull_request_commits.author", &row["commit_author_email"].to_lowercase(), &author);
        comparison.fact("pull_request_commits.date", &row["commit_authored_date"], &text(commit, "/authored_at"));
    }
    expect![[r"
        same: 311
        pull_requests.closed_date of MERGED: none | that of the merge: 10
        pull_requests.merge_commit_sha of CLOSED: another | none: 3
        pull_requests.merge_commit_sha of OPEN: another | none: 5
        pull_requests.merged_by_name: none | emilie: 4
        pull_requests.merged_by_name: none | tayloramurphy: 5
        pull_requests.merged_by_name: none | vedprakash2021: 1
    "]]
    .assert_eq(&comparison.lines());
}

/// The comments of a table of their own, with merge requests of their own.
#[test]
fn notes() {
    let Some(entities) = entities(&[("_raw_gitlab_api_merge_request_notes", "notes")]) else { return };
    let keys = numbered(MERGE_REQUESTS, '!');
    let mut comparison = Comparison::default();
    for row in made("gitlab", "pull_request_comments") {
        let review = entities.get("review", &format!("note/{}", id(&row["id"])));
        comparison.fact("pull_request_comments", "there", review.map_or("", |_| "there"));
        let review = review.unwrap_or(&Value::Null);
        let body = text(review, "/body");
        let said = if body.is_empty() { text(review, "/verdict_word") } else { body };
        comparison.fact("pull_request_comments.body", &row["body"], &said);
        comparison.fact("pull_request_comments.created_date", &row["created_date"], &text(review, "/submitted_at"));
        let of = keys.get(id(&row["pull_request_id"])).cloned().unwrap_or_default();
        comparison.fact("pull_request_comments.pull_request_id", &of, &text(review, "/change/key"));
    }
    let theirs = made("gitlab", "pull_request_comments");
    let more = entities.of_kind("review").filter(|(key, _)| !theirs.iter().any(|row| key.ends_with(id(&row["id"]))));
    more.for_each(|(_, review)| {
        comparison.fact(
            "pull_request_comments",
            "",
            if review["verdict"].is_null() { "a comment" } else { "a verdict" },
        );
    });
    expect![[r"
        same: 40
    "]]
    .assert_eq(&comparison.lines());
}

#[test]
fn pipelines_and_jobs() {
    let tables = [
        ("_raw_gitlab_api_pipeline_details", "pipelines"),
        ("_raw_gitlab_api_pipeline", "pipelines"),
        ("_raw_gitlab_api_job", "jobs"),
    ];
    let Some(entities) = entities(&tables) else { return };
    let mut comparison = Comparison::default();
    comparison.table(
        ("cicd_pipelines", &made("gitlab", "cicd_pipelines")),
        &entities,
        |row| ("build", id(&row["id"]).to_owned()),
        &[
            ("url", &|it| text(it, "/url")),
            ("status", &|it| word(&text(it, "/state"))),
            ("result", &|it| word(&text(it, "/result"))),
            ("original_status", &|it| text(it, "/result_word")),
            ("duration_sec", &|it| seconds(it, "/duration")),
            ("queued_duration_sec", &|it| seconds(it, "/queued_for")),
            ("created_date", &|it| text(it, "/queued_at")),
            ("started_date", &|it| text(it, "/started_at")),
            ("finished_date", &|it| text(it, "/finished_at")),
        ],
    );
    for row in made("gitlab", "cicd_pipeline_commits") {
        let build = entities.get("build", id(&row["pipeline_id"])).unwrap_or(&Value::Null);
        comparison.fact("cicd_pipeline_commits.commit_sha", &row["commit_sha"], &text(build, "/checkouts/0/commit"));
        let (branch, change) = (text(build, "/checkouts/0/branch"), text(build, "/change/key"));
        let number = change.rsplit_once('!').map(|(_, number)| number);
        let branch = number.map_or(branch, |number| format!("refs/merge-requests/{number}/head"));
        comparison.fact("cicd_pipeline_commits.branch", &row["branch"], &branch);
    }
    for row in made("gitlab", "cicd_tasks") {
        let build = entities.get("build", id(&row["pipeline_id"])).unwrap_or(&Value::Null);
        let stages = build["stages"].as_array().into_iter().flatten();
        let stage = stages.into_iter().find(|stage| stage["key"] == id(&row["id"]));
        comparison.fact("cicd_tasks", "there", stage.map_or("", |_| "there"));
        let Some(stage) = stage else { continue };
        let status = &row["original_status"];
        comparison.fact("cicd_tasks.name", &row["name"], &text(stage, "/name"));
        comparison.fact(&format!("cicd_tasks.status of {status}"), &row["status"], &word(&text(stage, "/state")));
        comparison.fact(&format!("cicd_tasks.result of {status}"), &row["result"], &word(&text(stage, "/result")));
        let duration = row["duration_sec"].split('.').next().unwrap_or_default();
        comparison.fact(&format!("cicd_tasks.duration_sec of {status}"), duration, &seconds(stage, "/duration"));
        comparison.fact("cicd_tasks.created_date", &row["created_date"], &text(stage, "/queued_at"));
        comparison.fact("cicd_tasks.started_date", &row["started_date"], &text(stage, "/started_at"));
        comparison.fact("cicd_tasks.finished_date", &row["finished_date"], &text(stage, "/finished_at"));
    }
    expect![[r"
        same: 712
        cicd_tasks.duration_sec of canceled: 0 | none: 2
        cicd_tasks.duration_sec of failed: 0 | none: 33
        cicd_tasks.result of canceled: FAILURE | cancelled: 2
        cicd_tasks.result of skipped: none | skipped: 1
        cicd_tasks.status of canceled: OTHER | DONE: 2
        cicd_tasks.status of created: OTHER | queued: 1
        cicd_tasks.status of manual: OTHER | waiting: 1
        cicd_tasks.status of pending: IN_PROGRESS | queued: 1
        cicd_tasks.status of preparing: IN_PROGRESS | queued: 1
        cicd_tasks.status of running: IN_PROGRESS | running: 1
        cicd_tasks.status of scheduled: OTHER | waiting: 1
        cicd_tasks.status of skipped: OTHER | DONE: 1
        cicd_tasks.status of waiting_for_resource: IN_PROGRESS | queued: 1
    "]]
    .assert_eq(&comparison.lines());
}

#[test]
fn deployments() {
    let Some(entities) = entities(&[("_raw_gitlab_api_deployments", "deployments")]) else { return };
    let mut comparison = Comparison::default();
    comparison.table(
        ("cicd_deployment_commits", &made("gitlab", "cicd_deployment_commits")),
        &entities,
        |row| ("deployment", id(&row["id"]).to_owned()),
        &[
            ("commit_sha", &|it| text(it, "/commits/0")),
            ("display_title", &|it| text(it, "/title")),
            ("status", &|it| word(&text(it, "/state"))),
            ("result", &|it| word(&text(it, "/result"))),
            ("original_status", &|it| text(it, "/result_word")),
            ("original_environment", &|it| text(it, "/environment/name")),
            ("ref_name", &|it| text(it, "/version")),
            ("created_date", &|it| text(it, "/queued_at")),
            ("started_date", &|it| text(it, "/started_at")),
            ("finished_date", &|it| text(it, "/finished_at")),
        ],
    );
    for row in made("gitlab", "cicd_deployments") {
        let deployment = entities.get("deployment", id(&row["id"])).unwrap_or(&Value::Null);
        let duration = row["duration_sec"].split('.').next().unwrap_or_default();
        comparison.fact("cicd_deployments.duration_sec", duration, &seconds(deployment, "/duration"));
    }
    expect![[r"
        same: 52
        cicd_deployment_commits.created_date: 2019-03-13T14:14:24.000+00:00 | 2019-03-13T14:14:24.109Z: 1
        cicd_deployment_commits.created_date: 2019-03-13T14:53:48.042+00:00 | 2019-03-13T14:53:48.148Z: 1
        cicd_deployment_commits.created_date: 2019-03-13T14:55:20.963+00:00 | 2019-03-13T14:55:21.182Z: 1
        cicd_deployment_commits.created_date: 2019-03-13T15:21:00.170+00:00 | 2019-03-13T15:21:00.302Z: 1
        cicd_deployment_commits.created_date: 2019-03-13T15:23:35.762+00:00 | 2019-03-13T15:23:35.859Z: 1
        cicd_deployment_commits.created_date: 2019-03-13T15:23:52.886+00:00 | 2019-03-13T15:23:52.979Z: 1
        cicd_deployment_commits.created_date: 2019-03-13T15:25:15.460+00:00 | 2019-03-13T15:25:15.583Z: 1
        cicd_deployment_commits.created_date: 2019-03-13T15:25:45.877+00:00 | 2019-03-13T15:25:46.042Z: 1
        cicd_deployment_commits.finished_date: 2019-03-13T14:57:58.845+00:00 | none: 1
        cicd_deployment_commits.finished_date: 2019-03-13T15:23:55.970+00:00 | none: 1
        cicd_deployment_commits.finished_date: 2019-03-13T15:25:41.412+00:00 | none: 1
        cicd_deployment_commits.finished_date: 2019-03-13T15:26:37.468+00:00 | none: 1
        cicd_deployment_commits.finished_date: 2019-03-13T15:28:32.934+00:00 | none: 1
        cicd_deployment_commits.original_status: blocked | none: 1
        cicd_deployment_commits.original_status: completed | none: 1
        cicd_deployment_commits.original_status: created | none: 1
        cicd_deployment_commits.original_status: running | none: 1
        cicd_deployment_commits.original_status: undeployed | none: 1
        cicd_deployment_commits.result: FAILURE | cancelled: 1
        cicd_deployment_commits.result: SUCCESS | none: 1
        cicd_deployment_commits.status: DONE | completed: 1
        cicd_deployment_commits.status: IN_PROGRESS | running: 1
        cicd_deployment_commits.status: OTHER | queued: 1
        cicd_deployment_commits.status: OTHER | undeployed: 1
        cicd_deployment_commits.status: OTHER | waiting: 1
    "]]
    .assert_eq(&comparison.lines());
}
