//! The way from a webhook to a visible number, all of it, without a clock: how long it takes is measured by the benches.

use serde_json::json;
use weir_tests::{Weir, until};

use crate::hooks;

#[test]
fn a_delivery_becomes_an_entity_a_hit_and_an_event() {
    let weir = Weir::new(hooks::INTEGRATION);
    let host = weir.run();
    let mut events = host.client().events("/v1/events");
    assert_eq!(hooks::send(&host.client(), "first", "issues", &hooks::issue(7, "Wait less")), 202);
    until("the hit", || host.get("/v1/search?q=less")["total"] == 1);
    let issue = host.get("/v1/entities/work-item%3Ahook%3Aacme%2Fapi%237");
    assert_eq!(issue["document"]["title"], "Wait less");
    let raw = host.get("/v1/entities/work-item%3Ahook%3Aacme%2Fapi%237/raw");
    assert_eq!(raw["records"].as_array().unwrap().len(), 1);
    loop {
        let (_, name, data) = events.next_event();
        if name.is_empty() && data.contains("work-item.created") {
            break;
        }
    }
    host.stop();
}

#[test]
fn a_push_becomes_a_number() {
    let weir = Weir::new("");
    let host = weir.run();
    let build = |number: u64, result: &str| {
        json!({ "pipeline": "ci", "build_number": number, "result": result, "start_time": 1_700_000_000_000_u64 + number * 1_000, "duration": 60_000 }).to_string()
    };
    let bodies = [build(1, "SUCCESS"), build(2, "FAILURE"), build(3, "SUCCESS")].join("\n");
    assert_eq!(host.client().post("/v1/builds", bodies.as_bytes()).status, 202);
    until("the number", || host.get("/v1/metrics/build-success")["total"]["n"] == 3);
    let success = host.get("/v1/metrics/build-success?by=day");
    assert_eq!(success["points"].as_array().unwrap().len(), 1);
    assert!((success["total"]["mean"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-9, "{success}");
    let duration = host.get("/v1/metrics/build-duration");
    assert_eq!(duration["total"]["p50"], json!(60_000.0));
    host.stop();
}
