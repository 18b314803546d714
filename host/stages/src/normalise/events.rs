//! Events that propels send: each is an entity of the kind `event`, so that it is found, kept and erased as everything
//! else is, and [`crate::react`] makes a domain event of it.

use serde_json::{Map, Value};
use weir_model::entity::{AttributeValue, Custom};
use weir_model::{Diagnostic, DiagnosticKind};

use super::fields::Fields;
use super::{Produced, attributes};

/// Kind of the entities.
pub const EVENT_KIND: &str = "event";
/// Attribute that holds what was said, as JSON.
pub const SAID_ATTRIBUTE: &str = "event.said";

/// `{"kind": "release.noted", "at", "payload": {..}, "subject", "propel", "run", "depth"}`
pub(super) fn read(fields: &mut Fields<'_>, said: &Map<String, Value>, key: &str) -> Vec<Produced> {
    let Some(kind) = fields.text(&["kind"]).filter(|kind| is_kind(kind)) else {
        fields.note_all(vec![Diagnostic::new(DiagnosticKind::Missing, "events.kind").at("/kind")]);
        return Vec::new();
    };
    let mut entity = Custom::default().title(kind).at(fields.time(&["at"]));
    if let Some(payload) = said.get("payload") {
        attributes::add(&mut entity.attributes, "event", payload);
    }
    for name in ["propel", "run"] {
        let value = fields.text(&[name]).map(AttributeValue::Text);
        entity.attributes.extend(value.map(|value| (format!("event.{name}"), value)));
    }
    let mut rest = said.clone();
    rest.retain(|name, _| !matches!(name.as_str(), "kind" | "at"));
    entity.attributes.insert(SAID_ATTRIBUTE.to_owned(), AttributeValue::Text(Value::Object(rest).to_string()));
    vec![Produced::custom(EVENT_KIND, key.to_owned(), entity)]
}

/// Dotted words in lower case: nobody can send what looks like an entity's own event and is none of its kind.
fn is_kind(kind: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    kind.len() <= 128 && kind.contains('.') && kind.split('.').all(is_word)
}
