//! The answers a peer gives about the same Jenkins: which facts are equal, and why the others are not. The reasons are in
//! `docs/devlake/jenkins.md`. Skipped, aloud, where there are no recordings.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]
#![allow(clippy::print_stdout, reason = "what is skipped is told")]

mod acme;

use std::collections::BTreeMap;
use std::path::Path;

use connector_jenkins::Jenkins;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use weir_recordings::{csv, shared};
use weir_sdk::mock;
use weir_sdk::model::Timestamp;
use weir_sdk::outcome::Outcome;
use weir_sdk::record::RawRecord;

type Row = BTreeMap<String, String>;
/// Facts about builds or stages: by "job#number", or that and the id of the stage.
type Facts = BTreeMap<String, BTreeMap<&'static str, String>>;

fn rows(folder: &Path, name: &str) -> Vec<Row> {
    csv(&folder.join(name))
}

/// What the connector makes of one payload, as JSON.
fn build(dataset: &str, id: &str, payload: &str) -> Value {
    let (job, number) = id.rsplit_once('#').unwrap();
    let context = json!({ "system": "ci.example", "job": job, "path": "/job" }).to_string();
    let record = RawRecord { context: Some(context), ..RawRecord::upsert(format!("{job}/{number}"), payload) };
    match mock::normalize::<Jenkins>(dataset, acme::SETTINGS, &[record]).unwrap().remove(0) {
        Outcome::Produced(produced) => serde_json::from_str(&produced.entities[0].document).unwrap(),
        other => panic!("{id}: {other:?}"),
    }
}

fn word(value: &Value) -> String {
    value.as_str().or_else(|| value["unknown"].as_str()).unwrap_or_default().to_owned()
}

fn ms(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    text.parse::<Timestamp>().unwrap().ms().to_string()
}

/// What both sides can say about a run.
fn facts(run: &Value) -> BTreeMap<&'static str, String> {
    let ended = format!("{} {} ({})", word(&run["state"]), word(&run["result"]), word(&run["result_word"]));
    BTreeMap::from([
        ("ended", ended),
        ("started", ms(&word(&run["started_at"]))),
        ("finished", ms(&word(&run["finished_at"]))),
        ("duration", run["duration"].as_u64().map(|ms| ms.to_string()).unwrap_or_default()),
        ("name", word(&run["name"])),
    ])
}

fn our_builds(raw: &[Row]) -> (Facts, Facts) {
    let (mut builds, mut commits) = (Facts::new(), Facts::new());
    for row in raw {
        let data: Value = serde_json::from_str(&row["data"]).unwrap();
        let of_input = serde_json::from_str::<Value>(&row["input"]).unwrap()["FullName"].as_str().map(str::to_owned);
        let of_params = || word(&serde_json::from_str::<Value>(&row["params"]).unwrap()["FullName"]);
        let id = format!("{}#{}", of_input.unwrap_or_else(of_params), data["number"]);
        let build = build("builds", &id, &row["data"]);
        for checkout in build["checkouts"].as_array().into_iter().flatten() {
            let commit = BTreeMap::from([
                ("repository", word(&checkout["repository"]["name"])),
                ("branch", word(&checkout["branch"])),
            ]);
            commits.insert(format!("{id} {}", word(&checkout["commit"])), commit);
        }
        builds.insert(id, facts(&build));
    }
    (builds, commits)
}

fn state(word: &str) -> &str {
    match word {
        "DONE" => "finished",
        "IN_PROGRESS" => "running",
        other => other,
    }
}

fn their_builds(rows: &[Row]) -> Facts {
    let one = |row: &Row| {
        let original = &row["original_result"];
        let seconds: f64 = row["duration_sec"].parse().unwrap();
        let fields = BTreeMap::from([
            ("ended", format!("{} {} ({original})", state(&row["status"]), row["result"].to_lowercase())),
            ("started", ms(&row["created_date"])),
            ("finished", ms(&row["finished_date"])),
            ("duration", format!("{:.0}", seconds * 1000.0)),
            ("name", String::new()),
        ]);
        (row["name"].clone(), fields)
    };
    rows.iter().map(one).collect()
}

fn their_commits(rows: &[Row]) -> Facts {
    let one = |row: &Row| {
        let (_, id) = row["pipeline_id"].split_once("JenkinsBuild:1:").unwrap();
        let fields = BTreeMap::from([("repository", row["repo_url"].clone()), ("branch", row["branch"].clone())]);
        (format!("{id} {}", row["commit_sha"]), fields)
    };
    rows.iter().map(one).collect()
}

fn our_stages(raw: &[Row]) -> Facts {
    let mut described: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in raw {
        let id = word(&serde_json::from_str::<Value>(&row["input"]).unwrap()["FullName"]);
        described.entry(id).or_default().push(serde_json::from_str(&row["data"]).unwrap());
    }
    let mut stages = Facts::new();
    for (id, nodes) in described {
        let build = build("stages", &id, &json!({ "stages": nodes }).to_string());
        for stage in build["stages"].as_array().unwrap() {
            let mut facts = facts(stage);
            facts.insert("ended", word(&stage["result_word"]));
            stages.insert(format!("{id}:{}", word(&stage["key"])), facts);
        }
    }
    stages
}

fn their_stages(rows: &[Row]) -> Facts {
    let one = |row: &Row| {
        let started: i64 = row["start_time_millis"].parse().unwrap();
        let duration: i64 = row["duration_millis"].parse().unwrap();
        let fields = BTreeMap::from([
            ("ended", row["status"].clone()),
            ("started", started.to_string()),
            ("finished", (started + duration).to_string()),
            ("duration", duration.to_string()),
            ("name", row["name"].clone()),
        ]);
        (format!("{}:{}", row["build_name"], row["id"]), fields)
    };
    rows.iter().map(one).collect()
}

/// Differences, equal ones counted.
fn differences(theirs: &Facts, ours: &Facts) -> String {
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    let mut note = |line: String| *found.entry(line).or_default() += 1;
    for id in theirs.keys().chain(ours.keys()).collect::<std::collections::BTreeSet<_>>() {
        match (theirs.get(id), ours.get(id)) {
            (Some(theirs), Some(ours)) => {
                let pairs = theirs.iter().map(|(field, their)| (field, their, &ours[field]));
                pairs
                    .filter(|(_, their, our)| their != our)
                    .for_each(|(field, their, our)| note(line(field, their, our)));
                note("both".to_owned());
            }
            (Some(_), None) => note(format!("only theirs: {id}")),
            (None, _) => note(format!("only ours: {id}")),
        }
    }
    found.iter().map(|(line, n)| format!("{n} {line}\n")).collect()
}

fn line(field: &str, their: &str, our: &str) -> String {
    match (their.parse::<i64>(), our.parse::<i64>()) {
        (Ok(their), Ok(our)) if (0..1_000).contains(&(our - their)) => format!("{field}: theirs is cut to seconds"),
        (Ok(_), Ok(_)) => format!("{field}: differs"),
        (Ok(_), Err(_)) => format!("{field}: only theirs has one"),
        (Err(_), Ok(_)) => format!("{field}: only ours has one"),
        _ => format!("{field}: theirs is `{their}`, ours `{our}`"),
    }
}

fn check(theirs: &Facts, ours: &Facts, expected: &Expect) {
    expected.assert_eq(&differences(theirs, ours));
}

#[test]
fn jobs_without_branches() {
    let (Some(raw), Some(told)) = (shared("devlake-raw/jenkins"), shared("devlake-expected/jenkins")) else { return };
    let (builds, commits) = our_builds(&rows(&raw, "_raw_jenkins_api_builds.csv"));
    check(
        &their_builds(&rows(&told, "cicd_pipelines.csv")),
        &builds,
        &expect![[r"
        13 both
        3 duration: only theirs has one
        1 ended: theirs is `finished  (NOT_BUILD)`, ours `finished NOT_BUILD (NOT_BUILD)`
        1 ended: theirs is `finished  (UNSTABLE)`, ours `finished unstable (UNSTABLE)`
        1 ended: theirs is `finished failure (ABORTED)`, ours `finished cancelled (ABORTED)`
        1 ended: theirs is `running  (FAILURE)`, ours `running  ()`
        2 ended: theirs is `running  (SUCCESS)`, ours `running  ()`
        10 finished: theirs is cut to seconds
        1 only ours: pipeline-test2#1
        13 started: theirs is cut to seconds
    "]],
    );
    check(
        &their_commits(&rows(&told, "cicd_pipeline_commits.csv")),
        &commits,
        &expect![[r"
        3 both
        3 branch: theirs is `refs/remotes/origin/main`, ours `main`
    "]],
    );
    let stages = our_stages(&rows(&raw, "_raw_jenkins_api_stages.csv"));
    check(
        &their_stages(&rows(&told, "_tool_jenkins_stages.csv")),
        &stages,
        &expect![[r"
        21 both
        2 duration: only theirs has one
        2 finished: only theirs has one
        1 only ours: Test-jenkins-dir/test-jenkins-sub-dir/test-sub-sub-dir/devlake#17:3
        1 only ours: Test-jenkins-dir/test-jenkins-sub-dir/test-sub-sub-dir/devlake#18:4
        1 only ours: Test-jenkins-dir/test-jenkins-sub-dir/test-sub-sub-dir/devlake#19:5
    "]],
    );
}

#[test]
fn jobs_of_branches() {
    let (Some(raw), Some(told)) = (shared("devlake-raw/jenkins"), shared("devlake-expected/jenkins")) else { return };
    let (builds, commits) = our_builds(&rows(&raw, "_raw_jenkins_api_builds_multibranch.csv"));
    check(
        &their_builds(&rows(&told, "cicd_pipelines_multibranch.csv")),
        &builds,
        &expect![[r"
        15 both
        2 ended: theirs is `finished failure (ABORTED)`, ours `finished timeout (ABORTED)`
        15 finished: theirs is cut to seconds
        15 started: theirs is cut to seconds
    "]],
    );
    check(
        &their_commits(&rows(&told, "cicd_pipeline_commits_multibranch.csv")),
        &commits,
        &expect![[r"
        13 both
    "]],
    );
    let stages = our_stages(&rows(&raw, "_raw_jenkins_api_stages_multibranch.csv"));
    check(
        &their_stages(&rows(&told, "_tool_jenkins_stages_multibranch.csv")),
        &stages,
        &expect![[r"
        65 both
    "]],
    );
}
