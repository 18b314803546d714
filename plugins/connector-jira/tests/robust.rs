//! The promises of a connector, on our own cassette: as Jira Cloud answers, and as Server does.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use connector_jira::Jira;
use serde_json::{Value, json};
use weir_sdk::conformance::{self, Case};
use weir_sdk::mock::{Answer, Cassette};

const ACME: &str = include_str!("../cassettes/acme.json");

#[test]
fn keeps_the_promises_of_a_connector() {
    let cassette = || Cassette::read(ACME).unwrap();
    let settings =
        r#"{"comments": true, "remote_links": true, "severity": "Severity", "custom_fields": {"Team": "team"}}"#;
    conformance::check::<Jira>(&Case::new(&cassette, settings));
}

/// Of the answers of Cloud to requests that hold this, all items of a list.
fn items(part: &str, list: &str) -> Vec<Value> {
    let exchanges: Vec<Value> = serde_json::from_str(ACME).unwrap();
    let fitting = exchanges.iter().filter(|exchange| exchange["request"].as_str().unwrap().contains(part));
    fitting.flat_map(|exchange| exchange["answer"]["body"][list].as_array().cloned().unwrap_or_default()).collect()
}

/// What Server answers: searches with the number of all, lists whole whatever is asked for, users with keys.
fn as_server(request: &str) -> Option<Answer> {
    let search = |fields: &str| {
        let issues = items(&format!("ASC&maxResults={fields}"), "issues");
        json!({"startAt": 0, "maxResults": 1_000, "total": issues.len(), "issues": issues})
    };
    let body = match request.split_once("/rest/api/2/")?.1 {
        "project" => Value::from(items("project/search", "values")),
        "issue/10002?fields=updated&expand=changelog" => {
            let histories = items("10002/changelog", "values");
            json!({"id": "10002", "changelog": {"startAt": 0, "total": histories.len(), "histories": histories}})
        }
        users if users.contains("startAt=0") && users.starts_with("user/search") => {
            json!([{"key": "ana", "name": "ana"}, {"key": "JIRAUSER10100", "name": "ben"}])
        }
        users if users.starts_with("user/search") => json!([]),
        changelogs if changelogs.contains("changelog") => search("50&fields=updated&expand=changelog"),
        worklogs if worklogs.contains("worklog") && worklogs.starts_with("search") => {
            search("50&fields=updated%2Cworklog")
        }
        comments if comments.contains("comment") && comments.starts_with("search") => {
            search("50&fields=updated%2Ccomment")
        }
        custom if custom.contains("customfield") => search("100&fields=updated%2Ccustomfield"),
        issues if issues.starts_with("search") => search("100&fields=assignee"),
        _ => return None,
    };
    Some(Answer::of(body.to_string()))
}

#[test]
fn keeps_them_with_server_too() {
    let cassette = || {
        // What lies at the same address with another number of version.
        let text = ACME.replace("/rest/api/3/", "/rest/api/2/").replace("search/jql", "never");
        Cassette::read(&text).unwrap().serving(as_server)
    };
    let settings = r#"{"deployment": "server", "comments": true, "datasets": ["projects", "statuses", "users", "issues",
        "custom-fields", "changelogs", "worklogs", "comments"]}"#;
    conformance::check::<Jira>(&Case::new(&cassette, settings));
}
