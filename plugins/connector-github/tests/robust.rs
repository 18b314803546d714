//! Every field of every record removed, nulled, or of another type, one at a time: always an outcome, never a panic.

use std::rc::Rc;

use connector_github::GitHub;
use serde_json::{Value, json};
use weir_sdk::mock::{self, Cassette, Order};
use weir_sdk::outcome::Outcome;
use weir_sdk::record::RawRecord;

const SETTINGS: &str = r#"{"repositories": ["acme/api"]}"#;

fn records() -> Vec<(&'static str, RawRecord)> {
    let cassette = Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap());
    let own = [
        "repositories", "commits", "pulls", "review-comments", "issues", "issue-comments", "workflow-runs", "deployments", "releases", "tags",
    ];
    let children = [
        ("pulls", "acme/api#42", "pull-commits"),
        ("pulls", "acme/api#42", "reviews"),
        ("workflow-runs", "801/2", "jobs"),
        ("deployments", "1001", "deployment-statuses"),
    ];
    let collect = |order: &Order| mock::collect::<GitHub>(&cassette, order).records;
    let of_own = own.into_iter().flat_map(|dataset| collect(&Order::full(dataset, SETTINGS)).into_iter().map(move |record| (dataset, record)));
    let of_children = children.into_iter().flat_map(|(parent, key, child)| {
        let parent = collect(&Order::full(parent, SETTINGS)).into_iter().find(|record| record.key == key).unwrap();
        collect(&Order::full(child, SETTINGS).under(parent)).into_iter().map(move |record| (child, record))
    });
    of_own.chain(of_children).collect()
}

/// Pointers to every value of a document.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| places(value, &format!("{place}/{name}"), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| places(value, &format!("{place}/{at}"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    if !place.is_empty() {
        found.push(place.to_owned());
    }
}

fn outcome(dataset: &str, record: &RawRecord, payload: &[u8]) -> Outcome {
    let record = RawRecord { payload: payload.to_vec(), ..record.clone() };
    let mut outcomes = mock::normalize::<GitHub>(dataset, SETTINGS, &[record]).unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

#[test]
fn one_odd_field_never_loses_the_others() {
    let odd = [Value::Null, json!(true), json!(-1), json!(1e300), json!(u64::MAX), json!("\u{0}x"), json!([[]]), json!({"a": {}})];
    let mut checked = 0;
    for (dataset, record) in records() {
        let document: Value = serde_json::from_slice(&record.payload).unwrap();
        let mut pointers = Vec::new();
        places(&document, "", &mut pointers);
        for (pointer, odd) in pointers.iter().flat_map(|pointer| odd.iter().map(move |odd| (pointer, odd))) {
            let mut changed = document.clone();
            *changed.pointer_mut(pointer).unwrap() = odd.clone();
            if let Outcome::Rejected(findings) = outcome(dataset, &record, changed.to_string().as_bytes()) {
                assert!(!findings.is_empty(), "{dataset} {pointer} {odd}");
            }
            checked += 1;
        }
    }
    assert!(checked > 2_000, "{checked}");
}

#[test]
fn cut_payloads_are_rejected() {
    for (dataset, record) in records() {
        for end in 0..record.payload.len() {
            let outcome = outcome(dataset, &record, &record.payload[..end]);
            assert!(matches!(outcome, Outcome::Rejected(_)), "{dataset} at {end}: {outcome:?}");
        }
        let outcome = outcome(dataset, &record, b"\xff\xfe");
        assert!(matches!(outcome, Outcome::Rejected(_)));
    }
}
