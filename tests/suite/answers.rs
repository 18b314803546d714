//! Answers that are kept: given again while they are true, and to nobody who sees something else.

use serde_json::json;
use weir_tests::{Client, Running, Weir};

use crate::hooks;

fn build(number: u32) -> String {
    json!({ "pipeline": "ci", "build_number": number, "result": "SUCCESS", "start_time": 1_700_000_000_000_u64 + u64::from(number), "duration": 1 })
        .to_string()
}

/// Answers that were given again, and those that were computed.
fn counts(client: &Client) -> (u64, u64) {
    let text = client.get("/metrics").text();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("weir_answers_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    };
    (value("repeated_total"), value("computed_total"))
}

const QUESTIONS: [&str; 6] = [
    "/v1/search?facets=team,job&stats=count&group=job",
    "/v1/metrics/build-success?by=day",
    "/v1/metrics/build-success/samples",
    "/v1/red-builds",
    "/v1/links/dangling",
    "/v1/work/statuses",
];

#[test]
fn an_answer_is_given_again_until_something_is_applied() {
    let weir = Weir::new(hooks::INTEGRATION);
    let host = weir.run();
    let client = host.client();
    for number in 1..=20 {
        client.post("/v1/builds", build(number).as_bytes());
        host.processed();
        let before = counts(&client);
        let first: Vec<_> = QUESTIONS.map(|question| client.get(question).text()).into();
        let again: Vec<_> = QUESTIONS.map(|question| client.get(question).text()).into();
        assert_eq!(first, again);
        let (hits, misses) = counts(&client);
        assert_eq!((hits - before.0, misses - before.1), (6, 6), "of {number}");
        // Whoever has seen that something was processed is told of it.
        let found = client.get(QUESTIONS[0]).json();
        assert_eq!((&found["total"], &found["facets"]["job"][0]["count"]), (&json!(number), &json!(number)));
        assert_eq!(client.get(QUESTIONS[1]).json()["total"]["n"], number);
    }
    host.stop();
}

#[test]
fn what_changes_with_the_clock_is_not_kept() {
    let weir = Weir::new("[[search]]\nname = \"new\"\nq = \"kind:build\"\n");
    let host = weir.run();
    let client = host.client();
    let before = counts(&client);
    for question in [
        "/v1/search?q=created:%3Enow-1h",
        "/v1/search?q=saved:new",
        "/v1/metrics/build-success?reasons=true",
        "/v1/work/items",
        "/v1/work/hygiene",
        "/v1/status",
    ] {
        for _ in 0..2 {
            assert!(client.get(question).header("etag").is_empty(), "{question}");
        }
    }
    assert_eq!(counts(&client), before);
    let missing = client.get("/v1/entities/build%3Aci%3Anone");
    assert_eq!((missing.status, client.get("/v1/entities/build%3Aci%3Anone").status), (404, 404));
    host.stop();
}

#[test]
fn no_two_who_see_different_things_share_an_answer() {
    let team = |name: &str| format!("[[team]]\nname = \"{name}\"\nprojects = [\"{name}\"]\n");
    let weir = Weir::new(&format!("{}{}", team("a"), team("b")));
    let host = weir.run();
    let key = |name: &str, limits: &[&str]| {
        let made = weir.json(&[&["key", "create", name, "--scope", "read"], limits].concat());
        host.client().with("authorization", &format!("Bearer {}", made["key"].as_str().unwrap()))
    };
    let all = [
        key("all", &[]),
        key("a", &["--team", "a"]),
        key("b", &["--team", "b"]),
        key("both", &["--team", "a", "--team", "b"]),
        key("project", &["--project", "a"]),
    ];
    for (number, job) in ["a", "b", "b", "c"].into_iter().enumerate() {
        let build = json!({ "pipeline": job, "build_number": number, "result": "SUCCESS", "start_time": 1_700_000_000_000_u64 });
        assert_eq!(host.client().post("/v1/builds", build.to_string().as_bytes()).status, 202);
    }
    host.processed();
    let told = |client: &Client| client.get("/v1/search?facets=job").json()["total"].as_u64().unwrap();
    let expected: Vec<u64> = all.iter().map(told).collect();
    assert_eq!(expected[0], 4);
    // In another order, and again: everybody is told what they were.
    for _ in 0..3 {
        let again: Vec<u64> = all.iter().rev().map(told).collect();
        assert_eq!(again.into_iter().rev().collect::<Vec<_>>(), expected);
    }
    assert_eq!(expected[1..], [1, 2, 3, 1]);
    host.stop();
}

#[test]
fn stores_that_are_derived_anew_are_asked_at_once() {
    let (weir, host) = filled();
    host.stop();
    weir.configure(&format!("{}\n[[team]]\nname = \"all\"\nprojects = [\"*\"]\n", hooks::INTEGRATION));
    let host = weir.run();
    let client = host.client();
    let teams = || client.get("/v1/search?facets=team&limit=0").json()["facets"]["team"][0]["count"].clone();
    // What is in use until then is asked all the time, and kept.
    let mut asked = 0;
    loop {
        let status = host.get("/v1/status");
        let is_done = status["processed"] == status["accepted"];
        let told = teams();
        asked += 1;
        if is_done {
            assert_eq!(told, 2_000, "after {asked} questions");
            break;
        }
    }
    host.stop();
}

fn filled() -> (Weir, Running) {
    let weir = Weir::new(hooks::INTEGRATION);
    let host = weir.run();
    let builds: Vec<String> = (1..=2_000).map(build).collect();
    assert_eq!(host.client().post("/v1/builds", builds.join("\n").as_bytes()).status, 202);
    host.processed();
    (weir, host)
}
