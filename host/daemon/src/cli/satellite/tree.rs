//! A tree of YAML that knows what was read of it, so that the rest can be told.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Map, Value};

/// A part of the file.
pub(super) struct Tree {
    value: Value,
    path: String,
    read: Rc<RefCell<BTreeSet<String>>>,
}

impl Tree {
    pub(super) fn new(value: Value) -> Self {
        Self { value, path: String::new(), read: Rc::default() }
    }

    /// The part of that name; an empty one where there is none. The other system's documentation writes `satellite::`.
    pub(super) fn child(&self, name: &str) -> Self {
        let found = self.fields().find(|(key, _)| key.trim_end_matches(':') == name);
        let (key, value) = found.map_or((name, Value::Null), |(key, value)| (key.as_str(), value.clone()));
        self.part(&join(&self.path, key), value)
    }

    /// The parts of the list of that name.
    pub(super) fn list(&self, name: &str) -> Vec<Self> {
        let list = self.child(name);
        let Value::Array(elements) = &list.value else { return Vec::new() };
        let part = |(index, value): (usize, &Value)| self.part(&format!("{}[{index}]", list.path), value.clone());
        elements.iter().enumerate().map(part).collect()
    }

    /// A text, number or flag as text; none of nothing.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let child = self.child(name);
        let text = match &child.value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        self.read.borrow_mut().insert(child.path);
        Some(text).filter(|text| !text.is_empty())
    }

    /// The texts of a list, or of a text with commas between them.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let child = self.child(name);
        let Value::Array(elements) = &child.value else {
            let text = self.text(name).unwrap_or_default();
            return text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
        };
        self.read.borrow_mut().insert(child.path.clone());
        elements.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Flags whose names begin so.
    pub(super) fn flags(&self, prefix: &str) -> Vec<(String, bool)> {
        let names = self.fields().map(|(key, _)| key.clone()).filter(|key| key.starts_with(prefix));
        names.filter_map(|name| Some((name.clone(), self.text(&name)? == "true"))).collect()
    }

    /// Counts all of it as read.
    pub(super) fn leave(&self) {
        self.read.borrow_mut().insert(self.path.clone());
    }

    /// Paths of everything nobody read.
    pub(super) fn unread(&self) -> Vec<String> {
        let mut leaves = Vec::new();
        collect(&self.value, &self.path, &mut leaves);
        let read = self.read.borrow();
        // What lies in something that was read as a whole was read with it.
        let is_read = |leaf: &String| {
            read.iter()
                .any(|read| leaf == read || leaf.strip_prefix(read).is_some_and(|rest| rest.starts_with(['[', '.'])))
        };
        leaves.into_iter().filter(|leaf| !is_read(leaf)).collect()
    }

    fn fields(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.value.as_object().into_iter().flat_map(Map::iter)
    }

    fn part(&self, path: &str, value: Value) -> Self {
        Self { value, path: path.to_owned(), read: self.read.clone() }
    }
}

fn join(path: &str, name: &str) -> String {
    let name = name.trim_end_matches(':');
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn collect(value: &Value, path: &str, leaves: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| collect(value, &join(path, name), leaves)),
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| collect(value, &format!("{path}[{index}]"), leaves));
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => leaves.push(path.to_owned()),
    }
}
