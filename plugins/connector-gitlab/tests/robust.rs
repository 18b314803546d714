//! The promises of a connector, on our own cassette.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use connector_gitlab::GitLab;
use weir_sdk::conformance::{self, Case};
use weir_sdk::mock::Cassette;

#[test]
fn keeps_the_promises_of_a_connector() {
    let cassette = || Cassette::read(include_str!("../cassettes/acme.json")).unwrap();
    let parents = [("merge-requests", "acme/api!42"), ("pipelines", "801"), ("issues", "acme/api#3")];
    conformance::check::<GitLab>(&Case::new(&cassette, r#"{"projects": ["acme/api"]}"#).parents(&parents));
}
