//! The life of data beside its use: what was done to it, and its end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;
use weir_daemon::config::Config;
use weir_daemon::host::Host;
use weir_daemon::propel::{Cause, Run, RunState};
use weir_model::Timestamp;
use weir_store::Commit;
use weir_tests::{Weir, eventually, files_below};

fn actions(page: &Value) -> Vec<String> {
    let entries = page["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_done_is_noted_and_can_be_checked_by_others() {
    let weir = Weir::new("");
    let id = weir.json(&["key", "create", "ci", "--scope", "ingest"])["id"].as_str().unwrap().to_owned();
    let host = weir.run();
    let page = host.get("/v1/audit?action=key&q=ci");
    assert_eq!(actions(&page), ["key.create"], "{page}");
    let entry = &page["entries"][0];
    assert_eq!((&entry["account"], &entry["subject"]), (&json!("test"), &json!(format!("key {id}"))));
    assert_eq!(entry["after"]["scopes"], json!(["ingest"]));
    assert_eq!(host.get("/v1/audit/verify")["whole"], true);
    host.stop();
    weir.configure("[variables]\nteam = \"a\"\n");
    weir.run().stop();
    weir.json(&["key", "revoke", &id]);
    let page = weir.json(&["audit", "list"]);
    assert_eq!(
        actions(&page),
        ["key.revoke", "host.start", "configuration.change", "host.start", "key.create"],
        "{page}"
    );

    weir.json(&["audit", "export", "copy"]);
    let verified = weir.json(&["audit", "verify", "--dir", "copy"]);
    assert_eq!((&verified["whole"], &verified["entries"], &verified["unsigned"]), (&json!(true), &json!(5), &json!(0)));
    weir.write("kept.json", verified.to_string());
    let chain = weir.path("data/audit/chain.jsonl");
    let text = std::fs::read_to_string(&chain).unwrap();
    std::fs::write(&chain, text.replacen("key.create", "key.revoke", 1)).unwrap();
    let answer = weir.command(&["audit", "verify"]);
    assert_eq!(answer.code, 1, "{}", answer.stdout);
    assert!(answer.stdout.contains("chain.jsonl line 1: its hash is not that of its text"), "{}", answer.stdout);
    // Whoever holds all keys of the machine can write another history, but not one that ends in a statement kept elsewhere.
    std::fs::remove_dir_all(weir.path("data/audit")).unwrap();
    weir.json(&["key", "create", "other", "--scope", "read"]);
    assert_eq!(weir.command(&["audit", "verify"]).code, 0);
    let answer = weir.command(&["audit", "verify", "--checkpoint", "kept.json"]);
    assert!(answer.code == 1 && answer.stdout.contains("the kept checkpoint: entry 5"), "{}", answer.stdout);
}

const CANARY: &str = "zaunkoenig-of-the-canaries";
/// What somebody types out who wants the end of the account `test`.
pub(crate) const SENTENCE: &str =
    "I confirm that all data of the account test is to be erased, and that this cannot be undone.";

fn builds(pipeline: &str, count: u64) -> String {
    let build = |number: u64| {
        json!({ "pipeline": pipeline, "branch_name": "main", "build_number": number, "result": "SUCCESS",
            "start_time": 1_700_000_000_000_u64 + number * 60_000, "duration": 30_000 })
    };
    (1..=count).map(|number| build(number).to_string() + "\n").collect()
}

/// An installation with two accounts, of which `test` holds canaries.
fn two_accounts() -> Weir {
    let weir = Weir::new("");
    let ours = weir.write("ours.jsonl", builds(CANARY, 40));
    weir.ingest("builds", &[&ours]);
    weir.json(&["key", "create", CANARY, "--scope", "read"]);
    weir.write(
        "other.toml",
        "[host]\nname = \"lab\"\ndata_dir = \"data\"\nlisten = \"127.0.0.1:0\"\naccount = \"other\"\n",
    );
    weir.write("theirs.jsonl", builds("theirs", 7));
    weir.json(&["--config", "other.toml", "ingest", "--as", "builds", "theirs.jsonl"]);
    weir
}

/// Asks for the end of `test` at once, and has it confirmed with the owner key; its id.
fn confirmed(weir: &Weir) -> String {
    let key = weir.json(&["decommission", "owner-key"])["owner_key"].as_str().unwrap().to_owned();
    let asked = ["decommission", "request", "--contact", "ana@example.com", "--at", "2020-01-01", "--marker", CANARY];
    let one = weir.json(&[&asked[..], &["--statement", SENTENCE]].concat());
    let id = one["id"].as_str().unwrap().to_owned();
    let alone = weir.command(&["decommission", "confirm", &id]);
    assert_eq!(alone.code, 2, "{}", alone.stderr);
    assert!(alone.stderr.contains("cannot confirm it"), "{}", alone.stderr);
    let one = weir.json(&["decommission", "confirm", &id, "--owner-key", &key]);
    assert_eq!((&one["state"], &one["confirmed"]["by"]), (&json!("scheduled"), &json!("owner key")));
    id
}

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files_below(folder, "").into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn theirs(weir: &Weir) -> Value {
    let mut found = weir.json(&["--config", "other.toml", "search", "kind:build"]);
    found.as_object_mut().unwrap().remove("took_ms");
    found
}

#[test]
fn an_account_goes_with_a_receipt_and_its_neighbour_stays() {
    let weir = two_accounts();
    let before = theirs(&weir);
    assert_eq!(before["total"], 7);
    let counted = weir.json(&["decommission", "inventory"]);
    assert_eq!(counted["classes"][0]["items"], 40, "{counted}");
    let neighbour =
        || (files(&weir.path("data/accounts/other")), std::fs::read(weir.path("data/keys/other.slot")).unwrap());
    let files_before = neighbour();
    let wrong = weir.command(&["decommission", "request", "--contact", "ana", "--statement", "yes, do it"]);
    assert!(wrong.code == 2 && wrong.stderr.contains(SENTENCE), "{}", wrong.stderr);

    let host = weir.run();
    let id = confirmed(&weir);
    let path = format!("/v1/decommissions/{id}");
    let done = eventually("the account to be gone", || {
        let answer = host.client().try_send("GET", &path, b"").ok().filter(|answer| answer.status == 200)?;
        Some(answer.json()).filter(|one| one["state"] == "completed")
    });
    let states: Vec<_> = done["steps"].as_array().unwrap().iter().map(|step| step["state"].clone()).collect();
    let expected = ["requested", "validated", "scheduled", "disabled", "erasing", "verifying", "completed"];
    assert_eq!(json!(states), json!(expected));
    assert_eq!(host.client().get("/v1/search?q=").status, 410);
    assert_eq!(host.get("/v1/audit/verify")["whole"], true);
    let page = host.client().get(&format!("{path}/receipt.html"));
    assert!(page.text().contains("Receipt of erasure"));
    let receipt = host.get(&format!("{path}/receipt"));
    assert_eq!((&receipt["erased_records"]["count"], &receipt["scan"]["found"]), (&json!(40), &json!([])));
    host.stop();

    assert!(neighbour() == files_before, "the neighbour's files are as they were");
    assert_eq!(theirs(&weir), before);
    assert!(!weir.path("data/keys/test.slot").exists() && !weir.path("data/accounts/test").exists());
    for (path, bytes) in files(&weir.path("data")) {
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} sings", path.display());
    }
    let again = weir.command(&["search", "kind:build"]);
    assert!(again.code == 2 && again.stderr.contains("was decommissioned"), "{}", again.stderr);
    assert!(!weir.path("data/keys/test.slot").exists(), "no new key in its place");
    let verified = weir.json(&["audit", "verify"]);
    assert!(verified["whole"] == true && verified["erased"].as_u64().unwrap() > 3, "{verified}");

    let text = weir.command(&["decommission", "receipt", &id]).stdout;
    weir.write("receipt.json", &text);
    let key = weir.path("data/keys/signing.pub");
    let check = |file: &str| weir.command(&["receipt", "verify", file, "--public-key", key.to_str().unwrap()]);
    assert_eq!(check("receipt.json").code, 0, "{}", check("receipt.json").stdout);
    weir.write("forged.json", text.replacen("\"count\": 40", "\"count\": 41", 1));
    assert_eq!(check("forged.json").code, 1, "{}", check("forged.json").stdout);
    // A host that is started again serves the proof, and nothing else.
    let host = weir.run();
    assert_eq!(host.get(&path)["state"], "completed");
    assert_eq!(host.client().get("/v1/status").status, 410);
    host.stop();
}

/// What a receipt says but for times and what is made up anew each time.
fn timeless(weir: &Weir, id: &str) -> Value {
    let text = weir.command(&["decommission", "receipt", id]).stdout;
    let receipt: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let items: Vec<Value> =
        receipt["before"].as_array().unwrap().iter().map(|class| json!([class["class"], class["items"]])).collect();
    let mut states: Vec<_> = receipt["steps"].as_array().unwrap().iter().map(|step| step["state"].clone()).collect();
    states.dedup();
    json!({
        "account": receipt["account"], "statement": receipt["statement"], "by": receipt["confirmed"]["by"],
        "before": items, "records": receipt["erased_records"], "found": receipt["scan"]["found"],
        "looked_for": receipt["scan"]["looked_for"].as_array().unwrap().len(), "states": states,
    })
}

#[test]
fn killed_at_any_step_it_is_gone_on_from_there() {
    let undisturbed = two_accounts();
    let id = confirmed(&undisturbed);
    assert_eq!(undisturbed.json(&["decommission", "run"])["decommissions"][0]["state"], "completed");
    let expected = timeless(&undisturbed, &id);
    for point in
        ["disabled", "counted", "key", "folder", "caches", "audit", "central", "erased", "receipt", "completed"]
    {
        let weir = two_accounts();
        let id = confirmed(&weir);
        let killed = weir.program(&["decommission", "run"]).env("WEIR_END_AT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}: {killed:?}");
        let slot = weir.path("data/keys/test.slot");
        assert_eq!(slot.exists(), matches!(point, "disabled" | "counted"), "{point}");
        let state = weir.json(&["decommission", "status", &id])["state"].clone();
        assert_eq!(state == "completed", point == "completed", "{point}: {state}");
        // Nothing else may take the place of what is half gone.
        assert_eq!(weir.command(&["search", ""]).code, 2, "{point}");
        weir.json(&["decommission", "run"]);
        assert_eq!(timeless(&weir, &id), expected, "{point}");
        assert_eq!(weir.json(&["audit", "verify"])["whole"], true, "{point}");
        assert_eq!(theirs(&weir)["total"], 7, "{point}");
    }
}

#[test]
fn what_cannot_be_written_is_not_called_done() {
    // A folder where a file belongs, or a file where a folder does: nothing can be written there, by nobody.
    for (blocked, state) in [("data/audit/checkpoints.jsonl", "scheduled"), ("data/receipts", "verifying")] {
        let weir = two_accounts();
        let id = confirmed(&weir);
        let (path, aside) = (weir.path(blocked), weir.path("aside"));
        let _ = std::fs::rename(&path, &aside);
        if state == "verifying" {
            std::fs::write(&path, "").unwrap()
        } else {
            std::fs::create_dir(&path).unwrap()
        }
        for _ in 0..2 {
            let run = weir.command(&["decommission", "run"]);
            assert_ne!(run.code, 0, "{blocked}: {}", run.stdout);
            let one = weir.json(&["decommission", "status", &id]);
            assert_eq!(one["state"], state, "{blocked}: {one}");
            assert_ne!(
                weir.command(&["decommission", "receipt", &id]).code,
                0,
                "{blocked}: no proof of what is not done"
            );
        }
        if state == "verifying" {
            std::fs::remove_file(&path).unwrap()
        } else {
            std::fs::remove_dir(&path).unwrap()
        }
        let _ = std::fs::rename(&aside, &path);
        assert_eq!(weir.json(&["decommission", "run"])["decommissions"][0]["state"], "completed", "{blocked}");
        assert_eq!(weir.json(&["audit", "verify"])["whole"], true, "{blocked}");
        let noted = actions(&weir.json(&["audit", "list", "--action", "decommission"]));
        assert_eq!(noted[..4], ["complete", "verify", "erase", "disable"].map(|step| format!("decommission.{step}")));
    }
}

#[test]
fn it_can_be_held_and_taken_back() {
    let weir = two_accounts();
    let id = confirmed(&weir);
    let held = weir.json(&["decommission", "hold", &id, "--reason", "a court asks for it"]);
    assert_eq!(held["state"], "held");
    weir.json(&["decommission", "run"]);
    let host = weir.run();
    assert_eq!(host.get("/v1/search?q=kind%3Abuild")["total"], 40, "held though due");
    let cancelled = host.client().post(&format!("/v1/decommissions/{id}/cancel"), b"");
    assert_eq!(cancelled.json()["state"], "cancelled", "{}", cancelled.text());
    assert_eq!(host.client().post(&format!("/v1/decommissions/{id}/release"), b"").status, 400);
    let page = host.get("/v1/audit?action=decommission");
    let expected = ["release", "cancel", "hold", "confirm", "confirm", "request"];
    assert_eq!(actions(&page), expected.map(|verb| format!("decommission.{verb}")));
    assert_eq!(page["entries"][0]["outcome"], "refused");
    host.stop();
}

/// All numbers, but for what tells how long the answer took.
fn numbers(weir: &Weir) -> Value {
    weir.json(&["metrics", "--by", "day"])
}

#[test]
fn an_export_gives_the_same_numbers_elsewhere_and_shows_any_change() {
    let weir = two_accounts();
    let expected = numbers(&weir);
    let written = weir.json(&["export", "--to", "copy"]);
    assert_eq!(written["complete"], true, "{written}");
    // Nothing has come since: what is there is kept.
    let raw = weir.path("copy/raw/000000000001.jsonl");
    let before = std::fs::metadata(&raw).unwrap().modified().unwrap();
    weir.json(&["export", "--to", "copy", "--raw"]);
    assert_eq!(std::fs::metadata(&raw).unwrap().modified().unwrap(), before);
    assert_eq!(weir.json(&["export", "verify", "copy"])["records"], 40);
    weir.json(&["export", "--to", "tables", "--entities", "--metrics", "--format", "csv"]);
    let table = std::fs::read_to_string(weir.path("tables/entities/build.csv")).unwrap();
    assert!(table.lines().count() == 41 && table.contains(CANARY), "{table}");

    let other = Weir::new("");
    let copy = weir.path("copy");
    let imported = other.json(&["import", copy.to_str().unwrap()]);
    assert_eq!(imported["records"], 40);
    assert_eq!(numbers(&other), expected);
    let documents = |weir: &Weir| weir.json(&["search", "", "--limit", "100"])["hits"].clone();
    assert_eq!(documents(&other), documents(&weir));
    let again = other.command(&["import", copy.to_str().unwrap()]);
    assert!(again.code == 2 && again.stderr.contains("is not empty"), "{}", again.stderr);

    for name in
        ["raw/000000000001.jsonl", "state.jsonl", "manifest.json", "entities/build.jsonl", "metrics/by-day.jsonl"]
    {
        let path = weir.path("copy").join(name);
        let bytes = std::fs::read(&path).unwrap();
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 2] ^= 4;
        std::fs::write(&path, damaged).unwrap();
        assert_ne!(weir.command(&["export", "verify", "copy"]).code, 0, "{name}");
        std::fs::write(&path, bytes).unwrap();
    }
    std::fs::write(weir.path("copy/raw/more.jsonl"), "{}").unwrap();
    assert_eq!(weir.command(&["export", "verify", "copy"]).code, 1);
}

#[test]
fn a_part_is_erased_and_everything_is_derived_from_what_is_left() {
    let weir = two_accounts();
    weir.write("more.jsonl", builds("kept", 5));
    weir.json(&["ingest", "--as", "builds", "more.jsonl", "--integration", "ci"]);
    let counted = weir.json(&["erase", "--integration", "ingest", "--dry-run"]);
    assert_eq!((&counted["records"]["selected"], &counted["records"]["kept"]), (&json!(40), &json!(5)), "{counted}");
    assert_eq!(weir.json(&["search", "kind:build"])["total"], 45, "counting changes nothing");
    let counted = weir.json(&["erase", "--project", "kept", "--dry-run"]);
    assert_eq!((&counted["records"]["selected"], &counted["records"]["kept"]), (&json!(5), &json!(40)), "{counted}");
    let everything = weir.command(&["erase"]);
    assert!(everything.code == 2 && everything.stderr.contains("nothing is named"), "{}", everything.stderr);

    weir.configure("[[hold]]\nname = \"court\"\nintegration = \"ingest\"\nreason = \"a case\"\n");
    let held = weir.json(&["erase", "--integration", "ingest"]);
    assert_eq!((&held["records"]["selected"], &held["records"]["held"]), (&json!(0), &json!(40)), "{held}");
    weir.configure("");

    for point in ["erasure counted", "erasure done", "erasure derived"] {
        let killed = weir.program(&["erase", "--person", CANARY]).env("WEIR_END_AT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}");
        // A host that starts goes on with it.
        let host = weir.run();
        let all = host.get("/v1/erasures");
        assert!(all["erasures"].as_array().unwrap().iter().all(|one| one["state"] == "completed"), "{point}: {all}");
        assert_eq!(host.get("/v1/search?q=kind%3Abuild")["total"], 5, "{point}");
        host.stop();
    }
    for (path, bytes) in files(&weir.path("data/accounts/test")) {
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} sings", path.display());
    }
    // What is derived anew from the log is the same.
    let expected = numbers(&weir);
    weir.json(&["replay"]);
    assert_eq!(numbers(&weir), expected);
    assert_eq!(theirs(&weir)["total"], 7);
    let host = weir.run();
    // Numbers of events go on where they were.
    let before = host.get("/v1/events?after=0&limit=1000");
    let last = |page: &Value| page["events"].as_array().unwrap().last().unwrap().clone();
    assert!(before["events"].as_array().unwrap().len() < 45, "{before}");
    let erased = host.client().post("/v1/erasures", br#"{"scopes":[{"integration":"ci"}],"reason":"test"}"#);
    assert_eq!(erased.status, 202, "{}", erased.text());
    eventually("the builds to be gone", || {
        let answer = host.client().try_send("GET", "/v1/search?q=kind%3Abuild", b"").ok()?;
        (answer.status == 200 && answer.json()["total"] == 0).then_some(())
    });
    let receipts = files(&weir.path("data/receipts"));
    assert!(receipts.len() >= 3, "{}", last(&before));
    for path in receipts.keys() {
        assert_eq!(weir.command(&["receipt", "verify", path.to_str().unwrap()]).code, 0);
    }
    host.stop();
}

#[test]
fn what_one_wants_to_erase_another_confirms() {
    let weir = two_accounts();
    weir.configure("[erasure]\nconfirm = true\n");
    let ask = || {
        let one = weir.json(&["erase", "--integration", "ingest"]);
        assert_eq!(one["state"], "asked", "{one}");
        one["id"].as_str().unwrap().to_owned()
    };
    let first = ask();
    assert_eq!(weir.json(&["search", "kind:build"])["total"], 40, "nothing goes before it is confirmed");
    for refused in [&["erase", "confirm", &first][..], &["erase", "confirm", &first, "--owner-key", "guessed"]] {
        let refused = weir.command(refused);
        assert!(refused.code == 2 && refused.stderr.contains("hint"), "{}", refused.stderr);
    }
    assert_eq!(weir.json(&["erase", "cancel", &first])["state"], "cancelled");
    assert_eq!(weir.command(&["erase", "cancel", &first]).code, 2, "once");

    let second = ask();
    let key = weir.json(&["decommission", "owner-key"])["owner_key"].as_str().unwrap().to_owned();
    let done = weir.json(&["erase", "confirm", &second, "--owner-key", &key]);
    assert_eq!((&done["state"], &done["confirmed"]["by"]), (&json!("completed"), &json!("owner key")), "{done}");
    assert_eq!(weir.json(&["search", "kind:build"])["total"], 0);
    let noted = weir.json(&["audit", "list", "--action", "erasure"]);
    let outcomes: Vec<_> = noted["entries"].as_array().unwrap().iter().map(|entry| entry["outcome"].clone()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "refused").count(), 3, "{noted}");
}

#[test]
fn what_is_kept_for_a_time_goes_when_it_is_over() {
    let weir = two_accounts();
    weir.configure("[retention]\nraw = \"30d\"\n[[retention.policy]]\nintegration = \"ci\"\nraw = \"forever\"\n");
    let seen = weir.json(&["retention", "preview"]);
    assert_eq!(
        (&seen["selected"]["selected"], &seen["policies"][0]["integration"]),
        (&json!(0), &json!("ingest")),
        "{seen}"
    );
    assert_eq!(weir.json(&["retention", "run"])["erasure"], Value::Null);
    let entries = weir.json(&["audit", "list", "--action", "retention"]);
    assert_eq!(actions(&entries), ["retention.run"]);
    assert_eq!(weir.json(&["search", "kind:build"])["total"], 40);
    weir.configure("[[retention.policy]]\nkind = \"build\"\nraw = \"30d\"\n");
    let seen = weir.json(&["retention", "preview"]);
    assert_eq!((&seen["policies"][0]["kind"], &seen["selected"]["kept"]), (&json!("build"), &json!(40)), "{seen}");
    for (policy, what) in [("raw = \"30d\"", "names nothing"), ("kind = \"build\"\nraw = \"forever\"", "longer")] {
        weir.configure(&format!("[[retention.policy]]\n{policy}\n"));
        let wrong = weir.command(&["retention", "preview"]);
        assert!(wrong.code == 2 && wrong.stderr.contains(what), "{}", wrong.stderr);
    }
    weir.configure("[retention]\nruns = \"7d\"\nat_least = \"30d\"\n");
    let wrong = weir.command(&["retention", "preview"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("at_least"), "{}", wrong.stderr);
    weir.configure("[retention]\nraw = \"soon\"\n");
    let wrong = weir.command(&["retention", "preview"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("400d"), "{}", wrong.stderr);
}

/// A run of a propel about a build, over since long ago.
fn old_run(propel: &str, entity: &str) -> Run {
    let long_ago: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let mut run = Run::new(Uuid::now_v7(), propel, Cause::Hand { input: json!({ "entity": entity }) }, long_ago);
    run.end(RunState::Done, None, long_ago);
    run
}

#[test]
fn runs_and_the_audit_log_go_when_their_time_is_over() {
    let weir = Weir::new("");
    weir.json(&["key", "create", "one", "--scope", "read"]);
    let config = std::fs::read_to_string(weir.path("weir.toml")).unwrap();
    let config = config.replace("\"data\"", &format!("\"{}\"", weir.path("data").display()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entered = runtime.enter();
    let host = Host::open(Config::parse(&config, "weir.toml").unwrap()).unwrap();
    let runs = [old_run("told", "build:ci:a/1"), old_run("told", "build:held:a/1")];
    let puts = runs.iter().flat_map(Run::puts).collect();
    host.account.log.append(Commit { records: Vec::new(), received_at: weir_daemon::clock::now(), puts }).unwrap();
    drop((host, entered));
    let policy = "[retention]\nruns = \"90d\"\naudit = \"400d\"\nat_least = \"30d\"\n";
    weir.configure(&format!("{policy}[[hold]]\nname = \"h\"\nintegration = \"held\"\nreason = \"asked for\"\n"));
    let seen = weir.json(&["retention", "preview"]);
    assert_eq!((&seen["runs"], &seen["audit"]), (&json!(1), &json!(0)), "{seen}");
    let done = weir.json(&["retention", "run"]);
    assert_eq!((&done["runs"], &done["audit"], &done["erasure"]), (&json!(1), &json!(0), &Value::Null), "{done}");
    let left = weir.json(&["retention", "preview"]);
    assert_eq!(left["runs"], 0, "{left}");
    weir.configure(policy);
    assert_eq!(weir.json(&["retention", "preview"])["runs"], 1, "what was held is there");
    assert_eq!(weir.json(&["audit", "verify"])["whole"], true);
}
