//! Deliveries as GitHub would send them, for tests that need many of their own.

use serde_json::{Value, json};
use weir_tests::{Client, signature};

/// Secret of the integration.
pub(crate) const SECRET: &str = "It's a Secret to Everybody";

/// An integration that takes webhooks and is never polled.
pub(crate) const INTEGRATION: &str = r#"
[[integration]]
name = "hook"
plugin = "connector-github"
settings = { repositories = ["acme/api"] }
[integration.webhook]
scheme = "github"
secret = { env = "HOOK_SECRET" }
"#;

/// An issue that was opened.
pub(crate) fn issue(number: u64, title: &str) -> Value {
    json!({
        "action": "opened",
        "issue": {
            "number": number, "id": 1_000_000 + number, "title": title, "state": "open", "labels": [], "assignees": [],
            "url": format!("https://api.github.com/repos/acme/api/issues/{number}"),
            "html_url": format!("https://github.com/acme/api/issues/{number}"),
            "user": { "login": "ana", "id": 11 },
            "created_at": "2025-03-01T10:00:00Z", "updated_at": "2025-03-01T10:00:00Z", "closed_at": null,
        },
        "repository": { "id": 99, "name": "api", "full_name": "acme/api" },
        "sender": { "login": "ana", "id": 11 },
    })
}

/// Sends a signed delivery; the status, 0 when nobody answered.
pub(crate) fn send(client: &Client, id: &str, event: &str, body: &Value) -> u16 {
    let body = body.to_string();
    let client = client.with("x-github-event", event).with("x-github-delivery", id);
    let client = client.with("x-hub-signature-256", &signature(SECRET, body.as_bytes()));
    client.try_send("POST", "/v1/webhooks/hook", body.as_bytes()).map_or(0, |response| response.status)
}
