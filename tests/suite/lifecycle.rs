//! The life of data beside its use: what was done to it, and its end.

use serde_json::{Value, json};
use weir_tests::Weir;

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
