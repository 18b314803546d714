//! Whether a row is as its schema wants it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::schema::{Demand, Format, Node, Schema, Type, Word};
use super::{plain, time_of};

/// Most breaches of one row that are told.
const BREACHES_MAX: usize = 20;

/// Where and how a row breaks its schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Breach {
    /// Names with dots between, elements by number: `items[2].price`. Empty for the row.
    pub path: String,
    /// Word of the schema.
    pub word: String,
    /// The same in the words of SEI: `MISSING_REQUIRED_FIELD`, `WRONG_TYPE`, `NOT_ALLOWED`, `BELOW_MIN`, `ABOVE_MAX`,
    /// `ORDER`, `REQUIRED_WITH`, `UNKNOWN_COLUMN`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl Schema {
    /// What is wrong with a row; nothing when it fits.
    pub fn check(&self, row: &Map<String, Value>) -> Vec<Breach> {
        let mut breaches = Breaches(Vec::new());
        breaches.object(&self.root, row, "");
        for path in &self.unique {
            if plain(row, path).is_none() && !breaches.0.iter().any(|breach| breach.path == *path) {
                breaches.add(path, "unique", "MISSING_REQUIRED_FIELD", "a unique value is missing".to_owned());
            }
        }
        breaches.0.truncate(BREACHES_MAX);
        breaches.0
    }

    /// Reads texts as what the schema says they are. An empty one is no value.
    pub(super) fn type_texts(&self, row: &mut Map<String, Value>) {
        row.retain(|_, value| value.as_str() != Some(""));
        for (name, value) in row.iter_mut() {
            let (Some(node), Value::String(text)) = (self.root.properties.get(name), &*value) else { continue };
            if let Some(typed) = node.typed(text) {
                *value = typed;
            }
        }
    }
}

impl Node {
    /// None where it is a text, or cannot be what it should be.
    fn typed(&self, text: &str) -> Option<Value> {
        if self.types.is_empty() || self.types.contains(&Type::String) || self.types.contains(&Type::Timestamp) {
            return None;
        }
        serde_json::from_str(text.trim()).ok().filter(|value| self.types.iter().any(|kind| fits(*kind, value)))
    }
}

fn fits(kind: Type, value: &Value) -> bool {
    match (kind, value) {
        (Type::String, Value::String(_))
        | (Type::Number, Value::Number(_))
        | (Type::Boolean, Value::Bool(_))
        | (Type::Object, Value::Object(_))
        | (Type::Array, Value::Array(_))
        | (Type::Null, Value::Null) => true,
        (Type::Integer, Value::Number(number)) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        (Type::Timestamp, value) => time_of(value).is_some(),
        _ => false,
    }
}

struct Breaches(Vec<Breach>);

impl Breaches {
    fn add(&mut self, path: &str, word: &str, code: &'static str, message: String) {
        self.0.push(Breach { path: path.to_owned(), word: word.to_owned(), code, message });
    }

    fn object(&mut self, node: &Node, object: &Map<String, Value>, path: &str) {
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let is_there = |name: &str| object.get(name).is_some_and(|value| !value.is_null());
        for name in &node.required {
            let may_be_null = node.properties.get(name).is_some_and(|node| node.nullable) && object.contains_key(name);
            if !is_there(name) && !may_be_null {
                self.add(&below(name), "required", "MISSING_REQUIRED_FIELD", "is missing".to_owned());
            }
        }
        for (name, value) in object {
            let Some(property) = node.properties.get(name) else {
                if node.closed {
                    self.add(&below(name), "additionalProperties", "UNKNOWN_COLUMN", "is not in the schema".to_owned());
                }
                continue;
            };
            self.value(property, value, &below(name));
            if value.is_null() {
                continue;
            }
            for word in &property.words {
                self.beside(word, value, object, &below(name));
            }
        }
    }

    fn value(&mut self, node: &Node, value: &Value, path: &str) {
        // A value that is null says nothing: where it must be there, `required` tells.
        if self.0.len() >= BREACHES_MAX || value.is_null() {
            return;
        }
        if !node.types.is_empty() && !node.types.iter().any(|kind| fits(*kind, value)) {
            let wanted: Vec<_> = node.types.iter().map(|kind| kind.name()).collect();
            let message = format!("{} is no {}", shown(value), wanted.join(" or "));
            return self.add(path, "type", "WRONG_TYPE", message);
        }
        for word in &node.words {
            if let Some((code, message)) = broken(&word.demand, value) {
                self.add(path, &word.name, code, message);
            }
        }
        match value {
            Value::Object(object) => self.object(node, object, path),
            Value::Array(elements) => {
                let Some(items) = &node.items else { return };
                elements
                    .iter()
                    .enumerate()
                    .for_each(|(at, element)| self.value(items, element, &format!("{path}[{at}]")));
            }
            _ => {}
        }
    }

    /// What a word demands of the values beside.
    fn beside(&mut self, word: &Word, value: &Value, object: &Map<String, Value>, path: &str) {
        match &word.demand {
            Demand::With(others) => {
                for other in others.iter().filter(|other| object.get(*other).is_none_or(Value::is_null)) {
                    self.add(path, &word.name, "REQUIRED_WITH", format!("needs `{other}` beside it"));
                }
            }
            Demand::NotBefore(other) => {
                let Some(least) = object.get(other).filter(|least| !least.is_null()) else { return };
                let in_order = quantity(value).zip(quantity(least)).is_some_and(|(value, least)| value >= least);
                if !in_order {
                    let message = format!("{} is less than {} of `{other}`", shown(value), shown(least));
                    self.add(path, &word.name, "ORDER", message);
                }
            }
            _ => {}
        }
    }
}

/// A number, or the milliseconds of an instant.
#[expect(clippy::cast_precision_loss, reason = "exact for all times that people write")]
fn quantity(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| time_of(value).map(|at| at.ms() as f64))
}

/// Code and message of a demand that a value does not meet. One about another type of value demands nothing of it.
fn broken(demand: &Demand, value: &Value) -> Option<(&'static str, String)> {
    let number = value.as_f64();
    let text = value.as_str();
    let (code, is_broken, what) = match demand {
        Demand::OneOf(values) => {
            let listed = values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
            ("NOT_ALLOWED", !values.iter().any(|one| equal(one, value)), format!("is none of {listed}"))
        }
        Demand::Pattern(pattern) => {
            ("NOT_ALLOWED", text.is_some_and(|text| !pattern.is_match(text)), format!("is not like {pattern}"))
        }
        Demand::AtLeast(least) => ("BELOW_MIN", number.is_some_and(|n| n < *least), format!("is less than {least}")),
        Demand::Above(least) => ("BELOW_MIN", number.is_some_and(|n| n <= *least), format!("is not above {least}")),
        Demand::AtMost(most) => ("ABOVE_MAX", number.is_some_and(|n| n > *most), format!("is more than {most}")),
        Demand::Below(most) => ("ABOVE_MAX", number.is_some_and(|n| n >= *most), format!("is not below {most}")),
        Demand::After(least) => {
            ("ORDER", quantity(value).is_none_or(|n| n <= *least), format!("is not greater than {least}"))
        }
        Demand::Length { min, max } => {
            let length = text.map(|text| text.chars().count());
            out_of("characters", length, *min, *max)
        }
        Demand::Count { min, max } => out_of("elements", value.as_array().map(Vec::len), *min, *max),
        Demand::Distinct => {
            let elements = value.as_array().map_or(&[][..], Vec::as_slice);
            let twice = elements.iter().enumerate().any(|(at, element)| elements[..at].contains(element));
            ("NOT_ALLOWED", twice, "has an element twice".to_owned())
        }
        Demand::Format(format) => {
            let (name, is_form): (_, fn(&str) -> bool) = match format {
                Format::DateTime => ("date-time", |text| text.parse::<weir_model::Timestamp>().is_ok()),
                Format::Date => ("date", |text| text.len() == 10 && time_of(&Value::String(text.to_owned())).is_some()),
                Format::Email => ("email", is_email),
                Format::Uri => ("uri", |text| {
                    text.split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty())
                }),
            };
            ("WRONG_TYPE", text.is_some_and(|text| !is_form(text)), format!("is no {name}"))
        }
        Demand::NotBefore(_) | Demand::With(_) => return None,
    };
    is_broken.then(|| (code, format!("{} {what}", shown(value))))
}

fn out_of(what: &str, n: Option<usize>, min: usize, max: usize) -> (&'static str, bool, String) {
    match n {
        Some(n) if n < min => ("BELOW_MIN", true, format!("has fewer than {min} {what}")),
        Some(n) if n > max => ("ABOVE_MAX", true, format!("has more than {max} {what}")),
        _ => ("BELOW_MIN", false, String::new()),
    }
}

/// Numbers by their value: 1 and 1.0 are the same.
fn equal(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
}

fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains(['@', ' ']))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// A value, shortened.
fn shown(value: &Value) -> String {
    super::super::params::cut(&value.to_string(), 80)
}
