//! A disk that is full, and one that fails, under a host that runs: what was acknowledged is there, what was not is
//! refused with a reason, reading goes on, and nothing half done is called done.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use weir_tests::{Client, Response, Running, Weir, eventually, ids, until};

use crate::clocks::Clock;
use crate::lifecycle::SENTENCE;

/// Size of the disks, in MiB.
const DISK_MIB: u32 = 64;

/// A build with text that does not compress, so that a disk is soon full.
fn build(number: u64) -> String {
    let word = |part: u64| (number * 64 + part + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).swap_bytes() ^ number;
    let text: String = (0..64).map(|part| format!("{:016x}", word(part))).collect();
    json!({ "pipeline": "ci", "branch_name": "main", "build_number": number, "result": "SUCCESS", "node": text,
        "start_time": 1_700_000_000_000_u64 + number * 60_000, "duration": 30_000 })
    .to_string()
}

fn push(client: &Client, number: u64) -> Response {
    client.with("idempotency-key", &format!("build-{number}")).post("/v1/builds", build(number).as_bytes())
}

/// Pushes builds that must be kept.
fn push_all(host: &Running, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        let answer = push(&host.client(), number);
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
}

/// Pushes builds, until so many were refused one after the other. Those that were kept, and the others.
fn push_until_refused(host: &Running, from: u64, times: u64) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let (mut kept, mut refused, mut in_a_row) = (BTreeSet::new(), BTreeSet::new(), 0);
    for number in from.. {
        let answer = push(&host.client(), number);
        if answer.is_success() {
            kept.insert(number);
            in_a_row = 0;
            continue;
        }
        assert!(matches!(answer.status, 503 | 507), "{}", answer.text());
        assert!(answer.json()["hint"].is_string() && !answer.header("retry-after").is_empty(), "{}", answer.text());
        refused.insert(number);
        in_a_row += 1;
        if in_a_row == times {
            break;
        }
    }
    (kept, refused)
}

fn of(numbers: &BTreeSet<u64>) -> BTreeSet<String> {
    numbers.iter().map(|number| format!("build:push:ci/{number}/1")).collect()
}

fn total(host: &Running) -> Option<u64> {
    let answer = host.client().try_send("GET", "/v1/search?q=kind%3Abuild&limit=0", b"").ok()?;
    (answer.status == 200).then(|| answer.json()["total"].as_u64())?
}

/// A host with some builds on a disk in memory.
fn on_small_disk() -> Option<(Weir, Running)> {
    Weir::new("").on_small_disk(DISK_MIB).map(with_builds)
}

fn with_builds(weir: Weir) -> (Weir, Running) {
    let host = weir.run();
    push_all(&host, 0..300);
    host.processed();
    (weir, host)
}

#[test]
fn a_full_disk_refuses_what_it_cannot_keep_and_goes_on_when_there_is_room() {
    on_small_disk().into_iter().for_each(is_filled_up);
}

#[test]
fn a_full_disk_that_gives_its_blocks_late_does_so_too() {
    Weir::new("").on_failing_disk(DISK_MIB).map(with_builds).into_iter().for_each(is_filled_up);
}

fn is_filled_up((weir, host): (Weir, Running)) {
    weir.disk().fill(512);
    let (mut kept, mut refused) = push_until_refused(&host, 300, 20);
    let answer = push(&host.client(), *refused.first().unwrap());
    assert_eq!(answer.status, 507, "{}", answer.text());
    assert!(answer.text().contains("the disk is full") && answer.text().contains("make room"), "{}", answer.text());
    // What is shown may be behind, for it has no room either; what is there is read.
    assert!(total(&host).is_some_and(|total| total >= 300));
    assert_eq!(host.get("/v1/entities/build%3Apush%3Aci%2F7%2F1")["document"]["number"], 7);
    assert!(!host.get("/v1/metrics/build-success?by=day")["points"].as_array().unwrap().is_empty());

    weir.disk().make_room();
    push_all(&host, refused.iter().copied());
    kept.append(&mut refused);
    // Somebody who had no answer sends again what was kept.
    push_all(&host, kept.iter().copied().take(5));
    kept.extend(0..300);
    let status = host.processed();
    assert_eq!(ids(&host, "kind:build"), of(&kept));
    assert_eq!(status["accepted"], json!(kept.len()), "one raw record for each");
    until("processing to be well again", || host.get("/v1/status").get("processing_error").is_none());
    host.stop();
    weir.json(&["replay"]);
    assert_eq!(weir.json(&["search", "kind:build"])["total"], json!(kept.len()), "from the log alone");
    assert_eq!(weir.json(&["audit", "verify"])["whole"], true);
}

/// Asks for an erasure of all builds.
fn erase(host: &Running) -> Response {
    host.client().post("/v1/erasures", br#"{ "scopes": [{ "project": "ci" }] }"#)
}

/// Waits until the erasure is as it is wanted. The host may pause meanwhile.
fn erasure(host: &Running, wanted: fn(&Value) -> bool) -> Value {
    eventually("the erasure to say so", || {
        let answer = host.client().try_send("GET", "/v1/erasures", b"").ok().filter(|answer| answer.status == 200)?;
        Some(answer.json()["erasures"][0].clone()).filter(wanted)
    })
}

/// Waits until the erasure is done, and checks that it is proven, how many builds it took, and how many are left.
fn check_erased(weir: &Weir, host: Running, erased: u64, left: u64) {
    let one = erasure(&host, |one| one["state"] == "completed");
    assert_eq!((&one["records"]["selected"], &one["error"]), (&json!(erased), &Value::Null), "{one}");
    host.processed();
    assert_eq!(total(&host), Some(left));
    let receipt = host.client().get(one["receipt"].as_str().unwrap());
    host.stop();
    weir.write("receipt.json", &receipt.body);
    assert_eq!(weir.json(&["receipt", "verify", "receipt.json"])["valid"], true);
    assert_eq!(weir.json(&["audit", "verify"])["whole"], true);
}

#[test]
fn an_erasure_is_not_asked_for_where_that_cannot_be_kept() {
    let Some((weir, host)) = on_small_disk() else { return };
    weir.disk().fill(0);
    let answer = erase(&host);
    assert!(matches!(answer.status, 503 | 507), "{}", answer.text());
    assert_eq!((host.get("/v1/erasures")["erasures"].clone(), total(&host)), (json!([]), Some(300)));
    weir.disk().make_room();
    assert_eq!(erase(&host).status, 202);
    check_erased(&weir, host, 300, 0);
}

/// An erasure that begins and has no room to go on.
fn erasure_without_room(free_kib: u64) {
    let Some((weir, host)) = on_small_disk() else { return };
    weir.disk().fill(free_kib);
    assert_eq!(erase(&host).status, 202);
    let failed = erasure(&host, |one| one["error"].is_string());
    assert!(failed["state"] != "completed" && failed["receipt"].is_null(), "{failed}");
    assert!(failed["error"].as_str().unwrap().contains("No space left"), "{failed}");
    // It serves what there is, and says so.
    assert!(total(&host).is_some());
    assert!(host.get("/v1/status")["lifecycle_error"].is_string());
    weir.disk().make_room();
    // What comes after it was counted is none of its business.
    push_all(&host, [1_000]);
    let left = u64::from(failed["state"] == "running");
    check_erased(&weir, host, 301 - left, left);
}

#[test]
fn an_erasure_without_room_to_seal_the_log_is_not_called_done() {
    erasure_without_room(96);
}

#[test]
fn an_erasure_without_room_to_write_the_log_anew_is_not_called_done() {
    erasure_without_room(400);
}

/// Asks for the end of the account in 30 days and has it confirmed; its id.
fn scheduled(weir: &Weir) -> String {
    let key = weir.json(&["decommission", "owner-key"])["owner_key"].as_str().unwrap().to_owned();
    let one = weir.json(&["decommission", "request", "--contact", "ana@example.com", "--statement", SENTENCE]);
    let id = one["id"].as_str().unwrap().to_owned();
    weir.json(&["decommission", "confirm", &id, "--owner-key", &key]);
    id
}

/// Checks that an account is gone and that it can be proven.
fn check_gone(weir: &Weir, id: &str) {
    let receipt = weir.command(&["decommission", "receipt", id]);
    weir.write("receipt.json", &receipt.stdout);
    assert_eq!(weir.json(&["receipt", "verify", "receipt.json"])["valid"], true);
    assert_eq!(receipt.json()["erased_records"]["count"], 300);
    assert_eq!(weir.json(&["audit", "verify"])["whole"], true);
    assert!(!weir.disk().sh("ls data/accounts data/keys").contains("test"));
}

#[test]
fn a_decommissioning_without_room_is_done_or_not_called_so_at_any_step() {
    for point in ["disabled", "counted", "key", "folder", "caches", "audit", "erased"] {
        let (weir, clock) = Clock::of(Weir::new(""));
        let Some(weir) = weir.on_small_disk(DISK_MIB) else { return };
        let builds = weir.write("builds.jsonl", (0..300).map(|number| build(number) + "\n").collect::<String>());
        weir.ingest("builds", &[&builds]);
        let id = scheduled(&weir);
        clock.move_by(31);
        let killed = weir.program(&["decommission", "run"]).env("WEIR_END_AT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}: {killed:?}");
        // A pack that cannot be gone on with is thrown away and made from the journal again, and would make room.
        weir.disk().sh("rm -rf data/accounts/test/raw/*");
        weir.disk().fill(0);
        // What it erases makes room: from some points on it ends. When all has gone, nothing makes room any more.
        let run = weir.command(&["decommission", "run"]);
        let state = weir.json(&["decommission", "status", &id])["state"].clone();
        let room = weir.disk().sh("df -k data; ls -la data");
        println!("without room after `{point}`: {state}");
        let is_all_gone = matches!(point, "audit" | "erased");
        assert!(!is_all_gone || state != "completed", "{point}: {}{}{room}", run.stdout, run.stderr);
        assert!(point != "disabled" || state == "disabled", "{state}: {}{}{room}", run.stdout, run.stderr);
        assert_eq!(run.code == 0, state == "completed", "{point}: {}{}", run.stdout, run.stderr);
        let proof = weir.command(&["decommission", "receipt", &id]);
        assert_eq!(proof.code == 0, state == "completed", "{point}: no proof of what is not done");
        weir.disk().make_room();
        assert_eq!(weir.command(&["decommission", "run"]).code, 0, "{point}");
        check_gone(&weir, &id);
    }
}

#[test]
fn a_host_serves_on_while_there_is_no_room_to_end_its_account() {
    let (weir, clock) = Clock::of(Weir::new(""));
    let Some(weir) = weir.on_small_disk(DISK_MIB) else { return };
    let host = weir.run();
    push_all(&host, 0..300);
    host.processed();
    let id = scheduled(&weir);
    weir.disk().fill(0);
    clock.move_by(31);
    let path = format!("/v1/decommissions/{id}");
    let said = |wanted: fn(&Value) -> bool| {
        eventually("it to say so", || {
            let answer = host.client().try_send("GET", &path, b"").ok().filter(|answer| answer.status == 200)?;
            Some(answer.json()).filter(wanted)
        })
    };
    let one = said(|one| one["error"].is_string());
    assert!(one["state"] == "scheduled" && one["receipt"].is_null(), "{one}");
    assert_eq!(total(&host), Some(300));
    weir.disk().make_room();
    said(|one| one["state"] == "completed");
    assert_eq!(host.client().get("/v1/search?q=").status, 410);
    host.stop();
    check_gone(&weir, &id);
}

#[test]
fn copies_that_have_no_room_are_not_called_whole() {
    let Some((weir, host)) = on_small_disk() else { return };
    // Onto the same disk, which an operator would not do but for want of another.
    weir.disk().sh("mkdir -m 700 data/copies");
    let to = |name: &str| weir.path("data/copies").join(name).to_str().unwrap().to_owned();
    for (route, name, verify) in [("/v1/backups", "backup", "backup"), ("/v1/exports", "export", "export")] {
        let ask = || host.client().post(route, json!({ "to": to(name) }).to_string().as_bytes());
        weir.disk().fill(128);
        let refused = ask();
        assert!(!refused.is_success(), "{name}: {}", refused.text());
        assert_ne!(weir.command(&[verify, "verify", &to(name)]).code, 0, "{name}: no copy");
        let listed = host.get(route);
        let done = listed[&route[4..]].as_array().unwrap().iter().filter(|one| one["outcome"] == "done").count();
        assert_eq!(done, 0, "{listed}");
        assert_eq!(total(&host), Some(300));
        weir.disk().make_room();
        let made = ask();
        assert_eq!(made.status, 201, "{name}: {}", made.text());
        assert_eq!(weir.command(&[verify, "verify", &to(name)]).code, 0, "{name}");
    }
    host.stop();
}

#[test]
fn a_disk_that_can_only_be_read_is_read_and_nothing_is_claimed() {
    let (weir, clock) = Clock::of(Weir::new(""));
    let Some(weir) = weir.on_failing_disk(DISK_MIB) else { return };
    let host = weir.run();
    push_all(&host, 0..300);
    host.processed();
    let id = scheduled(&weir);
    // As the kernel does when it finds an error.
    weir.disk().sh("mount -o remount,abort data");
    let (kept, refused) = push_until_refused(&host, 300, 10);
    assert_eq!((kept.len(), refused.len()), (0, 10));
    assert_eq!(total(&host), Some(300));
    assert_eq!(host.get("/v1/entities/build%3Apush%3Aci%2F7%2F1")["document"]["number"], 7);
    let erased = erase(&host);
    assert!(erased.status >= 500, "{}", erased.text());
    clock.move_by(31);
    let path = format!("/v1/decommissions/{id}");
    let one = eventually("it to say so", || Some(host.get(&path)).filter(|one| one["error"].is_string()));
    assert_eq!((&one["state"], total(&host)), (&json!("scheduled"), Some(300)), "{one}");
    host.kill();
    assert_ne!(weir.command(&["decommission", "run"]).code, 0);

    clock.move_by(0);
    weir.disk().sh("umount data && mount -o loop disk.img data");
    let host = weir.run();
    push_all(&host, refused.iter().copied());
    host.processed();
    assert_eq!(ids(&host, "kind:build").len(), 310);
    clock.move_by(31);
    eventually("the account to be gone", || {
        let answer = host.client().try_send("GET", &path, b"").ok().filter(|answer| answer.status == 200)?;
        (answer.json()["state"] == "completed").then_some(())
    });
    host.stop();
    assert_eq!(weir.json(&["audit", "verify"])["whole"], true);
}
