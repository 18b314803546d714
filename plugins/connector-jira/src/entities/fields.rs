//! Custom fields: what they hold only this Jira knows, so the context of the record says it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use weir_sdk::model::entity::AttributeValue;
use weir_sdk::prelude::*;

use crate::requests::Roles;

/// An issue with nothing but custom fields.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CustomJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    fields: Nested<Fields<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Fields<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, &'a RawValue>);

pub(crate) fn custom_fields(json: CustomJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(roles) = raw.context::<Roles>() else { return raw.missing("") };
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let Some(Object(fields)) = raw.take("/fields", json.fields) else { return raw.missing("/fields") };
    let values = Values { fields, raw };
    let sprints = roles.sprint.iter().flat_map(|id| values.sprints(id));
    let mut item = WorkItem::default()
        .sprints(sprints.map(Reference::Key))
        .epic(roles.epic.iter().find_map(|id| values.text(id)).map(Reference::Name))
        .story_points(roles.story_points.iter().find_map(|id| values.number(id)))
        .severity(roles.severity.iter().find_map(|id| values.text(id)));
    let attributes = roles.attributes.iter().filter_map(|(id, name)| Some((format!("jira.{name}"), values.value(id)?)));
    item.attributes = attributes.collect();
    if item == WorkItem::default() {
        return Outcome::ignored("jira.custom-fields.none");
    }
    Outcome::entity(id, &item)
}

struct Values<'a> {
    fields: Fields<'a>,
    raw: &'a Raw<'a>,
}

impl Values<'_> {
    fn json(&self, id: &str) -> Option<Value> {
        let value: Value = serde_json::from_str(self.fields.0.get(id)?.get()).ok()?;
        Some(value).filter(|value| !value.is_null())
    }

    fn odd(&self, id: &str, value: &Value) {
        self.raw.report(DiagnosticKind::WrongType, &format!("/fields/{id}"), &value.to_string());
    }

    fn number(&self, id: &str) -> Option<f64> {
        let value = self.json(id)?;
        let number = value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number| number.is_finite());
        if number.is_none() {
            self.odd(id, &value);
        }
        number
    }

    fn text(&self, id: &str) -> Option<String> {
        let value = self.json(id)?;
        let text = shown(&value);
        if text.is_none() {
            self.odd(id, &value);
        }
        text
    }

    fn value(&self, id: &str) -> Option<AttributeValue> {
        let value = self.json(id)?;
        let read = match &value {
            Value::Bool(flag) => Some(AttributeValue::Boolean(*flag)),
            Value::Number(number) => {
                number.as_i64().map(AttributeValue::Integer).or(number.as_f64().map(AttributeValue::Decimal))
            }
            Value::Array(items) => Some(AttributeValue::Texts(items.iter().filter_map(shown).collect())),
            other => shown(other).map(AttributeValue::Text),
        };
        if read.is_none() {
            self.odd(id, &value);
        }
        read
    }

    /// Ids of sprints: of objects, or in the texts that Server makes of its own objects.
    fn sprints(&self, id: &str) -> Vec<String> {
        let Some(value) = self.json(id) else { return Vec::new() };
        let Some(items) = value.as_array() else {
            self.odd(id, &value);
            return Vec::new();
        };
        let ids = items.iter().map(|item| (item, sprint_id(item)));
        ids.filter_map(|(item, sprint)| {
            sprint.or_else(|| {
                self.odd(id, item);
                None
            })
        })
        .collect()
    }
}

fn sprint_id(item: &Value) -> Option<String> {
    if let Some(id) = item.get("id").and_then(Value::as_u64) {
        return Some(id.to_string());
    }
    // "com.atlassian.greenhopper.service.sprint.Sprint@1f39706[id=37,rapidViewId=8,state=CLOSED,name=...]"
    let (_, properties) = item.as_str()?.split_once('[')?;
    let id = properties.split([',', ']']).find_map(|property| property.strip_prefix("id="))?;
    id.bytes().all(|b| b.is_ascii_digit()).then(|| id.to_owned()).filter(|id| !id.is_empty())
}

/// A value as people see it: a text, an option with its child, a user, a version.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(_) => {
            let names = ["value", "displayName", "name", "key"];
            let own = names.iter().find_map(|name| value.get(*name)?.as_str())?;
            let child = value.get("child").and_then(shown);
            Some(child.map_or_else(|| own.to_owned(), |child| format!("{own} / {child}")))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sprints_are_known_in_both_spellings() {
        let id = |json: &str| sprint_id(&serde_json::from_str(json).unwrap());
        assert_eq!(id(r#"{"id": 7, "name": "EE 7"}"#).as_deref(), Some("7"));
        let text = r#""com.atlassian.greenhopper.service.sprint.Sprint@1f[id=37,rapidViewId=8,name=S, id=9,goal=]""#;
        assert_eq!(id(text).as_deref(), Some("37"));
        assert_eq!(id(r#""Sprint 7""#), None);
    }

    #[test]
    fn values_are_shown_as_people_see_them() {
        let check = |json: &str| shown(&serde_json::from_str(json).unwrap());
        assert_eq!(check(r#"{"value": "EU", "child": {"value": "Lisbon"}}"#).as_deref(), Some("EU / Lisbon"));
        assert_eq!(check(r#"{"accountId": "1", "displayName": "Ana"}"#).as_deref(), Some("Ana"));
        assert_eq!(check(r#"{"a": 1}"#), None);
    }
}
