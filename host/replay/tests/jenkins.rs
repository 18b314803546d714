//! The Jenkins home: what is in it, and that it is the same every time.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use expect_test::expect;
use weir_replay::{Company, Size, write_jenkins_home};

const END_MS: i64 = 1_772_809_200_000;

/// Files below `dir` with their texts, by path from `root`.
fn files(root: &Path, dir: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

fn home() -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    write_jenkins_home(&Company::generate(5, END_MS, Size::Small), dir.path()).unwrap();
    let mut found = BTreeMap::new();
    files(dir.path(), dir.path(), &mut found);
    found
}

#[test]
fn a_home_has_folders_branches_and_deployments() {
    let home = home();
    let shape: Vec<_> =
        home.keys().filter(|path| path.ends_with("config.xml") && !path.contains("/PR-")).cloned().collect();
    expect![[r"
        config.xml
        jobs/deploy-production/config.xml
        jobs/deploy-staging/config.xml
        jobs/finance/config.xml
        jobs/finance/jobs/billing-batch-nightly/config.xml
        jobs/finance/jobs/billing-batch/branches/main/config.xml
        jobs/finance/jobs/billing-batch/config.xml"]]
    .assert_eq(&shape.join("\n"));
    let first: Vec<_> =
        home.keys().filter(|path| path.starts_with("jobs/deploy-production/builds/1/")).cloned().collect();
    assert!(first.len() >= 3, "{first:?}");
    let revision = "<name>REVISION</name>";
    assert!(home["jobs/deploy-production/builds/1/build.xml"].contains(revision));
    assert!(home.keys().any(|path| path.contains("/branches/PR-")));
}

#[test]
fn every_file_of_markup_opens_and_closes_the_same_elements() {
    for (path, text) in home().iter().filter(|(path, text)| path.ends_with("xml") && text.starts_with("<?xml")) {
        let mut open = Vec::new();
        for tag in text.split('<').skip(2).map(|tag| tag.split('>').next().unwrap()) {
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "{path}");
            } else if !tag.ends_with('/') {
                open.push(tag.split(' ').next().unwrap());
            }
        }
        assert!(open.is_empty(), "{path}: {open:?}");
    }
}

#[test]
fn the_same_company_has_the_same_home() {
    assert_eq!(home(), home());
}
