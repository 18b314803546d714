//! From a search document to one of the index, and back.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tantivy::TantivyDocument;
use tantivy::schema::Value;
use weir_model::search::{FieldType, field};
use weir_model::{EntityId, SearchDocument, Timestamp};

use super::fields::{Fields, NUL, OPEN, is_open, term_prefix};
use super::search::Hit;

/// What is kept of a search document: all but the text, which is long, and which the entity has.
#[derive(Serialize)]
struct Kept<'d> {
    keywords: &'d BTreeMap<String, Vec<String>>,
    dates: &'d BTreeMap<String, Timestamp>,
    numbers: BTreeMap<&'d str, f64>,
    title: Option<&'d str>,
}

impl Fields {
    pub(super) fn document(&self, id: &EntityId, document: &SearchDocument) -> TantivyDocument {
        let mut new = TantivyDocument::default();
        new.add_text(self.entity, id.to_string());
        new.add_bytes(self.document, &kept(document));
        self.add_keywords(&mut new, document);
        self.add_values(&mut new, document);
        for (name, text) in [("title", &document.title), ("text", &document.text)] {
            if let (Some(text), Some((field, _))) = (text, self.named(name)) {
                new.add_text(self.has, name);
                new.add_text(field, text);
            }
        }
        new.add_u64(self.tie, tie(id));
        new
    }

    fn add_keywords(&self, new: &mut TantivyDocument, document: &SearchDocument) {
        for (name, values) in &document.keywords {
            let Some((field, FieldType::Keyword)) = self.named(name) else { continue };
            // A name with the separator in it could pose as another one; no filter can be written for it either.
            if values.is_empty() || name.contains(NUL) {
                continue;
            }
            new.add_text(self.has, name);
            let prefix = term_prefix(name);
            // Facets count documents, and a value that stands twice is in one document.
            for value in values.iter().collect::<BTreeSet<_>>() {
                new.add_text(field, format!("{prefix}{value}"));
            }
        }
    }

    fn add_values(&self, new: &mut TantivyDocument, document: &SearchDocument) {
        for (name, date) in &document.dates {
            let Some((field, FieldType::Date)) = self.named(name) else { continue };
            new.add_text(self.has, name);
            new.add_i64(field, date.ms());
        }
        for (name, number) in &document.numbers {
            let Some((field, FieldType::Number)) = self.named(name) else { continue };
            new.add_text(self.has, name);
            new.add_f64(field, *number);
        }
    }

    /// The hit that a stored document is; none when it is not one of ours.
    pub(super) fn hit(&self, stored: &TantivyDocument) -> Option<Hit> {
        let id = stored.get_first(self.entity)?.as_str()?.parse().ok()?;
        let document = serde_json::from_slice(stored.get_first(self.document)?.as_bytes()?).ok()?;
        Some(Hit { id, document })
    }
}

fn kept(document: &SearchDocument) -> Vec<u8> {
    // JSON has no word for the others.
    let finite = document.numbers.iter().filter(|(_, number)| number.is_finite());
    let kept = Kept {
        keywords: &document.keywords,
        dates: &document.dates,
        numbers: finite.map(|(name, number)| (name.as_str(), *number)).collect(),
        title: document.title.as_deref(),
    };
    serde_json::to_vec(&kept).expect("maps with text keys and finite numbers serialise")
}

/// FNV-1a of the written id: the same on every machine, and in every version of the index.
fn tie(id: &EntityId) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    id.to_string().bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// The column of the values of a keyword field; none of other fields.
pub(super) fn keyword_column(name: &str) -> Option<&str> {
    let keyword = field(name).is_some_and(|field| field.kind == FieldType::Keyword);
    keyword.then(|| if is_open(name) { OPEN } else { name })
}
