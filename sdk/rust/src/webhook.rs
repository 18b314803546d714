//! Webhook deliveries and what they mean.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use weir_model::Timestamp;

use crate::failure::Failure;
use crate::record::RawRecord;

/// One call from the tool; origin, size and signature were checked by the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Body as it came.
    pub body: Vec<u8>,
    /// When the host took it.
    pub received_at: Timestamp,
}

impl Delivery {
    /// First header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The JSON of the body, also where the tool sends it in the field `payload` of a form.
    pub fn json(&self, event: Event<'_>) -> Result<Cow<'_, str>, Failure> {
        if self.is_form() {
            let payload = self.form("payload").ok_or_else(|| event.unreadable(&"the form has no field `payload`"));
            return payload.map(Cow::Owned);
        }
        std::str::from_utf8(&self.body).map(Cow::Borrowed).map_err(|error| event.unreadable(&error))
    }

    /// A field of a body that is a form, decoded; a broken escape stands for itself.
    pub fn form(&self, name: &str) -> Option<String> {
        let body = std::str::from_utf8(&self.body).ok().filter(|_| self.is_form())?;
        let value = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        String::from_utf8(decoded(value.as_bytes())).ok()
    }

    fn is_form(&self) -> bool {
        self.header("content-type").is_some_and(|media| media.starts_with("application/x-www-form-urlencoded"))
    }
}

fn decoded(mut value: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(value.len());
    while let Some((first, after)) = value.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        value = if escaped.is_some() { &after[2..] } else { after };
    }
    decoded
}

/// An event by the tool's name for it: says what is wrong with a delivery of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// Kind of the tool, as codes begin: `github`.
    pub tool: &'static str,
    /// The tool's name for what happened; empty where it is not known.
    pub name: &'a str,
}

impl Event<'_> {
    /// Reads JSON of the delivery.
    pub fn read<'j, T: Deserialize<'j>>(self, json: &'j str) -> Result<T, Failure> {
        serde_json::from_str(json).map_err(|error| self.unreadable(&error))
    }

    /// Fails because the delivery cannot be read.
    pub fn unreadable(self, why: &dyn fmt::Display) -> Failure {
        Failure::poison(format!("{}.delivery.unreadable", self.tool), format!("{self} cannot be read: {why}"))
    }

    /// Fails because the delivery lacks a part.
    pub fn incomplete(self, part: &str) -> Failure {
        Failure::poison(format!("{}.delivery.incomplete", self.tool), format!("{self} has no `{part}`"))
    }

    /// Leaves the delivery out, by the name of its event.
    pub fn ignored(self) -> Decoded {
        Decoded::ignored(format!("{}.event.{}", self.tool, word(self.name)))
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() { f.write_str("a delivery") } else { write!(f, "a delivery of `{}`", self.name) }
    }
}

/// A word of the tool as part of a reason, which has to be short and plain.
///
/// ```
/// use weir_sdk::webhook::word;
///
/// assert_eq!(word("incident.annotated"), "incident.annotated");
/// assert_eq!(word("all sorts of things"), "unnamed");
/// ```
pub fn word(text: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    if (1..=64).contains(&text.len()) && text.bytes().all(is_plain) { text } else { "unnamed" }
}

/// Records for one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Dataset of the same connector, or one that only webhooks feed.
    pub dataset: String,
    /// The records, with the keys that polling gives the same things.
    pub records: Vec<RawRecord>,
}

/// A delivery that brings something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Id the tool gave the delivery; a second one with the same id is dropped.
    pub id: Option<String>,
    /// Records.
    pub batches: Vec<Batch>,
    /// Datasets to poll soon.
    pub refresh: Vec<String>,
}

impl Accepted {
    /// Adds records of a dataset.
    #[must_use]
    pub fn with(mut self, dataset: &str, records: Vec<RawRecord>) -> Self {
        self.batches.push(Batch { dataset: dataset.to_owned(), records });
        self
    }

    /// Asks the host to poll a dataset soon.
    #[must_use]
    pub fn refresh(mut self, dataset: &str) -> Self {
        self.refresh.push(dataset.to_owned());
        self
    }
}

/// What a delivery means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Take these.
    Accepted(Accepted),
    /// Not of interest; short, stable, dotted reason.
    Ignored(String),
    /// A handshake: answer with this text, store nothing.
    Challenge(String),
}

impl Decoded {
    /// Not of interest.
    pub fn ignored(reason: impl Into<String>) -> Self {
        Self::Ignored(reason.into())
    }

    /// Sets the id the tool gave the delivery, if it brings something.
    #[must_use]
    pub fn id(self, id: Option<String>) -> Self {
        match self {
            Self::Accepted(accepted) => Self::Accepted(Accepted { id, ..accepted }),
            other => other,
        }
    }
}

impl From<Accepted> for Decoded {
    fn from(accepted: Accepted) -> Self {
        Self::Accepted(accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: Event<'_> = Event { tool: "x", name: "push" };

    fn delivery(media: &str, body: &[u8]) -> Delivery {
        let headers = vec![("content-type".to_owned(), media.to_owned())];
        Delivery { headers, query: Vec::new(), body: body.to_vec(), received_at: Timestamp::from_ms(0) }
    }

    #[test]
    fn json_is_read_from_bodies_and_forms() {
        let json = |media: &str, body: &[u8]| {
            let delivery = delivery(media, body);
            delivery.json(EVENT).map(Cow::into_owned).map_err(|failure| failure.message)
        };
        assert_eq!(json("application/json", br#"{"a": "+%41"}"#), Ok(r#"{"a": "+%41"}"#.to_owned()));
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(json(form, b"x=1&payload=%7B%22a%22%3A+%22%zz%22%7D"), Ok(r#"{"a": "%zz"}"#.to_owned()));
        let none = "a delivery of `push` cannot be read: the form has no field `payload`";
        assert_eq!(json(form, b"payloads=1"), Err(none.to_owned()));
        assert!(json("application/json", b"\xff").is_err());
        assert_eq!(delivery("application/json", b"a=1").form("a"), None);
    }
}
