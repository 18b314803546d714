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
