//! Parts that are erased: one person by a pseudonym, and copies at a central with what is gone on its host.

use serde_json::{Value, json};
use weir_tests::{Mailbox, Relay, Running, Weir, encoded, eventually, files_below, ids, totals, until};

use crate::forwarding::{builds, central_with, forwards_to};
use crate::lifecycle::SENTENCE;

const PERSON: &str = "zaunkoenig";
const ADDRESS: &str = "Zaunkönig.Z@example.com";

/// Commits by two people, of whom one is the canary: escaped as some tools do, and as others do not.
fn commits() -> String {
    let commit = |number: u64| {
        let (name, email) = if number.is_multiple_of(3) { (PERSON, ADDRESS) } else { ("Bo", "bo@example.com") };
        let message = format!("Change {number}\nzaunkoenig said so, not the zaunkoenigin");
        let line = json!({ "sha": format!("{number:040x}"), "repository": "shop", "message": message,
            "author_name": name, "author_email": email, "authored_at": 1_700_000_000_000_u64 + number * 60_000 });
        let line = line.to_string();
        if number.is_multiple_of(2) { line.replace('ö', "\\u00f6") + "\n" } else { line + "\n" }
    };
    (0..30).map(commit).collect()
}

fn filled(weir: &Weir) {
    let file = weir.write("commits.jsonl", commits());
    weir.ingest("commits", &[&file]);
}

/// Commits by author, without who it is.
fn shares(weir: &Weir) -> Vec<Value> {
    let found = weir.json(&["search", "kind:commit", "--facets", "person"]);
    let mut counts: Vec<_> =
        found["facets"]["person"].as_array().unwrap().iter().map(|one| one["count"].clone()).collect();
    counts.sort_by_key(Value::as_u64);
    counts
}

#[test]
fn a_pseudonym_takes_the_place_of_a_person_and_numbers_stay() {
    let weir = Weir::new("");
    filled(&weir);
    let commit = weir.json(&["search", "kind:commit", "--limit", "1"])["hits"][0]["id"].as_str().unwrap().to_owned();
    weir.json(&["note", &commit, "Zaunkoenig knows more", "--name", "who"]);
    let before = shares(&weir);
    assert_eq!(before, [json!(10), json!(20)]);
    let nobody = weir.command(&["erase", "--integration", "ingest", "--how", "pseudonymise"]);
    assert!(nobody.code == 2 && nobody.stderr.contains("none is named"), "{}", nobody.stderr);

    for point in ["erasure counted", "erasure done", "erasure derived", ""] {
        let mut asked =
            weir.program(&["erase", "--person", PERSON, "--person", ADDRESS, "--how", "pseudonymise", "--json"]);
        let output = asked.env("WEIR_END_AT", point).output().unwrap();
        assert_eq!(output.status.code(), point.is_empty().then_some(0), "{point}");
        // Whoever starts goes on with it.
        let host = weir.run();
        let all = host.get("/v1/erasures");
        let all = all["erasures"].as_array().unwrap();
        assert!(all.iter().all(|one| one["state"] == "completed"), "{point}: {all:?}");
        if point == "erasure counted" {
            let one = &all[0];
            assert_eq!((&one["records"]["selected"], &one["records"]["written"]), (&json!(30), &json!(1)), "{one}");
            let pseudonym = one["pseudonym"].as_str().unwrap();
            assert_eq!(one["scopes"][0]["person"], json!([pseudonym, pseudonym]), "nobody can tell who it was");
            let notes = host.get(&format!("/v1/entities/{}/notes", encoded(&commit)));
            assert_eq!(notes["notes"][0]["text"], format!("{pseudonym} knows more"));
            let found = host.get("/v1/search?q=kind%3Acommit%20zaunkoenigin")["total"].clone();
            assert_eq!(found, 30, "another word stays as it was");
        }
        for name in [PERSON, "zaunkönig.z"] {
            let found = host.get(&format!("/v1/search?q={}", encoded(name)));
            assert_eq!(found["total"], 0, "{point}: {found}");
        }
        host.stop();
    }
    assert_eq!(shares(&weir), before);
    // Nothing is left in what is not encrypted, of what was there as a word.
    for path in files_below(&weir.path("data/accounts/test/derived"), "") {
        let bytes = std::fs::read(&path).unwrap().to_ascii_lowercase();
        let found = bytes.windows(ADDRESS.len()).any(|window| window == ADDRESS.to_lowercase().as_bytes());
        assert!(!found, "{} tells who it was", path.display());
    }
    weir.json(&["replay"]);
    assert_eq!(shares(&weir), before);
}

#[test]
fn what_is_configured_becomes_of_a_person_unless_the_request_says() {
    let weir = Weir::new("[erasure]\nperson = \"pseudonymise\"\n");
    filled(&weir);
    let counted = weir.json(&["erase", "--person", "bo@example.com", "--dry-run"]);
    assert_eq!((&counted["records"]["selected"], counted["pseudonym"].is_string()), (&json!(20), true), "{counted}");
    let counted = weir.json(&["erase", "--person", "bo@example.com", "--dry-run", "--how", "erase"]);
    assert_eq!(counted["pseudonym"], Value::Null, "{counted}");
    let done = weir.json(&["erase", "--person", "bo@example.com", "--person", "Bo", "--how", "erase"]);
    assert_eq!(done["records"]["selected"], 20, "{done}");
    assert_eq!(shares(&weir), [json!(10)]);
}

/// A central that runs behind a relay, with a key to forward to it.
fn reachable(config: &str) -> (Relay, Weir, String, Running) {
    let relay = Relay::new();
    let (central, key) = central_with(config);
    let receiving = central.start("central");
    relay.point_to(receiving.url());
    (relay, central, key, receiving)
}

fn forwarding(name: &str, url: &str, key: &str) -> Weir {
    Weir::named(name, &forwards_to(url)).with_secret("CENTRAL_KEY", key)
}

/// Waits until the central has what the host has.
fn agree(host: &Running, central: &Running) {
    host.processed();
    let expected = totals(host);
    until("central to have what the host has", || totals(central) == expected);
}

/// Waits for a host that pauses.
fn answers(host: &Running) {
    let status = || host.client().try_send("GET", "/v1/status", b"").is_ok_and(|answer| answer.status == 200);
    until("the host to go on", status);
}

/// An erasure as a host tells of it; none while the host pauses.
fn erasure(host: &Running, id: &str) -> Option<Value> {
    let answer = host.client().try_send("GET", "/v1/erasures", b"").ok().filter(|answer| answer.status == 200)?;
    answer.json()["erasures"].as_array()?.iter().find(|one| one["id"] == id).cloned()
}

#[test]
fn what_is_erased_on_a_host_goes_at_its_central_too() {
    let (relay, central, key, receiving) = reachable("[erasure]\nconfirm = true\n");
    let weir = forwarding("lab", relay.url(), &key);
    let neighbour = forwarding("lab.two", relay.url(), &key);
    filled(&weir);
    weir.write("builds.jsonl", builds(0, 20));
    weir.json(&["ingest", "--as", "builds", "builds.jsonl", "--integration", "ci"]);
    neighbour.write("builds.jsonl", builds(0, 5));
    neighbour.json(&["ingest", "--as", "builds", "builds.jsonl", "--integration", "ci"]);
    let sending = weir.run();
    agree(&sending, &receiving);
    let other = neighbour.run();
    until("the neighbour's builds", || ids(&receiving, "kind:build").len() == 25);
    other.stop();
    receiving.stop();

    // Central is away: it is gone here, and nobody says that all is done.
    let asked = weir.json(&["erase", "--integration", "ci"]);
    let id = asked["id"].as_str().unwrap();
    let receipt = weir.path(&format!("data/receipts/{id}.json"));
    let at_central = |one: &Value| one["state"] == "at-central";
    let waits = eventually("it to be done on the host", || erasure(&sending, id).filter(at_central));
    assert_eq!((&waits["completed_at"], receipt.exists()), (&Value::Null, false), "{waits}");

    let receiving = central.start("central");
    relay.point_to(receiving.url());
    until("central to wait for its own people", || {
        let one = erasure(&sending, id);
        one.is_some_and(|one| one["copies"][0]["error"].as_str().is_some_and(|why| why.contains("has to confirm it")))
    });
    assert_eq!(ids(&receiving, "kind:build").len(), 25);
    let owner = central.json(&["decommission", "owner-key"])["owner_key"].as_str().unwrap().to_owned();
    central.json(&["erase", "confirm", id, "--owner-key", &owner]);
    let is_done = |one: &Value| one["state"] == "completed";
    let done = eventually("it to be done everywhere", || erasure(&sending, id).filter(is_done));
    let theirs = &done["copies"][0]["receipt"];
    assert!(theirs["signature"].is_string() && theirs["erasure"]["id"] == id, "{done}");
    answers(&receiving);
    until("central to have what is left", || {
        ids(&receiving, "kind:build").len() == 5 && ids(&receiving, "kind:commit").len() == 30
    });
    assert_eq!(weir.command(&["receipt", "verify", receipt.to_str().unwrap()]).code, 0);
    sending.stop();
    receiving.stop();
}

#[test]
fn the_end_of_an_account_is_the_end_of_its_copies() {
    let (relay, central, key, receiving) = reachable("");
    let mailbox = Mailbox::new(0);
    let weir = forwarding("lab", relay.url(), &key);
    weir.configure(&format!(
        "{}[decommission]\nmail = {{ url = \"{}\", from = \"Weir <weir@example.com>\" }}\n",
        forwards_to(relay.url()),
        mailbox.url()
    ));
    filled(&weir);
    let sending = weir.run();
    agree(&sending, &receiving);
    receiving.stop();
    let key_of_owner = weir.json(&["decommission", "owner-key"])["owner_key"].as_str().unwrap().to_owned();
    let asked = weir.json(&[
        "decommission",
        "request",
        "--contact",
        "ana@example.com",
        "--at",
        "2020-01-01",
        "--statement",
        SENTENCE,
    ]);
    let id = asked["id"].as_str().unwrap().to_owned();
    weir.json(&["decommission", "confirm", &id, "--owner-key", &key_of_owner]);
    let one = || {
        let answer = sending.client().try_send("GET", &format!("/v1/decommissions/{id}"), b"").ok();
        answer.filter(|answer| answer.status == 200).map(|answer| answer.json())
    };
    let waits = eventually("the central to be missed", || {
        one().filter(|one| one["error"].as_str().is_some_and(|error| error.contains("not known to be gone")))
    });
    assert_eq!(waits["state"], "erasing", "{waits}");
    assert!(waits["keys_destroyed_at"].is_string() && !weir.path("data/accounts/test").exists(), "gone here at once");

    let receiving = central.start("central");
    relay.point_to(receiving.url());
    eventually("the account to be gone everywhere", || one().filter(|one| one["state"] == "completed"));
    let receipt = sending.get(&format!("/v1/decommissions/{id}/receipt"));
    assert_eq!(receipt["copies"][0]["receipt"]["kind"], "erasure", "{receipt}");
    let after = receipt["after"].as_array().unwrap().iter().find(|class| class["class"] == "forwarded copies");
    assert_eq!(after.unwrap()["items"], 0, "{receipt}");
    answers(&receiving);
    assert_eq!(ids(&receiving, "").len(), 0);
    until("the contact to be told", || one().is_some_and(|one| one["confirmation"]["sent"] == true));
    let letters = mailbox.letters();
    assert_eq!((letters.len(), &letters[0].to), (1, &vec!["ana@example.com".to_owned()]));
    assert!(letters[0].text.contains(&id) && letters[0].text.contains("\"signature\""), "{}", letters[0].text);
    sending.stop();

    // Another data folder under the same name begins anew; before that, its numbers would have been taken for the old.
    let again = forwarding("lab", relay.url(), &key);
    filled(&again);
    let sending = again.run();
    agree(&sending, &receiving);
    let stranger = forwarding("lab", relay.url(), &key);
    filled(&stranger);
    let third = stranger.run();
    until("the stranger to be told", || stranger.log().contains("another data folder has forwarded as `lab`"));
    third.stop();
    sending.stop();
    receiving.stop();
}

#[test]
fn a_central_that_is_configured_no_more_is_said_to_keep_its_copies() {
    let (relay, _central, key, receiving) = reachable("");
    let weir = forwarding("lab", relay.url(), &key);
    filled(&weir);
    let sending = weir.run();
    agree(&sending, &receiving);
    receiving.stop();
    let asked = weir.json(&["erase", "--person", PERSON, "--person", ADDRESS]);
    let id = asked["id"].as_str().unwrap();
    let waits = eventually("the central to be missed", || {
        erasure(&sending, id).filter(|one| one["state"] == "at-central" && one["copies"][0]["error"].is_string())
    });
    assert!(!waits.to_string().contains(PERSON), "who it was is forgotten here: {waits}");
    sending.stop();

    weir.configure("");
    let sending = weir.run();
    let done = erasure(&sending, id).unwrap();
    assert_eq!(done["state"], "completed", "{done}");
    assert!(done["copies"][0]["error"].as_str().unwrap().contains("weir erase --host"), "{done}");
    assert!(done["copies"][0].get("receipt").is_none(), "{done}");
    sending.stop();
}
