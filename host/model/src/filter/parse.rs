//! From text to [`Filter`]: recursive descent over a few tokens.
//!
//! Saved searches, variables and relative times are replaced while reading, so that a filter that was read is pure.

use std::cell::Cell;

use super::{
    Bound, FILTER_BYTES_MAX, FILTER_DEPTH_MAX, FILTER_SAVED_MAX, Filter, Match, Vocabulary, relative, suggest,
};
use crate::search::{FIELDS, FieldType, field};

/// Stands where a field would, before the name of a saved search.
const SAVED: &str = "saved";

/// Begin of the paths of custom data.
const DATA: &str = "data.";

/// A text that is no filter. Places count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No such field.
    #[error("no field `{name}`{}", did_you_mean(nearest.as_deref()))]
    UnknownField {
        /// What was written.
        name: String,
        /// What was meant, perhaps.
        nearest: Option<String>,
        /// Where.
        at: usize,
    },
    /// No such saved search, or one that is not given.
    #[error("no saved search `{name}`{}", did_you_mean(nearest.as_deref()))]
    UnknownSearch {
        /// What was written.
        name: String,
        /// What was meant, perhaps.
        nearest: Option<String>,
        /// Where.
        at: usize,
    },
    /// A saved search that cannot be read.
    #[error("in the saved search `{name}`: {inner}")]
    Saved {
        /// Which.
        name: String,
        /// What is wrong with it.
        inner: Box<FilterError>,
        /// Where it is used.
        at: usize,
    },
    /// A saved search that holds itself, perhaps by way of others.
    #[error("the saved search `{name}` holds itself")]
    Cycle {
        /// Which.
        name: String,
        /// Where it is used.
        at: usize,
    },
    /// A variable that has no value.
    #[error("no value for `${name}`; give one with `var.{name}=`, or write `\"${name}\"` for the text itself")]
    UnknownVariable {
        /// Its name.
        name: String,
        /// Where.
        at: usize,
    },
    /// A time relative to the present, where there is none.
    #[error("`{text}` moves with the clock, which only a search may")]
    NoPresent {
        /// What was written.
        text: String,
        /// Where.
        at: usize,
    },
    /// Something else was expected.
    #[error("expected {expected} at character {at}")]
    Syntax {
        /// What would have fitted.
        expected: &'static str,
        /// Where.
        at: usize,
    },
    /// Longer or deeper than a filter may be.
    #[error(
        "a filter holds at most {FILTER_BYTES_MAX} bytes, nests at most {FILTER_DEPTH_MAX} deep and names at most {FILTER_SAVED_MAX} saved searches"
    )]
    TooLarge,
}

impl FilterError {
    /// Where in the text, counted in characters from 1.
    pub fn at(&self) -> Option<usize> {
        match self {
            Self::UnknownField { at, .. }
            | Self::UnknownSearch { at, .. }
            | Self::Saved { at, .. }
            | Self::Cycle { at, .. }
            | Self::UnknownVariable { at, .. }
            | Self::NoPresent { at, .. }
            | Self::Syntax { at, .. } => Some(*at),
            Self::TooLarge => None,
        }
    }

    /// The text with a caret below the place, in two lines.
    pub fn pointed(&self, text: &str) -> Option<String> {
        let at = self.at()?;
        let line: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
        Some(format!("{line}\n{}^", " ".repeat(at - 1)))
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// Reads a filter.
pub(super) fn parse(text: &str, vocabulary: &Vocabulary) -> Result<Filter, FilterError> {
    parse_within(text, vocabulary, &[], &Cell::new(FILTER_SAVED_MAX))
}

/// Reads `text`. `within` are the saved searches it stands in, the outermost first; `uses` tells how many more may be
/// put in their places, for some that each name another twice would grow without end.
fn parse_within(
    text: &str,
    vocabulary: &Vocabulary,
    within: &[&str],
    uses: &Cell<usize>,
) -> Result<Filter, FilterError> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(FilterError::TooLarge);
    }
    let mut parser = Parser { text, at: 0, depth: within.len(), list: None, vocabulary, within, uses };
    if parser.peek().is_none() {
        return Ok(Filter::All);
    }
    let filter = parser.any()?;
    match parser.peek() {
        None => Ok(filter),
        Some(_) => Err(parser.expected("a term, AND, OR or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Path of the list whose element is described, between braces.
    list: Option<String>,
    vocabulary: &'a Vocabulary,
    within: &'a [&'a str],
    uses: &'a Cell<usize>,
}

impl<'a> Parser<'a> {
    /// `a OR b`
    fn any(&mut self) -> Result<Filter, FilterError> {
        let mut alternatives = vec![self.all()?];
        while self.word("OR") || self.symbol("||") {
            alternatives.push(self.all()?);
        }
        Ok(one_or(alternatives, Filter::Or))
    }

    /// `a AND b`, `a b`
    fn all(&mut self) -> Result<Filter, FilterError> {
        let mut terms = vec![self.signed()?];
        loop {
            let joined = self.word("AND") || self.symbol("&&");
            match self.peek() {
                None | Some(')') if !joined => break,
                Some('}') if !joined && self.list.is_some() => break,
                _ if !joined && (self.sees_word("OR") || self.rest().starts_with("||")) => break,
                _ => terms.push(self.signed()?),
            }
        }
        Ok(one_or(terms, Filter::And))
    }

    fn signed(&mut self) -> Result<Filter, FilterError> {
        if self.word("NOT") || self.symbol("!") || self.symbol("-") {
            return self.nested(|parser| Ok(Filter::Not(Box::new(parser.signed()?))));
        }
        let _required = self.symbol("+");
        if self.symbol("(") {
            return self.nested(|parser| parser.closed(Parser::any));
        }
        self.term()
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, FilterError>) -> Result<T, FilterError> {
        self.depth += 1;
        let result = if self.depth > FILTER_DEPTH_MAX { Err(FilterError::TooLarge) } else { inner(self) };
        self.depth -= 1;
        result
    }

    fn closed<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, FilterError>) -> Result<T, FilterError> {
        let value = inner(self)?;
        if self.symbol(")") { Ok(value) } else { Err(self.expected("`)`")) }
    }

    fn term(&mut self) -> Result<Filter, FilterError> {
        let field = self.field()?;
        let name = field.as_deref();
        if name == Some(SAVED) {
            return self.nested(Self::saved);
        }
        if name.is_some() && self.symbol("(") {
            return self.nested(|parser| parser.closed(|parser| parser.values(name)));
        }
        if let Some(list) = name.filter(|name| self.sees_element(name)) {
            return self.nested(|parser| parser.element(list));
        }
        if name.is_none() && self.rest().starts_with('*') && self.lone_star() {
            return Ok(Filter::All);
        }
        if self.word("IN") {
            return self.listed(name);
        }
        let is = self.value(name)?;
        Ok(Filter::Term { field, is })
    }

    /// Whether the braces that follow describe an element, and no range.
    fn sees_element(&mut self, name: &str) -> bool {
        let begin = self.at;
        let is_list = name.starts_with(DATA) && self.list.is_none() && self.symbol("{");
        let is_range = is_list && self.end(Some(name), " \t]}").is_ok() && self.word("TO");
        self.at = begin;
        is_list && !is_range
    }

    /// `data.list:{price:>10 name:bolt}`: one element is all of this. Names are those in the element, and a value without
    /// one is the element itself.
    fn element(&mut self, list: &str) -> Result<Filter, FilterError> {
        self.symbol("{");
        self.list = Some(list.to_owned());
        let is = self.any();
        self.list = None;
        let is = Box::new(is?);
        if self.symbol("}") { Ok(Filter::Element { list: list.to_owned(), is }) } else { Err(self.expected("`}`")) }
    }

    /// `saved:name`: what the saved search finds.
    fn saved(&mut self) -> Result<Filter, FilterError> {
        self.peek();
        let at = self.place();
        let name = match self.peek() {
            Some('"' | '\'') => self.quoted()?,
            _ => self.plain(" \t)")?.to_owned(),
        };
        let Some(text) = self.vocabulary.saved.get(&name) else {
            let nearest = suggest::nearest(&name, self.vocabulary.saved.keys().map(String::as_str)).map(str::to_owned);
            return Err(FilterError::UnknownSearch { name, nearest, at });
        };
        if self.within.contains(&name.as_str()) {
            return Err(FilterError::Cycle { name, at });
        }
        let uses = self.uses.get().checked_sub(1).filter(|_| self.depth <= FILTER_DEPTH_MAX);
        self.uses.set(uses.ok_or(FilterError::TooLarge)?);
        let within: Vec<&str> = self.within.iter().copied().chain([name.as_str()]).collect();
        parse_within(text, self.vocabulary, &within, self.uses).map_err(|inner| FilterError::Saved {
            inner: Box::new(inner),
            name: name.clone(),
            at,
        })
    }

    /// `field:(a OR b)`: the field applies to each value.
    fn values(&mut self, field: Option<&str>) -> Result<Filter, FilterError> {
        let mut values = Vec::new();
        let mut every = false;
        while !matches!(self.peek(), None | Some(')')) {
            let and = self.word("AND");
            every |= and;
            if !and {
                self.word("OR");
            }
            let not = self.word("NOT") || self.symbol("-");
            let term = Filter::Term { field: field.map(str::to_owned), is: self.value(field)? };
            values.push(if not { Filter::Not(Box::new(term)) } else { term });
        }
        if values.is_empty() {
            return Err(self.expected("a value"));
        }
        Ok(one_or(values, if every { Filter::And } else { Filter::Or }))
    }

    /// `field: IN [a "b c" d]`
    fn listed(&mut self, field: Option<&str>) -> Result<Filter, FilterError> {
        if !self.symbol("[") {
            return Err(self.expected("`[`"));
        }
        let mut values = Vec::new();
        while !self.symbol("]") {
            let is = match self.peek() {
                Some('"' | '\'') => Match::Phrase(self.quoted()?),
                _ => Match::Phrase(self.said(" \t]")?),
            };
            values.push(Filter::Term { field: field.map(str::to_owned), is });
        }
        Ok(Filter::Or(values))
    }

    /// `name:` when one stands here.
    fn field(&mut self) -> Result<Option<String>, FilterError> {
        self.peek();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')));
        let Some(end) = end.filter(|end| *end > 0 && rest[*end..].starts_with(':')) else {
            return Ok(self.list.clone());
        };
        let name = &rest[..end];
        if let Some(list) = &self.list {
            self.at += end + 1;
            return Ok(Some(format!("{list}.{name}")));
        }
        if field(name).is_none() && name != SAVED {
            let nearest = suggest::nearest(name, FIELDS.iter().map(|field| field.name)).map(str::to_owned);
            return Err(FilterError::UnknownField { name: name.to_owned(), nearest, at: self.place() });
        }
        self.at += end + 1;
        Ok(Some(name.to_owned()))
    }

    fn value(&mut self, field: Option<&str>) -> Result<Match, FilterError> {
        for (symbol, below, included) in
            [(">=", false, true), ("<=", true, true), (">", false, false), ("<", true, false)]
        {
            if field.is_some() && self.symbol(symbol) {
                let value = self.end(field, self.ends())?;
                let bound = if included { Bound::Included(value) } else { Bound::Excluded(value) };
                return Ok(if below { Match::Range(Bound::Open, bound) } else { Match::Range(bound, Bound::Open) });
            }
        }
        match self.peek() {
            Some('[' | '{') if field.is_some() => self.range(field),
            Some('"' | '\'') => Ok(Match::Phrase(self.quoted()?)),
            Some(_) => self.word_or_pattern(field),
            None => Err(self.expected("a value")),
        }
    }

    fn word_or_pattern(&mut self, field: Option<&str>) -> Result<Match, FilterError> {
        self.peek();
        let at = self.place();
        let text = self.said(self.ends())?;
        let is_date = field.and_then(crate::search::field).is_some_and(|field| field.kind == FieldType::Date);
        Ok(if is_date { shape(self.absolute(text, at)?, true) } else { shape(text, field.is_some()) })
    }

    /// `[a TO b}`
    fn range(&mut self, field: Option<&str>) -> Result<Match, FilterError> {
        let included = self.rest().starts_with('[');
        self.at += 1;
        let lower = self.end(field, " \t]}")?;
        if !self.word("TO") {
            return Err(self.expected("`TO`"));
        }
        let upper = self.end(field, " \t]}")?;
        let lower = bound(lower, included);
        if self.symbol("]") {
            Ok(Match::Range(lower, bound(upper, true)))
        } else if self.symbol("}") {
            Ok(Match::Range(lower, bound(upper, false)))
        } else {
            Err(self.expected("`]` or `}`"))
        }
    }

    /// End of a range, a relative time as the instant it means.
    fn end(&mut self, field: Option<&str>, stops: &str) -> Result<String, FilterError> {
        if let Some('"' | '\'') = self.peek() {
            return self.quoted();
        }
        let at = self.place();
        let text = self.said(stops)?;
        let kind = field.and_then(crate::search::field);
        let moves = kind.is_some_and(|field| field.kind == FieldType::Date || field.is_open());
        if moves { self.absolute(text, at) } else { Ok(text) }
    }

    fn absolute(&self, text: String, at: usize) -> Result<String, FilterError> {
        match (relative::read(&text), self.vocabulary.now) {
            (None, _) => Ok(text),
            (Some(relative), Some(now)) => Ok(relative.from(now, &self.vocabulary.calendar)),
            (Some(_), None) => Err(FilterError::NoPresent { text, at }),
        }
    }

    /// A plain value, or that of the variable it names.
    fn said(&mut self, stops: &str) -> Result<String, FilterError> {
        self.peek();
        let at = self.place();
        let text = self.plain(stops)?;
        let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
        let Some(name) = text.strip_prefix('$').filter(is_name) else { return Ok(text.to_owned()) };
        let value = self.vocabulary.variables.get(name).cloned();
        value.ok_or_else(|| FilterError::UnknownVariable { name: name.to_owned(), at })
    }

    fn quoted(&mut self) -> Result<String, FilterError> {
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map(|(_, quote)| quote);
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
                c if Some(c) == quote => {
                    self.at += at + c.len_utf8();
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err(self.expected("the closing quote"))
    }

    fn plain(&mut self, stops: &str) -> Result<&'a str, FilterError> {
        self.peek();
        let rest = &self.text[self.at..];
        let end = rest.find(|c| stops.contains(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.expected("a value"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    /// What ends a plain value.
    fn ends(&self) -> &'static str {
        if self.list.is_some() { " \t)}" } else { " \t)" }
    }

    fn lone_star(&mut self) -> bool {
        let lone = self.rest()[1..].chars().next().is_none_or(|c| c.is_whitespace() || c == ')');
        self.at += usize::from(lone);
        lone
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips white space; the character that follows.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        self.peek();
        let here = self.rest().starts_with(symbol);
        self.at += if here { symbol.len() } else { 0 };
        here
    }

    fn sees_word(&mut self, word: &str) -> bool {
        self.peek();
        let after = self.rest().strip_prefix(word);
        after.is_some_and(|after| after.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[')))
    }

    fn word(&mut self, word: &str) -> bool {
        let here = self.sees_word(word);
        self.at += if here { word.len() } else { 0 };
        here
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        FilterError::Syntax { expected, at: self.place() }
    }

    /// Where it stands, in characters from 1.
    fn place(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }
}

fn one_or(mut filters: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        last => {
            filters.extend(last);
            many(filters)
        }
    }
}

fn bound(text: String, included: bool) -> Bound {
    match text.as_str() {
        "*" => Bound::Open,
        _ if included => Bound::Included(text),
        _ => Bound::Excluded(text),
    }
}

fn shape(text: String, of_field: bool) -> Match {
    match text.as_str() {
        "*" if of_field => Match::Exists,
        pattern if pattern.contains(['*', '?']) => Match::Wildcard(text),
        _ => Match::Word(text),
    }
}
