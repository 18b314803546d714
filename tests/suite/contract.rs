//! The API against its own description: schemathesis, from PyPI, asks every operation with values it makes up. Skipped,
//! aloud, where there is no Python or PyPI.

use std::process::Command;

use serde_json::json;
use weir_tests::{Weir, python_programs};

use crate::hooks;

#[test]
fn no_operation_fails_whatever_it_is_asked() {
    let Some(programs) = python_programs("schemathesis", "schemathesis") else { return };
    let weir = Weir::new(hooks::INTEGRATION);
    let host = weir.run();
    let build = json!({ "pipeline": "ci", "build_number": 1, "result": "SUCCESS", "start_time": 1_700_000_000_000_u64, "duration": 1 });
    assert_eq!(host.client().post("/v1/builds", build.to_string().as_bytes()).status, 202);
    host.processed();
    let mut asking = Command::new(programs.join("schemathesis"));
    asking.arg("run").arg(format!("{}/v1/openapi.json", host.url()));
    let checks = "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance";
    asking.args(["--checks", checks, "--phases", "coverage,fuzzing"]);
    // What writes files or ends things is not asked at random.
    asking.args(["--exclude-path-regex", "^/v1/(decommissions|erasures|exports|retention)"]);
    asking.args(["--max-examples", "5", "--seed", "1", "--no-color", "--generation-database", "none"]);
    let asked = asking.current_dir(weir.path("")).output().unwrap();
    let told = String::from_utf8_lossy(&asked.stdout);
    assert!(asked.status.success(), "{told}{}", String::from_utf8_lossy(&asked.stderr));
    assert_eq!(host.client().get("/healthz").status, 200);
    host.stop();
}

/// What the document shows to those who push is taken, and something is made of it.
#[test]
fn examples_of_pushes_become_entities() {
    let weir = Weir::new("");
    let host = weir.run();
    let document = weir_daemon::http::openapi();
    for name in ["builds", "commits", "deployments", "test-reports"] {
        let body = &document["paths"][format!("/v1/{name}")]["post"]["requestBody"]["content"]["application/json"];
        let example = &body["schema"]["anyOf"][0]["examples"][0];
        assert!(example.is_object(), "{name} shows no example: {body}");
        let pushed = host.client().post(&format!("/v1/{name}"), example.to_string().as_bytes());
        assert_eq!((pushed.status, &pushed.json()["problems"]), (202, &json!([])), "{name}: {}", pushed.text());
    }
    host.processed();
    let outcomes = host.client().get("/v1/outcomes").json();
    assert_eq!(outcomes["outcomes"], json!([]));
    for kind in ["build", "commit", "deployment", "test-report"] {
        let found = host.client().get(&format!("/v1/search?kind={kind}&limit=0")).json();
        assert_eq!(found["total"], 1, "{kind}: {found}");
    }
    host.stop();
}
