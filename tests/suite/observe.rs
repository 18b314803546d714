//! What operators look at: metrics, the dashboard drawn from them, and the doctor.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use weir_tests::{Running, Weir, files_below};

use crate::hooks;

const DASHBOARD: &str = include_str!("../../docs/grafana/weir.json");

fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.starts_with("weir_")).collect()
}

fn pushed(host: &Running) {
    let build = json!({ "pipeline": "ci", "build_number": 1, "result": "SUCCESS", "start_time": 1_700_000_000_000_u64, "duration": 1 });
    assert_eq!(host.client().post("/v1/builds", build.to_string().as_bytes()).status, 202);
    host.processed();
}

#[test]
fn every_metric_of_the_dashboard_is_served() {
    let weir = Weir::new(hooks::INTEGRATION);
    let host = weir.run();
    pushed(&host);
    let answer = host.client().get("/metrics");
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let served = answer.text();
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let drawn: Vec<&str> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .flat_map(|target| names(target["expr"].as_str().unwrap()))
        .collect();
    assert!(drawn.len() > 20);
    for name in drawn {
        let name = name.strip_suffix("_bucket").unwrap_or(name);
        assert!(served.contains(&format!("# TYPE {name} ")), "{name} is not served:\n{served}");
    }
    for line in [
        "weir_log_accepted_records_total 1",
        "weir_integration_records{integration=\"push\"} 1",
        "weir_integration_standing{integration=\"push\",standing=\"HEALTHY\"} 1",
        "weir_webhooks_taken_total{integration=\"hook\"} 0",
        "weir_http_requests_total{method=\"POST\",route=\"/v1/builds\",status=\"202\"} 1",
    ] {
        assert!(served.lines().any(|told| told == line), "{line} is not in\n{served}");
    }
    host.stop();
}

/// What is wrong, but for a disk that is nearly full, which is not Weir's.
fn problems(answer: &Value) -> Vec<&str> {
    let what = answer["problems"].as_array().unwrap().iter().map(|problem| problem["what"].as_str().unwrap());
    what.filter(|what| !what.starts_with("little space")).collect()
}

#[test]
fn the_doctor_finds_nothing_where_nothing_is_wrong() {
    let weir = Weir::new(hooks::INTEGRATION);
    let stopped = weir.command(&["doctor", "--json"]).json();
    assert_eq!(problems(&stopped), Vec::<&str>::new(), "{stopped}");
    let host = weir.run();
    pushed(&host);
    let running = weir.command(&["doctor", "--json"]).json();
    assert_eq!(problems(&running), Vec::<&str>::new(), "{running}");
    let standing = |name: &str| {
        let all = running["integrations"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap()["standing"].as_str().unwrap().to_owned()
    };
    assert_eq!((standing("push").as_str(), standing("hook").as_str()), ("HEALTHY", "UNKNOWN"));
    let checks = |answer: &Value| -> Vec<String> {
        answer["checks"].as_array().unwrap().iter().map(|one| one["check"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(checks(&stopped), checks(&running));
    host.stop();
}

#[test]
fn the_doctor_names_what_is_wrong_and_what_to_do() {
    let weir = Weir::new(hooks::INTEGRATION);
    let host = weir.run();
    assert_eq!(host.client().with("x-github-event", "issues").post("/v1/webhooks/hook", b"{}").status, 401);
    let keys = weir.path("data/keys");
    std::fs::set_permissions(&keys, Permissions::from_mode(0o755)).unwrap();
    let answer = weir.command(&["doctor", "--json"]);
    assert_eq!(answer.code, 1);
    let answer = answer.json();
    let found = problems(&answer);
    assert_eq!(found.len(), 2, "{answer}");
    assert!(found[0].contains("folder of keys") && found[1].contains("1 webhooks of `hook` were refused"), "{answer}");
    for problem in answer["problems"].as_array().unwrap() {
        assert!(!problem["hint"].as_str().unwrap().is_empty(), "{problem}");
    }
    assert!(weir.command(&["doctor"]).stdout.contains("WRONG keys"));
    host.stop();
    assert!(!files_below(&keys, "").is_empty());
}
