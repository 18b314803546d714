//! Entities that another host made and sent on.

use serde_json::{Map, Value};
use weir_model::entity::AttributeValue;
use weir_model::{Diagnostic, DiagnosticKind, Entity, EntityId};

use super::document::document;
use super::{HOST_ATTRIBUTE, Normalised, Outcome, Produced};

/// `{"id": "build:ci:a/1/1", "document": {..}, "host": "build-lab"}`; a document that is null says it is gone.
pub(super) fn read(object: &Map<String, Value>) -> Normalised {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let Some(id) = text("id").and_then(|id| id.parse::<EntityId>().ok()) else {
        let found = object.get("id").map(Value::to_string).unwrap_or_default();
        return Normalised::rejected(Diagnostic::new(DiagnosticKind::Missing, "forwarded.id").at("/id").found(&found));
    };
    let (entity, diagnostics) = match object.get("document") {
        Some(Value::Object(fields)) => {
            let mut fields = fields.clone();
            name_host(&mut fields, text("host"));
            document(id.kind.as_str(), &id.key, &Value::Object(fields).to_string())
        }
        _ => (None, Vec::new()),
    };
    let produced = entity.map(|entity: Entity| Produced {
        integration: id.integration.clone(),
        ..Produced::new(id.kind.clone(), id.key.clone(), entity)
    });
    Normalised { outcome: Outcome::Produced(produced.into_iter().collect()), diagnostics }
}

/// The host that made an entity stays with it.
fn name_host(document: &mut Map<String, Value>, host: Option<&str>) {
    let Some(host) = host else { return };
    let attributes = document.entry("attributes").or_insert_with(|| Value::Object(Map::new()));
    if let (Value::Object(attributes), Ok(host)) =
        (attributes, serde_json::to_value(AttributeValue::Text(host.to_owned())))
    {
        attributes.entry(HOST_ATTRIBUTE).or_insert(host);
    }
}
