//! A host forwards to a central; either may be killed at any moment, and central ends with what the host has.

use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::{Chance, Relay, Running, Weir, encoded, eventually, ids, totals, until};

use crate::clocks::Clock;
use crate::hooks;

/// Kills of one run of the test.
const KILLS: u64 = 20;

fn central() -> (Weir, String) {
    central_with("")
}

/// A central and a key to forward to it.
pub(crate) fn central_with(config: &str) -> (Weir, String) {
    let central = Weir::named("central", config);
    let key = central.json(&["key", "create", "lab", "--scope", "forward"])["key"].as_str().unwrap().to_owned();
    (central, key)
}

/// Configuration of a host that forwards.
pub(crate) fn forwards_to(url: &str) -> String {
    format!("[central]\nurl = \"{url}\"\nkey = {{ env = \"CENTRAL_KEY\" }}\n")
}

pub(crate) fn builds(from: u64, count: u64) -> String {
    let build = |number: u64| {
        json!({ "pipeline": "ci", "branch_name": "main", "build_number": number, "result": if number.is_multiple_of(7) { "FAILURE" } else { "SUCCESS" },
            "start_time": 1_700_000_000_000_u64 + number * 60_000, "duration": 30_000 })
    };
    (from..from + count).map(|number| build(number).to_string() + "\n").collect()
}

/// Document of an entity, without the name of the host that made it.
fn document(host: &Running, id: &str) -> Value {
    let mut entity = host.get(&format!("/v1/entities/{}", encoded(id)));
    let mut document = entity["document"].take();
    if let Some(attributes) = document.get_mut("attributes").and_then(Value::as_object_mut) {
        attributes.remove("weir.host");
        if attributes.is_empty() {
            document.as_object_mut().unwrap().remove("attributes");
        }
    }
    document
}

/// The id that central gives to an entity of a host: the integration has the host's name before it.
fn at_central(host: &str, id: &str) -> String {
    let mut parts = id.splitn(3, ':');
    let (kind, integration, key) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    if integration.is_empty() { id.to_owned() } else { format!("{kind}:{host}.{integration}:{key}") }
}

/// Central has exactly what the host has.
fn check(host: &Running, central: &Running) {
    host.processed();
    let name = host.get("/v1/status")["host"].as_str().unwrap().to_owned();
    let expected = totals(host);
    until("central to have it all", || {
        totals(central) == expected && central.processed()["processed"] == central.get("/v1/status")["accepted"]
    });
    let all = ids(host, "");
    assert_eq!(ids(central, ""), all.iter().map(|id| at_central(&name, id)).collect());
    for id in &all {
        // The last batch of all may bring the last change of something that is there.
        let expected = document(host, id);
        let what = format!("{id} at central to be as it is: {expected}");
        let there = at_central(&name, id);
        until(&what, || document(central, &there) == expected);
        let sources = central.get(&format!("/v1/entities/{}", encoded(&there)))["sources"].as_array().unwrap().len();
        assert_eq!(sources, 1, "{id} came twice");
    }
}

#[test]
fn kills_on_either_side_lose_and_double_nothing() {
    let mut chance = Chance::new("forwarding");
    let (central, key) = central();
    let relay = Relay::new();
    let weir =
        Weir::new(&format!("{}{}", forwards_to(relay.url()), hooks::INTEGRATION)).with_secret("CENTRAL_KEY", &key);
    let mut receiving = central.start("central");
    relay.point_to(receiving.url());
    let mut sending = weir.run();
    for round in 0..KILLS {
        let passed = relay.bytes();
        assert_eq!(sending.client().post("/v1/builds?integration=ci", builds(round * 50, 60).as_bytes()).status, 202);
        assert_eq!(
            hooks::send(&sending.client(), &format!("open-{round}"), "issues", &hooks::issue(round, "Forwarded")),
            202
        );
        if round % 3 == 2 {
            let mut gone = hooks::issue(round - 1, "Forwarded");
            gone["action"] = json!("deleted");
            assert_eq!(hooks::send(&sending.client(), &format!("gone-{round}"), "issues", &gone), 202);
        }
        until("something to be forwarded", || relay.bytes() > passed);
        // Not a wait for anything: the moment of the kill is left to chance.
        std::thread::sleep(Duration::from_micros(chance.pick(0..40_000)));
        if chance.once_in(2) {
            receiving.kill();
            receiving = central.start("central");
            relay.point_to(receiving.url());
        } else {
            sending.kill();
            sending = weir.run();
        }
    }
    sending.processed();
    assert_eq!(ids(&sending, "kind:build").len() as u64, (KILLS - 1) * 50 + 60);
    check(&sending, &receiving);
    // Numbers are derived there again, by the same code.
    let number = |host: &Running| host.get("/v1/metrics/build-success?by=day")["points"].clone();
    assert_eq!(number(&receiving), number(&sending));
    sending.stop();
    receiving.stop();
}

#[test]
fn what_was_there_before_is_forwarded_too() {
    let (central, key) = central();
    let receiving = central.start("central");
    let weir = Weir::new("").with_secret("CENTRAL_KEY", &key);
    let file = weir.write("builds.jsonl", builds(0, 1_200));
    weir.ingest("builds", &[&file]);
    weir.configure(&forwards_to(receiving.url()));
    let sending = weir.run();
    check(&sending, &receiving);
    sending.stop();
    receiving.stop();
}

#[test]
fn a_central_that_is_away_for_a_week_is_caught_up_with() {
    let (central, key) = central();
    // Nobody answers there yet.
    let relay = Relay::new();
    let (weir, clock) = Clock::of(Weir::new(&forwards_to(relay.url())).with_secret("CENTRAL_KEY", &key));
    let mut sending = weir.run();
    for day in 0..7 {
        clock.move_by(i64::try_from(day).unwrap());
        assert_eq!(sending.client().post("/v1/builds?integration=ci", builds(day * 30, 40).as_bytes()).status, 202);
        sending.processed();
        assert_eq!(ids(&sending, "kind:build").len() as u64, day * 30 + 40, "all goes on here");
        if day == 3 {
            sending.stop();
            sending = weir.run();
        }
    }
    until("it to be said", || sending.get("/v1/status")["central"]["last_error"].is_string());
    assert_eq!(sending.get("/v1/status")["central"]["acknowledged"], 0);
    let receiving = central.start("central");
    relay.point_to(receiving.url());
    check(&sending, &receiving);
    assert_eq!(sending.get("/v1/status")["central"]["last_error"], Value::Null);
    sending.stop();
    receiving.stop();
}

#[test]
fn hosts_with_integrations_of_one_name_do_not_mix() {
    let (central, key) = central();
    let receiving = central.start("central");
    let hosts: Vec<_> = ["north", "south"]
        .into_iter()
        .map(|name| (name, Weir::named(name, &forwards_to(receiving.url())).with_secret("CENTRAL_KEY", &key)))
        .collect();
    for (index, (_, weir)) in hosts.iter().enumerate() {
        let file = weir.write("builds.jsonl", builds(1, 1).replace("30000", &format!("{}0000", index + 1)));
        weir.json(&["ingest", file.to_str().unwrap(), "--as", "builds", "--integration", "ci"]);
        let sending = weir.run();
        eventually("its events to be acknowledged", || {
            (receiving.processed()["accepted"].as_u64()? > index as u64).then_some(())
        });
        sending.stop();
    }
    let found = receiving.get("/v1/search?q=kind%3Abuild&facets=host");
    assert_eq!(found["total"], 2, "two builds of two hosts: {found}");
    receiving.stop();
}

#[test]
fn a_key_for_one_host_speaks_for_no_other() {
    let (central, _) = central();
    let key = central.json(&["key", "create", "north", "--scope", "forward", "--host", "north"]);
    let key = key["key"].as_str().unwrap();
    let both = central.command(&["key", "create", "both", "--scope", "forward", "--scope", "read", "--host", "north"]);
    assert!(both.code != 0 && both.stderr.contains("only forwarding"), "{}", both.stderr);
    let receiving = central.start("central");
    let client = receiving.client().with("authorization", &format!("Bearer {key}"));
    let id = "00000000-0000-4000-8000-000000000001";
    for (host, status) in [("north", 200), ("south", 403)] {
        let batch = json!({ "host": host, "after": 0, "last": 1, "entities": [] });
        let gone = json!({ "id": id, "host": host, "up_to": null });
        for (path, said) in [("/v1/forward", batch), ("/v1/forward/gone", gone)] {
            let answer = client.post(path, said.to_string().as_bytes());
            assert_eq!(answer.status, status, "{host} {path}: {}", answer.text());
            assert!(status == 200 || answer.text().contains("for north, not for south"), "{}", answer.text());
        }
    }
    // The host that has the key of another is told so by its own log.
    let weir = Weir::named("south", &forwards_to(receiving.url())).with_secret("CENTRAL_KEY", key);
    let sending = weir.run();
    sending.client().post("/v1/builds", builds(0, 1).as_bytes());
    until("the host to notice", || weir.log().contains("for north, not for south"));
    sending.stop();
    // A key that takes its place is no wider.
    let id = central.json(&["key", "list"])["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "north")
        .unwrap()["id"]
        .clone();
    let next = central.json(&["key", "rotate", id.as_str().unwrap()]);
    let client = receiving.client().with("authorization", &format!("Bearer {}", next["key"].as_str().unwrap()));
    let batch = json!({ "host": "south", "after": 0, "last": 1, "entities": [] }).to_string();
    assert_eq!(client.post("/v1/forward", batch.as_bytes()).status, 403);
    receiving.stop();
}

#[test]
fn a_wrong_key_is_refused_and_says_what_to_do() {
    let (central, _key) = central();
    let read_only = central.json(&["key", "create", "eyes", "--scope", "read"])["key"].as_str().unwrap().to_owned();
    let receiving = central.start("central");
    let batch = json!({ "host": "lab", "after": 0, "last": 1, "entities": [] }).to_string();
    let refused = |client: weir_tests::Client, status: u16| {
        let answer = client.post("/v1/forward", batch.as_bytes());
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(
            answer.json()["hint"].as_str().is_some_and(|hint| hint.contains("weir key create")),
            "{}",
            answer.text()
        );
    };
    refused(receiving.client(), 401);
    refused(receiving.client().with("authorization", "Bearer weir_00_11"), 401);
    refused(receiving.client().with("authorization", &format!("Bearer {read_only}")), 403);
    // And whoever looks at the host is told.
    let weir = Weir::new(&forwards_to(receiving.url())).with_secret("CENTRAL_KEY", "weir_00_11");
    let sending = weir.run();
    sending.client().post("/v1/builds", builds(0, 1).as_bytes());
    until("the host to notice", || weir.log().contains("does not know the key"));
    let doctor = weir.command(&["doctor"]);
    assert!(doctor.code == 1 && doctor.stdout.contains("central"), "exit {}: {}", doctor.code, doctor.stdout);
    sending.stop();
    receiving.stop();
}
