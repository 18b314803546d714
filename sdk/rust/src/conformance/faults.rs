//! One answer of a pass goes wrong: the pass fails as it should, or brings the very same keys.
//!
//! Ending early and well is the worst a connector can do: what a full pass has not seen by its end counts as deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use super::{Case, Pass, keys, resumed};
use crate::connector::Connector;
use crate::failure::{Failure, FailureKind};
use crate::http::HttpError;
use crate::mock::{self, Answer, Collected, Where};
use crate::record::RawRecord;

/// Most requests of a pass that are disturbed; a longer one is disturbed at places spread over it.
const REQUESTS_MAX: usize = 12;

/// One thing that goes wrong.
struct Fault {
    name: &'static str,
    strike: fn(Answer) -> Result<Answer, HttpError>,
    /// Kinds of failure that have the host do the right thing; none: any but a refused credential.
    kinds: &'static [FailureKind],
    outcome: Demand,
}

/// What is asked of a pass that met the fault.
#[derive(PartialEq)]
enum Demand {
    /// It must fail: nobody can go on from here.
    Failure,
    /// It may find another way, if it brings the same keys; when it fails, resuming brings all.
    SameKeys,
    /// It may do without: the tool says plainly that there is nothing, or nothing for us.
    Anything,
}

const FAULTS: &[Fault] = &[
    fault("429", |_| Ok(status(429, "{}", &[("retry-after", "7")])), &[FailureKind::Throttled]),
    fault("500", |_| Ok(status(500, "{}", &[])), &[FailureKind::Transient]),
    fault("502 with a page", |_| Ok(status(502, "<html>Bad gateway</html>", &[])), &[FailureKind::Transient]),
    fault("503", |_| Ok(status(503, "", &[("retry-after", "7")])), &[FailureKind::Transient, FailureKind::Throttled]),
    fault("a time-out", |_| Err(HttpError::Timeout), &[FailureKind::Transient]),
    fault("a reset", |_| Err(HttpError::Connect("connection reset".to_owned())), &[FailureKind::Transient]),
    fault("a body too large", |_| Err(HttpError::TooLarge), &[]),
    fault("a body cut short", |answer| Ok(Answer { body: half(&answer.body), ..answer }), &[]),
    fault("an empty body", |_| Ok(status(200, "", &[])), &[]),
    fault("a page for people", |_| Ok(status(200, "<html>Please sign in</html>", &[])), &[]),
    fault("an empty object", |answer| Ok(Answer { body: "{}".to_owned(), ..answer }), &[]),
    fault("null", |answer| Ok(Answer { body: "null".to_owned(), ..answer }), &[]),
    fault("a text", |answer| Ok(Answer { body: "\"later\"".to_owned(), ..answer }), &[]),
    fault("a number", |answer| Ok(Answer { body: "17".to_owned(), ..answer }), &[]),
    Fault {
        outcome: Demand::Failure,
        ..fault("401", |_| Ok(status(401, r#"{"message": "Bad credentials"}"#, &[])), &[FailureKind::Auth])
    },
    Fault { outcome: Demand::Anything, ..fault("403", |_| Ok(status(403, "{}", &[])), &[]) },
    Fault { outcome: Demand::Anything, ..fault("404", |_| Ok(status(404, "{}", &[])), &[]) },
    Fault { outcome: Demand::Anything, ..fault("410", |_| Ok(status(410, "{}", &[])), &[]) },
];

const fn fault(
    name: &'static str,
    strike: fn(Answer) -> Result<Answer, HttpError>,
    kinds: &'static [FailureKind],
) -> Fault {
    Fault { name, strike, kinds, outcome: Demand::SameKeys }
}

fn status(status: u16, body: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Answer { status, headers: headers.collect::<BTreeMap<_, _>>(), body: body.to_owned() }
}

fn half(body: &str) -> String {
    let middle = (0..=body.len() / 2).rev().find(|at| body.is_char_boundary(*at)).unwrap_or(0);
    body[..middle].to_owned()
}

/// Every fault at every request of the pass.
pub(super) fn survives<C: Connector>(case: &Case<'_>, pass: &Pass) {
    for request_index in spread(pass.n_requests) {
        for fault in FAULTS {
            let place = format!("{}: {} in answer to request {request_index}", pass.name(), fault.name);
            let collected = case.collect_in_trouble::<C>(&pass.order, Where::At(request_index), Box::new(fault.strike));
            judge::<C>(case, pass, fault, collected, &place);
        }
    }
}

fn spread(n_requests: usize) -> BTreeSet<usize> {
    let places = n_requests.min(REQUESTS_MAX);
    (0..places).map(|place| place * n_requests / places).collect()
}

fn judge<C: Connector>(case: &Case<'_>, pass: &Pass, fault: &Fault, collected: Collected, place: &str) {
    match &collected.failure {
        Some(failure) => {
            assert!(is_fit(fault, failure), "{place}: fails as {failure:?}");
            if fault.outcome == Demand::SameKeys {
                resumes::<C>(case, pass, collected, place);
            }
        }
        None if fault.outcome == Demand::Failure => panic_at(place, "ends as if nothing was"),
        // The host does not take a pass for whole that met something without a key.
        None if fault.outcome == Demand::Anything || collected.records.iter().any(RawRecord::is_unreadable) => {}
        None => assert_eq!(keys(&collected.records), pass.keys(), "{place}: ends early, as if there were no more"),
    }
}

fn is_fit(fault: &Fault, failure: &Failure) -> bool {
    match fault.kinds {
        [] => fault.outcome == Demand::Anything || failure.kind != FailureKind::Auth,
        kinds => kinds.contains(&failure.kind),
    }
}

fn resumes<C: Connector>(case: &Case<'_>, pass: &Pass, kept: Collected, place: &str) {
    let rest = mock::collect::<C>(&Rc::new((case.make)()), &resumed(pass, &kept));
    assert_eq!(rest.failure, None, "{place}: resumed");
    let records: Vec<_> = kept.records.into_iter().chain(rest.records).collect();
    assert_eq!(keys(&records), pass.keys(), "{place}: resumed");
}

#[expect(clippy::panic, reason = "a broken promise fails the test")]
fn panic_at(place: &str, what: &str) {
    panic!("{place}: {what}");
}

/// The items of a body backwards, the first of them twice.
pub(super) fn shuffled(body: &str) -> String {
    let shuffle = |items: &mut Vec<Value>| {
        if items.iter().all(Value::is_object) {
            items.reverse();
            items.extend(items.last().cloned());
        }
    };
    match serde_json::from_str(body) {
        Ok(Value::Array(mut items)) => {
            shuffle(&mut items);
            Value::Array(items).to_string()
        }
        Ok(Value::Object(mut fields)) => {
            fields.values_mut().filter_map(Value::as_array_mut).for_each(shuffle);
            Value::Object(fields).to_string()
        }
        _ => body.to_owned(),
    }
}
