//! Webhooks of senders that need no plugin, and deliveries that ask for more than they bring.

use serde_json::json;
use weir_replay::Options;
use weir_tests::{Replayed, Weir, encoded, signature, until};

use crate::hooks::{SECRET, send};

const PLAIN: &str = r#"
[[integration]]
name = "builder"
[integration.webhook]
scheme = "hmac-sha256:x-builder-signature"
secret = { env = "HOOK_SECRET" }
format = "builds"
exclude = ["/user_id"]
"#;

#[test]
fn a_sender_of_a_known_format_needs_no_plugin() {
    let weir = Weir::new(PLAIN);
    let host = weir.run();
    let build = json!({
        "pipeline": "api", "job_full_name": "acme/api", "qualified_name": "acme/api", "instance_guid": "g",
        "instance_name": "builder", "build_number": 7, "start_time": 1_740_819_600_000_i64, "duration": 61_000,
        "result": "SUCCESS", "branch_name": "main", "user_id": "ana",
    });
    let body = build.to_string();
    let post = |signature: &str| {
        let client = host.client().with("x-builder-signature", signature).with("idempotency-key", "d-1");
        client.post("/v1/webhooks/builder", body.as_bytes()).status
    };
    let signed = format!("v1={}", signature(SECRET, body.as_bytes()).trim_start_matches("sha256="));
    assert_eq!(post(&signature("guess", body.as_bytes())), 401);
    assert_eq!((post(&signed), post(&signed)), (202, 200));
    host.processed();
    let found = host.get("/v1/search?q=kind:build");
    assert_eq!((&found["total"], &found["hits"][0]["result"]), (&json!(1), &json!("success")), "{found}");
    let id = found["hits"][0]["id"].as_str().unwrap();
    let raw = host.get(&format!("/v1/entities/{}/raw", encoded(id))).to_string();
    assert!(raw.contains("instance_guid") && !raw.contains("ana"), "what is excluded is not kept: {raw}");
    let status = host.get("/v1/status");
    let hook = &status["webhooks"][0];
    assert_eq!((&hook["taken"], &hook["refused"]), (&json!(2), &json!(1)), "{hook}");
    assert!(hook["last_refusal"].as_str().unwrap().contains("does not match"), "{hook}");
}

#[test]
fn a_format_nobody_knows_is_refused_at_the_start() {
    let weir = Weir::new(&PLAIN.replace("\"builds\"", "\"novels\""));
    let answer = weir.command(&["check"]);
    assert_eq!(answer.code, 2, "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stderr.contains("novels") && answer.stderr.contains("hint:"), "{}", answer.stderr);
}

/// That a tag was made is told without saying where it points; it is fetched then, and not an hour later.
#[test]
fn a_delivery_may_ask_for_a_collection() {
    let replayed = Replayed::new(Options::default());
    let hook = "[integration.webhook]\nscheme = \"github\"\nsecret = { env = \"HOOK_SECRET\" }\n";
    let weir = Weir::new(
        &format!("{}{hook}", replayed.integration())
            .replace("\"github\"\n            plugin", "\"hook\"\n            plugin"),
    );
    let host = weir.run();
    host.collected("hook");
    let recorder = replayed.server().recorder();
    recorder.clear();
    let repository = json!({ "full_name": replayed.repository() });
    assert_eq!(
        send(&host.client(), "d-1", "create", &json!({ "ref_type": "tag", "ref": "v9", "repository": repository })),
        202
    );
    until("the tags are fetched", || recorder.requests().iter().any(|seen| seen.path.contains("/tags")));
}
