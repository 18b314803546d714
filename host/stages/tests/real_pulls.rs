//! Pull requests of two projects, with the commits git knows of them: how they were merged, and how long they took.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails and tells by these")]

use std::collections::BTreeMap;

use serde_json::Value;
use weir_model::entity::{Change, ChangeState, Commit};
use weir_model::{Entity, EntityId, ObjectId, RawRecord, Timestamp};
use weir_stages::Context;
use weir_stages::aggregate::{ChangeFacts, Deployed, change_samples, first_commit_at};
use weir_stages::normalise::{Arrival, Format, Outcome, native, record_key, rows};

fn read(project: &str, file: &str) -> Option<Vec<u8>> {
    let path = weir_recordings::shared(&format!("git/{project}.{file}.jsonl.gz"))?;
    Some(weir_recordings::gunzip(&path).into_bytes())
}

fn commits(file: &[u8]) -> BTreeMap<String, Commit> {
    let mut commits = BTreeMap::new();
    for row in rows(file) {
        let row = row.unwrap();
        let key = record_key(Format::Commits, &row.object).unwrap().key;
        let read = native(Format::Commits, &RawRecord::upsert(key, None, row.bytes.into_owned()), Arrival::default());
        let Outcome::Produced(produced) = read.outcome else { panic!("a commit was not read") };
        for part in produced {
            if let Entity::Commit(commit) = part.entity {
                commits.insert(part.key, *commit);
            }
        }
    }
    commits
}

/// Authored times as the file says them, of commits that are no merges.
fn authored(file: &[u8]) -> BTreeMap<String, Timestamp> {
    let lines = file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let rows = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let plain = rows.filter(|row| row["parents"].as_array().unwrap().len() < 2);
    plain
        .map(|row| (row["sha"].as_str().unwrap().to_owned(), row["author"]["date"].as_str().unwrap().parse().unwrap()))
        .collect()
}

fn sha(value: &Value) -> Option<ObjectId> {
    value.as_str().and_then(ObjectId::new)
}

fn change(pull: &Value) -> Change {
    let commits = pull["commits"].as_array().into_iter().flatten();
    Change::default()
        .state(ChangeState::Merged)
        .merged_at(pull["merged_at"].as_str().unwrap().parse::<Timestamp>().unwrap())
        .merge_commit(sha(&pull["merge_commit"]))
        .head_commit(sha(&pull["head"]))
        .commits(commits.filter_map(sha))
}

/// Cycle time of a change: milliseconds, or why not.
fn cycle_time(change: &Change, commits: &BTreeMap<String, Commit>) -> Result<f64, String> {
    let plain = |sha: &ObjectId| commits.get(sha.as_str()).filter(|commit| commit.parents.len() < 2);
    let first_commit_at = first_commit_at(change, |sha| plain(sha)?.authored_at);
    let deployed: [(String, Deployed); 0] = [];
    let facts = ChangeFacts { change, reviews: &[], first_commit_at, deployed: &deployed };
    let id: EntityId = "change:gh:1".parse().unwrap();
    let samples = change_samples(&id, &facts, &Context::default());
    let sample = samples.into_iter().find(|sample| sample.metric == "cycle-time").unwrap();
    sample.value.ok_or_else(|| sample.unknown.unwrap())
}

/// The same, from the rows of the files alone.
fn recomputed(pull: &Value, authored: &BTreeMap<String, Timestamp>) -> Result<f64, String> {
    let listed = pull["commits"].as_array().into_iter().flatten().chain([&pull["head"]]);
    let first = listed.filter_map(|sha| authored.get(sha.as_str()?)).min();
    let Some(first) = first else { return Err("no-start".to_owned()) };
    let merged: Timestamp = pull["merged_at"].as_str().unwrap().parse().unwrap();
    // Pushed in a hurry by a clock that was late: the opening is the merge, and nothing was coded before.
    let length = merged.ms() - first.ms();
    Ok(f64::from(i32::try_from(length / 1000).unwrap().max(0)) * 1000.0)
}

fn check(project: &str, merges: usize, squashes: usize) {
    let (Some(commits_file), Some(pulls)) = (read(project, "commits"), read(project, "pulls")) else { return };
    let (commits, authored) = (commits(&commits_file), authored(&commits_file));
    let lines = pulls.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let pulls: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    let mut n_known = 0;
    for pull in pulls.iter().filter(|pull| pull["merged_at"].is_string()) {
        let change = change(pull);
        let delivered = &commits[change.merge_commit.as_ref().unwrap().as_str()];
        let kind = if delivered.parents.len() > 1 { "merge" } else { "squash" };
        assert_eq!(pull["merge_kind"], kind, "{pull}");
        *counted.entry(kind).or_default() += 1;
        let found = cycle_time(&change, &commits);
        assert_eq!(found, recomputed(pull, &authored), "{pull}");
        n_known += usize::from(found.is_ok());
    }
    assert_eq!(counted, BTreeMap::from([("merge", merges), ("squash", squashes)]));
    assert!(n_known >= merges, "{n_known} of {merges}");
    println!("{project}: {merges} merges, {squashes} squashes, {n_known} cycle times");
}

#[test]
fn pull_requests_of_the_junit_plugin() {
    check("jenkinsci-junit-plugin", 72, 350);
}

#[test]
fn pull_requests_of_alloy() {
    check("tidev-alloy", 626, 42);
}
