//! The flat view of an entity that search, filters and facets see, and the fields it has.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::time::Timestamp;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Whole values, without regard to case; a facet.
    Keyword,
    /// Instants.
    Date,
    /// Numbers.
    Number,
    /// Words of a text.
    Text,
}

/// A field every kind of entity may have.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in searches.
    pub name: &'static str,
    /// How it is compared.
    pub kind: FieldType,
    /// Whether an entity may have several values.
    pub many: bool,
}

const fn keyword(name: &'static str) -> Field {
    Field { name, kind: FieldType::Keyword, many: false }
}

const fn keywords(name: &'static str) -> Field {
    Field { name, kind: FieldType::Keyword, many: true }
}

const fn date(name: &'static str) -> Field {
    Field { name, kind: FieldType::Date, many: false }
}

/// The fields, besides those with open names: see [`OPEN`].
pub const FIELDS: &[Field] = &[
    keyword("id"),
    keyword("kind"),
    keyword("integration"),
    keyword("host"),
    keyword("project"),
    keywords("team"),
    keyword("repository"),
    keywords("person"),
    Field { name: "title", kind: FieldType::Text, many: false },
    Field { name: "text", kind: FieldType::Text, many: false },
    date("created"),
    date("updated"),
    date("started"),
    date("finished"),
    keyword("status"),
    keyword("state"),
    keyword("result"),
    keyword("type"),
    keyword("priority"),
    keyword("resolution"),
    keyword("branch"),
    keywords("sha"),
    keywords("labels"),
    keywords("component"),
    keywords("version"),
    keyword("environment"),
    keyword("service"),
    keyword("job"),
    keyword("key"),
    keyword("trigger"),
    keyword("url"),
    Field { name: "number", kind: FieldType::Number, many: false },
    Field { name: "duration", kind: FieldType::Number, many: false },
];

/// Elements of a list in custom data that can be told apart; those behind them cannot.
pub const ELEMENTS_MAX: usize = 64;

/// Begins of the names of fields that nobody knows in advance: attributes, and what custom data holds.
pub const OPEN: [&str; 2] = ["attr", "data"];

impl Field {
    /// Whether it is one of many that begin alike, `attr.<name>` or `data.<path>`.
    pub fn is_open(&self) -> bool {
        OPEN.contains(&self.name)
    }
}

/// The field called `name`; those with open names are keywords with several values.
pub fn field(name: &str) -> Option<Field> {
    let open = |begin: &&&str| name.strip_prefix(**begin).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'));
    match OPEN.iter().find(open) {
        Some(begin) => Some(keywords(begin)),
        None => FIELDS.iter().copied().find(|field| field.name == name),
    }
}

/// The flat view of one entity.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct SearchDocument {
    /// Values of the keyword fields, of `attr.<name>` and `data.<path>`.
    pub keywords: BTreeMap<String, Vec<String>>,
    /// Values of the date fields.
    pub dates: BTreeMap<String, Timestamp>,
    /// Values of the number fields.
    pub numbers: BTreeMap<String, f64>,
    /// Title.
    pub title: Option<String>,
    /// Everything else that is read as text.
    pub text: Option<String>,
    /// Elements of the lists in custom data, by the path of the list, each with its own values under their whole paths.
    /// Not part of what is written.
    #[serde(skip)]
    pub elements: BTreeMap<String, Vec<SearchDocument>>,
}

impl SearchDocument {
    /// Adds a keyword; empty ones are left out.
    pub fn add(&mut self, field: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            let values = self.keywords.entry(field.to_owned()).or_default();
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }

    /// Adds a keyword when there is one.
    pub fn add_some(&mut self, field: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.add(field, value);
        }
    }

    /// Sets a date when there is one.
    pub fn set_date(&mut self, field: &str, value: Option<Timestamp>) {
        if let Some(value) = value {
            self.dates.insert(field.to_owned(), value);
        }
    }

    /// Sets a number when there is one; not a number and infinities are left out.
    pub fn set_number(&mut self, field: &str, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.numbers.insert(field.to_owned(), value);
        }
    }

    /// Values of a keyword field.
    pub fn values(&self, field: &str) -> &[String] {
        self.keywords.get(field).map_or(&[], Vec::as_slice)
    }
}

impl JsonSchema for SearchDocument {
    fn schema_name() -> Cow<'static, str> {
        "SearchDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "description": "Fields by their names, as docs/SEARCH.md lists them." })
    }
}

impl Serialize for SearchDocument {
    /// Writes one flat object: a field with several values is a list, the others are single values. The text is left
    /// out, for it repeats what the entity says.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, values) in &self.keywords {
            match (field(name).is_some_and(|field| field.many), values.as_slice()) {
                (false, [value, ..]) => map.serialize_entry(name, value)?,
                _ => map.serialize_entry(name, values)?,
            }
        }
        self.title.iter().try_for_each(|title| map.serialize_entry("title", title))?;
        self.dates.iter().try_for_each(|(name, date)| map.serialize_entry(name, date))?;
        for (name, number) in &self.numbers {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53: nothing is cut")]
            if number.fract() == 0.0 && number.abs() < 9e15 {
                map.serialize_entry(name, &(*number as i64))?;
            } else {
                map.serialize_entry(name, number)?;
            }
        }
        map.end()
    }
}
