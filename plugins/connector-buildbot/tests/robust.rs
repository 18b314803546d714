//! The promises of a connector hold whatever goes wrong.

use connector_buildbot::Buildbot;
use weir_sdk::conformance::{self, Case};
use weir_sdk::mock::Cassette;

#[test]
fn keeps_the_promises_of_a_connector() {
    let cassette = || Cassette::read(include_str!("../cassettes/acme.json")).expect("a list of exchanges");
    conformance::check::<Buildbot>(&Case::new(&cassette, "{}"));
}
