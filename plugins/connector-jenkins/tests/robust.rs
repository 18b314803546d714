//! The promises of a connector hold whatever goes wrong.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod acme;

use connector_jenkins::Jenkins;
use weir_sdk::conformance::{self, Case};

#[test]
fn keeps_the_promises_of_a_connector() {
    conformance::check::<Jenkins>(&Case::new(&acme::cassette, acme::SETTINGS));
}
