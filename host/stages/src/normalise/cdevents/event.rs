//! One event, taken out of its envelope: who sent it, when, about what.
//!
//! The envelope's attributes repeat the event's context; where they differ the context counts and the difference is
//! noted.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use weir_model::entity::{AttributeValue, Attributes};
use weir_model::{Diagnostic, DiagnosticKind, EntityKind, Timestamp};

use super::super::Produced;
use super::super::fields::{Fields, text_of};
use super::types::Type;

/// First part of the codes of diagnostics.
const SCOPE: &str = "cdevents";
/// Most fields that are named as unknown.
const UNKNOWN_FIELDS_MAX: usize = 32;

/// A record: an event and what travelled around it.
pub(super) struct Envelope<'a> {
    event: Cow<'a, Map<String, Value>>,
    /// Attributes of the `CloudEvent`, or its headers.
    attributes: &'a Map<String, Value>,
    /// Where the event lies in the record.
    place: &'static str,
}

impl<'a> Envelope<'a> {
    /// Finds the event: the payload itself, or the data of a `CloudEvent` in structured mode.
    pub(super) fn of(payload: &'a Map<String, Value>, headers: &'a Map<String, Value>) -> Self {
        let is_wrapped = headers.is_empty() && !payload.contains_key("context");
        match data(payload).filter(|_| is_wrapped) {
            Some(event) => Self { event, attributes: payload, place: "/data" },
            // An event without the data of one: its attributes say what it is.
            None if is_wrapped => Self { event: Cow::Borrowed(payload), attributes: payload, place: "" },
            None => Self { event: Cow::Borrowed(payload), attributes: headers, place: "" },
        }
    }

    /// What the context says under that name, else what the `CloudEvent` says.
    pub(super) fn stated(&self, name: &str) -> Option<String> {
        let context = self.event.get("context").and_then(Value::as_object);
        context.and_then(|context| text_of(context.get(name)?)).or_else(|| self.attribute(name))
    }

    fn attribute(&self, name: &str) -> Option<String> {
        let name = if name == "timestamp" { "time" } else { name };
        text_of(self.attributes.get(name)?)
    }

    fn object(&self, names: &[&str]) -> Option<&Map<String, Value>> {
        let (first, rest) = names.split_first()?;
        rest.iter().try_fold(self.event.get(*first)?, |value, name| value.get(*name))?.as_object()
    }
}

/// The data of a `CloudEvent`: an object, a text that holds one, or one in base64.
fn data(payload: &Map<String, Value>) -> Option<Cow<'_, Map<String, Value>>> {
    if let Some(Value::Object(event)) = payload.get("data") {
        return Some(Cow::Borrowed(event));
    }
    let text = payload.get("data").and_then(Value::as_str).map(|text| text.as_bytes().to_vec());
    let encoded = || STANDARD.decode(payload.get("data_base64")?.as_str()?).ok();
    serde_json::from_slice(&text.or_else(encoded)?).ok().map(Cow::Owned)
}

/// An event of a known type.
pub(super) struct Event<'a> {
    /// Its type.
    pub(super) kind: &'static Type,
    /// Id within its source.
    pub(super) id: String,
    /// Who sent it.
    pub(super) source: String,
    /// When it happened.
    pub(super) at: Option<Timestamp>,
    /// Id of its subject.
    pub(super) subject: String,
    /// What it says about the subject.
    pub(super) content: Fields<'a>,
    /// `customData`, where it is an object.
    pub(super) custom: Fields<'a>,
    context: Fields<'a>,
    subject_source: String,
}

impl<'a> Event<'a> {
    /// Opens an event; none without a subject.
    pub(super) fn open(envelope: &'a Envelope<'_>, kind: &'static Type) -> Option<Self> {
        let fields = |names: &[&str]| {
            Fields::at(
                SCOPE,
                format!("{}/{}", envelope.place, names.join("/")),
                envelope.object(names).into_iter().flatten(),
            )
        };
        let mut context = fields(&["context"]);
        let mut about = fields(&["subject"]);
        let source = envelope.stated("source").unwrap_or_default();
        let at = if context.has("timestamp") {
            context.time(&["timestamp"])
        } else {
            envelope.stated("timestamp").and_then(|text| text.parse().ok())
        };
        if at.is_none() && !context.has("timestamp") {
            context.note(DiagnosticKind::Missing, "timestamp", "");
        }
        Some(Self {
            kind,
            id: envelope.stated("id").unwrap_or_default(),
            at,
            subject: about.text(&["id"])?,
            subject_source: about.text(&["source"]).unwrap_or_else(|| source.clone()),
            source,
            content: fields(&["subject", "content"]),
            custom: fields(&["customData"]),
            context,
        })
    }

    /// What was noted, with what only a look at the whole event tells.
    pub(super) fn into_diagnostics(self, envelope: &Envelope<'_>) -> Vec<Diagnostic> {
        let unknown = envelope.object(&["subject", "content"]).into_iter().flat_map(Map::keys);
        let unknown = unknown.filter(|name| !self.kind.content.contains(&name.as_str())).take(UNKNOWN_FIELDS_MAX);
        let unknown = unknown.map(|name| {
            let place = format!("{}/subject/content/{name}", envelope.place);
            Diagnostic::new(DiagnosticKind::Unsupported, "cdevents.unknown-field").at(place).found(name)
        });
        let differing = ["id", "source", "type"].into_iter().filter_map(|name| {
            let attribute = envelope.attribute(name)?;
            let differs = envelope.stated(name).is_some_and(|stated| stated != attribute);
            let code = format!("cdevents.envelope.{name}");
            differs.then(|| Diagnostic::new(DiagnosticKind::Conflicting, code).found(&attribute))
        });
        let mut all: Vec<Diagnostic> = unknown.chain(differing).collect();
        all.extend([self.context, self.content, self.custom].into_iter().flat_map(Fields::into_diagnostics));
        all
    }

    /// Key of the subject, the same in all events about it.
    pub(super) fn key(&self) -> String {
        key(self.kind.subject(), &self.subject_source, &self.subject)
    }

    /// Key of another subject that the content names as `{"id", "source"}`; its source is this one's unless stated.
    pub(super) fn key_of(&mut self, name: &str, subject: &str) -> Option<String> {
        let (id, source) = self.named(name)?;
        Some(key(subject, source.as_deref().unwrap_or(&self.subject_source), &id))
    }

    /// Id and source of another subject that the content names; older senders write the id alone.
    pub(super) fn named(&mut self, name: &str) -> Option<(String, Option<String>)> {
        if let Some((_, Value::String(id))) = self.content.find(&[name]) {
            return Some((id.clone(), None));
        }
        self.content.within(name, |named| Some((named.text(&["id"])?, named.text(&["source"])))).flatten()
    }

    /// The entity of the subject.
    pub(super) fn produced(&self, kind: EntityKind, entity: impl Into<weir_model::Entity>) -> Vec<Produced> {
        vec![Produced::new(kind, self.key(), entity)]
    }

    /// Attributes that every entity of an event has: what joins it with others.
    pub(super) fn attributes(&mut self) -> Attributes {
        let mut attributes = Attributes::new();
        put(&mut attributes, "cdevents.source", Some(self.source.clone()).filter(|source| !source.is_empty()));
        put(&mut attributes, "cdevents.chain", self.context.text(&["chainId", "chain_id"]));
        let links: Vec<String> =
            self.links().into_iter().map(|link| format!("{} {}", link.kind, link.target)).collect();
        attributes.extend((!links.is_empty()).then(|| ("cdevents.links".to_owned(), AttributeValue::Texts(links))));
        attributes
    }

    /// Other events this one is linked to.
    pub(super) fn links(&mut self) -> Vec<Link> {
        let one = |link: &mut Fields<'_>| {
            let end = |link: &mut Fields<'_>, name: &str| {
                link.within(name, |end| end.text(&["contextId", "domainId"])).flatten()
            };
            let target = end(link, "target").or_else(|| end(link, "from"))?;
            let kind = link.text(&["linkKind"]).or_else(|| link.text(&["linkType"]))?;
            Some(Link { kind, target })
        };
        self.context.each(&["links"], one).into_iter().flatten().collect()
    }
}

/// A link to another event.
pub(super) struct Link {
    /// Kind of a relation, else the type of the link.
    pub(super) kind: String,
    /// Id of the other event.
    pub(super) target: String,
}

fn key(subject: &str, source: &str, id: &str) -> String {
    format!("{subject}/{source}/{id}")
}

/// Adds a text where there is one.
pub(super) fn put(attributes: &mut Attributes, key: &str, text: Option<String>) {
    attributes.extend(text.map(|text| (key.to_owned(), AttributeValue::Text(text))));
}
