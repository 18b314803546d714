//! Bodies and deliveries of the real APIs, as others recorded them: each is read, ignored or refused with a reason.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;
use std::path::Path;

use connector_bitbucket::Bitbucket;
use expect_test::expect;
use serde_json::Value;
use weir_sdk::mock;
use weir_sdk::model::Timestamp;
use weir_sdk::outcome::Outcome;
use weir_sdk::record::{Op, RawRecord};
use weir_sdk::webhook::{Decoded, Delivery};

const CLOUD: &str = r#"{"deployment": "cloud"}"#;
const SERVER: &str = r#"{"deployment": "server"}"#;

/// How many became what.
#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn count(&mut self, became: String) {
        *self.0.entry(became).or_default() += 1;
    }

    /// Normalises the elements of a body, or the body where it is no list.
    fn body(&mut self, dataset: &str, settings: &str, body: &Value) {
        let items = body.get("values").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![body.clone()]);
        let (owner, context) = if settings == SERVER { ("server", "PRJ/my-repo") } else { ("cloud", "acme/api") };
        let context = serde_json::json!({"deployment": owner, "repository": context, "pull": 1});
        let record = |item: &Value| RawRecord::upsert("k", item.to_string()).context(&context);
        let records: Vec<_> = items.iter().map(record).collect();
        for outcome in mock::normalize::<Bitbucket>(dataset, settings, &records).unwrap() {
            self.count(format!("{dataset} {}", became(&outcome)));
        }
    }

    fn lines(&self) -> String {
        self.0.iter().map(|(became, n)| format!("{became}: {n}\n")).collect()
    }
}

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

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap_or_default()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The dataset whose answers a file of go-scm holds.
fn dataset(name: &str) -> Option<&'static str> {
    Some(match name.trim_end_matches(".json") {
        "repo" | "repos" | "repos-2" | "repos_filter" | "repos_empty" | "repo_as_list" => "repositories",
        "commit" | "commits" | "content_create" | "content_update" => "commits",
        "pr" | "prs" | "pr_iso_dates" => "pulls",
        "tag" | "tags" => "tags",
        "pr_comments" => "pull-activity",
        _ => return None,
    })
}

#[test]
fn answers_of_go_scm() {
    let mut tally = Tally::default();
    for (folder, settings) in [("scm/go-scm/bitbucket", CLOUD), ("scm/go-scm/stash", SERVER)] {
        let Some(folder) = weir_recordings::shared(folder) else { return };
        let files = weir_recordings::files_below(&folder, ".json");
        for file in files.iter().filter(|file| file.parent() == Some(&folder)) {
            match dataset(&file_name(file)) {
                Some(dataset) => tally.body(dataset, settings, &json(file)),
                None => tally.count("not collected".to_owned()),
            }
        }
    }
    expect![[r"
        commits read: 6
        not collected: 49
        pull-activity ignored: bitbucket.activity.opened: 1
        pull-activity read: 2
        pulls read: 5
        repositories read: 9
        tags read: 4
    "]]
    .assert_eq(&tally.lines());
}

/// What Bitbucket calls the event of a recorded delivery.
fn event(name: &str, body: &Value) -> String {
    if let Some(event) = body["eventKey"].as_str() {
        return event.to_owned();
    }
    let event = match name.trim_end_matches(".json") {
        "pipeline_hook_created" => "repo:commit_status_created",
        "pipeline_hook_update" => "repo:commit_status_updated",
        "pr_comment_created" => "pullrequest:comment_created",
        "pr_comment_deleted" => "pullrequest:comment_deleted",
        "pr_created" => "pullrequest:created",
        "pr_declined" => "pullrequest:rejected",
        "pr_fulfilled" => "pullrequest:fulfilled",
        "pr_updated" => "pullrequest:updated",
        _ => "repo:push",
    };
    event.to_owned()
}

fn decoded(event: &str, body: &Value) -> String {
    let delivery = Delivery {
        headers: vec![("x-event-key".to_owned(), event.to_owned())],
        query: Vec::new(),
        body: body.to_string().into_bytes(),
        received_at: Timestamp::from_ms(0),
    };
    let accepted = match mock::decode::<Bitbucket>("{}", &delivery) {
        Ok(Decoded::Accepted(accepted)) => accepted,
        Ok(Decoded::Ignored(reason)) => return format!("ignored: {reason}"),
        other => return format!("{other:?}"),
    };
    let mut parts = Vec::new();
    for batch in &accepted.batches {
        let gone =
            batch.records.iter().filter(|record| record.op == Op::Delete).map(|_| format!("{} gone", batch.dataset));
        parts.extend(gone);
        let outcomes = mock::normalize::<Bitbucket>(&batch.dataset, "{}", &batch.records).unwrap();
        parts.extend(outcomes.iter().map(|outcome| format!("{} {}", batch.dataset, became(outcome))));
    }
    parts.extend(accepted.refresh.iter().map(|dataset| format!("refresh {dataset}")));
    parts.join(" + ")
}

#[test]
fn deliveries_of_go_scm() {
    let mut lines = String::new();
    for folder in ["scm/go-scm/bitbucket/webhooks", "scm/go-scm/stash/webhooks"] {
        let Some(folder) = weir_recordings::shared(folder) else { return };
        for file in weir_recordings::files_below(&folder, ".json") {
            let (name, body) = (file_name(&file), json(&file));
            let event = event(&name, &body);
            lines.push_str(&format!("{name} {event}: {}\n", decoded(&event, &body)));
        }
    }
    expect![[r"
        pipeline_hook_created.json repo:commit_status_created: refresh pipelines + refresh deployments
        pipeline_hook_update.json repo:commit_status_updated: refresh pipelines + refresh deployments
        pr_comment_created.json pullrequest:comment_created: pulls read + pull-activity read
        pr_comment_deleted.json pullrequest:comment_deleted: pulls read + pull-activity gone
        pr_created.json pullrequest:created: pulls read
        pr_declined.json pullrequest:rejected: pulls read + events read
        pr_fulfilled.json pullrequest:fulfilled: pulls read + events read
        pr_updated.json pullrequest:updated: pulls read
        push.json repo:push: refresh commits
        push_branch_create.json repo:push: refresh commits
        push_branch_delete.json repo:push: ignored: bitbucket.push.nothing-new
        push_tag_create.json repo:push: tags read
        push_tag_delete.json repo:push: tags gone
        pr_declined.json pr:declined: pulls read
        pr_declined_iso_dates.json pr:declined: pulls read
        pr_deleted.json pr:deleted: pulls gone
        pr_from_ref_updated.json pr:from_ref_updated: pulls read
        pr_merged.json pr:merged: pulls read
        pr_merged_iso_dates.json pr:merged: pulls read
        pr_modified_meta.json pr:modified: pulls read
        pr_modified_toref.json pr:modified: pulls read
        pr_open.json pr:opened: pulls read
        pr_open_iso_dates.json pr:opened: pulls read
        push.json repo:refs_changed: refresh commits
        push_branch_create.json repo:refs_changed: refresh commits
        push_branch_delete.json repo:refs_changed: ignored: bitbucket.push.nothing-new
        push_tag_create.json repo:refs_changed: refresh tags
        push_tag_delete.json repo:refs_changed: tags gone
        push_v5.json repo:refs_changed: refresh commits
    "]]
    .assert_eq(&lines);
}

/// The dataset a path of the API belongs to.
fn dataset_of_path(path: &[&str]) -> Option<(&'static str, &'static str)> {
    Some(match path {
        ["cloud", "2.0", "repositories", _] | ["cloud", "2.0", "repositories", _, _] => ("repositories", CLOUD),
        ["cloud", "2.0", "repositories", _, _, below @ ..] => {
            let dataset = match below {
                ["issues"] | ["issues", _] => "issues",
                ["pullrequests"] | ["pullrequests", _] => "pulls",
                ["pullrequests", _, "commits"] => "pull-commits",
                ["pipelines"] | ["pipelines", _] => "pipelines",
                ["pipelines", _, "steps"] | ["pipelines", _, "steps", _] => "pipeline-steps",
                _ => return None,
            };
            (dataset, CLOUD)
        }
        ["server", "rest", "api", "1.0", "projects", _, "repos"]
        | ["server", "rest", "api", "1.0", "projects", _, "repos", _] => ("repositories", SERVER),
        _ => return None,
    })
}

/// The answers in a file of atlassian-python-api, which holds Python: `responses["page=1"] = {...}`.
fn python_answers(text: &str) -> Vec<Value> {
    let bodies = text.split("\nresponses[").filter_map(|part| part.split_once("] = ")).map(|(_, body)| body);
    bodies.filter_map(|body| serde_json::from_str(&json_of_python(body)).ok()).collect()
}

/// Python's literals as JSON: other quotes, `True`, `False`, `None`, and a comma after the last element.
fn json_of_python(text: &str) -> String {
    let mut json = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == '"' || first == '\'' {
            let end = rest[1..].find(first).map_or(rest.len(), |end| end + 2);
            json.push_str(&Value::from(&rest[1..end - 1]).to_string());
            rest = &rest[end..];
            continue;
        }
        if matches!(first, '}' | ']') && json.trim_end().ends_with(',') {
            json.truncate(json.trim_end().len() - 1);
        }
        json.push(first);
        rest = &rest[first.len_utf8()..];
    }
    json.replace("True", "true").replace("False", "false").replace("None", "null")
}

#[test]
fn answers_of_atlassian_python_api() {
    let Some(folder) = weir_recordings::shared("jira/atlassian-python-api/bitbucket") else { return };
    let mut tally = Tally::default();
    for file in weir_recordings::files_below(&folder, "/GET") {
        let path = file.parent().unwrap().strip_prefix(&folder).unwrap();
        let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
        let Some((dataset, settings)) = dataset_of_path(&parts) else {
            tally.count("not collected".to_owned());
            continue;
        };
        let text = format!("\n{}", std::fs::read_to_string(&file).unwrap());
        let answers = python_answers(&text);
        if answers.is_empty() {
            tally.count(format!("{dataset} no answer in the file"));
        }
        for body in &answers {
            tally.body(dataset, settings, body);
        }
    }
    expect![[r"
        issues read: 3
        not collected: 35
        pipeline-steps read: 4
        pipelines read: 2
        pipelines refused: pipelines.uuid: 1
        pull-commits read: 1
        pulls read: 4
        repositories read: 7
    "]]
    .assert_eq(&tally.lines());
}
