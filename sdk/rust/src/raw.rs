//! A raw record being normalised: its payload, and the findings made on the way.
//!
//! Reading never loses the record: a missing or odd field becomes a diagnostic with its place and what was found.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use weir_model::{Reference, Timestamp};

use crate::field::{Field, Lenient, Text};
use crate::outcome::{Diagnostic, DiagnosticKind, Outcome};
use crate::text;

/// One raw record to be made into entities.
pub struct Raw<'a> {
    dataset: &'a str,
    key: &'a str,
    version: Option<i64>,
    context: Option<&'a str>,
    payload: &'a [u8],
    /// The payload where it came as text, which spares a check of every byte.
    text: Option<&'a str>,
    json: OnceCell<Value>,
    findings: RefCell<Vec<Diagnostic>>,
}

impl<'a> Raw<'a> {
    pub(crate) fn new(
        dataset: &'a str,
        key: &'a str,
        version: Option<i64>,
        context: Option<&'a str>,
        payload: &'a [u8],
    ) -> Self {
        let (json, findings) = (OnceCell::new(), RefCell::default());
        Self { dataset, key, version, context, payload, text: None, json, findings }
    }

    /// The same with a payload that is text.
    #[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "the host hands over text, the mock bytes"))]
    pub(crate) fn with_text(self, text: &'a str) -> Self {
        Self { payload: text.as_bytes(), text: Some(text), ..self }
    }

    /// Key of the record.
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// Version of the record.
    pub fn version(&self) -> Option<i64> {
        self.version
    }

    /// The payload, byte for byte.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// What the request knew and the payload does not; none when there is none or it does not fit.
    pub fn context<T: Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_str(self.context?).ok()
    }

    /// Reads the payload as `T` and makes an outcome of it; rejects what is no JSON object. `T` derives `Deserialize` with
    /// fields of type [`Field`], so that only broken JSON fails.
    pub fn read<T: Deserialize<'a>>(&self, make: impl FnOnce(T, &Self) -> Outcome) -> Outcome {
        // Checked for UTF-8 as a whole, which is quicker than text by text.
        let text = self.text.map_or_else(|| std::str::from_utf8(self.payload), Ok);
        match text.map_err(|error| error.to_string()).and_then(read_json) {
            Ok(item) => make(item, self),
            Err(error) => Outcome::rejected(self.malformed(&error)),
        }
    }

    /// The value of a field; an odd one is reported.
    pub fn take<T>(&self, place: &str, field: Field<T>) -> Option<T> {
        match field {
            Field::Stated(value) => Some(value),
            Field::Unstated => None,
            Field::Odd(odd) => {
                self.report(odd.kind, place, &odd.found);
                None
            }
        }
    }

    /// A text; an odd one is reported.
    pub fn text(&self, place: &str, field: Text<'_>) -> Option<String> {
        self.take(place, field).map(Cow::into_owned)
    }

    /// A text that says something; an odd one is reported.
    pub fn filled(&self, place: &str, field: Text<'_>) -> Option<String> {
        self.take(place, field).and_then(text::filled)
    }

    /// A reference to somebody or something by its name.
    pub fn name(&self, place: &str, field: Text<'_>) -> Option<Reference> {
        self.filled(place, field).map(Reference::Name)
    }

    /// The elements of a list; odd ones are reported and left out.
    pub fn list<T>(&self, place: &str, field: Field<Vec<Field<T>>>) -> Vec<T> {
        let elements = self.take(place, field).unwrap_or_default().into_iter().enumerate();
        let element = |(index, element)| match element {
            Field::Stated(value) => Some(value),
            odd => self.take(&format!("{place}/{index}"), odd),
        };
        elements.filter_map(element).collect()
    }

    /// Rejects the record because the field at `place` is needed.
    pub fn missing(&self, place: &str) -> Outcome {
        Outcome::rejected(Diagnostic::new(DiagnosticKind::Missing, self.code(place)).at(place))
    }

    /// Rejects the record because the connector makes nothing of its dataset.
    pub fn unknown_dataset(&self) -> Outcome {
        Outcome::rejected(Diagnostic::new(DiagnosticKind::Unsupported, "dataset.unknown").found(self.dataset))
    }

    /// Reports a finding and goes on.
    pub fn report(&self, kind: DiagnosticKind, place: &str, found: &str) {
        let diagnostic = Diagnostic::new(kind, self.code(place)).at(place).found(found);
        self.findings.borrow_mut().push(diagnostic);
    }

    /// The payload as JSON to walk through. Convenient; [`read`](Self::read) is about three times as fast.
    pub fn json(&self) -> Json<'_> {
        let parse = || {
            serde_json::from_slice(self.payload).unwrap_or_else(|error: serde_json::Error| {
                self.findings.borrow_mut().push(self.malformed(&error.to_string()));
                Value::Null
            })
        };
        Json { raw: self, value: self.json.get_or_init(parse), place: String::new() }
    }

    pub(crate) fn into_findings(self) -> Vec<Diagnostic> {
        self.findings.into_inner()
    }

    fn malformed(&self, error: &str) -> Diagnostic {
        Diagnostic::new(DiagnosticKind::Malformed, self.code("")).found(error)
    }

    /// `/labels/3/name` of `issues` is counted as `issues.labels.name`: an index is no part of a code.
    fn code(&self, place: &str) -> String {
        let parts = place.split('/').filter(|part| !part.is_empty() && !part.bytes().all(|b| b.is_ascii_digit()));
        parts.fold(self.dataset.to_owned(), |code, part| code + "." + part)
    }
}

fn read_json<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// A place in the payload of a raw record.
#[derive(Clone)]
pub struct Json<'r> {
    raw: &'r Raw<'r>,
    value: &'r Value,
    place: String,
}

impl<'r> Json<'r> {
    /// The value at a pointer, as any type that can be read leniently.
    pub fn read<T: Lenient<'r>>(&self, pointer: &str) -> Option<T> {
        let field = self.value.pointer(pointer).map_or(Ok(Field::Unstated), Field::deserialize);
        field.ok().and_then(|field| self.raw.take(&format!("{}{pointer}", self.place), field))
    }

    /// A text.
    pub fn text(&self, pointer: &str) -> Option<String> {
        self.read::<Cow<'r, str>>(pointer).map(Cow::into_owned)
    }

    /// A text that says something.
    pub fn filled(&self, pointer: &str) -> Option<String> {
        self.read::<Cow<'r, str>>(pointer).and_then(text::filled)
    }

    /// An instant, in any spelling tools use.
    pub fn instant(&self, pointer: &str) -> Option<Timestamp> {
        self.read(pointer)
    }

    /// A whole number that is not negative.
    pub fn count(&self, pointer: &str) -> Option<u64> {
        self.read(pointer)
    }

    /// A number.
    pub fn decimal(&self, pointer: &str) -> Option<f64> {
        self.read(pointer)
    }

    /// Yes or no.
    pub fn flag(&self, pointer: &str) -> Option<bool> {
        self.read(pointer)
    }

    /// The elements of a list; none when nothing is there.
    pub fn items(&self, pointer: &str) -> Vec<Json<'r>> {
        let place = format!("{}{pointer}", self.place);
        match self.value.pointer(pointer) {
            Some(Value::Array(items)) => {
                let element = |(index, value)| Json { raw: self.raw, value, place: format!("{place}/{index}") };
                items.iter().enumerate().map(element).collect()
            }
            None | Some(Value::Null) => Vec::new(),
            Some(other) => {
                self.raw.report(DiagnosticKind::WrongType, &place, &other.to_string());
                Vec::new()
            }
        }
    }

    /// The value as a type of one's own; none when it does not fit.
    pub fn to<T: DeserializeOwned>(&self, pointer: &str) -> Option<T> {
        T::deserialize(self.value.pointer(pointer)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walking_reports_place_and_found_text_and_goes_on() {
        let payload = br#"{"id": 7, "created": "soon", "labels": [{"name": "a"}, {"name": []}], "n": -1}"#;
        let raw = Raw::new("issues", "7", None, None, payload);
        let json = raw.json();
        assert_eq!(json.text("/id").as_deref(), Some("7"));
        assert_eq!(json.instant("/created"), None);
        assert_eq!(json.count("/n"), None);
        let labels: Vec<_> = json.items("/labels").iter().filter_map(|label| label.text("/name")).collect();
        assert_eq!(labels, ["a"]);
        assert_eq!(json.text("/absent"), None);
        let findings = raw.findings.borrow();
        let lines: Vec<_> = findings
            .iter()
            .map(|d| format!("{} {} {}", d.code, d.place.as_deref().unwrap_or(""), d.found.as_deref().unwrap_or("")))
            .collect();
        assert_eq!(
            lines,
            ["issues.created /created soon", "issues.n /n -1", "issues.labels.name /labels/1/name a list"]
        );
    }
}
