//! Links between what different tools say, from the ticket to the incident: the same whatever comes first, in
//! whatever pieces, and however often.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use weir_tests::{Weir, encoded, gunzip, shared};

fn sha(digit: char) -> String {
    digit.to_string().repeat(40)
}

fn entity(id: &str, document: Value) -> String {
    json!({ "id": id, "document": document }).to_string()
}

/// A ticket, its change, two builds of which the second is red, an artifact, deployments to two services, and
/// incidents.
fn company() -> Vec<String> {
    let commit = |digit: char, parent: Option<char>, message: &str, files: &[&str]| {
        let mut document = json!({
            "repositories": [{ "name": "acme/api" }], "message": message, "authored_at": "2026-03-02T08:00:00Z",
            "committed_at": "2026-03-02T08:00:00Z",
            "files": files.iter().map(|path| json!({ "path": path })).collect::<Vec<_>>(),
        });
        match parent {
            Some(parent) => document["parents"] = json!([sha(parent)]),
            None => document["attributes"] = json!({ "git.root": true }),
        }
        entity(&format!("commit::{}", sha(digit)), document)
    };
    let change = |number: u32, title: &str, digit: char| {
        entity(
            &format!("change:ingest:acme/api#{number}"),
            json!({
                "handle": format!("#{number}"), "repository": { "key": "acme/api" }, "title": title, "state": "merged",
                "merge_commit": sha(digit), "created_at": "2026-03-02T07:00:00Z", "merged_at": "2026-03-02T08:30:00Z",
            }),
        )
    };
    let build = |number: u32, digit: char, result: &str| {
        entity(
            &format!("build:ingest:api/{number}"),
            json!({
                "job": "api", "number": number, "state": "finished", "result": result,
                "checkouts": [{ "repository": { "name": "acme/api" }, "branch": "main", "commit": sha(digit) }],
            }),
        )
    };
    let deployment = |key: &str, service: &str, digit: char, finished: &str| {
        entity(
            &format!("deployment:ingest:{key}"),
            json!({
                "service": service, "environment": { "name": "prod", "class": "production" }, "result": "success",
                "repositories": [{ "name": "acme/api" }], "commits": [sha(digit)], "finished_at": finished,
                "artifacts": [{ "name": format!("sha256:{}", digit.to_string().repeat(64)) }],
            }),
        )
    };
    let incident = |key: &str, service: &str, began: &str, attributes: Value| {
        entity(
            &format!("incident:ingest:{key}"),
            json!({
                "title": key, "services": [service], "environment": { "name": "prod" }, "detected_at": began,
                "resolved_at": "2026-03-05T12:00:00Z", "state": "resolved", "attributes": attributes,
            }),
        )
    };
    vec![
        entity("work-item:ingest:10", json!({ "handle": "PROJ-9", "title": "Cache prices" })),
        commit('a', None, "begin", &[]),
        commit('b', Some('a'), "PROJ-9 cache prices", &["src/org/acme/cart/Cart.java"]),
        commit('c', Some('b'), "PROJ-404 explain", &["README.md"]),
        commit('d', Some('c'), "more", &["pom.xml"]),
        change(1, "PROJ-9 cache prices", 'b'),
        change(2, "PROJ-404 explain", 'c'),
        build(1, 'a', "success"),
        build(2, 'd', "failure"),
        build(3, 'd', "failure"),
        entity("test-report:ingest:t2", json!({ "build": { "name": "x" }, "cases": [] })),
        entity(
            "test-report:ingest:t3",
            json!({ "build": { "key": "api/2" }, "cases": [{ "name": "org.acme.cart.CartTest/adds", "result": "failed" }] }),
        ),
        entity(
            "artifact:ingest:img",
            json!({ "name": "api", "digest": format!("sha256:{}", "b".repeat(64)), "build": { "key": "api/2" }, "commits": [sha('b')] }),
        ),
        deployment("shop-1", "shop", 'a', "2026-03-01T10:00:00Z"),
        deployment("shop-2", "shop", 'b', "2026-03-03T10:00:00Z"),
        deployment("search-1", "search", 'a', "2026-03-03T10:05:00Z"),
        incident("down", "shop", "2026-03-03T10:10:00Z", json!({})),
        incident("late", "shop", "2026-05-01T10:00:00Z", json!({})),
        incident("elsewhere", "shop", "2026-03-03T10:20:00Z", json!({ "external": true })),
    ]
}

const ASKED: &[&str] = &[
    "work-item:ingest:10",
    "change:ingest:acme/api#1",
    "build:ingest:api/2",
    "artifact:ingest:img",
    "deployment:ingest:shop-1",
    "deployment:ingest:shop-2",
    "deployment:ingest:search-1",
    "incident:ingest:down",
    "incident:ingest:late",
    "incident:ingest:elsewhere",
];

/// Links as lines, without the positions of raw records, which follow the order of arrival.
fn lines(answer: &Value) -> Vec<String> {
    let line = |link: &Value| {
        assert!(link["rules"] == "weir/1" && link["evidence"].is_array(), "{link}");
        format!(
            "{} {} {} {} {} {}",
            link["depth"],
            link["from"].as_str().unwrap(),
            link["kind"].as_str().unwrap(),
            link["to"].as_str().unwrap(),
            link["reason"].as_str().unwrap(),
            link["confidence"]
        )
    };
    answer["links"].as_array().unwrap().iter().map(line).collect()
}

/// Everything asked of a host that was handed `parts` one after the other.
fn answers(parts: &[Vec<String>]) -> String {
    let weir = Weir::new("");
    for (index, part) in parts.iter().enumerate() {
        let file = weir.write(&format!("part-{index}.jsonl"), part.join("\n"));
        let ingested = weir.ingest("forwarded", &[&file]);
        assert_eq!(ingested["rejected"], json!(0), "{ingested}");
    }
    let host = weir.run();
    let mut text = String::new();
    for id in ASKED {
        let answer = host.get(&format!("/v1/entities/{}/links", encoded(id)));
        text += &format!("{id}\n  {}\n", lines(&answer).join("\n  "));
    }
    let chain = host.get(&format!("/v1/entities/commit::{}/links?depth=8", sha('b')));
    text += &format!("chain\n  {}\n", lines(&chain).join("\n  "));
    let dangling = host.get("/v1/links/dangling");
    text += &format!("{dangling}\n");
    let mut suspects = host.get(&format!("/v1/builds/{}/suspects", encoded("build:ingest:api/3")));
    text += &format!("{}\n", suspects["commits"].take());
    text += &format!("{suspects}\n");
    for metric in ["change-fail-rate", "recovery-time", "rework-rate"] {
        let mut answer = host.get(&format!("/v1/metrics/{metric}"));
        text += &format!("{metric} {}\n", answer["total"].take());
    }
    text
}

#[test]
fn links_are_the_same_in_any_order() {
    let all = company();
    let first = answers(std::slice::from_ref(&all));
    for expected in [
        "1 deployment:ingest:shop-2 delivers change:ingest:acme/api#1 merge-commit 1",
        "1 deployment:ingest:shop-2 deploys artifact:ingest:img digest 1",
        "1 incident:ingest:down caused-by deployment:ingest:shop-2 look-back 0.5",
        "1 build:ingest:api/2 candidate commit::bbbb",
        "1 change:ingest:acme/api#1 mentions work-item:ingest:10 title 0.8",
        "\"key\":\"PROJ-404\"",
        "\"first_bad\":\"build:ingest:api/2\"",
        "\"waiting\":[{\"id\":\"change:ingest:acme/api#2\"",
    ] {
        assert!(first.contains(expected), "{expected} is missing of\n{first}");
    }
    for unexpected in [
        "incident:ingest:late caused-by",
        "incident:ingest:elsewhere caused-by",
        "caused-by deployment:ingest:search-1",
    ] {
        assert!(!first.contains(unexpected), "{unexpected} is in\n{first}");
    }
    // One of three counted deployments failed, and was mended with its incident.
    let rate = first.lines().find(|line| line.starts_with("change-fail-rate")).unwrap();
    assert!(rate.contains("\"n\":3") && rate.contains("\"mean\":0.333"), "{rate}");
    let mut reversed = all.clone();
    reversed.reverse();
    assert_eq!(answers(&[reversed.clone()]), first);
    let one_by_one: Vec<Vec<String>> = reversed.iter().map(|line| vec![line.clone()]).collect();
    assert_eq!(answers(&one_by_one), first);
    let twice = [all[9..].to_vec(), all.clone(), all[..5].to_vec()];
    assert_eq!(answers(&twice), first);
}

/// The commits of a project and the issues of its tracker, both as published.
#[test]
fn the_alloy_history_names_its_issues() {
    let files = shared("git/tidev-alloy.commits.jsonl.gz").zip(shared("jira/titanium-archive/ALOY.jsonl.gz"));
    let Some((commits, issues)) = files else { return };
    let weir = Weir::new("");
    let issues: Vec<String> = gunzip(&issues)
        .lines()
        .map(|line| {
            let issue: Value = serde_json::from_str(line).unwrap();
            entity(&format!("work-item:ingest:{}", issue["id"].as_str().unwrap()), json!({ "handle": issue["key"] }))
        })
        .collect();
    let issues_file = weir.write("issues.jsonl", issues.join("\n"));
    for (kind, file) in [("commits", &commits), ("forwarded", &issues_file)] {
        let ingested = weir.ingest(kind, &[file]);
        assert_eq!(ingested["rejected"], json!(0), "{ingested}");
    }
    let host = weir.run();
    let mut pairs: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for issue in &issues {
        let issue: Value = serde_json::from_str(issue).unwrap();
        let answer = host.get(&format!("/v1/entities/{}/links", encoded(issue["id"].as_str().unwrap())));
        for link in answer["links"].as_array().unwrap() {
            let text = |name: &str| link[name].as_str().unwrap().to_owned();
            pairs.entry((text("to"), text("from"))).or_default().insert(text("reason"));
        }
    }
    let whole = pairs.iter().filter(|(_, reasons)| !reasons.contains("near-key"));
    let (issues, commits): (BTreeSet<_>, BTreeSet<_>) =
        whole.clone().map(|((issue, commit), _)| (issue, commit)).unzip();
    assert_eq!((whole.count(), issues.len(), commits.len()), (1_406, 584, 1_365));
    assert_eq!(pairs.len(), 1_423, "with keys that have a letter right behind them");
    let dangling = host.get("/v1/links/dangling");
    let keys = dangling["keys"].as_array().unwrap();
    let named: u64 = keys.iter().map(|key| key["n"].as_u64().unwrap()).sum();
    assert_eq!((keys.len(), named), (7, 14), "{dangling}");
    assert!(keys.iter().all(|key| key["key"].as_str().unwrap().starts_with("ALOY-")));
}
