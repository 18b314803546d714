//! Bodies of real Jiras, as others recorded them: none is lost, none makes the connector panic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

mod server;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use connector_jira::Jira;
use expect_test::expect;
use serde_json::Value;
use weir_sdk::mock::{self, Order};
use weir_sdk::outcome::Outcome;
use weir_sdk::record::RawRecord;

/// How often each word comes.
type Counts = BTreeMap<String, usize>;

fn count(words: impl Iterator<Item = Option<String>>) -> Counts {
    let mut counts = Counts::new();
    words.for_each(|word| *counts.entry(word.unwrap_or_default()).or_default() += 1);
    counts
}

fn at(document: &Value, pointer: &str) -> Option<String> {
    document.pointer(pointer)?.as_str().map(str::to_owned)
}

/// A real project whole, served in pages of any size by both kinds of Jira: counted here and through the connector.
#[test]
fn a_whole_project_in_pages_of_any_size() {
    let Some(file) = weir_recordings::shared("jira/titanium-archive/ALOY.jsonl.gz") else { return };
    let lines = weir_recordings::gunzip(&file);
    let issues: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses = count(issues.iter().map(|issue| at(issue, "/fields/status/name")));
    let types = count(issues.iter().map(|issue| at(issue, "/fields/issuetype/name")));
    assert_eq!(issues.len(), 1_499);
    let issues = Rc::new(RefCell::new(lines.lines().map(server::Listed::read).collect()));
    for deployment in ["server", "cloud"] {
        for size in [1, 7, 50, 100, 1_000] {
            let settings = format!(r#"{{"deployment": "{deployment}"}}"#);
            let cassette = server::serving(&issues, size, |_| {});
            let collected = mock::collect::<Jira>(&cassette, &Order::full("issues", &settings));
            assert_eq!(collected.failure, None);
            let records: BTreeMap<_, _> =
                collected.records.iter().map(|record| (&record.key, record.clone())).collect();
            let items = items(&settings, &records.into_values().collect::<Vec<_>>());
            assert_eq!(count(items.iter().map(|item| at(item, "/status/name"))), statuses, "{deployment} {size}");
            assert_eq!(count(items.iter().map(|item| at(item, "/kind_word"))), types, "{deployment} {size}");
        }
    }
}

/// Entities of issues; every record must give one, and nothing in it may be odd but the words of links, and those of
/// types, which are told if and only if they are not known.
fn items(settings: &str, records: &[RawRecord]) -> Vec<Value> {
    let outcomes = mock::normalize::<Jira>("issues", settings, records).unwrap();
    let item = |outcome: Outcome| {
        let Outcome::Produced(produced) = outcome else { panic!("{outcome:?}") };
        let (types, others): (Vec<_>, Vec<_>) =
            produced.diagnostics.iter().partition(|found| found.code == "issues.fields.issuetype.name");
        assert!(others.iter().all(|found| found.code == "issues.fields.issuelinks.type"));
        let item: Value = serde_json::from_str(&produced.entities[0].document).unwrap();
        assert_eq!(types.len(), usize::from(item["kind"].get("unknown").is_some()), "{item}");
        item
    };
    outcomes.into_iter().map(item).collect()
}

#[derive(Default)]
struct Tally(Counts);

impl Tally {
    /// The records of one body, each with what became of it.
    fn body(&mut self, dataset: &str, items: &[Value]) {
        let context = match dataset {
            "custom-fields" => r#"{"sprint": ["customfield_10020"]}"#,
            _ => r#"{"issue": "10000"}"#,
        };
        let record = |item: &Value| {
            let record = RawRecord::upsert("k", item.to_string());
            RawRecord { context: Some(context.to_owned()), ..record }
        };
        let records: Vec<_> = items.iter().map(record).collect();
        for outcome in mock::normalize::<Jira>(dataset, "{}", &records).unwrap() {
            let became = match outcome {
                Outcome::Produced(produced) if produced.diagnostics.is_empty() => "produced".to_owned(),
                Outcome::Produced(produced) => format!("produced with {}", produced.diagnostics[0].code),
                Outcome::Ignored(reason) => reason,
                Outcome::Rejected(findings) => format!("rejected: {}", findings[0].code),
            };
            *self.0.entry(format!("{dataset} {became}")).or_default() += 1;
        }
    }

    /// An issue, and what comes with it.
    fn issue(&mut self, issue: &Value) {
        self.body("issues", std::slice::from_ref(issue));
        let lists = [
            ("changelogs", "/changelog/histories"),
            ("worklogs", "/fields/worklog/worklogs"),
            ("comments", "/fields/comment/comments"),
        ];
        for (dataset, place) in lists {
            let items = issue.pointer(place).and_then(Value::as_array);
            self.body(dataset, items.map_or(&[], Vec::as_slice));
        }
    }

    fn lines(&self) -> String {
        self.0.iter().map(|(became, n)| format!("{became}: {n}\n")).collect()
    }
}

/// The dataset a recorded file belongs to, by its name, and where its records lie; none for what is not read.
fn dataset(name: &str, body: &Value) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "sprints.json" if body.is_array() => ("sprints", ""),
        "all_projects.json" | "projects.json" => ("projects", ""),
        "project.json" => ("projects", "one"),
        "all_boards.json" | "all_boards_filtered.json" => ("boards", "/values"),
        "boards.json" | "boards_unique.json" => ("boards", ""),
        "board.json" => ("boards", "one"),
        "sprints.json" | "sprints_filtered.json" => ("sprints", "/values"),
        "all_statuses.json" => ("statuses", ""),
        "users.json" => ("users", ""),
        "remote_links.json" => ("remote-links", ""),
        "issues_in_sprint.json" => ("issues", "/issues"),
        "issues.json"
        | "issues_with_additional_fields.json"
        | "issues_with_pull_requests.json"
        | "issues_from_board.json"
        | "project_version_issues.json" => ("issues", ""),
        _ => return None,
    })
}

fn tally(folder: &str) -> Option<String> {
    let folder = weir_recordings::shared(folder)?;
    let mut tally = Tally::default();
    for file in weir_recordings::files_below(&folder, ".json") {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let Ok(body) = serde_json::from_str::<Value>(&text) else {
            *tally.0.entry("no JSON".to_owned()).or_default() += 1;
            continue;
        };
        let Some((dataset, place)) = dataset(&name, &body) else {
            *tally.0.entry("not read by the connector".to_owned()).or_default() += 1;
            continue;
        };
        let one = std::slice::from_ref(&body);
        let items =
            if place == "one" { one } else { body.pointer(place).and_then(Value::as_array).unwrap().as_slice() };
        match dataset {
            "issues" => items.iter().for_each(|issue| tally.issue(issue)),
            dataset => tally.body(dataset, items),
        }
    }
    Some(tally.lines())
}

#[test]
fn answers_recorded_for_go_jira() {
    let Some(lines) = tally("jira/go-jira") else { return };
    expect![[r"
        boards jira.board: 9
        issues produced: 1
        no JSON: 2
        not read by the connector: 20
        projects produced: 568
        remote-links jira.remote-link.no-commit: 2
        sprints produced: 7
        statuses produced: 37
    "]]
    .assert_eq(&lines);
}

#[test]
fn answers_recorded_for_an_airbyte_source() {
    let Some(lines) = tally("faros/jira/test") else { return };
    expect![[r"
        boards jira.board: 8
        changelogs jira.history.other: 1
        changelogs produced: 7
        comments produced: 2
        issues produced: 12
        not read by the connector: 16
        projects produced: 9
        sprints produced: 1
        users produced: 5
    "]]
    .assert_eq(&lines);
}

/// These files hold Python: `responses[<query>] = <body>`, with `true` and `null` as in JSON.
#[test]
fn answers_recorded_for_atlassian_python_api() {
    let Some(folder) = weir_recordings::shared("jira/atlassian-python-api/jira/rest") else { return };
    let mut tally = Tally::default();
    for file in weir_recordings::files_below(&folder, "/GET") {
        let text = std::fs::read_to_string(&file).unwrap();
        let path = file.to_string_lossy().into_owned();
        for part in text.split("responses[").skip(1) {
            let literal = part.split_once("] =").map_or("", |(_, body)| body);
            let Ok(body) = serde_json::from_str::<Value>(&as_json(literal)) else {
                *tally.0.entry("no JSON".to_owned()).or_default() += 1;
                continue;
            };
            match (body["fields"].is_object(), body["issues"].as_array(), body["comments"].as_array()) {
                (true, _, _) => tally.issue(&body),
                (_, Some(issues), _) => issues.iter().for_each(|issue| tally.issue(issue)),
                (_, _, Some(comments)) => tally.body("comments", comments),
                _ if path.ends_with("/remotelink/GET") => tally.body("remote-links", body.as_array().unwrap()),
                _ => *tally.0.entry("not read by the connector".to_owned()).or_default() += 1,
            }
        }
    }
    expect![[r"
        comments produced: 2
        issues produced: 3
        not read by the connector: 3
        remote-links jira.remote-link.no-commit: 1
    "]]
    .assert_eq(&tally.lines());
}

/// JSON knows no comma before a closing bracket.
fn as_json(literal: &str) -> String {
    let mut json = String::new();
    for c in literal.chars() {
        if matches!(c, '}' | ']') && json.trim_end().ends_with(',') {
            json.truncate(json.trim_end().len() - 1);
        }
        json.push(c);
    }
    json
}
