//! The promises of a connector, on our own cassettes.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use connector_bitbucket::Bitbucket;
use weir_sdk::conformance::{self, Case};
use weir_sdk::mock::Cassette;

#[test]
fn keeps_the_promises_of_a_connector_on_cloud() {
    let cassette = || Cassette::read(include_str!("../cassettes/cloud.json")).unwrap();
    let settings = r#"{"deployment": "cloud", "repositories": ["acme/api"]}"#;
    let parents = [("pulls", "acme/api#42"), ("pipelines", "{801}")];
    conformance::check::<Bitbucket>(&Case::new(&cassette, settings).parents(&parents));
}

#[test]
fn keeps_the_promises_of_a_connector_on_server() {
    let cassette = || Cassette::read(include_str!("../cassettes/server.json")).unwrap();
    let settings = r#"{"deployment": "server", "repositories": ["ACME/api"]}"#;
    conformance::check::<Bitbucket>(&Case::new(&cassette, settings).parents(&[("pulls", "ACME/api#42")]));
}
