//! From a search document to one of the index, and back.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tantivy::TantivyDocument;
use tantivy::schema::Value;
use weir_model::search::{ELEMENTS_MAX, FieldType, field};
use weir_model::{EntityId, SearchDocument, Timestamp};

use super::fields::{self, Fields, NUL, OPEN, column_prefix, has, in_element, is_open, of_entity, term_prefix};
use super::search::Hit;

/// What is kept of a search document: all but the text, which is long, and which the entity has.
#[derive(Serialize, Deserialize)]
struct Kept<'d> {
    #[serde(borrow)]
    keywords: Vec<(&'d str, Vec<&'d str>)>,
    /// Milliseconds, and the minutes of the offset.
    dates: Vec<(&'d str, i64, i16)>,
    numbers: Vec<(&'d str, f64)>,
    title: Option<&'d str>,
}

impl<'d> Kept<'d> {
    fn of(document: &'d SearchDocument) -> Self {
        let keywords = document.keywords.iter();
        let dates = document.dates.iter();
        Self {
            keywords: keywords.map(|(name, values)| (&**name, values.iter().map(|value| &**value).collect())).collect(),
            dates: dates.map(|(name, date)| (&**name, date.ms(), date.offset_minutes())).collect(),
            numbers: document.numbers.iter().map(|(name, number)| (&**name, *number)).collect(),
            title: document.title.as_deref(),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("lists of known length, texts and numbers serialise")
    }

    fn document(self) -> SearchDocument {
        let values = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect();
        let date = |ms, offset| Timestamp::from_ms(ms).at_offset(offset);
        SearchDocument {
            keywords: self.keywords.into_iter().map(|(name, all)| (name.to_owned(), values(all))).collect(),
            dates: self.dates.into_iter().map(|(name, ms, offset)| (name.to_owned(), date(ms, offset))).collect(),
            numbers: self.numbers.into_iter().map(|(name, number)| (name.to_owned(), number)).collect(),
            title: self.title.map(str::to_owned),
            text: None,
            elements: BTreeMap::new(),
        }
    }
}

impl Fields {
    pub(super) fn document(&self, id: &EntityId, document: &SearchDocument) -> TantivyDocument {
        let mut new = TantivyDocument::default();
        let id = id.to_string();
        new.add_u64(self.tie, tie(&id));
        new.add_text(self.terms, of_entity(&id));
        new.add_text(self.entity, id);
        new.add_bytes(self.kept, &Kept::of(document).to_bytes());
        self.add_keywords(&mut new, document);
        self.add_elements(&mut new, document);
        self.add_values(&mut new, document);
        for (name, text) in [("title", &document.title), ("text", &document.text)] {
            if let (Some(text), Some((field, _))) = (text, self.named(name)) {
                new.add_text(self.terms, has(name));
                new.add_text(field, text);
            }
        }
        new
    }

    fn add_keywords(&self, new: &mut TantivyDocument, document: &SearchDocument) {
        for (name, values) in &document.keywords {
            let Some((field, FieldType::Keyword)) = self.named(name) else { continue };
            // A name with the separator in it could pose as another one; no filter can be written for it either.
            if values.is_empty() || name.contains(NUL) {
                continue;
            }
            new.add_text(self.terms, has(name));
            let (term, column) = (term_prefix(name), column_prefix(name));
            // Facets count documents, and a value that stands twice is in one document.
            for value in values.iter().collect::<BTreeSet<_>>() {
                new.add_text(self.terms, format!("{term}{}", value.to_lowercase()));
                new.add_text(field, format!("{column}{value}"));
            }
        }
    }

    /// Terms by which one element of a list is found; they are in no column, for nothing counts them.
    fn add_elements(&self, new: &mut TantivyDocument, document: &SearchDocument) {
        for (list, elements) in &document.elements {
            for (at, element) in elements.iter().take(ELEMENTS_MAX).enumerate() {
                new.add_text(self.terms, has(&fields::element(list, at)));
                for (name, values) in element.keywords.iter().filter(|(name, _)| !name.contains(NUL)) {
                    let name = in_element(name, list, at);
                    new.add_text(self.terms, has(&name));
                    let term = term_prefix(&name);
                    for value in values {
                        new.add_text(self.terms, format!("{term}{}", value.to_lowercase()));
                    }
                }
            }
        }
    }

    fn add_values(&self, new: &mut TantivyDocument, document: &SearchDocument) {
        for (name, date) in &document.dates {
            let Some((field, FieldType::Date)) = self.named(name) else { continue };
            new.add_text(self.terms, has(name));
            new.add_i64(field, date.ms());
        }
        for (name, number) in &document.numbers {
            let Some((field, FieldType::Number)) = self.named(name) else { continue };
            new.add_text(self.terms, has(name));
            new.add_f64(field, *number);
        }
    }

    /// The hit that a stored document is; none when it is not one of ours.
    pub(super) fn hit(&self, stored: &TantivyDocument) -> Option<Hit> {
        let id = stored.get_first(self.entity)?.as_str()?.parse().ok()?;
        let kept: Kept<'_> = postcard::from_bytes(stored.get_first(self.kept)?.as_bytes()?).ok()?;
        Some(Hit { id, document: kept.document() })
    }
}

/// FNV-1a of the written id: the same on every machine, and in every version of the index.
fn tie(id: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    id.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// The column of the values of a keyword field; none of other fields.
pub(super) fn keyword_column(name: &str) -> Option<&str> {
    let keyword = field(name).is_some_and(|field| field.kind == FieldType::Keyword);
    keyword.then(|| if is_open(name) { OPEN } else { name })
}
