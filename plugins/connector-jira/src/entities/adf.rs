//! Texts: plain in version 2 of the API and in webhooks, a tree of nodes ("Atlassian document format") in version 3.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{MapAccess, value::MapAccessDeserializer};
use serde_json::Value;
use weir_sdk::field::{Field, Lenient};

/// A text in either form, as plain text.
#[derive(Default)]
pub(super) struct Prose(String);

impl Prose {
    /// The text, none when it says nothing.
    pub(super) fn filled(self) -> Option<String> {
        weir_sdk::text::filled(Cow::Borrowed(self.0.trim()))
    }
}

impl<'de> Lenient<'de> for Prose {
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        Field::Stated(Self(text.into_owned()))
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Field<Self>, A::Error> {
        let document = Value::deserialize(MapAccessDeserializer::new(object))?;
        let mut text = String::new();
        write(&document, &mut text);
        Ok(Field::Stated(Self(text)))
    }
}

/// Nodes that end a line.
const BLOCKS: &[&str] =
    &["blockquote", "codeBlock", "hardBreak", "heading", "listItem", "paragraph", "rule", "tableRow"];

fn write(node: &Value, text: &mut String) {
    let shown = ["/text", "/attrs/text", "/attrs/url"];
    if let Some(own) = shown.iter().find_map(|place| node.pointer(place).and_then(Value::as_str)) {
        text.push_str(own);
    }
    node["content"].as_array().into_iter().flatten().for_each(|child| write(child, text));
    if node["type"].as_str().is_some_and(|kind| BLOCKS.contains(&kind)) && !text.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_reads_as_its_text() {
        let json = r#"{"type": "doc", "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "Ask "}, {"type": "mention", "attrs": {"text": "@ana"}}]},
            {"type": "bulletList", "content": [{"type": "listItem", "content": [
                {"type": "paragraph", "content": [{"type": "inlineCard", "attrs": {"url": "https://acme.example"}}]}]}]}]}"#;
        let prose: Field<Prose> = serde_json::from_str(json).unwrap();
        let Field::Stated(prose) = prose else { panic!("a document is read") };
        assert_eq!(prose.filled().as_deref(), Some("Ask @ana\nhttps://acme.example"));
    }
}
