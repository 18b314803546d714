//! From a filter to a query that finds exactly the documents it matches.

use std::ops::Bound as TermBound;
use std::sync::Arc;

use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, Occur, PhraseQuery, Query, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use weir_model::filter::{Bound, Filter, Match, instant_range, keyword_is, wildcard, words};
use weir_model::search::{ELEMENTS_MAX, FieldType};

use super::collected::Collected;
use super::fields::{Fields, element, has, in_element, term_prefix};
use super::terms::TermsWhere;

/// A word in a title says more about a document than one in its text.
const TITLE_BOOST: f32 = 2.0;

impl Fields {
    /// Only words of titles and texts count towards relevance; all else is there or not.
    pub(super) fn query(&self, filter: &Filter) -> Box<dyn Query> {
        match filter {
            Filter::All => everything(),
            Filter::And(filters) => self.all_of(filters),
            Filter::Or(filters) => any_of(filters.iter().map(|filter| self.query(filter)).collect()),
            Filter::Not(_) => self.all_of(std::slice::from_ref(filter)),
            Filter::Element { list, is } => any_of((0..ELEMENTS_MAX).map(|at| self.element(list, at, is)).collect()),
            Filter::Term { field: None, is } => any_of(vec![self.term("title", is), self.term("text", is)]),
            Filter::Term { field: Some(name), is } => self.term(name, is),
        }
    }

    fn all_of(&self, filters: &[Filter]) -> Box<dyn Query> {
        let mut clauses: Vec<_> = filters.iter().map(|filter| self.clause(filter)).collect();
        if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
            clauses.push((Occur::Must, everything()));
        }
        Box::new(BooleanQuery::new(clauses))
    }

    fn clause(&self, filter: &Filter) -> (Occur, Box<dyn Query>) {
        match filter {
            Filter::Not(filter) => (Occur::MustNot, Box::new(Collected(self.query(filter)))),
            filter => (Occur::Must, self.query(filter)),
        }
    }

    fn term(&self, name: &str, is: &Match) -> Box<dyn Query> {
        let Some((field, kind)) = self.named(name) else { return nothing() };
        if matches!(is, Match::Exists) {
            return self.having(name);
        }
        match kind {
            FieldType::Keyword => keyword(self.terms, &term_prefix(name), is),
            FieldType::Date => date(field, is),
            FieldType::Number => self.number(field, name, is),
            FieldType::Text if name == "title" => Box::new(BoostQuery::new(text(field, is), TITLE_BOOST)),
            FieldType::Text => text(field, is),
        }
    }

    fn element(&self, list: &str, at: usize, is: &Filter) -> Box<dyn Query> {
        let is_there = Filter::Term { field: Some(element(list, at)), is: Match::Exists };
        self.all_of(&[is_there, of_element(is, list, at)])
    }

    fn having(&self, name: &str) -> Box<dyn Query> {
        term(Term::from_field_text(self.terms, &has(name)))
    }

    fn number(&self, field: Field, name: &str, is: &Match) -> Box<dyn Query> {
        let bounds = match is {
            Match::Word(text) | Match::Phrase(text) => {
                let bound = number_bound(field, &Bound::Included(text.clone()));
                bound.clone().zip(bound)
            }
            Match::Range(lower, upper) => number_bound(field, lower).zip(number_bound(field, upper)),
            Match::Wildcard(_) | Match::Exists => None,
        };
        match bounds {
            None => nothing(),
            Some((TermBound::Unbounded, TermBound::Unbounded)) => self.having(name),
            Some((lower, upper)) => unscored(RangeQuery::new(lower, upper)),
        }
    }
}

/// The filter with the names of fields that they have in one element of a list.
fn of_element(filter: &Filter, list: &str, at: usize) -> Filter {
    let all = |filters: &[Filter]| filters.iter().map(|filter| of_element(filter, list, at)).collect();
    match filter {
        Filter::And(filters) => Filter::And(all(filters)),
        Filter::Or(filters) => Filter::Or(all(filters)),
        Filter::Not(filter) => Filter::Not(Box::new(of_element(filter, list, at))),
        Filter::Term { field: Some(name), is } => {
            Filter::Term { field: Some(in_element(name, list, at)), is: is.clone() }
        }
        other => other.clone(),
    }
}

/// A bound that is no number gives none, and then nothing matches.
fn number_bound(field: Field, bound: &Bound) -> Option<TermBound<Term>> {
    let number = |text: &str| text.parse().ok().map(|number| Term::from_field_f64(field, number));
    Some(match bound {
        Bound::Open => TermBound::Unbounded,
        Bound::Included(text) => TermBound::Included(number(text)?),
        Bound::Excluded(text) => TermBound::Excluded(number(text)?),
    })
}

fn date(field: Field, is: &Match) -> Box<dyn Query> {
    match instant_range(is).filter(|range| !range.is_empty()) {
        None => nothing(),
        Some(range) => unscored(RangeQuery::new(
            TermBound::Included(Term::from_field_i64(field, range.start)),
            TermBound::Excluded(Term::from_field_i64(field, range.end)),
        )),
    }
}

fn keyword(field: Field, prefix: &str, is: &Match) -> Box<dyn Query> {
    match is {
        Match::Word(wanted) | Match::Phrase(wanted) => {
            term(Term::from_field_text(field, &format!("{prefix}{}", wanted.to_lowercase())))
        }
        Match::Wildcard(pattern) => {
            let begin = format!("{prefix}{}", fixed_begin(&pattern.to_lowercase()));
            values_where(field, prefix, begin, is.clone())
        }
        Match::Range(..) => values_where(field, prefix, prefix.to_owned(), is.clone()),
        Match::Exists => everything(),
    }
}

/// Values whose terms begin with `begin`; all terms of the name begin with `prefix`, which is not part of the value.
fn values_where(field: Field, prefix: &str, begin: String, is: Match) -> Box<dyn Query> {
    let prefix_bytes = prefix.len();
    let accepts = move |term: &str| term.get(prefix_bytes..).is_some_and(|value| keyword_is(value, &is));
    unscored(TermsWhere { field, prefix: begin, accepts: Arc::new(accepts) })
}

fn text(field: Field, is: &Match) -> Box<dyn Query> {
    match is {
        Match::Word(wanted) | Match::Phrase(wanted) => {
            let terms: Vec<_> = words(wanted).iter().map(|word| Term::from_field_text(field, word)).collect();
            match terms.len() {
                0 => nothing(),
                1 => Box::new(TermQuery::new(terms[0].clone(), IndexRecordOption::WithFreqs)),
                _ => Box::new(PhraseQuery::new(terms)),
            }
        }
        Match::Wildcard(pattern) => {
            let pattern = pattern.to_lowercase();
            let prefix = fixed_begin(&pattern).to_owned();
            unscored(TermsWhere { field, prefix, accepts: Arc::new(move |word| wildcard(word, &pattern)) })
        }
        Match::Exists | Match::Range(..) => nothing(),
    }
}

/// What a text that is like the pattern begins with.
fn fixed_begin(pattern: &str) -> &str {
    &pattern[..pattern.find(['*', '?']).unwrap_or(pattern.len())]
}

fn any_of(queries: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    Box::new(BooleanQuery::union(queries))
}

fn term(term: Term) -> Box<dyn Query> {
    unscored(TermQuery::new(term, IndexRecordOption::Basic))
}

fn unscored(query: impl Query) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(Box::new(query), 0.0))
}

fn everything() -> Box<dyn Query> {
    unscored(AllQuery)
}

fn nothing() -> Box<dyn Query> {
    Box::new(EmptyQuery)
}
