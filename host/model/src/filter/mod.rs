//! Search syntax: one language for searches, triggers and the definitions of metrics.
//!
//! Lucene-like: `kind:build AND (result:failure OR result:unstable) NOT branch:main`. Terms side by side must all
//! match; keywords compare without regard to case; bare words search title and text.

mod days;
mod highlight;
mod matching;
mod parse;
mod relative;
mod suggest;

use std::collections::BTreeMap;
use std::str::FromStr;

pub use highlight::{MARKED_CHARS_MAX, marked};
pub use parse::FilterError;
pub use suggest::nearest;

use crate::calendar::Calendar;
use crate::search::SearchDocument;
use crate::time::Timestamp;

/// Longest filter, in bytes.
pub const FILTER_BYTES_MAX: usize = 8 << 10;
/// Deepest nesting of parentheses and negations.
pub const FILTER_DEPTH_MAX: usize = 32;
/// Most saved searches in one filter, those within others counted.
pub const FILTER_SAVED_MAX: usize = 100;

/// What a document must be like.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Anything: `*`, or an empty text.
    All,
    /// All of these.
    And(Vec<Filter>),
    /// One of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A field, or title and text when none is named, matches.
    Term {
        /// Name of the field.
        field: Option<String>,
        /// How.
        is: Match,
    },
    /// One element of a list in custom data is so: `data.items:{price:>10 name:bolt}`.
    Element {
        /// Path of the list.
        list: String,
        /// How one of its elements must be. Names of fields are whole paths.
        is: Box<Filter>,
    },
}

/// How a value must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Match {
    /// Equal to this, or holding this word.
    Word(String),
    /// Equal to this, or holding these words in this order.
    Phrase(String),
    /// Like this, where `*` stands for any text and `?` for one character.
    Wildcard(String),
    /// There is a value: `field:*`.
    Exists,
    /// Between these.
    Range(Bound, Bound),
}

/// End of a range.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// `*`: no end.
    Open,
    /// `[` or `]`: the value itself belongs to the range.
    Included(String),
    /// `{` or `}`: the value itself does not.
    Excluded(String),
}

/// What a filter may name besides fields: searches that were saved, values that are given, and the present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Saved searches by name: `saved:name`.
    pub saved: BTreeMap<String, String>,
    /// Values of variables by name: `$name` stands for one value, whatever is in it.
    pub variables: BTreeMap<String, String>,
    /// What `now` means. None where the answer must not change with the clock.
    pub now: Option<Timestamp>,
    /// Whose days the days of date fields are.
    pub calendar: Calendar,
}

impl Vocabulary {
    /// Reads a filter in which these may be named.
    pub fn filter(&self, text: &str) -> Result<Filter, FilterError> {
        parse::parse(text, self).map(|filter| filter.of_calendar(&self.calendar))
    }
}

impl Filter {
    /// Whether the document is so.
    pub fn matches(&self, document: &SearchDocument) -> bool {
        matching::matches(self, document)
    }

    /// The filter without what it demands of `field` alone, so that the values of the field can be counted as if none
    /// had been chosen.
    #[must_use]
    pub fn without(&self, field: &str) -> Self {
        match self {
            Self::And(filters) => {
                Self::And(filters.iter().filter(|filter| !filter.is_about(field)).map(|f| f.without(field)).collect())
            }
            filter if filter.is_about(field) => Self::All,
            filter => filter.clone(),
        }
    }

    /// Whether nothing but `field` decides.
    fn is_about(&self, name: &str) -> bool {
        match self {
            Self::All | Self::Element { .. } => false,
            Self::And(filters) | Self::Or(filters) => {
                !filters.is_empty() && filters.iter().all(|filter| filter.is_about(name))
            }
            Self::Not(filter) => filter.is_about(name),
            Self::Term { field, .. } => field.as_deref() == Some(name),
        }
    }

    /// The terms a document may match by: those that are not excluded.
    pub fn wanted(&self) -> Vec<(Option<&str>, &Match)> {
        match self {
            Self::All | Self::Not(_) => Vec::new(),
            Self::And(filters) | Self::Or(filters) => filters.iter().flat_map(Self::wanted).collect(),
            Self::Element { is, .. } => is.wanted(),
            Self::Term { field, is } => vec![(field.as_deref(), is)],
        }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Vocabulary::default().filter(text)
    }
}

pub use matching::{instant_range, keyword_is, wildcard, word_places, words};

#[cfg(test)]
mod tests;
