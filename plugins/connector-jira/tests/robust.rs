//! The promises of a connector, on our own cassette.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use connector_jira::Jira;
use weir_sdk::conformance::{self, Case};
use weir_sdk::mock::Cassette;

const SETTINGS: &str =
    r#"{"comments": true, "remote_links": true, "severity": "Severity", "custom_fields": {"Team": "team"}}"#;

#[test]
fn keeps_the_promises_of_a_connector() {
    let cassette = || Cassette::read(include_str!("../cassettes/acme.json")).unwrap();
    conformance::check::<Jira>(&Case::new(&cassette, SETTINGS));
}
