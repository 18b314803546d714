//! Spans, with the attributes of their resource.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;
use weir_model::Timestamp;

use super::super::fields::text_of;

/// Hex digits of the ids of traces and spans.
const TRACE_ID_DIGITS: usize = 32;
const SPAN_ID_DIGITS: usize = 16;
const NS_PER_MS: u64 = 1_000_000;
/// What attributes about pipelines begin with.
const PIPELINE: [&str; 3] = ["cicd.", "ci.pipeline.", "jenkins.pipeline."];
/// What the Jenkins plugin calls the parts of a run that have no attributes.
const PHASE: &str = "Phase: ";

/// Attributes by name.
pub(super) type Attributes = BTreeMap<String, Value>;

/// How a span ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Unset,
    Ok,
    Error,
}

/// A span that belongs to a trace.
#[derive(Debug)]
pub(super) struct Span {
    /// Id of its trace: 32 lower-case hex digits.
    pub(super) trace: String,
    /// Its id: 16 lower-case hex digits.
    pub(super) id: String,
    /// Id of the span it lies in; none of the root.
    pub(super) parent: Option<String>,
    pub(super) name: String,
    pub(super) started_at: Option<Timestamp>,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) status: Status,
    pub(super) message: Option<String>,
    /// Whether its sender keeps a part of its spans only.
    pub(super) is_sampled: bool,
    own: Attributes,
    resource: Rc<Attributes>,
}

impl Span {
    /// The first of these attributes that the span or else its resource has.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        self.own_text(names).or_else(|| first(&self.resource, names))
    }

    /// The first of these attributes that the span itself has.
    pub(super) fn own_text(&self, names: &[&str]) -> Option<String> {
        first(&self.own, names)
    }

    /// The first of these attributes that the resource has.
    pub(super) fn resource_text(&self, names: &[&str]) -> Option<String> {
        first(&self.resource, names)
    }

    /// The elements of a list, "" where one is no text.
    pub(super) fn texts(&self, names: &[&str]) -> Vec<String> {
        let value = names.iter().find_map(|name| self.own.get(*name).or_else(|| self.resource.get(*name)));
        match value {
            Some(Value::Array(all)) => all.iter().map(|one| text_of(one).unwrap_or_default()).collect(),
            Some(one) => text_of(one).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Whether it tells of a pipeline. Services that are not pipelines are traced too, and called by pipelines.
    pub(super) fn is_of_pipeline(&self) -> bool {
        let is_named = |attributes: &Attributes| {
            attributes.keys().any(|name| PIPELINE.iter().any(|beginning| name.starts_with(beginning)))
        };
        is_named(&self.own) || is_named(&self.resource) || self.name.starts_with(PHASE)
    }

    /// Whether it has attributes of its own about a pipeline.
    pub(super) fn has_own(&self, beginning: &str) -> bool {
        self.own.keys().any(|name| name.starts_with(beginning))
    }
}

fn first(attributes: &Attributes, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| attributes.get(*name).and_then(text_of))
}

/// All spans of a tree that belong to a trace.
pub(super) fn read(tree: &Value) -> Vec<Span> {
    let mut spans = Vec::new();
    for part in list(tree, "resourceSpans") {
        let resource = part.get("resource").map(attributes).unwrap_or_default();
        let resource = Rc::new(resource);
        let scopes = list(part, "scopeSpans");
        spans.extend(scopes.flat_map(|scope| list(scope, "spans")).filter_map(|span| one(span, &resource)));
    }
    spans
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn one(span: &Value, resource: &Rc<Attributes>) -> Option<Span> {
    let text = |name: &str| span.get(name).and_then(text_of);
    let status = span.get("status");
    let status_text = |name: &str| status.and_then(|status| text_of(status.get(name)?));
    Some(Span {
        trace: id(text("traceId")?, TRACE_ID_DIGITS)?,
        id: id(text("spanId")?, SPAN_ID_DIGITS)?,
        parent: text("parentSpanId").and_then(|parent| id(parent, SPAN_ID_DIGITS)),
        name: text("name").unwrap_or_default(),
        started_at: text("startTimeUnixNano").and_then(|ns| time(&ns)),
        finished_at: text("endTimeUnixNano").and_then(|ns| time(&ns)),
        status: match status_text("code").as_deref() {
            Some("1" | "STATUS_CODE_OK") => Status::Ok,
            Some("2" | "STATUS_CODE_ERROR") => Status::Error,
            _ => Status::Unset,
        },
        message: status_text("message"),
        is_sampled: text("traceState").is_some_and(|state| is_sampled(&state)),
        own: attributes(span),
        resource: Rc::clone(resource),
    })
}

fn id(text: String, digits: usize) -> Option<String> {
    let is_id = text.len() == digits
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte != b'0');
    is_id.then(|| text.to_ascii_lowercase())
}

fn time(ns: &str) -> Option<Timestamp> {
    let ms = i64::try_from(ns.parse::<u64>().ok()? / NS_PER_MS).ok()?;
    (ms > 0).then(|| Timestamp::from_ms(ms))
}

/// A threshold other than 0 in the member `ot` of the trace state: spans below it were not sent.
fn is_sampled(state: &str) -> bool {
    let own = state.split(',').find_map(|member| member.trim().strip_prefix("ot="));
    let threshold = own.and_then(|own| own.split(';').find_map(|part| part.strip_prefix("th:")));
    threshold.is_some_and(|threshold| threshold.bytes().any(|digit| digit != b'0'))
}

fn attributes(of: &Value) -> Attributes {
    let one = |pair: &Value| Some((pair.get("key")?.as_str()?.to_owned(), plain(pair.get("value")?)));
    list(of, "attributes").filter_map(one).collect()
}

/// A value without the name of its kind.
fn plain(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|object| object.iter().next()) else { return Value::Null };
    match kind.as_str() {
        "arrayValue" => list(value, "values").map(plain).collect(),
        _ => value.clone(),
    }
}
