//! Search syntax: one language for searches, triggers and the definitions of metrics.
//!
//! Lucene-like: `kind:build AND (result:failure OR result:unstable) NOT branch:main`. Terms side by side must all
//! match; keywords compare without regard to case; bare words search title and text.

mod matching;
mod parse;
mod suggest;

use std::str::FromStr;

pub use parse::FilterError;

use crate::search::SearchDocument;

/// Longest filter, in bytes.
pub const FILTER_BYTES_MAX: usize = 8 << 10;
/// Deepest nesting of parentheses and negations.
pub const FILTER_DEPTH_MAX: usize = 32;

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

impl Filter {
    /// Whether the document is so.
    pub fn matches(&self, document: &SearchDocument) -> bool {
        matching::matches(self, document)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        parse::parse(text)
    }
}

pub use matching::{instant_range, keyword_is, wildcard, words};

#[cfg(test)]
mod tests;
