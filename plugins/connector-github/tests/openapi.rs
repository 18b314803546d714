//! Our cassette against GitHub's description of its API: every request is one there is, every answer looks like the
//! tool's. The cassette holds what the connector reads and little else, so this speaks of the connector too.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use serde_json::Value;
use weir_recordings::openapi::Description;

#[test]
fn requests_and_answers_are_as_described() {
    let Some(file) = weir_recordings::shared("openapi/github-api.github.com.json.gz") else { return };
    let description = Description::read(&file);
    let exchanges: Vec<Value> = serde_json::from_str(include_str!("../cassettes/acme.json")).unwrap();
    let mut faults = Vec::new();
    for exchange in &exchanges {
        let request = exchange["request"].as_str().unwrap();
        // Addresses of further pages are GitHub's to choose.
        if !request.contains("https://") {
            faults.extend(description.faults(request, &exchange["answer"]["body"]));
        }
    }
    assert_eq!(faults, [""; 0]);
}
