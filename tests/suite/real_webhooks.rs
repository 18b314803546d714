//! Recorded deliveries of GitHub, and of everybody else sent to the same address: each is taken, ignored or refused.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use weir_tests::{Weir, files_below, shared};

/// Feeds files in one run; how many were taken, ignored, refused. None is lost.
fn fed(name: &str, files: &[PathBuf]) -> (u64, u64, u64) {
    let weir = Weir::new("");
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let ingested = weir.ingest("webhook:github", &paths);
    let count = |name: &str| ingested[name].as_u64().unwrap();
    assert_eq!(count("records") + count("duplicates"), files.len() as u64, "{ingested}");
    assert_eq!(ingested["problems"], json!([]));
    let status = weir.json(&["status"]);
    assert_eq!((&status["accepted"], &status["processed"]), (&ingested["records"], &ingested["records"]), "{status}");
    let replayed = weir.json(&["replay"]);
    let same = |name: &str| assert_eq!(replayed[name], ingested[name], "{name} of {replayed}");
    ["records", "ignored", "rejected"].into_iter().for_each(same);
    let taken = count("records") - count("ignored") - count("rejected");
    println!(
        "{name}: {} files, {taken} taken, {} ignored, {} refused, {} twice",
        files.len(),
        count("ignored"),
        count("rejected"),
        count("duplicates")
    );
    (taken, count("ignored"), count("rejected"))
}

#[test]
fn every_recorded_delivery_of_github_is_understood() {
    let Some(folder) = shared("github/webhooks/octokit") else { return };
    let files = files_below(&folder, ".json");
    let (taken, ignored, refused) = fed("octokit", &files);
    assert_eq!((taken + ignored, refused), (files.len() as u64, 0));
    assert!(taken >= 100, "{taken} taken");
}

#[test]
fn deliveries_of_others_do_no_harm() {
    let folders = [
        "scm/go-scm/azure",
        "scm/go-scm/bitbucket",
        "scm/go-scm/gitea",
        "scm/go-scm/gitlab",
        "scm/go-scm/gogs",
        "scm/go-scm/stash",
        "slack",
        "gitlab/gitlab4j",
    ];
    for folder in folders {
        let Some(path) = shared(folder) else { return };
        let (taken, ignored, refused) = fed(folder, &files_below(&path, ".json"));
        // Gitea and Gogs send a push in GitHub's own form: that one cannot be told from GitHub's, and is understood.
        let in_its_form = u64::from(folder.ends_with("gitea") || folder.ends_with("gogs"));
        assert_eq!(taken, in_its_form, "{folder}: {ignored} ignored, {refused} refused");
    }
}

#[test]
fn what_became_of_a_delivery_can_be_seen() {
    let weir = Weir::new("");
    let refused = weir.write("push.json", "{\"ref\": \"refs/heads/main\"}");
    assert_eq!(weir.ingest("webhook:github", &[&refused])["rejected"], 1);
    let status = weir.json(&["status"]);
    assert_eq!(status["integrations"][0]["rejected"], 1);
    let told = weir.command(&["doctor", "--json"]);
    let problems: Value = told.json();
    assert!(told.stdout.contains("repository"), "somebody must be told what is missing in it: {problems}");
}
