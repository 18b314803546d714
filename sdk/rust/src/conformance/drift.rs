//! Tools change what they send: every field of every record gone, null or of another type, one at a time. There is always
//! an outcome, never a panic, and what is rejected says why.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Pass;
use crate::connector::Connector;
use crate::mock;
use crate::outcome::Outcome;
use crate::record::{Op, RawRecord};

/// Removes or replaces every field of every record, and cuts every payload short.
pub(super) fn survives<C: Connector>(settings: &str, passes: &[Pass]) {
    let mut tried = BTreeSet::new();
    for pass in passes.iter().filter(|pass| pass.media == "application/json") {
        for record in pass.records.iter().filter(|record| record.op == Op::Upsert) {
            let subject = Subject { dataset: &pass.order.dataset, settings, record };
            subject.drift::<C>(&mut tried);
            subject.cut_short::<C>();
        }
    }
}

struct Subject<'a> {
    dataset: &'a str,
    settings: &'a str,
    record: &'a RawRecord,
}

impl Subject<'_> {
    /// Fields already tried on another record of the dataset are not tried again.
    fn drift<C: Connector>(&self, tried: &mut BTreeSet<String>) {
        let Ok(document) = serde_json::from_slice::<Value>(&self.record.payload) else { return };
        let mut pointers = Vec::new();
        places(&document, "", &mut pointers);
        pointers.retain(|pointer| tried.insert(format!("{}{}", self.dataset, without_indices(pointer))));
        for pointer in pointers {
            for odd in odd_values() {
                let mut changed = document.clone();
                match odd {
                    Some(odd) => pointed(&mut changed, &pointer, |place| *place = odd.clone()),
                    None => remove(&mut changed, &pointer),
                }
                self.explained::<C>(changed.to_string().as_bytes(), &pointer);
            }
        }
    }

    fn cut_short<C: Connector>(&self) {
        let payload = &self.record.payload;
        for end in [0, 1, payload.len() / 2, payload.len().saturating_sub(1)] {
            self.refused::<C>(payload.get(..end).unwrap_or_default());
        }
        self.refused::<C>(b"\xff\xfe");
    }

    fn explained<C: Connector>(&self, payload: &[u8], pointer: &str) {
        if let Outcome::Rejected(findings) = self.outcome::<C>(payload) {
            assert!(!findings.is_empty(), "{}: rejected for {pointer}, and nothing says so", self.name());
        }
    }

    fn refused<C: Connector>(&self, payload: &[u8]) {
        let outcome = self.outcome::<C>(payload);
        assert!(matches!(outcome, Outcome::Rejected(_)), "{}: no JSON, and yet {outcome:?}", self.name());
    }

    fn outcome<C: Connector>(&self, payload: &[u8]) -> Outcome {
        let record = RawRecord { payload: payload.to_vec(), ..self.record.clone() };
        let outcomes =
            mock::normalize::<C>(self.dataset, self.settings, &[record]).expect("the settings of a case fit");
        outcomes.into_iter().next().expect("one outcome for one record")
    }

    fn name(&self) -> String {
        format!("{} {}", self.dataset, self.record.key)
    }
}

fn odd_values() -> Vec<Option<Value>> {
    let odd = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}x"),
        json!([[]]),
        json!({"a": {}}),
    ];
    odd.into_iter().map(Some).chain([None]).collect()
}

/// Pointers to every value of a document but the document itself.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            fields.iter().for_each(|(name, value)| places(value, &format!("{place}/{}", escaped(name)), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| places(value, &format!("{place}/{at}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    if !place.is_empty() {
        found.push(place.to_owned());
    }
}

fn without_indices(pointer: &str) -> String {
    pointer.split('/').map(|token| if token.bytes().all(|b| b.is_ascii_digit()) { "*" } else { token }).collect()
}

fn pointed(document: &mut Value, pointer: &str, change: impl FnOnce(&mut Value)) {
    if let Some(place) = document.pointer_mut(pointer) {
        change(place);
    }
}

fn remove(document: &mut Value, pointer: &str) {
    let Some((above, last)) = pointer.rsplit_once('/') else { return };
    let last = last.replace("~1", "/").replace("~0", "~");
    pointed(document, above, |place| match place {
        Value::Object(fields) => {
            fields.remove(&last);
        }
        Value::Array(items) => {
            if let Some(at) = last.parse().ok().filter(|at| *at < items.len()) {
                items.remove(at);
            }
        }
        _ => {}
    });
}
