//! What entities are made of: references, attributes, environments, and the merging of lists.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{LIST_ELEMENTS_MAX, Misfit};
use crate::entity::words::EnvironmentClass;
use crate::id::ObjectId;

/// Most bytes of a misfit that are shown.
const FOUND_BYTES_MAX: usize = 256;

/// Names another entity; its kind follows from the place. One that resolves to nothing yet is kept and resolved when
/// the entity arrives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    /// Stable key of an entity of the same integration.
    Key(String),
    /// A name any tool would use: commit id, issue handle, remote URL, digest, e-mail address, login. Resolved across
    /// integrations; ambiguous names stay unresolved.
    Name(String),
}

impl Reference {
    /// The key or name.
    pub fn text(&self) -> &str {
        let (Self::Key(text) | Self::Name(text)) = self;
        text
    }
}

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AttributeValue {
    /// Yes or no.
    Boolean(bool),
    /// Whole number.
    Integer(i64),
    /// Number with a fraction.
    Decimal(f64),
    /// Text; an instant is RFC 3339 text.
    Text(String),
    /// Several texts, order kept.
    Texts(Vec<String>),
}

/// Attributes by key: lower case, prefixed with the tool.
pub type Attributes = BTreeMap<String, AttributeValue>;

/// One attribute.
pub type Attribute = (String, AttributeValue);

/// Where something is deployed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The tool's name for it.
    pub name: String,
    /// Its class, from the tool or the settings. None: the host's rules decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<EnvironmentClass>,
}

/// What makes two elements of a list the same element.
pub trait Identity {
    /// The part that identifies.
    type Id: Ord;

    /// Its value.
    fn identity(&self) -> Self::Id;

    /// Takes from `lower`, the same element as a lower rank states it, what this does not state. Most elements are
    /// stated whole: the higher rank wins.
    fn absorb(&mut self, lower: Self)
    where
        Self: Sized,
    {
        drop(lower);
    }

    /// Where it belongs in a list that does not say so.
    fn place_in(&self, list: &[Self]) -> usize
    where
        Self: Sized,
    {
        list.len()
    }
}

macro_rules! identical {
    ($($type:ty),*) => {
        $(impl Identity for $type {
            type Id = Self;
            fn identity(&self) -> Self {
                self.clone()
            }
        })*
    };
}

identical!(String, Reference, ObjectId);

/// Adds to `list` the elements of `lower` whose identity it does not hold yet; those it holds absorb their likes. Order
/// is kept: what only `lower` states comes before the next of its elements that `list` holds too, else where it
/// belongs by itself, mostly at the end.
pub(super) fn unite<T: Identity>(list: &mut Vec<T>, lower: Vec<T>) {
    if list.is_empty() {
        *list = lower;
    } else if !lower.is_empty() {
        // The first of several wins, as elsewhere.
        let places: BTreeMap<T::Id, usize> =
            list.iter().enumerate().rev().map(|(place, element)| (element.identity(), place)).collect();
        let (mut waiting, mut before) = (Vec::new(), BTreeMap::<usize, Vec<T>>::new());
        for element in lower {
            match places.get(&element.identity()) {
                Some(place) => {
                    list[*place].absorb(element);
                    if !waiting.is_empty() {
                        before.entry(*place).or_default().append(&mut waiting);
                    }
                }
                None => waiting.push(element),
            }
        }
        if !before.is_empty() {
            for (place, element) in std::mem::take(list).into_iter().enumerate() {
                list.append(&mut before.remove(&place).unwrap_or_default());
                list.push(element);
            }
        }
        for element in waiting {
            list.insert(element.place_in(list), element);
        }
    }
}

/// A field that can be unstated.
pub(super) trait Unstated {
    fn is_unstated(&self) -> bool;
}

impl<T> Unstated for Option<T> {
    fn is_unstated(&self) -> bool {
        self.is_none()
    }
}

impl<T> Unstated for Vec<T> {
    fn is_unstated(&self) -> bool {
        self.is_empty()
    }
}

impl Unstated for Attributes {
    fn is_unstated(&self) -> bool {
        self.is_empty()
    }
}

/// Whether a field says nothing and is left out of the document.
pub(super) fn is_unstated(field: &impl Unstated) -> bool {
    field.is_unstated()
}

/// Reading of one field of a document that may not fit.
pub(super) trait Lenient: Sized {
    /// Takes the field out of `document`; what does not fit is reported and left out.
    fn take(document: &mut Map<String, Value>, field: &str, misfits: &mut Vec<Misfit>) -> Self;
}

impl<T: DeserializeOwned> Lenient for Option<T> {
    fn take(document: &mut Map<String, Value>, field: &str, misfits: &mut Vec<Misfit>) -> Self {
        match document.remove(field)? {
            Value::Null => None,
            value => fit(value, &format!("/{field}"), misfits),
        }
    }
}

impl<T: DeserializeOwned> Lenient for Vec<T> {
    fn take(document: &mut Map<String, Value>, field: &str, misfits: &mut Vec<Misfit>) -> Self {
        let mut elements = match document.remove(field) {
            None | Some(Value::Null) => return Self::new(),
            Some(Value::Array(elements)) => elements,
            Some(other) => {
                misfits.push(Misfit::new(format!("/{field}"), &other, "not a list"));
                return Self::new();
            }
        };
        if elements.len() > LIST_ELEMENTS_MAX {
            let reason = format!("{} elements, {LIST_ELEMENTS_MAX} are kept", elements.len());
            misfits.push(Misfit { place: format!("/{field}"), found: String::new(), reason });
            elements.truncate(LIST_ELEMENTS_MAX);
        }
        let read = |(index, value)| fit(value, &format!("/{field}/{index}"), misfits);
        elements.into_iter().enumerate().filter_map(read).collect()
    }
}

impl Lenient for Attributes {
    fn take(document: &mut Map<String, Value>, field: &str, misfits: &mut Vec<Misfit>) -> Self {
        let Some(Value::Object(attributes)) = document.remove(field) else { return Self::new() };
        let stated = attributes.into_iter().filter(|(_, value)| !value.is_null());
        let read = |(key, value)| fit(value, &format!("/{field}/{key}"), misfits).map(|value| (key, value));
        stated.filter_map(read).collect()
    }
}

fn fit<T: DeserializeOwned>(value: Value, place: &str, misfits: &mut Vec<Misfit>) -> Option<T> {
    // Deserialising from a borrowed value keeps the value for the report.
    T::deserialize(&value).map_err(|error| misfits.push(Misfit::new(place.to_owned(), &value, &error.to_string()))).ok()
}

/// Reports what no field took.
pub(super) fn report_unknown(document: Map<String, Value>, misfits: &mut Vec<Misfit>) {
    misfits.extend(document.iter().map(|(field, value)| Misfit::new(format!("/{field}"), value, "unknown field")));
}

impl Misfit {
    fn new(place: String, found: &Value, reason: &str) -> Self {
        let mut found = found.to_string();
        if found.len() > FOUND_BYTES_MAX {
            let end = (0..=FOUND_BYTES_MAX).rev().find(|at| found.is_char_boundary(*at)).unwrap_or(0);
            found.truncate(end);
        }
        Self { place, found, reason: reason.to_owned() }
    }
}
