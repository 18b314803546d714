//! Bodies of the real API, as others recorded them: none is lost, none makes the connector panic.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;

use base64::Engine;
use connector_github::GitHub;
use expect_test::expect;
use serde_json::Value;
use weir_sdk::mock;
use weir_sdk::outcome::Outcome;
use weir_sdk::record::RawRecord;

/// The dataset a path of the API belongs to, and where its records lie.
fn dataset(path: &str) -> Option<(&'static str, &'static str)> {
    let path = path.split('?').next()?.trim_start_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let (["repos", _, _, below @ ..] | ["repositories", _, below @ ..]) = parts.as_slice() else { return None };
    Some(match below {
        [] => ("repositories", ""),
        ["commits"] | ["commits", _] | ["pulls", _, "commits"] => ("commits", ""),
        ["pulls", "comments"] | ["pulls", _, "comments"] | ["pulls", "comments", _] => ("review-comments", ""),
        ["pulls"] | ["pulls", _] => ("pulls", ""),
        ["pulls", _, "reviews"] | ["pulls", _, "reviews", _] => ("reviews", ""),
        ["issues"] => ("issues", ""),
        ["issues", number] if number.bytes().all(|b| b.is_ascii_digit()) => ("issues", ""),
        ["issues", "comments"] | ["issues", _, "comments"] | ["issues", "comments", _] => ("issue-comments", ""),
        ["actions", "runs"] | ["actions", "workflows", _, "runs"] => ("workflow-runs", "/workflow_runs"),
        ["actions", "runs", _, "jobs"] | ["actions", "runs", _, "attempts", _, "jobs"] => ("jobs", "/jobs"),
        ["deployments"] | ["deployments", _] => ("deployments", ""),
        ["deployments", _, "statuses"] => ("deployment-statuses", ""),
        ["releases"] | ["releases", "latest"] => ("releases", ""),
        ["tags"] => ("tags", ""),
        _ => return None,
    })
}

#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn answer(&mut self, path: &str, body: &Value) {
        let Some((dataset, items)) = dataset(path) else { return };
        let items = match body.pointer(items) {
            Some(Value::Array(items)) => items.clone(),
            Some(Value::Object(_)) => vec![body.clone()],
            _ => return,
        };
        let records: Vec<_> = items.iter().map(|item| RawRecord::upsert("k", item.to_string())).collect();
        for (outcome, item) in mock::normalize::<GitHub>(dataset, "{}", &records).unwrap().into_iter().zip(items) {
            let became = match outcome {
                Outcome::Produced(produced) if produced.diagnostics.is_empty() => "produced".to_owned(),
                Outcome::Produced(produced) => format!("produced with {}", produced.diagnostics[0].code),
                Outcome::Ignored(reason) => reason,
                Outcome::Rejected(findings) => format!(
                    "rejected: {} {}",
                    findings[0].code,
                    item.get("message").and_then(Value::as_str).unwrap_or("")
                ),
            };
            *self.0.entry(format!("{dataset} {became}")).or_default() += 1;
        }
    }

    fn lines(&self) -> String {
        self.0.iter().map(|(became, n)| format!("{became}: {n}\n")).collect()
    }
}

#[test]
fn octokit_fixtures() {
    let Some(folder) = weir_recordings::shared("github/rest/octokit-fixtures") else { return };
    let mut tally = Tally::default();
    for file in
        weir_recordings::files_below(&folder, ".json").iter().filter(|file| file.ends_with("normalized-fixture.json"))
    {
        let fixtures: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for fixture in fixtures.iter().filter(|fixture| fixture["status"].as_u64().is_some_and(|status| status < 300)) {
            tally.answer(fixture["path"].as_str().unwrap_or_default(), &fixture["response"]);
        }
    }
    expect![[r"
        issues produced: 14
        repositories produced: 4
    "]]
    .assert_eq(&tally.lines());
}

#[test]
fn octokit_rb_cassettes() {
    let Some(folder) = weir_recordings::shared("github/rest/octokit.rb-cassettes") else { return };
    let mut tally = Tally::default();
    for file in weir_recordings::files_below(&folder, ".json") {
        let cassette: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for interaction in cassette["http_interactions"].as_array().into_iter().flatten() {
            let status = interaction["response"]["status"]["code"].as_u64().unwrap_or_default();
            let uri = interaction["request"]["uri"].as_str().unwrap_or_default();
            let path = uri.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
            if let Some(body) = body(&interaction["response"]["body"]).filter(|_| (200..300).contains(&status)) {
                tally.answer(path, &body);
            }
        }
    }
    expect![[r"
        commits produced: 441
        deployment-statuses produced: 1
        deployments produced: 7
        issue-comments github.comment.on-issue: 29
        issue-comments produced: 9
        issues github.issue.is-pull: 7
        issues produced: 55
        jobs produced: 6
        pulls produced: 96
        pulls produced with pulls.base.sha: 5
        pulls produced with pulls.head.sha: 1
        releases github.release.draft: 3
        releases produced: 10
        review-comments produced: 45
        reviews github.review.pending: 5
        reviews produced: 1
        reviews produced with reviews.commit_id: 2
        workflow-runs produced: 8
    "]]
    .assert_eq(&tally.lines());
}

fn body(body: &Value) -> Option<Value> {
    let bytes = match (body["base64_string"].as_str(), body["string"].as_str()) {
        (Some(base64), _) => base64::engine::general_purpose::STANDARD.decode(base64.replace('\n', "")).ok()?,
        (None, text) => text?.as_bytes().to_vec(),
    };
    serde_json::from_slice(&bytes).ok()
}
