//! The git collector: a repository on disk, read by the running host again and again.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use weir_tests::{Running, Weir, encoded, eventually, ids};

pub(crate) fn is_here() -> bool {
    let here = Command::new("git").arg("--version").output().is_ok_and(|output| output.status.success());
    if !here {
        println!("skipped: no git program");
    }
    here
}

pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "init.defaultBranch=main", "-c", "user.name=Ana", "-c", "user.email=ana@acme.example"]);
    let output = command.args(arguments).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn commit(folder: &Path, content: &str, message: &str) -> String {
    std::fs::write(folder.join("a.txt"), content).unwrap();
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "-m", message]);
    git(folder, &["rev-parse", "HEAD"])
}

fn setup(every: &str) -> Weir {
    let config = format!(
        "[[integration]]\nname = \"repos\"\ncollector = \"git\"\nevery = \"{every}\"\n\
         settings = {{ repositories = [\"git/*\"], url = \"https://git.acme.example/{{name}}.git\" }}\n"
    );
    let weir = Weir::new(&config);
    std::fs::create_dir_all(weir.path("git/api")).unwrap();
    git(&weir.path("git/api"), &["init", "--quiet"]);
    weir
}

fn entity(host: &Running, sha: &str) -> Value {
    host.processed();
    host.get(&format!("/v1/entities/{}", encoded(&format!("commit::{sha}"))))["document"].clone()
}

/// Names of the refs that point at a commit.
fn refs(host: &Running, sha: &str) -> Vec<String> {
    let entity = entity(host, sha);
    let refs = entity["refs"].as_array().cloned().unwrap_or_default();
    refs.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn commits_and_refs_follow_the_repository() {
    if !is_here() {
        return;
    }
    let weir = setup("1h");
    let folder = weir.path("git/api");
    let first = commit(&folder, "1\n", "one");
    git(&folder, &["tag", "-a", "v1", "-m", "v1"]);
    git(&folder, &["branch", "topic"]);
    let host = weir.run();
    let run = host.collected("repos");
    assert_eq!((&run["records"], run["failures"].as_array().map(Vec::len)), (&json!(4), Some(0)));
    assert_eq!(refs(&host, &first), ["refs/heads/main", "refs/heads/topic", "refs/tags/v1"]);
    let found = entity(&host, &first);
    assert_eq!(
        (&found["additions"], &found["repositories"][0]["name"]),
        (&json!(1), &json!("https://git.acme.example/api.git"))
    );
    let second = commit(&folder, "1\n2\n", "two");
    assert_eq!(host.collect("repos")["records"], 2, "the commit and its branch");
    assert_eq!(refs(&host, &second), ["refs/heads/main"]);
    assert_eq!(refs(&host, &first), ["refs/heads/topic", "refs/tags/v1"]);
    git(&folder, &["branch", "-D", "topic"]);
    git(&folder, &["commit", "--quiet", "--amend", "-m", "two, again"]);
    let third = git(&folder, &["rev-parse", "HEAD"]);
    let run = host.collect("repos");
    assert_eq!((&run["records"], &run["withdrawn"]), (&json!(2), &json!(1)));
    assert_eq!(entity(&host, &third)["attributes"]["git.rewritten_from"], second);
    assert_eq!((refs(&host, &first), refs(&host, &second)), (vec!["refs/tags/v1".to_owned()], vec![]));
    assert_eq!(host.collect("repos")["records"], 0);
    let accepted = host.processed()["accepted"].clone();
    host.kill();
    let host = weir.run();
    host.collected("repos");
    assert_eq!(host.processed()["accepted"], accepted, "after a kill it goes on where it was");
    assert_eq!(host.client().post("/v1/integrations/repos/collect?full=true", b"").json()["records"], 4);
    host.stop();
}

#[test]
fn it_is_read_again_by_its_schedule_and_says_what_it_cannot_read() {
    if !is_here() {
        return;
    }
    let weir = setup("1s");
    let folder = weir.path("git/api");
    commit(&folder, "1\n", "one");
    let checked = weir.json(&["check"]);
    assert_eq!(checked["checked"][0]["result"]["repositories"], json!(["https://git.acme.example/api.git"]));
    let host = weir.run();
    host.collected("repos");
    let second = commit(&folder, "2\n", "two");
    eventually("the next reading", || ids(&host, "kind:commit").contains(&format!("commit::{second}")).then_some(()));
    std::fs::write(folder.join(".git/refs/heads/bad"), "0123456789012345678901234567890123456789\n").unwrap();
    let failures = host.collect("repos")["failures"].clone();
    assert!(failures[0]["error"].as_str().unwrap().contains("refs/heads/bad"), "{failures}");
    host.stop();
}

#[test]
fn a_folder_is_read_once_with_and_without_a_host() {
    if !is_here() {
        return;
    }
    let weir = setup("1h");
    let folder = weir.path("git/api");
    let sha = commit(&folder, "1\n", "one");
    let other = Weir::new("");
    assert_eq!(other.ingest("git", &[&weir.path("git")])["records"], 2);
    assert_eq!(other.ingest("git", &[&weir.path("git")])["records"], 2);
    let host = other.run();
    assert_eq!(refs(&host, &sha), ["refs/heads/main"]);
    commit(&folder, "2\n", "two");
    assert_eq!(other.ingest("git", &[&folder])["records"], 3);
    assert_eq!((refs(&host, &sha), ids(&host, "kind:commit").len()), (vec![], 2));
    host.stop();
}

#[test]
fn test_reports_come_as_xml() {
    let weir = Weir::new("");
    let xml =
        "<testsuite name='unit'><testcase classname='a.B' name='x'/><testcase name='y'><error/></testcase></testsuite>";
    let file = weir.write("reports/one.xml", xml);
    assert_eq!(weir.ingest("junit", &[&file])["records"], 1);
    let host = weir.run();
    let path = "/v1/test-reports?instance_name=ci&job_full_name=api&build_number=7&stage=unit&name=all";
    let answer = host.client().with("content-type", "application/xml").post(path, xml.as_bytes());
    assert_eq!((answer.status, &answer.json()["accepted"]), (202, &json!(1)));
    assert_eq!(host.client().post("/v1/test-reports?colour=red", xml.as_bytes()).status, 400);
    let json = json!({ "id": "t", "passed": 1, "failed": 0 }).to_string();
    assert_eq!(host.client().post("/v1/test-reports", json.as_bytes()).status, 202);
    host.processed();
    let reports = ids(&host, "kind:test-report");
    assert_eq!(reports.len(), 3, "{reports:?}");
    let of_build = reports.iter().find(|id| id.contains("ci/api/7/1/")).unwrap();
    let report = host.get(&format!("/v1/entities/{}", encoded(of_build)))["document"].clone();
    assert_eq!((&report["passed"], &report["errors"], &report["name"]), (&json!(1), &json!(1), &json!("all")));
    assert_eq!((&report["build"]["key"], &report["stage"]), (&json!("ci/api/7/1"), &json!("unit")));
    let raw = host.get(&format!("/v1/entities/{}/raw", encoded(of_build)));
    assert_eq!(raw["records"][0]["payload"], xml, "{raw}");
    host.stop();
}

/// Lines of links from one commit to another.
fn derived(host: &Running, sha: &str) -> Vec<String> {
    let answer = host.get(&format!("/v1/entities/{}/links", encoded(&format!("commit::{sha}"))));
    let links = answer["links"].as_array().unwrap().iter().filter(|link| link["kind"] == "derived-from");
    let line = |link: &Value| format!("{} {} {} {}", link["from"], link["to"], link["reason"], link["confidence"]);
    links.map(|link| line(link).replace('"', "")).collect()
}

#[test]
fn a_cherry_pick_of_which_git_wrote_nothing_is_found_by_what_it_changes() {
    if !is_here() {
        return;
    }
    let weir = setup("1h");
    let folder = weir.path("git/api");
    commit(&folder, "one\ntwo\nthree\nfour\n", "begin");
    git(&folder, &["branch", "release"]);
    let fix = commit(&folder, "one\ntwo\nthree, mended\nfour\n", "mend three");
    let other = commit(&folder, "one\ntwo, too\nthree, mended\nfour\n", "mend two");
    git(&folder, &["checkout", "--quiet", "release"]);
    commit(&folder, "zero\nnull\none\ntwo\nthree\nfour\n", "of the release alone");
    let picked = Command::new("git")
        .args(["-c", "user.name=Ben", "-c", "user.email=ben@acme.example", "cherry-pick", &fix])
        .current_dir(&folder)
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_COMMITTER_DATE", "2090-01-01T00:00:00Z")])
        .output()
        .unwrap();
    assert!(picked.status.success(), "{}", String::from_utf8_lossy(&picked.stderr));
    let pick = git(&folder, &["rev-parse", "HEAD"]);
    let host = weir.run();
    host.collected("repos");
    host.processed();
    let expected = [format!("commit::{pick} commit::{fix} patch 0.5")];
    assert_eq!((derived(&host, &fix), derived(&host, &pick)), (expected.to_vec(), expected.to_vec()));
    assert_eq!(derived(&host, &other), Vec::<String>::new());
    // What nine commits change alike is no pick of any of them.
    for round in 0..9 {
        git(&folder, &["checkout", "--quiet", "-b", &format!("copy-{round}"), &format!("{other}~1")]);
        commit(&folder, "one\ntwo, too\nthree, mended\nfour\n", &format!("mend two, {round}"));
    }
    host.collect("repos");
    host.processed();
    assert_eq!(derived(&host, &other), Vec::<String>::new());
    host.stop();
}
