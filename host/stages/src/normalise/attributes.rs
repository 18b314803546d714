//! Attributes from JSON whose fields nobody knows in advance.

use serde_json::Value;
use weir_model::entity::{AttributeValue, Attributes};

use super::fields::text_of;
use super::params::cut;

/// Most attributes of one entity.
const ATTRIBUTES_MAX: usize = 500;
/// Longest text, in bytes.
const TEXT_BYTES_MAX: usize = 4096;
/// Deepest objects that give attributes of their own; what lies deeper is JSON as text.
const DEPTH_MAX: usize = 4;

/// Adds what a value says: a single value under `key`, the fields of an object under "key.field".
pub(super) fn add(attributes: &mut Attributes, key: &str, value: &Value) {
    add_at(attributes, key, value, 0);
}

fn add_at(attributes: &mut Attributes, key: &str, value: &Value, depth: usize) {
    if let (Value::Object(object), true) = (value, depth < DEPTH_MAX) {
        for (name, value) in object {
            add_at(attributes, &format!("{key}.{}", plain(name)), value, depth + 1);
        }
    } else if attributes.len() < ATTRIBUTES_MAX {
        attributes.extend(single(value).map(|value| (key.to_owned(), value)));
    }
}

/// Letters, digits and signs that need no quotes in a search.
fn plain(name: &str) -> String {
    let fits = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') { c.to_ascii_lowercase() } else { '_' };
    name.trim().chars().map(fits).collect()
}

fn single(value: &Value) -> Option<AttributeValue> {
    let json = || AttributeValue::Text(cut(&value.to_string(), TEXT_BYTES_MAX));
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => AttributeValue::Boolean(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => AttributeValue::Integer(whole),
            (None, Some(decimal)) => AttributeValue::Decimal(decimal),
            (None, None) => json(),
        },
        Value::String(text) => AttributeValue::Text(cut(text, TEXT_BYTES_MAX)),
        Value::Array(elements) => match elements.iter().map(text_of).collect::<Option<Vec<_>>>() {
            Some(texts) => AttributeValue::Texts(texts.iter().map(|text| cut(text, TEXT_BYTES_MAX)).collect()),
            None => json(),
        },
        Value::Object(_) => json(),
    })
}
