//! The promises of a connector, on our own cassette.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use connector_servicenow::ServiceNow;
use weir_sdk::conformance::{self, Case};
use weir_sdk::mock::Cassette;

#[test]
fn keeps_the_promises_of_a_connector() {
    let cassette = || Cassette::read(include_str!("../cassettes/acme.json")).unwrap();
    let settings = r#"{
        "filters": {"incidents": "assignment_group.name=SRE^ORassignment_group.name=Network"},
        "columns": ["u_root_cause"],
        "deployments": {"environment": "production"}
    }"#;
    conformance::check::<ServiceNow>(&Case::new(&cassette, settings));
}
