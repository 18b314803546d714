//! Rows of kinds that an operator declares with a schema: each is an entity of the kind `custom-<kind>`, whole.
//!
//! A row is judged by the schema it came under, which its raw record names, so that a later schema changes no earlier
//! verdict. One that breaks it is kept raw and makes no entity.

mod check;
mod schema;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use weir_model::entity::Custom;
use weir_model::filter::{Match, instant_range};
use weir_model::id::KEY_BYTES_MAX;
use weir_model::{Diagnostic, DiagnosticKind, Op, RawRecord, Timestamp, raw};

use super::{Normalised, Outcome, Produced, json, tables};
pub use check::Breach;
pub use schema::{Schema, SchemaError};

/// What is known of a row besides its bytes: the context of its raw record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowContext {
    /// Kind it was sent as.
    pub kind: String,
    /// Fingerprint of the schema it came under.
    pub schema: String,
    /// Whether all of its values are texts, as those of CSV are, and stand for what the schema says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub texts: bool,
}

impl RowContext {
    /// The context of a raw record; none of a record that is no row.
    pub fn of(record: &RawRecord) -> Option<Self> {
        record.context.as_deref().and_then(|context| serde_json::from_str(context).ok())
    }
}

/// Name of a kind as it is written in ids and searches, without `custom-`: lower case letters, digits and `-`.
pub fn kind_name(kind: &str) -> String {
    let name = tables::kind(kind);
    name.strip_prefix("custom-").map(str::to_owned).unwrap_or(name)
}

/// The raw record of a row, and what is wrong with it. The same unique values replace the row; one that breaks the
/// schema is kept beside, so that it takes nothing away.
pub fn record(schema: &Schema, context: &RowContext, bytes: &[u8]) -> (RawRecord, Vec<Breach>) {
    let read = read_row(schema, context, bytes);
    let (key, breaches) = match read {
        Err(breach) => (None, vec![breach]),
        Ok(row) => {
            let breaches = schema.check(&row);
            (breaches.is_empty().then(|| key(schema, context, &row)), breaches)
        }
    };
    let key = key.unwrap_or_else(|| format!("{}/unfit/{}", context.kind, raw::fingerprint(bytes)));
    let text = serde_json::to_string(context).expect("texts are JSON");
    (RawRecord { context: Some(text), ..RawRecord::upsert(key, None, bytes) }, breaches)
}

/// Reads the raw record of a row. Without its schema, which is then lost, nothing is checked.
pub fn read(record: &RawRecord, schema: Option<&Schema>) -> Normalised {
    if record.op == Op::Delete {
        return Normalised { outcome: Outcome::Produced(Vec::new()), diagnostics: Vec::new() };
    }
    let context = RowContext::of(record).unwrap_or_default();
    let none = Schema::default();
    let schema = schema.unwrap_or(&none);
    let row = match read_row(schema, &context, &record.payload) {
        Ok(row) => row,
        Err(breach) => return rejected(vec![breach]),
    };
    let breaches = schema.check(&row);
    if !breaches.is_empty() {
        return rejected(breaches);
    }
    let text = |path: &Option<String>| path.as_deref().and_then(|path| plain(&row, path));
    let mut entity = Custom::default().title(text(&schema.title)).url(text(&schema.url));
    entity.at = schema.time.as_deref().and_then(|path| at(&row, path)).and_then(time_of);
    if let Some(project) = text(&schema.project) {
        entity
            .attributes
            .insert(super::PROJECT_ATTRIBUTE.to_owned(), weir_model::entity::AttributeValue::Text(project));
    }
    let key = key(schema, &context, &row);
    let produced = Produced::custom(&tables::kind(&context.kind), key, entity.data(Value::Object(row)));
    Normalised { outcome: Outcome::Produced(vec![produced]), diagnostics: Vec::new() }
}

fn rejected(breaches: Vec<Breach>) -> Normalised {
    let diagnostic = |breach: Breach| {
        let kind = match breach.code {
            "MISSING_REQUIRED_FIELD" | "REQUIRED_WITH" => DiagnosticKind::Missing,
            _ => DiagnosticKind::Malformed,
        };
        Diagnostic::new(kind, format!("data.{}", breach.word)).at(breach.path).found(&breach.message)
    };
    Normalised { outcome: Outcome::Rejected, diagnostics: breaches.into_iter().map(diagnostic).collect() }
}

fn read_row(schema: &Schema, context: &RowContext, bytes: &[u8]) -> Result<Map<String, Value>, Breach> {
    let unfit = |message: String| Breach { path: String::new(), word: "type".to_owned(), code: "WRONG_TYPE", message };
    match json::read(bytes) {
        Err(error) => Err(unfit(error.to_string())),
        Ok(read) if read.is_cut => Err(unfit("nested too deep".to_owned())),
        Ok(read) => match read.value {
            Value::Object(mut row) => {
                if context.texts {
                    schema.type_texts(&mut row);
                }
                Ok(row)
            }
            _ => Err(unfit("a row is an object".to_owned())),
        },
    }
}

/// The unique values; without any the `id`, `key` or `external_id`, else the row itself.
fn key(schema: &Schema, context: &RowContext, row: &Map<String, Value>) -> String {
    let values: Option<Vec<String>> = schema.unique.iter().map(|path| plain(row, path)).collect();
    let named = || ["id", "key", "external_id"].iter().find_map(|name| plain(row, name));
    let own = match values {
        Some(values) if !values.is_empty() => Some(values.join("/")),
        _ => named(),
    };
    let own = own.unwrap_or_else(|| raw::fingerprint(Value::Object(row.clone()).to_string().as_bytes()));
    let key = format!("{}/{own}", context.kind);
    // A key beyond its length is one made from the bytes.
    if key.len() <= KEY_BYTES_MAX { key } else { format!("{}/{}", context.kind, raw::fingerprint(own.as_bytes())) }
}

/// The value at a path of names with dots between.
fn at<'r>(row: &'r Map<String, Value>, path: &str) -> Option<&'r Value> {
    let mut parts = path.split('.');
    let first = row.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// A single value that is there, as text.
fn plain(row: &Map<String, Value>, path: &str) -> Option<String> {
    match at(row, path)? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The instant a value means: RFC 3339, a day as its begin in UTC, or milliseconds since 1970.
pub(super) fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok().or_else(|| {
            let day = instant_range(&Match::Word(text.clone())).filter(|_| text.len() == "2025-01-01".len());
            day.map(|day| Timestamp::from_ms(day.start))
        }),
        Value::Number(number) => number.as_i64().map(Timestamp::from_ms),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
