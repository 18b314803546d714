//! A schema, compiled: part of JSON Schema, and the words for columns that those who come from SEI know.
//!
//! What is not understood is refused, never passed over: a constraint that is not kept is worse than none.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

/// Deepest nesting of a schema.
const DEPTH_MAX: usize = 16;

/// Words that say something to people alone.
const REMARKS: [&str; 9] =
    ["$schema", "$id", "$comment", "description", "examples", "default", "unit", "deprecated", "name"];

/// A schema that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", if path.is_empty() { "the schema" } else { path })]
pub struct SchemaError {
    /// Where, as names with dots between.
    pub path: String,
    /// What is wrong.
    pub what: String,
}

/// What rows of a kind are like.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    pub(super) root: Node,
    /// Columns that together tell rows apart.
    pub(super) unique: Vec<String>,
    pub(super) time: Option<String>,
    pub(super) title: Option<String>,
    pub(super) project: Option<String>,
    pub(super) url: Option<String>,
}

/// What a value is like.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Types that fit; empty: all.
    pub(super) types: Vec<Type>,
    pub(super) nullable: bool,
    pub(super) properties: BTreeMap<String, Node>,
    pub(super) required: Vec<String>,
    /// Whether properties that are not named are refused.
    pub(super) closed: bool,
    pub(super) items: Option<Box<Node>>,
    pub(super) words: Vec<Word>,
}

/// Type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Number,
    Integer,
    Boolean,
    /// Text or a number that means an instant.
    Timestamp,
    Object,
    Array,
    Null,
}

impl Type {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
            Self::Object => "object",
            Self::Array => "array",
            Self::Null => "null",
        }
    }
}

/// A constraint, with the word it is written with.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) name: String,
    pub(super) demand: Demand,
}

#[derive(Debug, Clone)]
pub(super) enum Demand {
    OneOf(Vec<Value>),
    Pattern(Regex),
    AtLeast(f64),
    AtMost(f64),
    Above(f64),
    Below(f64),
    /// Above a constant, as an order of values.
    After(f64),
    /// Not before the value of another column.
    NotBefore(String),
    /// Others that must be there when this is.
    With(Vec<String>),
    Length {
        min: usize,
        max: usize,
    },
    Count {
        min: usize,
        max: usize,
    },
    Distinct,
    Format(Format),
}

/// Forms of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Date,
    Email,
    Uri,
}

impl Schema {
    /// Compiles a schema.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        let Value::Object(object) = schema else { return Err(wrong("", "a schema is an object")) };
        let mut object = object.clone();
        if let Some(columns) = object.remove("columns") {
            object.insert("properties".to_owned(), properties(columns)?);
        }
        let mut path = |name: &str| taken(&mut object, name, text);
        let (time, title, project, url) = (path("time")?, path("title")?, path("project")?, path("url")?);
        let unique = taken(&mut object, "unique", texts)?;
        let mut root = node(&mut object, "", 0)?;
        if !root.types.iter().all(|kind| *kind == Type::Object) {
            return Err(wrong("", "rows are objects"));
        }
        root.types = vec![Type::Object];
        let (marked, unique) = (root.marked_unique(), unique.unwrap_or_default());
        let unique = if unique.is_empty() { marked } else { unique };
        let schema = Self { root, unique, time, title, project, url };
        let named =
            schema.unique.iter().chain(&schema.time).chain(&schema.title).chain(&schema.project).chain(&schema.url);
        match named.clone().find(|path| !schema.has(path)) {
            Some(path) => Err(wrong(path, "is no property of the schema")),
            None => Ok(schema),
        }
    }

    /// Whether a path leads to a property, or to where any may be.
    fn has(&self, path: &str) -> bool {
        let mut at = &self.root;
        for name in path.split('.') {
            match at.properties.get(name) {
                Some(next) => at = next,
                None => return !at.closed && at.properties.is_empty(),
            }
        }
        true
    }
}

impl Node {
    /// Columns that say of themselves that they are unique.
    fn marked_unique(&self) -> Vec<String> {
        let is_unique = |node: &Node| node.words.iter().any(|word| word.name == "unique");
        self.properties.iter().filter(|(_, node)| is_unique(node)).map(|(name, _)| name.clone()).collect()
    }
}

/// `[{"name": "a", "type": ...}]` or `{"a": {"type": ...}}`.
fn properties(columns: Value) -> Result<Value, SchemaError> {
    let Value::Array(columns) = columns else { return Ok(columns) };
    let mut properties = Map::new();
    for column in columns {
        let name = column.get("name").and_then(Value::as_str).map(str::to_owned);
        let name = name.ok_or_else(|| wrong("columns", "a column has a `name`"))?;
        if properties.insert(name.clone(), column).is_some() {
            return Err(wrong(&name, "stands twice"));
        }
    }
    Ok(Value::Object(properties))
}

fn node(object: &mut Map<String, Value>, path: &str, depth: usize) -> Result<Node, SchemaError> {
    if depth > DEPTH_MAX {
        return Err(wrong(path, "nests too deep"));
    }
    let mut node = Node::default();
    for (name, value) in std::mem::take(object) {
        let Some(value) = take_structure(&mut node, &name, value, path, depth)? else { continue };
        if REMARKS.contains(&name.as_str()) || (name == "title" && depth > 0) {
            continue;
        }
        let at = |what: &str| wrong(path, &format!("`{name}` {what}"));
        let demand = demand(&name, &value).map_err(|what| at(&what))?;
        node.words.extend(demand.map(|demand| Word { name: name.clone(), demand }));
    }
    Ok(node)
}

/// Takes a word that says how values are built; gives back the value of any other.
fn take_structure(
    node: &mut Node,
    name: &str,
    value: Value,
    path: &str,
    depth: usize,
) -> Result<Option<Value>, SchemaError> {
    let at = |what: &str| wrong(path, &format!("`{name}` {what}"));
    match (name, value) {
        ("type", value) => {
            let names = texts(&value).ok_or_else(|| at("is a text or a list of them"))?;
            for kind in names {
                set_type(node, &kind).ok_or_else(|| at(&format!("cannot be `{kind}`")))?;
            }
        }
        ("nullable", Value::Bool(nullable)) => node.nullable = nullable,
        ("properties", Value::Object(properties)) => {
            for (name, mut value) in properties {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let object = value.as_object_mut().ok_or_else(|| wrong(&path, "a property is an object"))?;
                if let Some(Value::Bool(required)) = object.get("required") {
                    if *required {
                        node.required.push(name.clone());
                    }
                    object.remove("required");
                }
                node.properties.insert(name, self::node(object, &path, depth + 1)?);
            }
        }
        ("required", value) => node.required.extend(texts(&value).ok_or_else(|| at("is a list of names"))?),
        ("additionalProperties", Value::Bool(open)) => node.closed = !open,
        ("items", Value::Object(mut items)) => {
            node.items = Some(Box::new(self::node(&mut items, &format!("{path}[]"), depth + 1)?));
        }
        (_, value) => return Ok(Some(value)),
    }
    Ok(None)
}

/// None of a type nobody knows.
fn set_type(node: &mut Node, name: &str) -> Option<()> {
    node.types.push(match name {
        "string" => Type::String,
        "number" | "double" => Type::Number,
        "integer" | "long" => Type::Integer,
        "boolean" => Type::Boolean,
        "timestamp" => Type::Timestamp,
        "object" => Type::Object,
        "array" => Type::Array,
        "null" => Type::Null,
        // Anything.
        "json" => return Some(()),
        _ => return None,
    });
    Some(())
}

/// None for a word that demands nothing.
fn demand(name: &str, value: &Value) -> Result<Option<Demand>, String> {
    let number = || value.as_f64().ok_or("is no number");
    let count = || value.as_u64().and_then(|count| usize::try_from(count).ok()).ok_or("is no count");
    Ok(Some(match name {
        "enum" | "allowedValues" => Demand::OneOf(value.as_array().cloned().ok_or("is no list")?),
        "const" => Demand::OneOf(vec![value.clone()]),
        "pattern" => {
            let pattern = value.as_str().ok_or("is no text")?;
            Demand::Pattern(Regex::new(pattern).map_err(|_| "is no regular expression that can be used")?)
        }
        "minimum" | "min" => Demand::AtLeast(number()?),
        "maximum" | "max" => Demand::AtMost(number()?),
        "exclusiveMinimum" => Demand::Above(number()?),
        "exclusiveMaximum" => Demand::Below(number()?),
        "mustBeGreaterThan" => Demand::After(number()?),
        "mustBeGreaterThanOrEqual" => Demand::NotBefore(text(value).ok_or("names a column")?),
        "requiredWith" => Demand::With(texts(value).ok_or("is a list of names")?),
        "minLength" => Demand::Length { min: count()?, max: usize::MAX },
        "maxLength" => Demand::Length { min: 0, max: count()? },
        "minItems" => Demand::Count { min: count()?, max: usize::MAX },
        "maxItems" => Demand::Count { min: 0, max: count()? },
        "uniqueItems" if value == &Value::Bool(true) => Demand::Distinct,
        "uniqueItems" => return Ok(None),
        // Noted as a word: `marked_unique` reads it, and a row without the value has no key.
        "unique" if value == &Value::Bool(true) => Demand::Count { min: 0, max: usize::MAX },
        "unique" if value == &Value::Bool(false) => return Ok(None),
        "format" => Demand::Format(match value.as_str() {
            Some("date-time" | "timestamp") => Format::DateTime,
            Some("date") => Format::Date,
            Some("email") => Format::Email,
            Some("uri") => Format::Uri,
            _ => return Err(format!("cannot be `{value}`: date-time, date, email or uri")),
        }),
        _ => return Err("is no word that is understood".to_owned()),
    }))
}

fn taken<T>(
    object: &mut Map<String, Value>,
    name: &str,
    read: fn(&Value) -> Option<T>,
) -> Result<Option<T>, SchemaError> {
    let Some(value) = object.remove(name) else { return Ok(None) };
    read(&value).map(Some).ok_or_else(|| wrong("", &format!("`{name}` names properties")))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// One text is a list of one.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(texts) => texts.iter().map(text).collect(),
        _ => None,
    }
}

fn wrong(path: &str, what: &str) -> SchemaError {
    SchemaError { path: path.to_owned(), what: what.to_owned() }
}
