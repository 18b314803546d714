//! What git itself says about the history of this project, and of one made for the test.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that panics has failed; what is skipped is told")]

mod git;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value, json};
use weir_git::{Extent, Settings, Tips, find};

/// Commits as git tells them, by id.
fn theirs(path: &Path) -> BTreeMap<String, Value> {
    let format = "--format=%x01%H%x02%P%x02%an%x02%ae%x02%aI%x02%cn%x02%ce%x02%cI%x02%B%x02";
    let log = git::git(path, &["log", "--all", "--numstat", "--no-renames", "--minimal", "-z", format]);
    let log = String::from_utf8_lossy(&log).into_owned();
    let commits = log.split('\u{1}').skip(1).map(|commit| {
        let parts: Vec<&str> = commit.splitn(10, '\u{2}').collect();
        let parents: Vec<&str> = parts[1].split_whitespace().collect();
        let mut files: Vec<Value> = Vec::new();
        for line in parts[9].split(['\0', '\n']).filter(|line| !line.is_empty()) {
            let columns: Vec<&str> = line.splitn(3, '\t').collect();
            let count = |text: &str| text.parse::<u64>().ok();
            files.push(json!([columns[2], count(columns[0]), count(columns[1])]));
        }
        files.sort_by_key(ToString::to_string);
        let commit = json!([parents, parts[2..8], parts[8].trim_end(), files]);
        (parts[0].to_owned(), commit)
    });
    commits.collect()
}

/// The same as we read them.
fn ours(path: &Path) -> BTreeMap<String, Value> {
    let repository = find(&Settings::new(path.to_str().unwrap())).unwrap().remove(0).unwrap();
    let mut commits = BTreeMap::new();
    let scan = repository.read(&Tips::default(), Extent::New, 0, &mut |report| {
        let report: Value = serde_json::from_slice(&report.json.unwrap()).unwrap();
        if report.get("ref").is_none() {
            assert!(report.get("diagnostics").is_none(), "{report}");
            let who =
                ["author_name", "author_email", "authored_at", "committer_name", "committer_email", "committed_at"];
            let who = who.map(|field| report[field].as_str().unwrap_or_default().replace("+00:00", "Z"));
            let mut files: Vec<Value> = Vec::new();
            for file in report["files"].as_array().into_iter().flatten() {
                files.push(json!([file["path"], file["additions"], file["deletions"]]));
            }
            files.sort_by_key(ToString::to_string);
            let commit = json!([report["parents"], who, report["message"].as_str().unwrap().trim_end(), files]);
            commits.insert(report["sha"].as_str().unwrap().to_owned(), commit);
        }
        ControlFlow::Continue(())
    });
    assert!(scan.problems.is_empty(), "{:?}", scan.problems);
    commits
}

/// Whether a commit is told with the same facts and fewer lines: what git calls minimal is not always the least.
fn is_shorter(ours: &Value, theirs: &Value) -> bool {
    let files = |commit: &Value| commit[3].as_array().cloned().unwrap_or_default();
    let count = |file: &Value, column: usize| file[column].as_i64().unwrap_or(0);
    let shorter = |(ours, theirs): (&Value, &Value)| {
        let less = count(theirs, 1) - count(ours, 1);
        ours[0] == theirs[0] && less >= 0 && less == count(theirs, 2) - count(ours, 2)
    };
    let (our_files, their_files) = (files(ours), files(theirs));
    (0..3).all(|part| ours[part] == theirs[part])
        && our_files.len() == their_files.len()
        && our_files.iter().zip(&their_files).all(shorter)
}

fn compare(path: &Path) {
    let (theirs, ours) = (theirs(path), ours(path));
    assert!(!theirs.is_empty());
    let missing: Vec<_> = theirs.keys().filter(|sha| !ours.contains_key(*sha)).collect();
    assert!(missing.is_empty(), "not found: {missing:?}");
    let agrees = |sha: &String, theirs: &Value| ours[sha] == *theirs || is_shorter(&ours[sha], theirs);
    let differing: Vec<_> = theirs.iter().filter(|(sha, commit)| !agrees(sha, commit)).collect();
    for (sha, commit) in differing.iter().take(5) {
        println!("{sha}\n  git  {commit}\n  ours {}", ours[*sha]);
    }
    println!("{} commits compared, {} differ", theirs.len(), differing.len());
    assert!(differing.is_empty());
}

#[test]
fn on_the_history_of_this_project() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if !git::is_here() || !root.join(".git").exists() {
        println!("skipped: no history here");
        return;
    }
    compare(&root);
}

#[test]
fn on_odd_changes() {
    if !git::is_here() {
        return;
    }
    let made = git::Made::new();
    made.commit("a", "1\n2\n3\n", "lines");
    made.commit("a", "3\n2\n1", "turned round, without an end");
    made.commit("b/c", "x\r\ny\r\n", "a folder");
    std::fs::remove_dir_all(made.path().join("b")).unwrap();
    made.commit("b", "a file\n", "a folder becomes a file");
    std::fs::remove_file(made.path().join("b")).unwrap();
    made.commit("b/d", "1\n", "and a folder again");
    std::fs::remove_file(made.path().join("a")).unwrap();
    std::os::unix::fs::symlink("b/d", made.path().join("a")).unwrap();
    made.commit("b/d", "1\n", "a file becomes a link");
    made.commit("bin", b"\0", "binary");
    made.commit("bin", b"text\n", "binary no more");
    made.git(&["update-index", "--chmod=+x", "bin"]);
    made.git(&["commit", "--quiet", "-m", "only the mode"]);
    made.git(&["update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,sub"]);
    made.git(&["commit", "--quiet", "-m", "a repository in it"]);
    made.git(&["commit", "--quiet", "--allow-empty", "-m", "nothing"]);
    made.git(&["checkout", "--quiet", "--orphan", "other"]);
    made.commit("ü\t\"", "1\n", "another root, an odd name");
    compare(made.path());
}
