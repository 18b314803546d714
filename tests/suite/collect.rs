//! Collection with the real connector from the replayed GitHub: everything once, whatever goes wrong on the way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use weir_replay::{Fault, Faults, Options};
use weir_tests::{Client, Replayed, Weir, company, ids, totals};

fn setup(options: Options) -> (Replayed, Weir) {
    let replayed = Replayed::new(options);
    let weir = Weir::new(&replayed.integration());
    (replayed, weir)
}

/// Ids of everything collected.
fn all(weir: &Weir) -> BTreeSet<String> {
    let host = weir.run();
    let all = ids(&host, "");
    host.stop();
    all
}

/// What an undisturbed collection finds.
fn undisturbed() -> BTreeSet<String> {
    let (_replayed, weir) = setup(Options::default());
    assert_eq!(weir.json(&["collect"])["complete"], true);
    all(&weir)
}

/// Every item of a list of the replayed API, read page by page without Weir.
fn listed(github: &Client, path: &str, field: Option<&str>) -> Vec<Value> {
    let mut all = Vec::new();
    for page in 1.. {
        let joint = if path.contains('?') { '&' } else { '?' };
        let answer = github.get(&format!("{path}{joint}per_page=100&page={page}"));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let answer = answer.json();
        let items = field.map_or(&answer, |field| &answer[field]).as_array().unwrap().clone();
        let last = items.len() < 100;
        all.extend(items);
        if last {
            break;
        }
    }
    all
}

/// What the replayed API offers, as ids of entities by kind.
fn offered(replayed: &Replayed) -> BTreeMap<&'static str, BTreeSet<String>> {
    let github = Client::new(replayed.url()).with("authorization", "Bearer demo-token").with("user-agent", "test");
    let mut offered: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    let mut note = |kind, key: String| {
        offered.entry(kind).or_default().insert(key);
    };
    for name in company().repository_names() {
        let base = format!("/repos/{name}");
        note("repository", format!("repository:github:{name}"));
        for commit in listed(&github, &format!("{base}/commits"), None) {
            note("commit", format!("commit::{}", commit["sha"].as_str().unwrap()));
        }
        for pull in listed(&github, &format!("{base}/pulls?state=all"), None) {
            let number = &pull["number"];
            note("change", format!("change:github:{name}#{number}"));
            for commit in listed(&github, &format!("{base}/pulls/{number}/commits"), None) {
                note("commit", format!("commit::{}", commit["sha"].as_str().unwrap()));
            }
        }
        for issue in listed(&github, &format!("{base}/issues?state=all"), None) {
            if issue["pull_request"].is_null() {
                note("work-item", format!("work-item:github:{name}#{}", issue["number"]));
            }
        }
        for run in listed(&github, &format!("{base}/actions/runs"), Some("workflow_runs")) {
            for attempt in 1..=run["run_attempt"].as_u64().unwrap() {
                note("build", format!("build:github:{name}/{}/{attempt}", run["id"]));
            }
        }
        for deployment in listed(&github, &format!("{base}/deployments"), None) {
            note("deployment", format!("deployment:github:{}", deployment["id"]));
        }
    }
    offered
}

#[test]
fn everything_is_found_once() {
    let (replayed, weir) = setup(Options::default());
    let collected = weir.json(&["collect"]);
    assert_eq!(collected["complete"], true, "{collected}");
    let host = weir.run();
    let (found, counts) = (totals(&host), replayed.counts());
    println!("{found:?} of {counts:?}");
    let of_kind = |kind: &str| usize::try_from(found.get(kind).copied().unwrap_or(0)).unwrap();
    assert_eq!((of_kind("repository"), of_kind("change")), (counts.repositories, counts.pulls));
    assert_eq!((of_kind("work-item"), of_kind("artifact")), (counts.issues, counts.releases));
    // One repository builds and deploys elsewhere, and a branch without a pull request is not to be seen: of these the
    // API offers less than there is.
    for (kind, expected) in offered(&replayed) {
        let found = ids(&host, &format!("kind:{kind}"));
        let (missing, surplus): (Vec<_>, Vec<_>) =
            (expected.difference(&found).collect(), found.difference(&expected).collect());
        assert!(missing.is_empty() && surplus.is_empty(), "{kind}: {missing:?} are missing, {surplus:?} are too many");
    }
}

#[test]
fn nothing_new_costs_almost_nothing() {
    let (replayed, weir) = setup(Options::default());
    weir.json(&["collect"]);
    let before = weir.json(&["search", "", "--limit", "1000"]);
    let recorder = replayed.server().recorder();
    let paid = recorder.count_status(200);
    recorder.clear();
    let again = weir.json(&["collect"]);
    let paid_again = recorder.count_status(200);
    let requests: BTreeMap<_, _> = recorder.requests().into_iter().map(|seen| (seen.path, seen.status)).collect();
    println!("{paid} paid requests, then {paid_again} of {}: {requests:#?}", requests.len());
    assert!(paid_again * 20 <= paid, "{paid_again} of {paid} requests were paid again");
    assert_eq!(again["runs"][0]["run"]["failures"], json!([]));
    let after = weir.json(&["search", "", "--limit", "1000"]);
    assert_eq!((&before["total"], &before["hits"]), (&after["total"], &after["hits"]));
}

#[test]
fn a_full_collection_finds_the_same() {
    let (_replayed, weir) = setup(Options::default());
    weir.json(&["collect"]);
    let before = all(&weir);
    let again = weir.json(&["collect", "--full"]);
    assert_eq!((&again["complete"], &again["runs"][0]["run"]["withdrawn"]), (&json!(true), &json!(0)), "{again}");
    assert_eq!(all(&weir), before);
}

/// Collects from a faulty server until everything is there; gives how many times that took.
fn despite(faults: Faults) -> usize {
    let (_replayed, weir) = setup(Options { faults, ..Options::default() });
    for attempt in 1..=10 {
        let answer = weir.command(&["collect", "--json"]);
        assert!([0, 3].contains(&answer.code), "exit {}: {}{}", answer.code, answer.stdout, answer.stderr);
        if answer.code == 0 {
            assert_eq!(all(&weir), undisturbed());
            return attempt;
        }
        assert_eq!(answer.json()["complete"], false);
    }
    panic!("not even ten collections found everything");
}

#[test]
fn what_passes_is_waited_for() {
    let throttled = Fault::Throttled { status: 429, retry_after_s: 1 };
    let faults =
        Faults::none().at(3, throttled).at(30, Fault::Status(503)).at(31, Fault::Status(502)).at(60, Fault::Closed);
    assert_eq!(despite(faults), 1, "nothing here needs anybody");
}

#[test]
fn answers_that_are_none_lose_nothing() {
    let faults =
        Faults::none().at(5, Fault::NotJson).at(25, Fault::Truncated).at(50, Fault::NotJson).at(51, Fault::Truncated);
    let attempts = despite(faults);
    println!("{attempts} collections");
}

/// A webhook brings a pull request without its commits and reviews; the poll after it must not take them for read.
#[test]
fn what_a_webhook_brought_alone_is_completed_by_the_next_poll() {
    let (replayed, weir) = setup(Options::default());
    let github = Client::new(replayed.url()).with("authorization", "Bearer demo-token").with("user-agent", "test");
    let repository = replayed.repository();
    for pull in listed(&github, &format!("/repos/{repository}/pulls?state=all"), None) {
        let number = &pull["number"];
        let delivery = json!({ "action": "opened", "pull_request": pull, "repository": { "full_name": repository } });
        weir.write(&format!("pull_request/{number}.payload.json"), delivery.to_string());
    }
    let folder = weir.path("pull_request");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let files: Vec<_> = files.iter().map(std::path::PathBuf::as_path).collect();
    assert!(!files.is_empty());
    weir.ingest("webhook:github", &files);
    assert_eq!(weir.json(&["collect"])["complete"], true);
    assert_eq!(all(&weir), undisturbed());
}

/// A full pass that was cut short is gone on with by whatever collection comes next, and as a full one: what that finds
/// unchanged was seen.
#[test]
fn a_full_pass_cut_short_deletes_nothing_later() {
    let (replayed, weir) = setup(Options::default());
    assert_eq!(weir.json(&["collect"])["complete"], true);
    let before = all(&weir);
    for part in ["payments-api/pulls?", "search-indexer/pulls/"] {
        replayed.fail(part, Fault::NotJson, 1);
        assert_eq!(weir.command(&["collect", "--full"]).code, 3, "{part}");
        assert_eq!(weir.json(&["collect"])["complete"], true, "{part}");
        assert_eq!(weir.json(&["collect", "--full"])["complete"], true, "{part}");
        let after = all(&weir);
        assert!(after == before, "{part}: {:?} are gone", before.difference(&after).take(9).collect::<Vec<_>>());
    }
}

/// In a full pass what is not seen counts as deleted, so an answer that is none must not look like an empty list.
#[test]
fn an_error_that_looks_like_an_answer_deletes_nothing() {
    let (replayed, weir) = setup(Options::default());
    assert_eq!(weir.json(&["collect"])["complete"], true);
    let before = all(&weir);
    for (part, fault) in [("/issues?", Fault::OtherJson), ("/pulls?", Fault::NotJson), ("/runs?", Fault::OtherJson)] {
        replayed.fail(part, fault, 1);
        let full = weir.command(&["collect", "--full", "--json"]);
        assert_eq!(all(&weir), before, "{part} {fault:?}: {}", full.stdout);
    }
    assert_eq!(weir.json(&["collect", "--full"])["complete"], true);
    assert_eq!(all(&weir), before);
}

#[test]
fn a_wrong_token_pauses_and_says_what_to_do() {
    let replayed = Replayed::new(Options::default());
    let weir = Weir::new(&replayed.integration()).with_secret("REPLAY_TOKEN", "wrong");
    let answer = weir.command(&["collect"]);
    assert!([2, 3].contains(&answer.code), "exit {}: {}{}", answer.code, answer.stdout, answer.stderr);
    assert!(answer.stderr.contains("hint:"), "{}", answer.stderr);
    assert!(replayed.server().recorder().requests().len() < 40, "it went on asking");
    let status = weir.json(&["status"]);
    let github = &status["integrations"][0];
    assert_eq!(github["state"], "paused", "{github}");
    let told = github["last_error"].as_str().unwrap();
    assert!(told.contains("401") || told.to_lowercase().contains("credential"), "{told}");
    let doctor = weir.command(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.stdout.contains("hint:"), "{}", doctor.stdout);
    let check = weir.command(&["check"]);
    assert_eq!(check.code, 1, "{}", check.stdout);
}

#[test]
fn a_running_host_collects_by_itself_and_when_asked() {
    let (replayed, weir) = setup(Options::default());
    let host = weir.run();
    assert_eq!(host.collected("github")["failures"], json!([]));
    host.processed();
    let before = totals(&host);
    let pushed = replayed.fix_main();
    assert_eq!(weir.json(&["collect", "github"])["complete"], true);
    host.processed();
    for sha in &pushed.commits {
        assert_eq!(host.get(&format!("/v1/entities/commit%3A%3A{sha}"))["kind"], "commit");
    }
    assert_eq!(totals(&host)["commit"], before["commit"] + pushed.commits.len() as u64);
}

#[test]
fn what_is_gone_at_the_tool_is_withdrawn_by_a_full_pass() {
    let (replayed, weir) = setup(Options::default());
    assert_eq!(weir.json(&["collect"])["complete"], true);
    let before = all(&weir);
    let number = replayed.delete_issue();
    let gone = format!("work-item:github:{}#{number}", replayed.repository());
    assert!(before.contains(&gone), "{gone}");
    assert_eq!(weir.json(&["collect"])["complete"], true);
    assert_eq!(all(&weir), before, "a pass over what changed cannot see it");
    let full = weir.json(&["collect", "--full"]);
    assert_eq!(full["complete"], true, "{full}");
    let after = all(&weir);
    let missing: Vec<_> = before.difference(&after).collect();
    assert!(missing.contains(&&gone), "{missing:?}");
    // What was said on it goes with it, and nothing else does.
    assert!(missing.iter().all(|id| **id == gone || id.starts_with("review:github:issue-comment/")), "{missing:?}");
    assert!(after.is_subset(&before));
    let shown = weir.json(&["show", &gone, "--raw"]);
    assert!(shown["document"].is_null(), "{shown}");
}

#[test]
fn what_a_tool_says_again_is_read_and_not_kept_again() {
    let (_replayed, weir) = setup(Options::default());
    let first = weir.json(&["collect", "github"]);
    let accepted = || weir.json(&["status"])["accepted"].as_u64().unwrap();
    let before = accepted();
    let again = weir.json(&["collect", "github"]);
    assert!(again["runs"][0]["run"]["records"].as_u64().unwrap() > 0, "{again}");
    assert_eq!(accepted(), before, "nothing is kept again");
    let full = weir.json(&["collect", "github", "--full"]);
    assert_eq!(full["runs"][0]["run"]["withdrawn"], 0, "{full}");
    let copy = accepted() - before;
    assert!(copy >= first["runs"][0]["run"]["records"].as_u64().unwrap(), "a full pass leaves a whole copy: {copy}");
}
