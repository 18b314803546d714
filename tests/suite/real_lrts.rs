//! Builds of pull requests of two Apache projects: the suspects of every newly broken build are those that
//! `git rev-list` counts, in whatever order and form builds and commits come.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use weir_tests::{Weir, encoded, gunzip, shared};

/// What git knows of a build: number and commits since the build before it of the same pull request.
type Known = BTreeMap<(String, u64), BTreeSet<String>>;

fn file(project: &str, name: &str) -> Option<PathBuf> {
    shared(&format!("correlation/lrts/{project}.{name}.gz"))
}

fn lines(path: &Path) -> Vec<Value> {
    gunzip(path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Builds that are red after a build that was green, as git's file says itself.
fn newly_broken(ranges: &[Value]) -> Known {
    let red = |row: &&Value| {
        matches!(row["result"].as_str(), Some("FAILURE" | "UNSTABLE")) && row["prev_result"] == "SUCCESS"
    };
    let known = ranges.iter().filter(red).filter_map(|row| {
        let commits = row["commits_since_prev_build"].as_array()?;
        let commits = commits.iter().map(|sha| sha.as_str().unwrap().to_owned()).collect();
        Some(((row["pr"].as_str().unwrap().to_owned(), row["build"].as_u64().unwrap()), commits))
    });
    known.collect()
}

/// The rows of the CSV as custom CI/CD payloads, one per build.
pub(crate) fn payloads(project: &str) -> String {
    let text = gunzip(&file(project, "builds.csv").unwrap());
    let mut rows = text.lines();
    let header: Vec<_> = rows.next().unwrap().split(',').collect();
    let mut payloads: BTreeMap<(String, String), Value> = BTreeMap::new();
    for row in rows {
        let row: BTreeMap<_, _> = header.iter().copied().zip(row.split(',')).collect();
        let seconds = |name: &str| row[name].split('.').next().unwrap().parse::<u64>().unwrap() * 1_000;
        let (change, number) = (row["pr_name"], row["build_id"]);
        let payload = json!({
            "pipeline": project, "job_full_name": format!("{project}/branches/{change}"),
            "qualified_name": format!("{project}/{change}"), "instance_guid": "5e1f0ee4-1a5e-4f4b-8f0d-7d1f0a3a2b11",
            "instance_name": "ci", "job_type": "jenkins", "branch_name": change,
            "start_time": seconds("build_timestamp"), "duration": seconds("build_duration"),
            "result": row["build_result"], "build_number": number.parse::<u64>().unwrap(),
            "scm_commit_ids": [row["build_head_sha"]], "base_commit": row["trunk_sha"],
        });
        payloads.insert((change.to_owned(), number.to_owned()), payload);
    }
    payloads.values().fold(String::new(), |text, payload| text + &payload.to_string() + "\n")
}

fn as_csv(project: &str, _: &Weir) -> Option<PathBuf> {
    file(project, "builds.csv")
}

fn as_payloads(project: &str, weir: &Weir) -> Option<PathBuf> {
    file(project, "builds.csv").map(|_| weir.write("builds.jsonl", payloads(project)))
}

/// How many newly broken builds there are, how many have one suspect, how many blame nobody; each checked against git.
type Tally = (usize, usize, usize);

fn tally(project: &str, commits_first: bool, builds: fn(&str, &Weir) -> Option<PathBuf>) -> Option<Tally> {
    let ranges = newly_broken(&lines(&file(project, "git-ranges.jsonl")?));
    let weir = Weir::new("");
    let (builds, commits) = (builds(project, &weir)?, file(project, "commits.jsonl")?);
    let mut files = [("builds", builds), ("commits", commits)];
    if commits_first {
        files.reverse();
    }
    for (kind, path) in &files {
        let ingested = weir.ingest(kind, &[path]);
        assert_eq!((&ingested["rejected"], &ingested["problems"]), (&json!(0), &json!([])), "{ingested}");
    }
    let host = weir.run();
    let builds = weir_tests::documents(&host, "kind:build");
    let mut tally = (0, 0, 0);
    for ((change, number), expected) in &ranges {
        let mut of_change =
            builds.values().filter(|build| build["branch"] == json!(change) && build["number"] == json!(number));
        let id =
            of_change.next().unwrap_or_else(|| panic!("no build {change} {number}"))["id"].as_str().unwrap().to_owned();
        assert!(of_change.next().is_none(), "{change} {number} is there twice");
        let answer = host.get(&format!("/v1/builds/{}/suspects", encoded(&id)));
        let found = answer["commits"].as_array().unwrap();
        let suspects: BTreeSet<_> = found.iter().map(|commit| commit["sha"].as_str().unwrap().to_owned()).collect();
        assert_eq!(&suspects, expected, "{project} {change} {number}: {answer}");
        let state = if expected.is_empty() { "rerun" } else { "broken" };
        assert_eq!(answer["state"], state, "{project} {change} {number}: {answer}");
        tally.0 += 1;
        tally.1 += usize::from(found.len() == 1 && found[0]["confidence"] == json!(1.0));
        tally.2 += usize::from(found.is_empty());
    }
    // The command answers the same.
    host.stop();
    let (change, number) = ranges.keys().next().unwrap();
    let id =
        builds.values().find(|build| build["branch"] == json!(change) && build["number"] == json!(number)).unwrap();
    let answer = weir.json(&["suspects", id["id"].as_str().unwrap()]);
    let shas: BTreeSet<_> =
        answer["commits"].as_array().unwrap().iter().map(|c| c["sha"].as_str().unwrap().to_owned()).collect();
    assert_eq!(&shas, &ranges[&(change.clone(), *number)]);
    Some(tally)
}

#[test]
fn the_log4j_history_names_whom_git_names() {
    for commits_first in [true, false] {
        for builds in [as_csv, as_payloads] {
            let Some(tally) = tally("log4j", commits_first, builds) else { return };
            assert_eq!(tally, (7, 3, 1), "commits first: {commits_first}");
        }
    }
}

#[test]
fn the_activemq_history_blames_nobody() {
    for commits_first in [true, false] {
        for builds in [as_csv, as_payloads] {
            let Some(tally) = tally("activemq", commits_first, builds) else { return };
            assert_eq!(tally, (6, 0, 6), "commits first: {commits_first}");
        }
    }
}
