//! What was meant where a word of a search is nowhere in the index.

use schemars::JsonSchema;
use serde::Serialize;
use tantivy::Searcher;
use weir_model::Filter;
use weir_model::filter::{Match, nearest, words};
use weir_model::search::FieldType;

use super::Index;
use super::fields::{NUL, has, is_in_element, is_open, term_prefix};
use crate::derived::{DerivedError, Doing};

/// Most terms of a field that are looked at, in their order.
const TERMS_MAX: usize = 200_000;
/// Words shorter than this are near to too many others.
const LETTERS_MIN: usize = 3;

/// Something in a filter that nothing has, and the nearest that something has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "SearchSuggestion")]
pub struct Suggestion {
    /// As it is written, with its field: `result:failre`.
    pub written: String,
    /// What may be meant: `result:failure`.
    pub meant: String,
}

impl Index {
    /// Misspelt values, words and names of open fields among what `filter` wants.
    pub fn suggestions(&self, filter: &Filter) -> Result<Vec<Suggestion>, DerivedError> {
        let searcher = self.reader.searcher();
        let mut suggestions = Vec::new();
        for (field, is) in filter.wanted() {
            let suggested = self.of_term(&searcher, field, is).doing("suggest what was meant")?;
            suggestions.extend(suggested);
        }
        suggestions.dedup();
        Ok(suggestions)
    }

    fn of_term(&self, searcher: &Searcher, name: Option<&str>, is: &Match) -> tantivy::Result<Option<Suggestion>> {
        if let Some(open) = name.filter(|name| is_open(name)) {
            let known = terms(searcher, self.fields.terms, &has(""))?;
            if !known.iter().any(|known| known == open) {
                let meant = nearest(
                    open,
                    known.iter().map(String::as_str).filter(|name| is_open(name) && !is_in_element(name)),
                );
                return Ok(meant.map(|meant| Suggestion { written: format!("{open}:"), meant: format!("{meant}:") }));
            }
        }
        let (Match::Word(wanted) | Match::Phrase(wanted)) = is else { return Ok(None) };
        let fields = name.map_or(vec!["title", "text"], |name| vec![name]);
        let Some(kind) = fields.first().and_then(|name| self.fields.named(name)).map(|(_, kind)| kind) else {
            return Ok(None);
        };
        let wanted = match kind {
            FieldType::Keyword => vec![wanted.to_lowercase()],
            FieldType::Text => words(wanted),
            FieldType::Date | FieldType::Number => return Ok(None),
        };
        let mut known = Vec::new();
        for name in fields {
            known.extend(match self.fields.named(name) {
                Some((_, FieldType::Keyword)) => terms(searcher, self.fields.terms, &term_prefix(name))?,
                Some((field, _)) => terms(searcher, field, "")?,
                None => Vec::new(),
            });
        }
        let misspelt = wanted.iter().filter(|word| word.chars().count() >= LETTERS_MIN && !known.contains(word));
        let mut meant = misspelt.filter_map(|word| Some((word, nearest(word, known.iter().map(String::as_str))?)));
        let written = |value: &str| match name {
            Some(name) if value.contains(|c: char| !c.is_alphanumeric() && !"_-./".contains(c)) => {
                format!("{name}:\"{}\"", value.replace('"', "\\\""))
            }
            Some(name) => format!("{name}:{value}"),
            None => value.to_owned(),
        };
        Ok(meant.next().map(|(word, meant)| Suggestion { written: written(word), meant: written(meant) }))
    }
}

/// Terms of a field without the prefix they all begin with.
fn terms(searcher: &Searcher, field: tantivy::schema::Field, prefix: &str) -> tantivy::Result<Vec<String>> {
    let mut found = Vec::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(field)?;
        let mut terms = index.terms().range().ge(prefix).into_stream()?;
        while let Some((term, _)) = terms.next() {
            if found.len() == TERMS_MAX || !term.starts_with(prefix.as_bytes()) {
                break;
            }
            if let Ok(term) = std::str::from_utf8(&term[prefix.len()..]) {
                found.extend((!term.contains(NUL)).then(|| term.to_owned()));
            }
        }
    }
    Ok(found)
}
