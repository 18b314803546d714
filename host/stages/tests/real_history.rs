//! Builds of pull requests of two Apache projects, with the commits between them as `git rev-list` counts them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails and tells by these")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use weir_model::{Entity, EntityId, EntityKind, IntegrationName, ObjectId, RawRecord};
use weir_stages::correlate::{BuildPoint, Colour, CommitGraph, Verdict, VerdictState, verdict};
use weir_stages::normalise::{Arrival, Format, Outcome, native, record_key, rows};
use weir_stages::{Context, facets};

fn read(project: &str, file: &str) -> Option<Vec<u8>> {
    let path = weir_recordings::shared(&format!("correlation/lrts/{project}.{file}.gz"))?;
    Some(weir_recordings::gunzip(&path).into_bytes())
}

/// Entities of a file, merged in the order of arrival, newest first.
fn entities(format: Format, file: &[u8], reversed: bool) -> BTreeMap<EntityId, Entity> {
    let integration: IntegrationName = "ci".parse().unwrap();
    let mut records: Vec<(String, Vec<u8>)> = Vec::new();
    for row in rows(file) {
        let row = row.unwrap();
        records.push((record_key(format, &row.object).unwrap().key, row.bytes.into_owned()));
    }
    let keys: BTreeSet<&String> = records.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), records.len(), "every row is a raw record of its own");
    if reversed {
        records.reverse();
    }
    let mut merged: BTreeMap<EntityId, Entity> = BTreeMap::new();
    for (key, payload) in records {
        let read = native(format, &RawRecord::upsert(key, None, payload), Arrival::default());
        assert_eq!(read.diagnostics, []);
        let Outcome::Produced(produced) = read.outcome else { panic!("a row was not read") };
        for part in produced {
            let id = part.id(&integration);
            match merged.get_mut(&id) {
                Some(entity) => entity.absorb(part.entity),
                None => drop(merged.insert(id, part.entity)),
            }
        }
    }
    merged
}

struct History {
    graph: CommitGraph,
    lines: BTreeMap<String, Vec<BuildPoint>>,
}

fn history(project: &str, reversed: bool) -> Option<History> {
    let mut graph = CommitGraph::new();
    for (id, entity) in entities(Format::Commits, &read(project, "commits.jsonl")?, reversed) {
        let Entity::Commit(commit) = entity else { continue };
        graph.insert_commit(&ObjectId::new(&id.key).unwrap(), &commit);
    }
    let mut lines: BTreeMap<String, Vec<BuildPoint>> = BTreeMap::new();
    for (id, entity) in entities(Format::Builds, &read(project, "builds.csv")?, reversed) {
        let Entity::Build(build) = entity else { continue };
        let point = BuildPoint::new(id.clone(), &build, None, &graph);
        lines.entry(facets::line(&id, &build).unwrap()).or_default().push(point);
    }
    for line in lines.values_mut() {
        line.sort_by_key(|point| (point.number, point.attempt));
    }
    Some(History { graph, lines })
}

/// Verdicts of the red builds whose last red or green build before was green, by line and number.
fn newly_broken(history: &History) -> Vec<(String, u64, Verdict)> {
    let mut found = Vec::new();
    for (name, line) in &history.lines {
        for target in 0..line.len() {
            let mut before = line[..target].iter().rev().map(BuildPoint::colour);
            let was_green = before.find(|colour| matches!(colour, Colour::Red | Colour::Green)) == Some(Colour::Green);
            if was_green && line[target].colour() == Colour::Red {
                let verdict = verdict(line, target, &history.graph).unwrap();
                found.push((name.rsplit('|').next().unwrap().to_owned(), line[target].number, verdict));
            }
        }
    }
    found
}

/// What `git rev-list` says is new in a build since the one before it of the same pull request.
fn git_answers(project: &str) -> BTreeMap<(String, u64), BTreeSet<String>> {
    let file = read(project, "git-ranges.jsonl").unwrap();
    let mut answers = BTreeMap::new();
    for row in rows(&file) {
        let row = row.unwrap().object;
        let Some(Value::Array(commits)) = row.get("commits_since_prev_build") else { continue };
        let commits = commits.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        answers.insert((row["pr"].as_str().unwrap().to_owned(), row["build"].as_u64().unwrap()), commits);
    }
    answers
}

/// How many answers there are, with exactly one suspect, and that are reruns.
type Tally = (usize, usize, usize);

fn tally(project: &str) -> Option<Tally> {
    let history = history(project, false)?;
    let broken = newly_broken(&history);
    let again = newly_broken(&self::history(project, true)?);
    assert_eq!(format!("{broken:?}"), format!("{again:?}"), "the order of arrival changed the answer");
    let answers = git_answers(project);
    let mut tally = (0, 0, 0);
    for (change, number, verdict) in broken {
        let Some(expected) = answers.get(&(change.clone(), number)) else { continue };
        let suspects: BTreeSet<String> = verdict.commits.iter().map(|s| s.sha.as_str().to_owned()).collect();
        assert_eq!(&suspects, expected, "{change} {number}");
        let single = matches!(verdict.commits.as_slice(), [only] if (only.confidence - 1.0).abs() < 1e-9);
        tally.0 += 1;
        tally.1 += usize::from(single);
        tally.2 += usize::from(verdict.state == VerdictState::Rerun);
    }
    Some(tally)
}

#[test]
fn ranges_are_those_of_git() {
    assert_eq!(tally("log4j").unwrap_or((7, 3, 1)), (7, 3, 1));
}

#[test]
fn a_rerun_blames_nobody() {
    assert_eq!(tally("activemq").unwrap_or((6, 0, 6)), (6, 0, 6));
}

#[test]
fn every_build_of_the_history_is_there_once() {
    let Some(file) = read("log4j", "builds.csv") else { return };
    let entities = entities(Format::Builds, &file, false);
    let builds: Vec<_> = entities.iter().filter(|(id, _)| id.kind == EntityKind::Build).collect();
    assert_eq!((rows(&file).count(), builds.len()), (528, 270));
    let context = Context::default();
    let documents = builds.iter().map(|(id, build)| facets::search_document(id, build, &context));
    let failed = documents.filter(|document| document.values("result").iter().any(|result| result == "unstable"));
    assert!(failed.count() > 50);
}
