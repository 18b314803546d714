//! From text to [`Filter`]: recursive descent over a few tokens.

use super::{Bound, FILTER_BYTES_MAX, FILTER_DEPTH_MAX, Filter, Match, suggest};
use crate::search::{FIELDS, field};

/// A text that is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No such field.
    #[error("no field `{name}`{}", did_you_mean(*.nearest))]
    UnknownField {
        /// What was written.
        name: String,
        /// What was meant, perhaps.
        nearest: Option<&'static str>,
    },
    /// Something else was expected.
    #[error("expected {expected} at character {at}")]
    Syntax {
        /// What would have fitted.
        expected: &'static str,
        /// Where, counted in characters from 1.
        at: usize,
    },
    /// Longer or deeper than a filter may be.
    #[error("a filter holds at most {FILTER_BYTES_MAX} bytes and nests at most {FILTER_DEPTH_MAX} deep")]
    TooLarge,
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

pub(super) fn parse(text: &str) -> Result<Filter, FilterError> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(FilterError::TooLarge);
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
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
        if field.is_some() && self.symbol("(") {
            return self.nested(|parser| parser.closed(|parser| parser.values(field.as_deref())));
        }
        if field.is_none() && self.rest().starts_with('*') && self.lone_star() {
            return Ok(Filter::All);
        }
        if self.word("IN") {
            return self.listed(field.as_deref());
        }
        let is = self.value(field.is_some())?;
        Ok(Filter::Term { field, is })
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
            let term = Filter::Term { field: field.map(str::to_owned), is: self.value(true)? };
            values.push(if not { Filter::Not(Box::new(term)) } else { term });
        }
        if values.is_empty() {
            return Err(self.expected("a value"));
        }
        Ok(one_or(values, if every { Filter::And } else { Filter::Or }))
    }

    /// `field: IN [a b c]`
    fn listed(&mut self, field: Option<&str>) -> Result<Filter, FilterError> {
        if !self.symbol("[") {
            return Err(self.expected("`[`"));
        }
        let mut values = Vec::new();
        while !self.symbol("]") {
            let is = Match::Phrase(self.plain(" \t]")?.to_owned());
            values.push(Filter::Term { field: field.map(str::to_owned), is });
        }
        Ok(Filter::Or(values))
    }

    /// `name:` when one stands here.
    fn field(&mut self) -> Result<Option<String>, FilterError> {
        self.peek();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')));
        let Some(end) = end.filter(|end| *end > 0 && rest[*end..].starts_with(':')) else { return Ok(None) };
        let name = &rest[..end];
        if field(name).is_none() {
            let nearest = suggest::nearest(name, FIELDS.iter().map(|field| field.name));
            return Err(FilterError::UnknownField { name: name.to_owned(), nearest });
        }
        self.at += end + 1;
        Ok(Some(name.to_owned()))
    }

    fn value(&mut self, of_field: bool) -> Result<Match, FilterError> {
        for (symbol, below, included) in
            [(">=", false, true), ("<=", true, true), (">", false, false), ("<", true, false)]
        {
            if of_field && self.symbol(symbol) {
                let value = self.plain(" \t)")?.to_owned();
                let bound = if included { Bound::Included(value) } else { Bound::Excluded(value) };
                return Ok(if below { Match::Range(Bound::Open, bound) } else { Match::Range(bound, Bound::Open) });
            }
        }
        match self.peek() {
            Some('[' | '{') if of_field => self.range(),
            Some('"' | '\'') => Ok(Match::Phrase(self.quoted()?)),
            Some(_) => Ok(shape(self.plain(" \t)")?, of_field)),
            None => Err(self.expected("a value")),
        }
    }

    /// `[a TO b}`
    fn range(&mut self) -> Result<Match, FilterError> {
        let included = self.rest().starts_with('[');
        self.at += 1;
        let lower = self.range_end()?;
        if !self.word("TO") {
            return Err(self.expected("`TO`"));
        }
        let upper = self.range_end()?;
        let lower = bound(&lower, included);
        if self.symbol("]") {
            Ok(Match::Range(lower, bound(&upper, true)))
        } else if self.symbol("}") {
            Ok(Match::Range(lower, bound(&upper, false)))
        } else {
            Err(self.expected("`]` or `}`"))
        }
    }

    fn range_end(&mut self) -> Result<String, FilterError> {
        match self.peek() {
            Some('"' | '\'') => self.quoted(),
            _ => Ok(self.plain(" \t]}")?.to_owned()),
        }
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
        FilterError::Syntax { expected, at: self.text[..self.at].chars().count() + 1 }
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

fn bound(text: &str, included: bool) -> Bound {
    match text {
        "*" => Bound::Open,
        text if included => Bound::Included(text.to_owned()),
        text => Bound::Excluded(text.to_owned()),
    }
}

fn shape(text: &str, of_field: bool) -> Match {
    match text {
        "*" if of_field => Match::Exists,
        text if text.contains(['*', '?']) => Match::Wildcard(text.to_owned()),
        text => Match::Word(text.to_owned()),
    }
}
