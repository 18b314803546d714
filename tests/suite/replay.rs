//! Whatever is derived can be dropped and derived again from the raw log, to the same answers and the same bytes.

use std::path::PathBuf;

use serde_json::json;
use weir_replay::{Options, write_jenkins_home};
use weir_tests::{Replayed, Weir, company, everything, shared};

use crate::hooks;

/// An installation with everything there is: polled, delivered, pushed, read from files, deleted and broken.
fn filled() -> Weir {
    let replayed = Replayed::new(Options::default());
    let config = format!(
        "{}{}[[team]]\nname = \"payments\"\nprojects = [\"*/payments*\"]\n",
        replayed.integration(),
        hooks::INTEGRATION
    );
    let weir = Weir::new(&config);
    let host = weir.run();
    host.collected("github");
    for number in 1..=5 {
        hooks::send(&host.client(), &format!("open-{number}"), "issues", &hooks::issue(number, "Came and went"));
    }
    let mut gone = hooks::issue(2, "Came and went");
    gone["action"] = json!("deleted");
    hooks::send(&host.client(), "gone", "issues", &gone);
    hooks::send(&host.client(), "ping", "ping", &json!({ "zen": "Keep it simple." }));
    host.client().post(
        "/v1/builds",
        b"{\"pipeline\":\"ci\",\"build_number\":1,\"result\":\"FAILURE\",\"start_time\":1700000000000}\n{ broken\n",
    );
    replayed.break_main(3);
    replayed.step();
    host.collect("github");
    host.processed();
    host.stop();
    let home = weir.path("jenkins");
    write_jenkins_home(&company(), &home).unwrap();
    weir.ingest("jenkins-home", &[&home]);
    if let Some(path) = shared("correlation/lrts/activemq.builds.csv.gz") {
        weir.ingest("builds", &[&path]);
        weir.ingest("commits", &[&path.with_file_name("activemq.commits.jsonl.gz")]);
    }
    weir
}

fn answers(weir: &Weir) -> std::collections::BTreeMap<String, serde_json::Value> {
    let host = weir.run();
    let all = everything(&host);
    host.stop();
    all
}

/// Bytes of the projection in use.
fn projection(weir: &Weir) -> Vec<u8> {
    let derived: PathBuf = weir.path("data/accounts/test/derived");
    let current = std::fs::read_to_string(derived.join("CURRENT")).unwrap();
    let folder = derived.join(current.trim());
    let journal = folder.join("model.db-wal");
    assert!(std::fs::metadata(&journal).map_or(0, |file| file.len()) == 0, "the projection was not closed");
    std::fs::read(folder.join("model.db")).unwrap()
}

#[test]
fn what_is_derived_again_is_the_same() {
    let weir = filled();
    let before = answers(&weir);
    println!("{} answers", before.len());
    let replayed = weir.json(&["replay"]);
    assert_eq!(replayed["records"], weir.json(&["status"])["accepted"]);
    let first = projection(&weir);
    let after = answers(&weir);
    for (what, answer) in &before {
        assert_eq!(after.get(what), Some(answer), "{what}");
    }
    assert_eq!(before.len(), after.len());
    weir.json(&["replay"]);
    let second = projection(&weir);
    assert!(first == second, "two replays differ: {} and {} bytes", first.len(), second.len());
}

#[test]
fn what_is_derived_can_be_lost() {
    let weir = filled();
    let before = answers(&weir);
    std::fs::remove_dir_all(weir.path("data/accounts/test/derived")).unwrap();
    let after = answers(&weir);
    assert!(before == after, "{} answers, then {}", before.len(), after.len());
}
