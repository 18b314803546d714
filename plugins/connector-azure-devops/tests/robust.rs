//! The promises of a connector, on our own cassette.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use connector_azure_devops::AzureDevOps;
use weir_sdk::conformance::{self, Case};
use weir_sdk::mock::Cassette;

#[test]
fn keeps_the_promises_of_a_connector() {
    let cassette = || Cassette::read(include_str!("../cassettes/acme.json")).unwrap();
    let parents = [("pulls", "Web/api!42"), ("builds", "Web/801"), ("work-items", "3")];
    conformance::check::<AzureDevOps>(&Case::new(&cassette, r#"{"projects": ["Web"]}"#).parents(&parents));
}
