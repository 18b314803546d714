//! Repositories made for the test, read, changed and read again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed; what is skipped is told"
)]

mod git;

use std::ops::ControlFlow;
use std::path::Path;

use expect_test::{Expect, expect};
use git::Made;
use serde_json::Value;
use weir_git::{Extent, Repository, Scan, Settings, Tips, find};

fn open(path: &Path) -> Repository {
    let mut found = find(&Settings::new(path.to_str().unwrap())).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).unwrap_or_else(|error| panic!("{error}"))
}

/// Reads a repository: what is new, oldest first, and where its refs are.
fn read(repository: &Repository, known: &Tips) -> (Vec<Value>, Scan) {
    let mut reports = Vec::new();
    let scan = repository.read(known, Extent::New, 7, &mut |report| {
        let json = report.json.map_or_else(|| Value::String(report.key), |json| serde_json::from_slice(&json).unwrap());
        reports.push(json);
        ControlFlow::Continue(())
    });
    (reports, scan)
}

/// Reports without ids, which depend on the version of git that made them.
fn shown(reports: &[Value], scan: &Scan) -> String {
    let mut text = String::new();
    for report in reports {
        match report {
            Value::String(gone) => text += &format!("gone {}\n", gone.split('@').next().unwrap()),
            report if report.get("ref").is_some() => {
                let rewritten = if report["rewritten"] == true { " rewritten" } else { "" };
                text += &format!("{} {}{rewritten}\n", report["ref"].as_str().unwrap(), report["at"]);
            }
            commit => {
                let n_parents =
                    commit["parents"].as_array().map_or(-1, |parents| i64::try_from(parents.len()).unwrap());
                text += &format!("{} {n_parents} {}", commit["message"], commit["authored_at"]);
                if let Some(added) = commit["lines_added"].as_u64() {
                    text += &format!(" +{added} -{}", commit["lines_removed"]);
                }
                for file in commit["files"].as_array().into_iter().flatten() {
                    text += &format!(" {}:{}", file["status"].as_str().unwrap(), file["path"].as_str().unwrap());
                }
                for diagnostic in commit["diagnostics"].as_array().into_iter().flatten() {
                    text += &format!(
                        " !{} {}",
                        diagnostic["code"].as_str().unwrap(),
                        diagnostic["subject"].as_str().unwrap()
                    );
                }
                text += "\n";
            }
        }
    }
    for problem in &scan.problems {
        text += &format!("problem {} {}\n", problem.code, problem.subject);
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(repository: &Repository, known: &mut Tips, expected: Expect) {
    let (reports, scan) = read(repository, known);
    expected.assert_eq(&shown(&reports, &scan));
    *known = scan.tips.unwrap();
}

#[test]
fn everything_a_history_holds() {
    if !git::is_here() {
        return;
    }
    let made = Made::new();
    made.commit("a.txt", "1\n2\n3", "First\n\nWith a body.");
    made.git(&["tag", "light"]);
    made.git(&["checkout", "--quiet", "-b", "side/one"]);
    made.commit("b.bin", b"\0\x01\x02", "A binary file");
    made.git(&["checkout", "--quiet", "main"]);
    made.commit("a.txt", "1\nzwei\n3\n", "Change");
    made.git(&["merge", "--quiet", "--no-ff", "-m", "Merge", "side/one"]);
    made.git(&["mv", "a.txt", "dir-a.txt"]);
    made.git(&["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "--quiet", "--file", &latin(&made)]);
    std::os::unix::fs::symlink("dir-a.txt", made.path().join("link")).unwrap();
    made.commit("empty", "", "Link and nothing");
    made.git(&["tag", "--annotate", "-m", "one", "v1.0.0"]);
    made.git(&["tag", "a-tree", "HEAD^{tree}"]);
    let repository = open(made.path());
    let mut known = Tips::default();
    check(
        &repository,
        &mut known,
        expect![[r#"
        "Link and nothing\n" 1 "2026-01-02T03:04:05+01:00" +1 -0 added:empty added:link
        "A binary file\n" 1 "2026-01-02T03:04:05+01:00" +0 -0 added:b.bin
        "First\n\nWith a body.\n" 0 "2026-01-02T03:04:05+01:00" +3 -0 added:a.txt
        "Umbenannt für alle\n" 1 "2026-01-02T03:04:05+01:00" +3 -3 removed:a.txt added:dir-a.txt
        "Merge\n" 2 "2026-01-02T03:04:05+01:00"
        "Change\n" 1 "2026-01-02T03:04:05+01:00" +2 -2 modified:a.txt
        refs/heads/main null
        refs/heads/side/one null
        refs/tags/light null
        refs/tags/v1.0.0 "2026-01-02T03:04:05+01:00"
        problem no-commit refs/tags/a-tree
    "#]],
    );
    check(
        &repository,
        &mut known,
        expect![[r"
        problem no-commit refs/tags/a-tree
    "]],
    );
}

/// A message in Latin-1, beside the repository.
fn latin(made: &Made) -> String {
    let path = made.path().join(".git/message");
    std::fs::write(&path, b"Umbenannt f\xFCr alle\n").unwrap();
    path.display().to_string()
}

#[test]
fn only_what_is_new_and_what_is_gone() {
    if !git::is_here() {
        return;
    }
    let made = Made::new();
    made.commit("a", "1\n", "one");
    made.git(&["branch", "topic"]);
    let repository = open(made.path());
    let mut known = Tips::default();
    check(
        &repository,
        &mut known,
        expect![[r#"
        "one\n" 0 "2026-01-02T03:04:05+01:00" +1 -0 added:a
        refs/heads/main null
        refs/heads/topic null
    "#]],
    );
    made.commit("a", "1\n2\n", "two");
    check(
        &repository,
        &mut known,
        expect![[r#"
        "two\n" 1 "2026-01-02T03:04:05+01:00" +1 -0 modified:a
        refs/heads/main null
    "#]],
    );
    made.git(&["commit", "--quiet", "--amend", "-m", "two, again"]);
    made.git(&["branch", "--delete", "--force", "topic"]);
    check(
        &repository,
        &mut known,
        expect![[r#"
        "two, again\n" 1 "2026-01-02T03:04:05+01:00" +1 -0 modified:a
        refs/heads/main null rewritten
        gone refs/heads/topic
    "#]],
    );
    made.git(&["reflog", "expire", "--expire=now", "--all"]);
    made.git(&["gc", "--quiet", "--prune=now"]);
    made.git(&["commit", "--quiet", "--amend", "-m", "and once more"]);
    made.git(&["gc", "--quiet", "--prune=now"]);
    check(
        &repository,
        &mut known,
        expect![[r#"
        "and once more\n" 1 "2026-01-02T03:04:05+01:00" +1 -0 modified:a
        "one\n" 0 "2026-01-02T03:04:05+01:00" +1 -0 added:a
        refs/heads/main null rewritten
    "#]],
    );
    made.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    check(
        &repository,
        &mut known,
        expect![[r"
        refs/heads/main null rewritten
    "]],
    );
}

#[test]
fn everything_again_and_what_is_gone_all_the_same() {
    if !git::is_here() {
        return;
    }
    let made = Made::new();
    made.commit("a", "1\n", "one");
    let repository = open(made.path());
    let (_, scan) = read(&repository, &Tips(known("refs/heads/was-here")));
    let mut again = Vec::new();
    repository.read(&scan.tips.unwrap(), Extent::All, 7, &mut |report| {
        again.push(report.json.is_some());
        ControlFlow::Continue(())
    });
    let mut gone = 0;
    repository.read(&Tips(known("refs/heads/was-here")), Extent::All, 7, &mut |report| {
        gone += usize::from(report.json.is_none());
        ControlFlow::Continue(())
    });
    assert_eq!((again, gone), (vec![true, true], 1));
}

#[test]
fn a_clone_tells_the_branches_it_tracks() {
    if !git::is_here() {
        return;
    }
    let origin = Made::new();
    origin.commit("a", "1\n", "one");
    origin.git(&["branch", "stable"]);
    let (clones, url) = (tempfile::tempdir().unwrap(), format!("file://{}", origin.path().display()));
    git::git(clones.path(), &["clone", "--quiet", &url, "api"]);
    git::git(clones.path(), &["clone", "--quiet", "--mirror", &url, "mirror.git"]);
    git::git(&clones.path().join("api"), &["checkout", "--quiet", "-b", "mine"]);
    let found = find(&Settings::new(clones.path().join("*").to_str().unwrap())).unwrap();
    for repository in found.into_iter().map(Result::unwrap) {
        assert_eq!(repository.name, url);
        check(
            &repository,
            &mut Tips::default(),
            expect![[r#"
            "one\n" 0 "2026-01-02T03:04:05+01:00" +1 -0 added:a
            refs/heads/main null
            refs/heads/stable null
        "#]],
        );
    }
    let settings = Settings {
        repositories: vec![clones.path().join("mirror.git").display().to_string()],
        branches: vec!["st*".to_owned()],
        stats: false,
        ..Settings::new("")
    };
    let only = find(&settings).unwrap().remove(0).unwrap();
    check(
        &only,
        &mut Tips::default(),
        expect![[r#"
        "one\n" 0 "2026-01-02T03:04:05+01:00"
        refs/heads/stable null
    "#]],
    );
    assert!(find(&Settings::new(clones.path().join("api/none").to_str().unwrap())).is_err());
}

#[test]
fn a_shallow_clone_says_what_it_lacks() {
    if !git::is_here() {
        return;
    }
    let origin = Made::new();
    for n in ["1\n", "1\n2\n", "1\n2\n3\n"] {
        origin.commit("a", n, n);
    }
    let (clones, url) = (tempfile::tempdir().unwrap(), format!("file://{}", origin.path().display()));
    git::git(clones.path(), &["clone", "--quiet", "--depth", "2", &url, "api"]);
    check(
        &open(&clones.path().join("api")),
        &mut Tips::default(),
        expect![[r#"
        "1\n2\n3\n" 1 "2026-01-02T03:04:05+01:00" +1 -0 modified:a
        "1\n2\n" 1 "2026-01-02T03:04:05+01:00" !shallow parents
        refs/heads/main null
        problem shallow history
    "#]],
    );
}

#[test]
fn damage_costs_what_is_damaged() {
    if !git::is_here() {
        return;
    }
    let made = Made::new();
    made.commit("a", "1\n", "one");
    let lost = made.commit("a", "2\n", "lost");
    made.commit("a", "3\n", "three");
    let object = made.path().join(".git/objects").join(&lost[..2]).join(&lost[2..]);
    let mut permissions = std::fs::metadata(&object).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    std::fs::set_permissions(&object, permissions).unwrap();
    std::fs::write(&object, b"no object").unwrap();
    made.git(&["update-ref", "refs/heads/other", "HEAD"]);
    made.write(".git/refs/heads/bad", "0123456789012345678901234567890123456789\n");
    let (reports, scan) = read(&open(made.path()), &Tips(known("refs/heads/was-here")));
    expect![[r#"
        "three\n" 1 "2026-01-02T03:04:05+01:00" !unreadable parent
        refs/heads/main null
        refs/heads/other null
        problem unreadable refs/heads/bad
        problem damaged history
    "#]]
    .assert_eq(&shown(&reports, &scan));
    assert!(scan.tips.unwrap().0.contains_key("refs/heads/was-here"), "what cannot be read is not gone");
}

fn known(name: &str) -> std::collections::BTreeMap<String, String> {
    [(name.to_owned(), "1111111111111111111111111111111111111111".to_owned())].into()
}

#[test]
fn replaced_objects_are_not_believed() {
    if !git::is_here() {
        return;
    }
    let made = Made::new();
    made.commit("a", "1\n", "one");
    let true_one = made.commit("a", "2\n", "the truth");
    let false_one = made.commit("a", "3\n", "a lie");
    made.git(&["reset", "--quiet", "--hard", &true_one]);
    made.git(&["replace", &true_one, &false_one]);
    check(
        &open(made.path()),
        &mut Tips::default(),
        expect![[r#"
        "the truth\n" 1 "2026-01-02T03:04:05+01:00" +1 -1 modified:a
        "one\n" 0 "2026-01-02T03:04:05+01:00" +1 -0 added:a
        refs/heads/main null
    "#]],
    );
}

#[test]
fn a_sink_that_is_full_is_given_everything_again() {
    if !git::is_here() {
        return;
    }
    let made = Made::new();
    made.commit("a", "1\n", "one");
    let repository = open(made.path());
    let scan = repository.read(&Tips::default(), Extent::New, 7, &mut |_| ControlFlow::Break(()));
    assert_eq!((scan.commits, scan.tips), (0, None));
}
