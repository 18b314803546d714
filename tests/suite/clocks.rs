//! A clock that is set wrong and put right, while a host runs and while it does not.

use serde_json::{Value, json};
use weir_tests::{Weir, eventually, ids};

use crate::lifecycle::SENTENCE;

/// The clock of an installation.
pub(crate) struct Clock(std::path::PathBuf);

impl Clock {
    /// An installation with a clock that can be set wrong.
    pub(crate) fn of(weir: Weir) -> (Weir, Self) {
        let path = weir.path("clock");
        (weir.with_secret("WEIR_CLOCK", path.to_str().unwrap()), Self(path))
    }

    /// Sets it wrong by so many days, in one step.
    pub(crate) fn move_by(&self, days: i64) {
        let draft = self.0.with_extension("draft");
        std::fs::write(&draft, (days * 86_400_000).to_string()).unwrap();
        std::fs::rename(draft, &self.0).unwrap();
    }
}

fn build(number: u64, result: &str) -> String {
    json!({ "pipeline": "ci", "branch_name": "main", "build_number": number, "result": result,
        "start_time": 1_700_000_000_000_u64 + number * 60_000, "duration": 30_000 })
    .to_string()
}

fn with_builds(weir: &Weir, n: u64) {
    let builds: String = (1..=n).map(|number| build(number, "SUCCESS") + "\n").collect();
    let file = weir.write("builds.jsonl", builds);
    weir.ingest("builds", &[&file]);
}

#[test]
fn the_order_is_that_of_the_numbers_when_the_clock_goes_back() {
    let (weir, clock) = Clock::of(Weir::new(""));
    let mut host = weir.run();
    for (name, days) in [("today", 0), ("ahead", 400), ("back", -400), ("right", 0)] {
        clock.move_by(days);
        weir.json(&["key", "create", name, "--scope", "read"]);
        assert_eq!(host.client().post("/v1/builds", build(1, "FAILURE").as_bytes()).status, 202);
        assert_eq!(host.client().post("/v1/builds", build(1, "SUCCESS").as_bytes()).status, 202);
        host.processed();
        let entity = host.get("/v1/entities/build%3Apush%3Aci%2F1%2F1");
        assert_eq!(entity["document"]["result"], "success", "what came last is what holds: {entity}");
        host.stop();
        host = weir.run();
    }
    let page = host.get("/v1/audit?action=key.create");
    let entries = page["entries"].as_array().unwrap();
    let subjects: Vec<_> = entries.iter().map(|entry| entry["after"]["name"].clone()).collect();
    assert_eq!(json!(subjects), json!(["right", "back", "ahead", "today"]), "{page}");
    let numbers: Vec<_> = entries.iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|later, earlier| later > earlier), "{numbers:?}");
    let times: Vec<_> = entries.iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert!(times[1] < times[3] && times[3] < times[2], "as the clock was: {times:?}");
    assert_eq!(host.get("/v1/audit/verify")["whole"], true);
    host.stop();
}

#[test]
fn a_decommissioning_is_carried_out_when_the_clock_says_so() {
    let (weir, clock) = Clock::of(Weir::new(""));
    with_builds(&weir, 9);
    let key = weir.json(&["decommission", "owner-key"])["owner_key"].as_str().unwrap().to_owned();
    let one = weir.json(&["decommission", "request", "--contact", "ana@example.com", "--statement", SENTENCE]);
    let id = one["id"].as_str().unwrap();
    weir.json(&["decommission", "confirm", id, "--owner-key", &key]);
    for days in [0, 29, -4_000] {
        clock.move_by(days);
        assert_eq!(weir.json(&["decommission", "run"])["decommissions"], json!([]), "{days} days");
        let host = weir.run();
        assert_eq!(ids(&host, "kind:build").len(), 9, "{days} days");
        host.stop();
    }
    clock.move_by(31);
    let killed = weir.program(&["decommission", "run"]).env("WEIR_END_AT", "key").output().unwrap();
    assert_eq!(killed.status.code(), None, "{killed:?}");
    // What has begun is gone on with, whatever the clock says by then.
    clock.move_by(-4_000);
    assert_eq!(weir.json(&["decommission", "run"])["decommissions"][0]["state"], "completed");
    let receipt = weir.command(&["decommission", "receipt", id]);
    weir.write("receipt.json", &receipt.stdout);
    assert_eq!(weir.json(&["receipt", "verify", "receipt.json"])["valid"], true);
    let receipt = receipt.json();
    let at = |state: &str| {
        let steps = receipt["steps"].as_array().unwrap().iter();
        steps.filter(|step| step["state"] == state).map(|step| step["at"].as_str().unwrap()).next_back().unwrap()
    };
    assert!(at("completed") < at("requested") && at("requested") < at("erasing"), "told as they were: {receipt}");
    assert_eq!(weir.json(&["audit", "verify"])["whole"], true);
}

#[test]
fn a_clock_that_is_years_ahead_lets_nothing_go() {
    let (weir, clock) = Clock::of(Weir::new("[retention]\nraw = \"30d\"\n"));
    with_builds(&weir, 9);
    let looked = |weir: &Weir| {
        let page = weir.json(&["audit", "list", "--action", "retention.run"]);
        page["entries"].as_array().unwrap().len()
    };
    let host = weir.run();
    eventually("the first look", || (looked(&weir) == 1).then_some(()));
    host.stop();
    for days in [8, 1_000] {
        clock.move_by(days);
        let host = weir.run();
        let error =
            eventually("it to be said", || host.get("/v1/status")["lifecycle_error"].as_str().map(str::to_owned));
        assert!(error.contains("the clock"), "{error}");
        let doctor = weir.command(&["doctor"]);
        assert!(doctor.code == 1 && doctor.stdout.contains("weir retention run"), "{}", doctor.stdout);
        assert_eq!((ids(&host, "kind:build").len(), looked(&weir)), (9, 1), "{days} days");
        host.stop();
    }
    // A week is no reason to doubt it, and neither is a clock that is put right.
    for (days, looks) in [(0, 2), (6, 3)] {
        clock.move_by(days);
        let host = weir.run();
        eventually("another look", || (looked(&weir) == looks).then_some(()));
        assert_eq!(host.get("/v1/status")["lifecycle_error"], Value::Null);
        host.stop();
    }
    assert_eq!(weir.json(&["search", "kind:build"])["total"], 9);
    // Whoever does it by hand has seen what would go.
    clock.move_by(1_000);
    assert_eq!(weir.json(&["retention", "preview"])["selected"]["selected"], 9);
    assert_eq!(weir.json(&["retention", "run"])["erasure"]["state"], "completed");
    assert_eq!(weir.json(&["search", "kind:build"])["total"], 0);
}
