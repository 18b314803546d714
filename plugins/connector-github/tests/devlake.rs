//! What Apache DevLake makes of the same answers of GitHub, fact by fact. Each group of differences is explained in
//! `docs/devlake/github.md`.

use std::collections::BTreeMap;

use connector_github::GitHub;
use expect_test::expect;
use serde_json::{Value, json};
use weir_recordings::devlake::{Comparison, Entities, Row, id, made, raw, seconds, text};
use weir_sdk::record::RawRecord;

/// "owner/name" in an address of the API.
fn repository(row: &Row) -> String {
    let path = row["url"].split("/repos/").nth(1).unwrap_or_default();
    path.split('/').take(2).collect::<Vec<_>>().join("/")
}

fn records(table: &str) -> Vec<RawRecord> {
    let record = |row: &Row| {
        let input: Value = serde_json::from_str(&row["input"]).unwrap_or_default();
        let mut context = json!({ "repository": repository(row) });
        if let Some(number) = input["Number"].as_u64() {
            context["pull"] = number.into();
        }
        RawRecord::upsert("k", row["data"].as_bytes()).context(&context)
    };
    raw("github", table).iter().map(record).collect()
}

/// What both made something of; none where the recordings are absent.
fn entities() -> Option<Entities> {
    weir_recordings::shared("devlake-raw/github")?;
    let mut entities = Entities::default();
    let tables = [
        ("_raw_github_api_issues", "issues"),
        ("_raw_github_api_pull_requests", "pulls"),
        ("_raw_github_api_pull_request_commits", "pull-commits"),
        ("_raw_github_api_pull_request_reviews", "reviews"),
        ("_raw_github_api_pull_request_review_comments", "review-comments"),
        ("_raw_github_api_comments", "issue-comments"),
        ("_raw_github_api_runs", "workflow-runs"),
        ("_raw_github_api_jobs", "jobs"),
    ];
    for (table, dataset) in tables {
        entities.add::<GitHub>(dataset, &records(table));
    }
    Some(entities)
}

/// Keys of ours by the ids that DevLake's tables have in their place.
fn numbered(table: &str) -> BTreeMap<String, String> {
    let rows = raw("github", table);
    let pair = |row: &Row| {
        let json: Value = serde_json::from_str(&row["data"]).unwrap_or_default();
        (json["id"].to_string(), format!("{}#{}", repository(row), json["number"]))
    };
    rows.iter().map(pair).collect()
}

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

/// DevLake keeps texts as JSON in some tables.
fn unquoted(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
}

#[test]
fn issues_and_pull_requests() {
    let Some(entities) = entities() else { return };
    let mut comparison = Comparison::default();
    let (issues, pulls) = (numbered("_raw_github_api_issues"), numbered("_raw_github_api_pull_requests"));
    let key = |keys: &BTreeMap<String, String>, row: &Row, column: &str| {
        keys.get(id(&row[column])).cloned().unwrap_or_default()
    };
    comparison.table(
        ("issues", &made("github", "issues")),
        &entities,
        |row| ("work-item", key(&issues, row, "id")),
        &[
            ("url", &|it| text(it, "/url")),
            ("issue_key", &|it| text(it, "/handle").replace('#', "")),
            ("title", &|it| text(it, "/title")),
            ("type", &|it| text(it, "/kind").to_uppercase()),
            ("status", &|it| word(&text(it, "/status/category"))),
            ("original_status", &|it| text(it, "/status/name")),
            ("created_date", &|it| text(it, "/created_at")),
            ("updated_date", &|it| text(it, "/updated_at")),
            ("resolution_date", &|it| text(it, "/resolved_at")),
            ("creator_name", &|it| text(it, "/creator/name")),
            ("assignee_name", &|it| text(it, "/assignees/0/name")),
        ],
    );
    comparison.table(
        ("pull_requests", &made("github", "pull_requests")),
        &entities,
        |row| ("change", key(&pulls, row, "id")),
        &[
            ("url", &|it| text(it, "/url")),
            ("pull_request_key", &|it| text(it, "/handle").replace('#', "")),
            ("title", &|it| text(it, "/title")),
            ("status", &|it| word(&text(it, "/state"))),
            ("original_status", &|it| text(it, "/state_word")),
            ("author_name", &|it| text(it, "/author/name")),
            ("created_date", &|it| text(it, "/created_at")),
            ("merged_date", &|it| text(it, "/merged_at")),
            ("closed_date", &|it| text(it, "/closed_at")),
            ("head_ref", &|it| text(it, "/head_branch")),
            ("base_ref", &|it| text(it, "/base_branch")),
            ("base_commit_sha", &|it| text(it, "/base_commit")),
            ("head_commit_sha", &|it| text(it, "/head_commit")),
        ],
    );
    for row in made("github", "pull_requests") {
        let change = entities.get("change", &key(&pulls, &row, "id")).unwrap_or(&Value::Null);
        let (theirs, ours) = (&row["merge_commit_sha"], text(change, "/merge_commit"));
        let place = format!("pull_requests.merge_commit_sha of {}", row["status"]);
        comparison.fact(&place, if *theirs == ours { &ours } else { "one" }, &ours);
    }
    for row in made("github", "pull_request_commits") {
        let change = entities.get("change", &key(&pulls, &row, "pull_request_id")).unwrap_or(&Value::Null);
        let has = change["commits"].as_array().is_some_and(|commits| commits.contains(&json!(row["commit_sha"])));
        comparison.fact("pull_request_commits", "there", if has { "there" } else { "" });
    }
    comparison.table(
        ("pull_request_commits", &made("github", "pull_request_commits")),
        &entities,
        |row| ("commit", row["commit_sha"].clone()),
        &[("commit_authored_date", &|it| text(it, "/authored_at"))],
    );
    for (name, prefix) in [("pull_request_review_comments", ""), ("pull_request_comments", "comment/")] {
        for row in made("github", name) {
            let found =
                entities.of_kind("review").find(|(key, _)| key.ends_with(&format!("{prefix}{}", id(&row["id"]))));
            comparison.fact(&format!("{name} of type {}", row["type"]), "there", found.map_or("", |_| "there"));
            let Some((_, review)) = found else { continue };
            comparison.fact(&format!("{name}.created_date"), &row["created_date"], &text(review, "/submitted_at"));
            comparison.fact(&format!("{name}.body"), &unquoted(&row["body"]), &text(review, "/body"));
            comparison.fact(&format!("{name}.commit_sha"), &row["commit_sha"], &text(review, "/commit"));
        }
    }
    expect![[r"
        same: 1348
        issues.type: none | STORY: 6
        pull_requests.merge_commit_sha of CLOSED: one | none: 19
        pull_requests.merge_commit_sha of OPEN: one | none: 4
        pull_requests.title: pre-allocate the capacity of the worker  | pre-allocate the capacity of the worker : 1
    "]]
    .assert_eq(&comparison.lines());
}

#[test]
fn runs_and_jobs() {
    let Some(entities) = entities() else { return };
    let mut comparison = Comparison::default();
    let runs: BTreeMap<String, &str> = entities
        .of_kind("build")
        .filter(|(_, build)| !build["started_at"].is_null())
        .map(|(key, _)| (key.split('/').nth(2).unwrap_or_default().to_owned(), key))
        .collect();
    let run = |row: &Row, column: &str| runs.get(id(&row[column])).map_or_else(String::new, |key| (*key).to_owned());
    comparison.table(
        ("cicd_pipelines", &made("github", "cicd_pipelines")),
        &entities,
        |row| ("build", run(row, "id")),
        &[
            ("name", &|it| text(it, "/job")),
            ("status", &|it| word(&text(it, "/state"))),
            ("result", &|it| word(&text(it, "/result"))),
            ("original_result", &|it| text(it, "/result_word")),
            ("duration_sec", &|it| seconds(it, "/duration")),
            ("created_date", &|it| text(it, "/queued_at")),
            ("started_date", &|it| text(it, "/started_at")),
            ("finished_date", &|it| text(it, "/finished_at")),
        ],
    );
    comparison.table(
        ("cicd_pipeline_commits", &made("github", "cicd_pipeline_commits")),
        &entities,
        |row| ("build", run(row, "pipeline_id")),
        &[("commit_sha", &|it| text(it, "/commits/0")), ("branch", &|it| text(it, "/checkouts/0/branch"))],
    );
    for row in made("github", "cicd_tasks") {
        let stages = entities.of_kind("build").filter_map(|(_, build)| build["stages"].as_array()).flatten();
        let stage = stages.into_iter().find(|stage| stage["key"] == id(&row["id"]));
        comparison.fact("cicd_tasks", "there", stage.map_or("", |_| "there"));
        let Some(stage) = stage else { continue };
        comparison.fact("cicd_tasks.name", &row["name"], &text(stage, "/name"));
        comparison.fact(
            &format!("cicd_tasks.result of {}", row["original_result"]),
            &row["result"],
            &word(&text(stage, "/result")),
        );
        comparison.fact("cicd_tasks.duration_sec", &row["duration_sec"], &seconds(stage, "/duration"));
        comparison.fact("cicd_tasks.started_date", &row["started_date"], &text(stage, "/started_at"));
        comparison.fact("cicd_tasks.finished_date", &row["finished_date"], &text(stage, "/finished_at"));
    }
    expect![[r"
        same: 404
        cicd_pipelines.created_date: 2022-06-25T04:17:45.000+00:00 | none: 18
        cicd_pipelines.created_date: 2022-06-30T12:23:37.000+00:00 | none: 3
        cicd_pipelines.duration_sec: 459 | none: 1
        cicd_pipelines.duration_sec: 57 | none: 1
        cicd_pipelines.duration_sec: 68 | none: 14
        cicd_pipelines.finished_date: 2022-06-25T05:03:53.000+00:00 | none: 1
        cicd_pipelines.finished_date: 2022-06-26T12:36:58.000+00:00 | none: 14
        cicd_pipelines.finished_date: 2022-06-27T01:37:33.000+00:00 | none: 1
        cicd_pipelines.name: CodeQL | panjf2000/ants/CodeQL: 29
        cicd_pipelines.name: Lint | panjf2000/ants/Lint: 3
        cicd_pipelines.name: Tests | panjf2000/ants/Tests: 3
        cicd_pipelines.original_result: action_required | none: 1
        cicd_pipelines.original_result: cancelled | none: 1
        cicd_pipelines.original_result: failure | none: 1
        cicd_pipelines.original_result: neutral | none: 1
        cicd_pipelines.original_result: skipped | none: 1
        cicd_pipelines.original_result: stale | none: 1
        cicd_pipelines.original_result: startup_failure | none: 1
        cicd_pipelines.original_result: success | none: 1
        cicd_pipelines.original_result: timed_out | none: 1
        cicd_pipelines.result: FAILURE | none: 4
        cicd_pipelines.result: SUCCESS | none: 1
        cicd_pipelines.status: DONE | CANCELLED: 1
        cicd_pipelines.status: DONE | FAILURE: 1
        cicd_pipelines.status: DONE | STARTUP_FAILURE: 1
        cicd_pipelines.status: DONE | SUCCESS: 1
        cicd_pipelines.status: DONE | TIMED_OUT: 1
        cicd_pipelines.status: IN_PROGRESS | queued: 2
        cicd_pipelines.status: IN_PROGRESS | running: 3
        cicd_pipelines.status: IN_PROGRESS | waiting: 1
        cicd_pipelines.status: OTHER | ACTION_REQUIRED: 1
        cicd_pipelines.status: OTHER | NEUTRAL: 1
        cicd_pipelines.status: OTHER | SKIPPED: 1
        cicd_pipelines.status: OTHER | STALE: 1
        cicd_pipelines.status: OTHER | queued: 1
        cicd_tasks.result of ACTION_REQUIRED: none | ACTION_REQUIRED: 1
        cicd_tasks.result of CANCELLED: FAILURE | cancelled: 7
        cicd_tasks.result of NEUTRAL: none | NEUTRAL: 1
        cicd_tasks.result of SKIPPED: none | skipped: 1
        cicd_tasks.result of STALE: none | STALE: 1
        cicd_tasks.result of STARTUP_FAILURE: FAILURE | error: 1
        cicd_tasks.result of TIMED_OUT: FAILURE | timeout: 1
    "]]
    .assert_eq(&comparison.lines());
}
