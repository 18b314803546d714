//! `kill -9` at moments left to chance: nothing that was acknowledged is lost, nothing is there twice, and at most the
//! pages under way are fetched again. `WEIR_KILLS` says how often, `WEIR_SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use weir_replay::{Options, Recorder};
use weir_tests::{Chance, Client, Receiver, Relay, Replayed, Running, Weir, documents, encoded, ids, until};

use crate::{events, hooks};

/// Readers that may be at work at a time: one over a dataset of its own, six over children.
const READERS: u64 = 6;

fn kills() -> u64 {
    std::env::var("WEIR_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(50)
}

/// Left to chance, not waited for.
fn a_moment(chance: &mut Chance, up_to_ms: u64) {
    std::thread::sleep(Duration::from_micros(chance.pick(0..up_to_ms * 1_000)));
}

/// How often each request was paid, by path and query.
fn paid(replayed: &Replayed) -> BTreeMap<String, u64> {
    let mut paid = BTreeMap::new();
    for seen in replayed.server().recorder().requests() {
        if seen.status == 200 && seen.path != "/rate_limit" {
            *paid.entry(seen.path).or_default() += 1;
        }
    }
    paid
}

fn repeated(replayed: &Replayed) -> u64 {
    paid(replayed).values().map(|times| times - 1).sum()
}

fn records(host: &Running) -> Value {
    let status = host.processed();
    let all = status["integrations"].as_array().unwrap();
    all.iter().find(|one| one["name"] == "github").unwrap()["records"].clone()
}

#[test]
fn a_collection_that_is_killed_again_and_again_finds_everything_once() {
    let mut chance = Chance::new("kills of a collection");
    let undisturbed = Replayed::new(Options::default());
    let expected = Weir::new(&undisturbed.integration());
    let host = expected.run();
    assert_eq!(host.collected("github")["failures"], json!([]));
    let (expected_records, expected) = (records(&host), documents(&host, ""));
    host.stop();

    let kills = kills() / 2;
    let (mut done, mut rounds) = (0, 0);
    while done < kills {
        rounds += 1;
        let replayed = Replayed::new(Options::default());
        let weir = Weir::new(&replayed.integration());
        let mut in_round = 0;
        let recorder = replayed.server().recorder();
        while done < kills && !collects_until_killed(&weir, recorder, &mut chance) {
            done += 1;
            in_round += 1;
        }
        let host = weir.run();
        assert_eq!(host.collected("github")["failures"], json!([]));
        assert_eq!(records(&host), expected_records, "raw records by key");
        let found = documents(&host, "");
        for (id, document) in &expected {
            assert_eq!(found.get(id), Some(document), "{id}");
        }
        assert_eq!(found.len(), expected.len());
        let (again, allowed) = (repeated(&replayed), repeated(&undisturbed) + in_round * READERS);
        println!("{in_round} kills, {again} pages fetched again, {allowed} allowed");
        assert!(again <= allowed, "{again} pages were fetched again after {in_round} kills");
        host.stop();
    }
    println!("{done} kills in {rounds} rounds");
}

/// Runs a host and kills it in the middle of its collection; true when that came to its end before.
fn collects_until_killed(weir: &Weir, recorder: &Recorder, chance: &mut Chance) -> bool {
    if chance.once_in(8) {
        // This one dies before it can do much.
        let host = weir.spawn("run");
        a_moment(chance, 200);
        host.kill();
        return false;
    }
    let wanted = recorder.requests().len() as u64 + chance.pick(1..40);
    let host = weir.run();
    let mut finished = false;
    until("requests", || {
        // Earlier runs were all killed, so the one that has finished is this one.
        finished = !host.get("/v1/status")["integrations"][0]["last_run"]["finished_at"].is_null();
        finished || recorder.requests().len() as u64 >= wanted
    });
    a_moment(chance, 30);
    host.kill();
    finished
}

/// What a sender was promised.
#[derive(Default)]
struct Oracle {
    /// Ids that were sent at all.
    sent: BTreeSet<String>,
    /// Ids that were answered with a 2xx.
    acknowledged: BTreeSet<String>,
}

/// Sends issues and builds until told to stop; every other id is sent until it is acknowledged, as real senders do.
fn stream(relay: &Relay, which: u64, stop: &AtomicBool, oracle: &Mutex<Oracle>) {
    let client = Client::new(relay.url());
    for number in 0.. {
        let key = number * 2 + which;
        let (id, send): (String, Box<dyn Fn() -> u16>) = if which == 0 {
            let (client, body) = (client.clone(), hooks::issue(key, "Kept"));
            (
                format!("work-item:hook:acme/api#{key}"),
                Box::new(move || hooks::send(&client, &format!("delivery-{key}"), "issues", &body)),
            )
        } else {
            let client = client.with("idempotency-key", &format!("push-{key}"));
            let body = json!({ "pipeline": "ci", "build_number": key, "result": "SUCCESS", "start_time": 1_700_000_000_000_u64 + key }).to_string();
            let push =
                move || client.try_send("POST", "/v1/builds", body.as_bytes()).map_or(0, |response| response.status);
            (format!("build:push:ci/{key}/1"), Box::new(push))
        };
        oracle.lock().unwrap().sent.insert(id.clone());
        loop {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            let status = send();
            if (200..300).contains(&status) {
                oracle.lock().unwrap().acknowledged.insert(id);
                break;
            }
            assert!(status == 0 || status >= 500, "{id} was refused with {status}");
            if number % 2 == 0 {
                break;
            }
        }
    }
}

#[test]
fn what_was_acknowledged_is_kept_and_kept_once() {
    let mut chance = Chance::new("kills of a stream");
    let weir = Weir::new(hooks::INTEGRATION);
    let relay = Relay::new();
    let (stop, oracle) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Oracle::default())));
    let senders: Vec<_> = [0, 1]
        .into_iter()
        .map(|which| {
            let (relay, stop, oracle) = (relay.clone(), stop.clone(), oracle.clone());
            std::thread::spawn(move || stream(&relay, which, &stop, &oracle))
        })
        .collect();
    let count = || oracle.lock().unwrap().acknowledged.len();
    for _ in 0..kills().div_ceil(2) {
        let host = weir.run();
        relay.point_to(host.url());
        let before = count();
        until("something to be acknowledged", || count() > before);
        a_moment(&mut chance, 250);
        host.kill();
    }
    stop.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.join().unwrap();
    }
    let host = weir.run();
    let status = host.processed();
    let found = ids(&host, "kind:(build OR work-item)");
    let oracle = oracle.lock().unwrap();
    println!("{} sent, {} acknowledged, {} found", oracle.sent.len(), oracle.acknowledged.len(), found.len());
    let lost: Vec<_> = oracle.acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let strange: Vec<_> = found.difference(&oracle.sent).collect();
    assert!(strange.is_empty(), "never sent: {strange:?}");
    assert_eq!(status["accepted"], json!(found.len()), "one raw record for each");
    for id in &found {
        let raw = host.get(&format!("/v1/entities/{}/raw", encoded(id)));
        assert_eq!(raw["records"].as_array().unwrap().len(), 1, "{id}: {raw}");
    }
    host.stop();
}

/// Sends finished builds, one after the other, each until it is acknowledged; how many were.
fn send_builds(relay: &Relay, stop: &AtomicBool) -> u64 {
    let client = Client::new(relay.url());
    for number in 1.. {
        let body = events::build(number, if number.is_multiple_of(2) { "failure" } else { "success" }).to_string();
        let client = client.with("idempotency-key", &format!("build-{number}"));
        while !client.try_send("POST", "/v1/builds", body.as_bytes()).is_ok_and(|answer| answer.is_success()) {
            if stop.load(Ordering::SeqCst) {
                return number - 1;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if stop.load(Ordering::SeqCst) {
            return number;
        }
    }
    0
}

#[test]
fn every_event_has_its_effect_once_under_kills() {
    let mut chance = Chance::new("kills of propels");
    let receiver = Receiver::new();
    let config = r#"
        [[rule]]
        name = "tell"
        on = ["build.finished"]
        connections = { chat = { url = "{url}" } }
        do = [{ call = "chat", path = "/told", text = "{{ entity.number }}" }]

        [[subscription]]
        name = "bus"
        on = ["build.finished"]
        to = { url = "{url}/bus" }
    "#;
    let weir = Weir::new(&config.replace("{url}", receiver.url()));
    let (relay, stop) = (Relay::new(), Arc::new(AtomicBool::new(false)));
    let sender = {
        let (relay, stop) = (relay.clone(), stop.clone());
        std::thread::spawn(move || send_builds(&relay, &stop))
    };
    let kills = std::env::var("WEIR_KILLS").map_or(6, |_| kills());
    for _ in 0..kills {
        let host = weir.run();
        relay.point_to(host.url());
        let before = receiver.received().len();
        until("something to be told", || receiver.received().len() > before);
        a_moment(&mut chance, 300);
        host.kill();
    }
    let host = weir.run();
    relay.point_to(host.url());
    stop.store(true, Ordering::SeqCst);
    let all = usize::try_from(sender.join().unwrap()).unwrap();
    host.processed();
    let keys = |path: &str| {
        let of_path = receiver.received().into_iter().filter(|received| received.path == path);
        of_path.map(|received| received.idempotency_key).collect::<BTreeSet<_>>().len()
    };
    until("every build to be told", || keys("/told") >= all && keys("/bus") >= all);
    // What would come twice would come now.
    std::thread::sleep(Duration::from_secs(2));
    let mut told: Vec<usize> = receiver.bodies("/told").iter().map(|body| body.parse().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, (1..=all).collect::<Vec<_>>(), "each build once by key");
    assert_eq!(keys("/bus"), all);
    let events: BTreeSet<String> = receiver
        .bodies("/bus")
        .into_iter()
        .map(|body| serde_json::from_str::<Value>(&body).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(events.len(), all, "each event once by its own id");
    let repeated = receiver.received().len() - 2 * all;
    println!("{kills} kills, {all} events, {} effects, {repeated} sent again under the same key", 2 * all);
    host.stop();
}
