//! Homes written by real Jenkins versions of many years; skipped where they are not at hand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use expect_test::expect;
use weir_jenkins::{Home, Seen, Settings};
use weir_protocol::Build;

fn shared() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = std::env::var_os("WEIR_SHARED_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    let dir = dir.join("jenkins");
    if !dir.is_dir() {
        eprintln!("skipped: no data at {}", dir.display());
    }
    dir.is_dir().then_some(dir)
}

/// Scans twice; the second scan must have nothing to tell.
fn scan(dir: PathBuf) -> BTreeMap<String, Build> {
    let mut seen = Seen::default();
    let mut builds = BTreeMap::new();
    for home in Home::discover(&Settings::new(dir)).unwrap() {
        let scan = home.scan(&mut seen, &mut |report| {
            let build = serde_json::from_slice(&report.json).unwrap();
            assert_eq!(builds.insert(report.key.clone(), build), None, "{} came twice", report.key);
            ControlFlow::Continue(())
        });
        assert_eq!((scan.builds, scan.closed), (scan.reported, 0));
        let again = home.scan(&mut seen, &mut |report| panic!("{} came again", report.key));
        assert_eq!((again.builds, again.reported), (scan.builds, 0));
    }
    builds
}

fn count<'a>(words: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    words.fold(BTreeMap::new(), |mut counts, word| {
        *counts.entry(word).or_default() += 1;
        counts
    })
}

#[test]
fn every_build_is_reported() {
    let Some(dir) = shared() else { return };
    let builds = scan(dir.join("homes"));
    let results = count(builds.values().map(|build| build.result.as_deref().unwrap_or("none")));
    assert_eq!(results, BTreeMap::from([("SUCCESS", 41), ("FAILURE", 6), ("none", 5)]));
    let codes = count(builds.values().flat_map(|build| &build.diagnostics).map(|diagnostic| diagnostic.code.as_str()));
    expect![[r#"
        {
            "damaged": 1,
            "missing": 19,
        }
    "#]]
    .assert_debug_eq(&codes);
    let sort = |build: &Build| {
        let stages = build.job_run.iter().flat_map(|run| &run.stages).count();
        format!("{:?} {:?} {:?}, {stages} stages", build.job_type, build.state, build.outcome)
    };
    let sorts: Vec<_> = builds.values().map(sort).collect();
    expect![[r#"
        {
            "Freestyle Finished Some(Failure), 0 stages": 6,
            "Freestyle Finished Some(Success), 0 stages": 34,
            "Matrix Finished Some(Success), 0 stages": 2,
            "MatrixConfiguration Finished Some(Success), 0 stages": 4,
            "Pipeline Running None, 0 stages": 1,
            "Pipeline Running None, 1 stages": 3,
            "Promotion Finished Some(Success), 0 stages": 1,
            "Unknown Running None, 0 stages": 1,
        }
    "#]]
    .assert_debug_eq(&count(sorts.iter().map(String::as_str)));
    assert!(builds.values().all(|build| build.build_number.is_some() && !build.qualified_name.is_empty()));
}

#[test]
fn loose_builds_are_found_too() {
    let Some(dir) = shared() else { return };
    let names: Vec<_> =
        scan(dir.join("propelo-plugin")).into_values().map(|build| (build.job_full_name, build.build_number)).collect();
    assert_eq!(names, [("git_changes_dir".to_owned(), Some(2))]);
    assert_eq!(scan(dir.clone()).len(), 53);
}

#[test]
fn parts_of_a_home_keep_their_names() {
    let Some(dir) = shared() else { return };
    let faros = dir.join("homes/faros");
    let whole = scan(faros.clone());
    assert_eq!(whole.len(), 3);
    for (part, n_builds) in [
        ("jobs", 3),
        ("jobs/Faros-test-job", 3),
        ("jobs/Faros-test-job/builds", 3),
        ("jobs/Faros-test-job/builds/2", 1),
    ] {
        let builds = scan(faros.join(part));
        assert_eq!(builds.len(), n_builds, "{part}");
        assert!(builds.iter().all(|(key, build)| whole.get(key) == Some(build)), "{part}");
    }
}
