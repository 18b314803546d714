//! One search: hits in their order, the total, and facets over all hits.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tantivy::collector::{Collector, Count, TopDocs};
use tantivy::query::Query;
use tantivy::{DocAddress, Order, Searcher, TantivyDocument, TantivyError};
use weir_model::{EntityId, Filter, SearchDocument};

use super::Index;
use super::document::facet_column;
use super::facets::{Counts, Facets};
use super::fields::{CREATED, UPDATED};
use crate::derived::{DerivedError, Doing};

/// Hits beyond this many are counted but cannot be paged to.
pub const HITS_MAX: usize = 10_000;
/// Most values of a facet that are given, the most frequent ones.
pub const FACET_VALUES_MAX: usize = 50;

/// What to search for.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchQuery {
    /// What documents must be like.
    pub filter: Filter,
    /// Keyword fields whose values are to be counted, `attr.<name>` too.
    pub facets: Vec<String>,
    /// Most hits to give; 0 for the total and facets alone.
    pub limit: usize,
    /// Hits to leave out first.
    pub offset: usize,
    /// Order of the hits.
    pub sort: Sort,
}

/// Order of hits. Hits that are equal in it have no order of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// How well the words of the filter fit title and text, best first.
    Relevance,
    /// Last changed first; those of unknown time last.
    #[default]
    Updated,
    /// Last created first; those of unknown time last.
    Created,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResult {
    /// How many documents match.
    pub total: u64,
    /// Those asked for, in their order.
    pub hits: Vec<Hit>,
    /// Counts over all matching documents, by field, the most frequent values first.
    pub facets: BTreeMap<String, Vec<FacetCount>>,
}

/// A document that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its entity.
    pub id: EntityId,
    /// The document as it was applied, but for its text.
    pub document: SearchDocument,
}

/// How often a value occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetCount {
    /// The value as it was written.
    pub value: String,
    /// Documents that have it.
    pub count: u64,
}

impl SearchQuery {
    /// Documents that match, last changed first.
    pub fn new(filter: Filter, limit: usize) -> Self {
        Self { filter, facets: Vec::new(), limit, offset: 0, sort: Sort::default() }
    }
}

impl Index {
    /// Searches what the last commit made visible.
    ///
    /// # Errors
    /// [`DerivedError::NoFacet`] for a facet of a field that is no keyword.
    pub fn search(&self, query: &SearchQuery) -> Result<SearchResult, DerivedError> {
        if let Some(name) = query.facets.iter().find(|name| facet_column(name).is_none()) {
            return Err(DerivedError::NoFacet(name.clone()));
        }
        self.found(query).doing("search")
    }

    fn found(&self, query: &SearchQuery) -> tantivy::Result<SearchResult> {
        let searcher = self.reader.searcher();
        let filter = self.fields.query(&query.filter);
        let limit = query.limit.min(HITS_MAX.saturating_sub(query.offset));
        let top = || (limit > 0).then(|| TopDocs::with_limit(limit).and_offset(query.offset));
        let newest = |field| top().map(|top| top.order_by_fast_field::<i64>(field, Order::Desc));
        let (total, places, counts) = match query.sort {
            Sort::Relevance => collect(&searcher, &*filter, top().map(TopDocs::order_by_score), &query.facets),
            Sort::Updated => collect(&searcher, &*filter, newest(UPDATED), &query.facets),
            Sort::Created => collect(&searcher, &*filter, newest(CREATED), &query.facets),
        }?;
        let hits = places.into_iter().map(|place| self.hit(&searcher, place)).collect::<tantivy::Result<_>>()?;
        let facets = query.facets.iter().cloned().zip(counts.into_iter().map(most_frequent)).collect();
        Ok(SearchResult { total, hits, facets })
    }

    fn hit(&self, searcher: &Searcher, place: DocAddress) -> tantivy::Result<Hit> {
        let stored: TantivyDocument = searcher.doc(place)?;
        self.fields.hit(&stored).ok_or_else(|| TantivyError::SchemaError("a stored document is no hit".to_owned()))
    }
}

fn collect<K: Send + 'static>(
    searcher: &Searcher,
    filter: &dyn Query,
    top: Option<impl Collector<Fruit = Vec<(K, DocAddress)>>>,
    facets: &[String],
) -> tantivy::Result<(u64, Vec<DocAddress>, Vec<Counts>)> {
    let (total, hits, counts) = searcher.search(filter, &(Count, top, Facets(facets)))?;
    let places = hits.into_iter().flatten().map(|(_, place)| place).collect();
    Ok((u64::try_from(total).expect("a count fits"), places, counts))
}

fn most_frequent(counts: Counts) -> Vec<FacetCount> {
    let mut counts: Vec<_> = counts.into_iter().map(|(value, count)| FacetCount { value, count }).collect();
    counts.sort_by(|a, b| (Reverse(a.count), &a.value).cmp(&(Reverse(b.count), &b.value)));
    counts.truncate(FACET_VALUES_MAX);
    counts
}
