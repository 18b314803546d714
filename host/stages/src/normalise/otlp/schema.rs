//! The messages of OTLP, as far as they are read, and both of their encodings as one tree.
//!
//! The tree is what an exporter of JSON sends: objects with camel-case names, ids as hex. A body in binary is turned
//! into the same, so that everything behind knows one shape. Fields that are not listed here are skipped.

use serde_json::{Map, Value};

use super::wire::{self, Fields};
use super::{Encoding, NotOtlp, Signal};

/// Deepest nesting that is read; values of attributes may hold values.
const DEPTH_MAX: usize = 64;

/// A field of a message.
struct Field {
    number: u32,
    name: &'static str,
    kind: Kind,
}

enum Kind {
    Text,
    /// Bytes, written as hex.
    Id,
    Unsigned,
    Signed,
    Double,
    Boolean,
    One(&'static [Field]),
    Many(&'static [Field]),
}

const fn field(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind }
}

static TRACES: [Field; 1] = [field(1, "resourceSpans", Kind::Many(&RESOURCE_SPANS))];
static RESOURCE_SPANS: [Field; 2] =
    [field(1, "resource", Kind::One(&RESOURCE)), field(2, "scopeSpans", Kind::Many(&SCOPE_SPANS))];
static RESOURCE: [Field; 1] = [field(1, "attributes", Kind::Many(&KEY_VALUE))];
static SCOPE_SPANS: [Field; 1] = [field(2, "spans", Kind::Many(&SPAN))];
static SPAN: [Field; 9] = [
    field(1, "traceId", Kind::Id),
    field(2, "spanId", Kind::Id),
    field(3, "traceState", Kind::Text),
    field(4, "parentSpanId", Kind::Id),
    field(5, "name", Kind::Text),
    field(7, "startTimeUnixNano", Kind::Unsigned),
    field(8, "endTimeUnixNano", Kind::Unsigned),
    field(9, "attributes", Kind::Many(&KEY_VALUE)),
    field(15, "status", Kind::One(&STATUS)),
];
static STATUS: [Field; 2] = [field(2, "message", Kind::Text), field(3, "code", Kind::Unsigned)];
static KEY_VALUE: [Field; 2] = [field(1, "key", Kind::Text), field(2, "value", Kind::One(&ANY_VALUE))];
static ANY_VALUE: [Field; 5] = [
    field(1, "stringValue", Kind::Text),
    field(2, "boolValue", Kind::Boolean),
    field(3, "intValue", Kind::Signed),
    field(4, "doubleValue", Kind::Double),
    field(5, "arrayValue", Kind::One(&ARRAY_VALUE)),
];
static ARRAY_VALUE: [Field; 1] = [field(1, "values", Kind::Many(&ANY_VALUE))];

static LOGS: [Field; 1] = [field(1, "resourceLogs", Kind::Many(&RESOURCE_LOGS))];
static RESOURCE_LOGS: [Field; 1] = [field(2, "scopeLogs", Kind::Many(&SCOPE_LOGS))];
static SCOPE_LOGS: [Field; 1] = [field(2, "logRecords", Kind::Many(&[]))];

static METRICS: [Field; 1] = [field(1, "resourceMetrics", Kind::Many(&RESOURCE_METRICS))];
static RESOURCE_METRICS: [Field; 1] = [field(2, "scopeMetrics", Kind::Many(&SCOPE_METRICS))];
static SCOPE_METRICS: [Field; 1] = [field(2, "metrics", Kind::Many(&METRIC))];
static METRIC: [Field; 5] = [
    field(5, "gauge", Kind::One(&POINTS)),
    field(7, "sum", Kind::One(&POINTS)),
    field(9, "histogram", Kind::One(&POINTS)),
    field(10, "exponentialHistogram", Kind::One(&POINTS)),
    field(11, "summary", Kind::One(&POINTS)),
];
static POINTS: [Field; 1] = [field(1, "dataPoints", Kind::Many(&[]))];

impl Signal {
    fn message(self) -> &'static [Field] {
        match self {
            Self::Traces => &TRACES,
            Self::Metrics => &METRICS,
            Self::Logs => &LOGS,
        }
    }

    /// What an answer calls the number of those that were refused.
    pub(super) fn refused(self) -> &'static str {
        match self {
            Self::Traces => "rejectedSpans",
            Self::Metrics => "rejectedDataPoints",
            Self::Logs => "rejectedLogRecords",
        }
    }

    /// Name of the list that holds the things themselves.
    fn items(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "dataPoints",
            Self::Logs => "logRecords",
        }
    }
}

/// The tree of a body.
pub(super) fn tree(signal: Signal, body: &[u8]) -> Result<Value, NotOtlp> {
    if Encoding::of(body) == Encoding::Json {
        let tree: Value = serde_json::from_slice(body).map_err(|error| NotOtlp(error.to_string()))?;
        let list = signal.message()[0].name;
        let is_empty = tree.as_object().is_some_and(Map::is_empty);
        let is_one = is_empty || tree.get(list).is_some_and(Value::is_array);
        return if is_one { Ok(tree) } else { Err(NotOtlp(format!("no list `{list}`"))) };
    }
    message(signal.message(), body, 0)
}

/// Number of spans, data points or log records.
pub(super) fn leaves(signal: Signal, tree: &Value) -> u64 {
    match tree {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| match value {
                Value::Array(items) if name == signal.items() => u64::try_from(items.len()).unwrap_or(u64::MAX),
                other => leaves(signal, other),
            })
            .sum(),
        Value::Array(all) => all.iter().map(|one| leaves(signal, one)).sum(),
        _ => 0,
    }
}

fn message(known: &[Field], bytes: &[u8], depth: usize) -> Result<Value, NotOtlp> {
    if depth > DEPTH_MAX {
        return Err(NotOtlp("nested too deep".to_owned()));
    }
    let mut object = Map::new();
    for field in Fields::new(bytes) {
        let (number, value) = field?;
        let Some(field) = known.iter().find(|known| known.number == number) else { continue };
        let Some(value) = read(&field.kind, value, depth)? else { continue };
        match (&field.kind, object.get_mut(field.name)) {
            (Kind::Many(_), Some(Value::Array(all))) => all.push(value),
            (Kind::Many(_), _) => drop(object.insert(field.name.to_owned(), Value::Array(vec![value]))),
            _ => drop(object.insert(field.name.to_owned(), value)),
        }
    }
    Ok(Value::Object(object))
}

/// None of a value that is of another kind than its field.
fn read(kind: &Kind, value: wire::Value<'_>, depth: usize) -> Result<Option<Value>, NotOtlp> {
    Ok(match (kind, value) {
        (Kind::One(known) | Kind::Many(known), wire::Value::Bytes(bytes)) => Some(message(known, bytes, depth + 1)?),
        (Kind::Text, wire::Value::Bytes(bytes)) => Some(Value::String(String::from_utf8_lossy(bytes).into_owned())),
        (Kind::Id, wire::Value::Bytes(bytes)) => {
            Some(Value::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
        }
        (Kind::Unsigned, wire::Value::Number(number)) => Some(number.into()),
        (Kind::Signed, wire::Value::Number(number)) => Some(number.cast_signed().into()),
        (Kind::Double, wire::Value::Number(number)) => Some(f64::from_bits(number).into()),
        (Kind::Boolean, wire::Value::Number(number)) => Some((number != 0).into()),
        _ => None,
    })
}
