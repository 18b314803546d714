//! The promises of a connector, on our own cassette.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use connector_gitea::Gitea;
use weir_sdk::conformance::{self, Case};
use weir_sdk::mock::Cassette;

#[test]
fn keeps_the_promises_of_a_connector() {
    let cassette = || Cassette::read(include_str!("../cassettes/acme.json")).unwrap();
    let parents = [("pulls", "acme/api#4")];
    conformance::check::<Gitea>(&Case::new(&cassette, r#"{"repositories": ["acme/api"]}"#).parents(&parents));
}
