//! A copy of a host that runs, and the host that is made of it.

use serde_json::{Value, json};
use weir_tests::{Weir, eventually, files_below};

const CANARY: &str = "tweety-in-the-coal-mine";

fn builds(from: u64, to: u64) -> String {
    let build = |number: u64| {
        json!({ "pipeline": CANARY, "branch_name": "main", "build_number": number, "result": "SUCCESS",
            "start_time": 1_700_000_000_000_u64 + number * 60_000, "duration": 30_000 })
    };
    (from..to).map(|number| build(number).to_string() + "\n").collect()
}

fn ingest(weir: &Weir, from: u64, to: u64) {
    weir.write("builds.jsonl", builds(from, to));
    weir.json(&["ingest", "--as", "builds", "builds.jsonl"]);
}

/// What a host answers, and who it lets in.
fn answers(weir: &Weir) -> Value {
    let numbers = weir.json(&["metrics", "--by", "day"]);
    let found = weir.json(&["search", "", "--limit", "100"]);
    json!([numbers, found["hits"], found["total"], weir.json(&["key", "list"])])
}

fn path(weir: &Weir, name: &str) -> String {
    weir.path(name).to_str().unwrap().to_owned()
}

#[test]
fn a_backup_of_a_host_that_runs_is_that_host_elsewhere() {
    let weir = Weir::new("");
    ingest(&weir, 1, 20);
    let key = weir.json(&["key", "create", "reader", "--scope", "read"])["key"].as_str().unwrap().to_owned();
    let host = weir.run();
    let taken = host.client().post("/v1/backups", json!({ "to": path(&weir, "copy") }).to_string().as_bytes());
    assert_eq!((taken.status, &taken.json()["damaged"]), (201, &json!([])), "{}", taken.text());
    assert_eq!(host.client().post("/v1/backups", br#"{"to":"copy"}"#).status, 400, "no whole path");
    ingest(&weir, 20, 30);
    let again = weir.json(&["backup", "--to", "copy"]);
    assert_eq!(again["new_generations"], 1, "what was there is not written again: {again}");
    let expected = answers(&weir);
    let last_event = host.get("/v1/events?after=0&limit=1000")["next"].as_u64().unwrap();
    host.stop();
    assert_eq!(weir.command(&["backup", "--to", "."]).code, 2, "a folder of something else");
    weir.json(&["backup", "keys", "--to", "keys"]);

    // Nothing of it can be read without the keys, and they are not there.
    for file in files_below(&weir.path("copy"), "") {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{}", file.display());
    }
    assert!(!weir.path("copy/keys").exists());

    let other = Weir::new("");
    let without = other.command(&["restore", &path(&weir, "copy"), "--keys", &path(&weir, "copy")]);
    assert!(without.code == 2 && without.stderr.contains("weir backup keys"), "{}", without.stderr);
    let restored = other.json(&["restore", &path(&weir, "copy"), "--keys", &path(&weir, "keys")]);
    assert_eq!(restored["records"], 29, "{restored}");
    assert_eq!(answers(&other), expected);
    let twice = other.command(&["restore", &path(&weir, "copy"), "--keys", &path(&weir, "keys")]);
    assert!(twice.code == 2 && twice.stderr.contains("is not empty"), "{}", twice.stderr);
    assert_eq!(other.json(&["audit", "verify"])["whole"], true);
    assert_eq!(other.json(&["audit", "list", "--action", "backup.restore"])["entries"].as_array().unwrap().len(), 1);

    let host = other.run();
    let reader = host.client().with("authorization", &format!("Bearer {key}"));
    assert_eq!(reader.get("/v1/search?q=kind%3Abuild").json()["total"], 29);
    let stranger = host.client().with("authorization", "Bearer weir_guessed");
    assert_eq!(stranger.get("/v1/search?q=").status, 401);
    // Whoever follows events hears them under numbers it has not seen: what happened after the backup is not the same.
    ingest(&other, 30, 31);
    host.processed();
    let numbers = |host: &weir_tests::Running| -> Vec<u64> {
        let page = host.get(&format!("/v1/events?after={last_event}&limit=1000"));
        page["events"].as_array().unwrap().iter().map(|event| event["number"].as_u64().unwrap()).collect()
    };
    let heard = numbers(&host);
    assert!(heard.len() as u64 > last_event && heard[0] > last_event + (1 << 31), "{heard:?} after {last_event}");
    host.stop();
    other.json(&["replay"]);
    let host = other.run();
    assert_eq!(numbers(&host), heard, "and under the same ones when everything is derived anew");
    host.stop();
}

#[test]
fn what_was_changed_in_a_backup_is_noticed_and_not_put_back() {
    let weir = Weir::new("");
    ingest(&weir, 1, 10);
    weir.json(&["backup", "--to", "copy"]);
    weir.json(&["backup", "keys", "--to", "keys"]);
    let verified = weir.json(&["backup", "verify", "copy"]);
    assert_eq!((&verified["whole"], &verified["problems"]), (&json!(true), &json!([])));
    for file in files_below(&weir.path("copy"), "") {
        let bytes = std::fs::read(&file).unwrap();
        let Some(middle) = (!bytes.is_empty()).then_some(bytes.len() / 2) else { continue };
        let mut changed = bytes.clone();
        changed[middle] ^= 4;
        std::fs::write(&file, changed).unwrap();
        assert_ne!(weir.command(&["backup", "verify", "copy"]).code, 0, "{}", file.display());
        std::fs::write(&file, bytes).unwrap();
    }
    std::fs::write(weir.path("copy/audit/more.jsonl"), "{}").unwrap();
    assert_eq!(weir.command(&["backup", "verify", "copy"]).code, 1);
    let other = Weir::new("");
    let refused = other.command(&["restore", &path(&weir, "copy"), "--keys", &path(&weir, "keys")]);
    assert!(refused.code == 2 && refused.stderr.contains("more.jsonl"), "{}", refused.stderr);
    assert!(!other.path("data").exists(), "nothing was begun");
}

#[test]
fn backups_are_taken_by_themselves_and_follow_what_is_erased() {
    let weir = Weir::new("");
    weir.configure("[backup]\nto = \"copy\"\nevery = \"1s\"\n");
    ingest(&weir, 1, 10);
    let host = weir.run();
    let taken = |host: &weir_tests::Running| host.get("/v1/backups")["backups"].as_array().unwrap().len();
    eventually("two backups", || (taken(&host) > 1).then_some(()));
    assert!(host.client().get("/metrics").text().contains("weir_backup_taken_seconds"));
    host.stop();
    let doctor = weir.command(&["doctor", "--json"]);
    assert!(doctor.stdout.contains("\"backup\""), "{}", doctor.stdout);
    weir.json(&["erase", "--person", CANARY]);
    weir.json(&["backup", "--to", "copy"]);
    weir.json(&["backup", "keys", "--to", "keys"]);
    let other = Weir::new("");
    other.json(&["restore", &path(&weir, "copy"), "--keys", &path(&weir, "keys")]);
    assert_eq!(other.json(&["search", "kind:build"])["total"], 0);
}

#[test]
fn exports_are_written_by_themselves_and_brought_up_to_date() {
    let weir = Weir::new("");
    weir.configure("[export]\nto = \"tables\"\nevery = \"1s\"\nentities = true\nformat = \"parquet\"\n");
    ingest(&weir, 1, 10);
    let host = weir.run();
    let of_builds =
        || host.get("/v1/exports")["exports"].as_array().unwrap().iter().any(|one| one["outcome"] == "done");
    eventually("an export", || of_builds().then_some(()));
    let table = || std::fs::read(weir.path("tables/entities/build.parquet")).unwrap_or_default();
    let first = table();
    assert!(first.starts_with(b"PAR1") && first.ends_with(b"PAR1"));
    ingest(&weir, 11, 60);
    eventually("a table with more builds", || (table().len() > first.len()).then_some(()));
    host.stop();
    let checked = weir.json(&["export", "verify", "tables"]);
    assert_eq!((&checked["whole"], &checked["complete"]), (&json!(true), &json!(true)), "{checked}");
    assert!(weir.command(&["doctor", "--json"]).stdout.contains("\"export\""));
    let inside = Weir::new("");
    inside.configure("[export]\nto = \"data/tables\"\n");
    assert!(inside.command(&["check"]).stderr.contains("lies in the data folder"));
}
