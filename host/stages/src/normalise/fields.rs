//! Lenient reading of the fields of a JSON object, with what is wrong noted on the way.
//!
//! Names compare without regard to case, `_` and `-`; numbers and booleans may be texts; null and the empty text are
//! not there. The first of several names that is there wins, and another value under a later one is noted.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use weir_model::entity::LIST_ELEMENTS_MAX;
use weir_model::time::TimeError;
use weir_model::{Diagnostic, DiagnosticKind, DurationMs, ObjectId, Timestamp};

/// The fields of one object.
pub(super) struct Fields<'a> {
    /// First part of the codes of diagnostics.
    scope: &'static str,
    /// RFC 6901 pointer to the object.
    place: String,
    /// Those that state something. There are a few dozen: to look at each is faster than to keep them in order.
    stated: Vec<(&'a str, &'a Value)>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(scope: &'static str, object: &'a Map<String, Value>) -> Self {
        Self::at(scope, String::new(), object)
    }

    /// The fields of the object at that place.
    pub(super) fn at(
        scope: &'static str,
        place: String,
        object: impl IntoIterator<Item = (&'a String, &'a Value)>,
    ) -> Self {
        let fields = object.into_iter().map(|(name, value)| (name.as_str(), value));
        let stated = fields.filter(|(_, value)| is_stated(value)).collect();
        Self { scope, place, stated, diagnostics: Vec::new() }
    }

    /// What was noted, each once: some fields are read for more than one purpose.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut seen = BTreeSet::new();
        self.diagnostics.into_iter().filter(|diagnostic| seen.insert(diagnostic.clone())).collect()
    }

    /// Notes something.
    pub(super) fn note(&mut self, kind: DiagnosticKind, field: &str, found: &str) {
        let diagnostic = Diagnostic::new(kind, format!("{}.{field}", self.scope));
        self.diagnostics.push(diagnostic.at(format!("{}/{field}", self.place)).found(found));
    }

    /// Takes over a finding of somebody else.
    pub(super) fn note_other(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn note_all(&mut self, diagnostics: Vec<Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    /// Takes over what a collector could not read.
    pub(super) fn take_over_findings(&mut self) {
        let one = |finding: &mut Fields<'_>| {
            (finding.text(&["code"]), finding.text(&["subject"]), finding.text(&["message"]))
        };
        for (code, subject, message) in self.each(&["diagnostics"], one) {
            let code = code.unwrap_or_else(|| "unknown".to_owned());
            let is_cut = code == "truncated";
            let kind = if is_cut { DiagnosticKind::Truncated } else { DiagnosticKind::Unknown(code.clone()) };
            let mut diagnostic = Diagnostic::new(kind, format!("{}.collector.{code}", self.scope));
            diagnostic.place = subject;
            self.note_other(diagnostic.found(message.as_deref().unwrap_or_default()));
        }
    }

    /// The first of the names that is there: as written, and its value.
    pub(super) fn find(&mut self, names: &[&str]) -> Option<(&'a str, &'a Value)> {
        let mut found = names.iter().filter_map(|name| self.named(name));
        let first = found.next()?;
        let other = found.find(|(_, value)| differ(value, first.1));
        if let Some((name, value)) = other {
            self.note(DiagnosticKind::Conflicting, name, &value.to_string());
        }
        Some(first)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    fn named(&self, name: &str) -> Option<(&'a str, &'a Value)> {
        self.stated.iter().find(|(stated, _)| plain(stated).eq(plain(name))).copied()
    }

    pub(super) fn text(&mut self, names: &[&str]) -> Option<String> {
        let (name, value) = self.find(names)?;
        let text = text_of(value);
        if text.is_none() {
            self.note(DiagnosticKind::WrongType, name, &value.to_string());
        }
        text
    }

    pub(super) fn boolean(&mut self, names: &[&str]) -> Option<bool> {
        let text = self.text(names)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => {
                self.note(DiagnosticKind::WrongType, names[0], &text);
                None
            }
        }
    }

    /// A number with or without a fraction.
    pub(super) fn number(&mut self, names: &[&str]) -> Option<f64> {
        let text = self.text(names)?;
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        if number.is_none() {
            self.note(DiagnosticKind::WrongType, names[0], &text);
        }
        number
    }

    /// A whole number, 0 or more; "12.0" is one.
    pub(super) fn whole(&mut self, names: &[&str]) -> Option<u64> {
        let text = self.text(names)?;
        let whole = text.parse().ok().or_else(|| text.parse().ok().and_then(rounded));
        if whole.is_none() {
            self.note(DiagnosticKind::WrongType, names[0], &text);
        }
        whole
    }

    pub(super) fn count(&mut self, names: &[&str]) -> Option<u32> {
        self.whole(names).map(|whole| u32::try_from(whole).unwrap_or(u32::MAX))
    }

    /// An instant: text with an offset, or an epoch number in the unit its size tells, with a fraction or not.
    pub(super) fn time(&mut self, names: &[&str]) -> Option<Timestamp> {
        let text = self.text(names)?;
        match time_of(&text) {
            Ok(time) => Some(time),
            Err(TimeError::Unset(_)) => None,
            Err(TimeError::NoOffset(_) | TimeError::NotATime(_)) => {
                self.note(DiagnosticKind::BadTime, names[0], &text);
                None
            }
        }
    }

    pub(super) fn milliseconds(&mut self, names: &[&str]) -> Option<DurationMs> {
        self.scaled(names, 1.0)
    }

    pub(super) fn seconds(&mut self, names: &[&str]) -> Option<DurationMs> {
        self.scaled(names, 1000.0)
    }

    fn scaled(&mut self, names: &[&str], factor: f64) -> Option<DurationMs> {
        let number = self.number(names)?;
        let duration = rounded(number * factor).map(DurationMs);
        if duration.is_none() {
            let kind =
                if number < 0.0 { DiagnosticKind::Unknown("negative".to_owned()) } else { DiagnosticKind::BadTime };
            self.note(kind, names[0], &number.to_string());
        }
        duration
    }

    pub(super) fn object_id(&mut self, names: &[&str]) -> Option<ObjectId> {
        let (name, value) = self.find(names)?;
        let text = match value {
            Value::Object(object) => {
                ["sha", "id", "hash"].iter().find_map(|name| object.get(*name)).and_then(text_of)?
            }
            other => text_of(other)?,
        };
        let id = ObjectId::new(&text);
        if id.is_none() {
            self.note(DiagnosticKind::WrongType, name, &text);
        }
        id
    }

    /// The elements of a list, at most as many as an entity holds; a single value is a list of one.
    pub(super) fn list(&mut self, names: &[&str]) -> Vec<&'a Value> {
        self.named_list(names).1
    }

    fn named_list(&mut self, names: &[&str]) -> (&'a str, Vec<&'a Value>) {
        let Some((name, value)) = self.find(names) else { return ("", Vec::new()) };
        let Value::Array(elements) = value else { return (name, vec![value]) };
        if elements.len() > LIST_ELEMENTS_MAX {
            self.note(DiagnosticKind::Truncated, name, &elements.len().to_string());
        }
        (name, elements.iter().take(LIST_ELEMENTS_MAX).filter(|value| is_stated(value)).collect())
    }

    pub(super) fn texts(&mut self, names: &[&str]) -> Vec<String> {
        self.list(names).into_iter().filter_map(text_of).collect()
    }

    /// Reads an object within this one; nothing when it is not there or no object.
    pub(super) fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'a>) -> T) -> Option<T> {
        let (name, value) = self.find(&[name])?;
        let Value::Object(object) = value else { return None };
        Some(self.nested(format!("{}/{name}", self.place), object, read))
    }

    /// Reads each object of a list within this one.
    pub(super) fn each<T>(&mut self, names: &[&str], mut read: impl FnMut(&mut Fields<'a>) -> T) -> Vec<T> {
        let (name, elements) = self.named_list(names);
        let mut all = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            if let Value::Object(object) = element {
                all.push(self.nested(format!("{}/{name}/{index}", self.place), object, &mut read));
            }
        }
        all
    }

    fn nested<T>(
        &mut self,
        place: String,
        object: &'a Map<String, Value>,
        read: impl FnOnce(&mut Fields<'a>) -> T,
    ) -> T {
        let mut inner = Fields::at(self.scope, place, object);
        let value = read(&mut inner);
        self.diagnostics.append(&mut inner.diagnostics);
        value
    }
}

/// Whether two values say different things; 5 and "5" do not.
fn differ(one: &Value, other: &Value) -> bool {
    one != other && text_of(one).is_none_or(|text| text_of(other) != Some(text))
}

fn is_stated(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    }
}

/// A name as it compares.
fn plain(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')).map(|byte| byte.to_ascii_lowercase())
}

pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An instant; an epoch number may have a fraction.
pub(super) fn time_of(text: &str) -> Result<Timestamp, TimeError> {
    match text.parse::<f64>() {
        Ok(number) if text.contains(['.', 'e', 'E']) => {
            let whole = if number.abs() < 1e11 { number * 1000.0 } else { number };
            let whole = rounded(whole).and_then(|whole| i64::try_from(whole).ok());
            Timestamp::from_epoch(whole.ok_or_else(|| TimeError::NotATime(text.to_owned()))?)
        }
        _ => text.parse(),
    }
}

/// The nearest whole number, unless it is negative or too large.
fn rounded(number: f64) -> Option<u64> {
    let number = number.round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    (0.0..9e15).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_different_values_conflict() {
        let object = serde_json::json!({ "a": "x", "b": "x ", "c": 5, "d": "5", "e": 6, "f": [1], "g": [1] });
        let mut fields = Fields::new("test", object.as_object().unwrap());
        for same in [["a", "b"], ["c", "d"], ["f", "g"]] {
            fields.find(&same);
        }
        assert_eq!(fields.diagnostics, []);
        fields.find(&["c", "e"]);
        assert_eq!(fields.into_diagnostics().len(), 1);
    }
}
