//! The made-up company's Jenkins. In its cassette the lists of fields that requests carry are left out; see `collect.rs`
//! for one in full.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::collections::BTreeMap;
use std::rc::Rc;

use connector_jenkins::Jenkins;
use serde::Deserialize;
use weir_sdk::mock::{self, Answer, Cassette, Collected, Order};

/// Settings that choose everything.
pub(crate) const SETTINGS: &str = "{}";

#[derive(Deserialize)]
struct Exchange {
    request: String,
    answer: Answer,
}

/// Answers by short request.
pub(crate) type Answers = BTreeMap<String, Answer>;

/// The cassette.
pub(crate) fn cassette() -> Cassette {
    tape(answers(include_str!("../../cassettes/acme.json")))
}

/// The answers of a cassette with short requests.
pub(crate) fn answers(json: &str) -> Answers {
    let exchanges: Vec<Exchange> = serde_json::from_str(json).unwrap();
    exchanges.into_iter().map(|one| (one.request, one.answer)).collect()
}

/// A cassette of answers.
pub(crate) fn tape(answers: Answers) -> Cassette {
    Cassette::default().serving(move |request| answers.get(&short(request)).cloned())
}

/// A request with only the first word of its tree, and the range behind it.
pub(crate) fn short(request: &str) -> String {
    let Some((path, tree)) = request.split_once("tree=") else { return request.to_owned() };
    let plain = [("%5B", "["), ("%5D", "]"), ("%2C", ","), ("%7B", "{"), ("%7D", "}")]
        .iter()
        .fold(tree.to_owned(), |tree, (code, sign)| tree.replace(code, sign));
    let word: String = plain.chars().take_while(char::is_ascii_alphabetic).collect();
    let range = plain.rfind('{').map_or("", |at| &plain[at..]);
    format!("{path}tree={word}{range}")
}

/// One pass.
pub(crate) fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect::<Jenkins>(cassette, order)
}
