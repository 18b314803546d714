//! One search: a page of hits in their order, the total, facets and groups over all hits.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tantivy::collector::Collector;
use tantivy::query::Query;
use tantivy::{DocAddress, Searcher, TantivyDocument, TantivyError};
use weir_model::search::field;
use weir_model::{EntityId, Filter, SearchDocument};

use super::Index;
use super::document::keyword_column;
use super::facets::{Counts, Facets, sum};
use super::fields::is_open;
use super::groups::{ByGroup, Cells, Grouping, Groups};
use super::kept::{Found, PLACES_KEPT, Search, Wanted};
use super::page::{ByScore, ByValue, Direction, Page, Place, Placed, first};
use super::values::is_measurable;
use crate::derived::{DerivedError, Doing};

/// Most hits of one page. The next page goes on from its [`SearchResult::next`], as far as there are hits.
pub const HITS_MAX: usize = 10_000;
/// Most values of a facet that are given when no other number is asked for, the most frequent ones.
pub const FACET_VALUES_MAX: usize = 50;

/// What to search for.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchQuery {
    /// What documents must be like.
    pub filter: Filter,
    /// What they must be like in any case, whatever facets leave out of the filter.
    pub within: Filter,
    /// Keyword fields whose values are to be counted, open ones too. `project/1` counts the first part of values with
    /// `/` between the parts, `project/2` the first two.
    pub facets: Vec<String>,
    /// Which documents facets are counted over.
    pub facets_over: FacetsOver,
    /// Most values of a facet.
    pub facet_values: usize,
    /// Most hits to give; 0 for the total and facets alone.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Place>,
    /// Order of the hits.
    pub sort: Sort,
    /// Statistics over all hits.
    pub grouping: Option<Grouping>,
}

/// Which documents a facet is counted over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FacetsOver {
    /// All that match.
    #[default]
    Hits,
    /// All that would match if nothing were demanded of the facet's own field, so that other values can be chosen.
    OtherFilters,
}

/// Order of hits. Those that are equal in it, or unknown, are ordered by their ids' fingerprints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sort {
    /// How well the words of the filter fit title and text, best first.
    Relevance,
    /// By the values of a field: a date, a number, or keywords that are written as one.
    Field(String, Direction),
}

impl Sort {
    /// The latest first.
    pub fn newest(field: &str) -> Self {
        Self::Field(field.to_owned(), Direction::Descending)
    }
}

impl Default for Sort {
    fn default() -> Self {
        Self::newest("updated")
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResult {
    /// How many documents match.
    pub total: u64,
    /// Those asked for, in their order.
    pub hits: Vec<Hit>,
    /// Where the page ends; none when it is the last.
    pub next: Option<Place>,
    /// Counts by field, the most frequent values first.
    pub facets: BTreeMap<String, Vec<FacetCount>>,
    /// Statistics over all matching documents, when asked for.
    pub groups: Option<Groups>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FacetCount {
    /// The value as it was written.
    pub value: String,
    /// Documents that have it.
    pub count: u64,
}

impl SearchQuery {
    /// Documents that match, last changed first.
    pub fn new(filter: Filter, limit: usize) -> Self {
        Self {
            filter,
            within: Filter::All,
            facets: Vec::new(),
            facets_over: FacetsOver::default(),
            facet_values: FACET_VALUES_MAX,
            limit,
            after: None,
            sort: Sort::default(),
            grouping: None,
        }
    }

    /// A filter that is asked within what the query is within.
    fn narrowed(&self, filter: Filter) -> Filter {
        if self.within == Filter::All { filter } else { Filter::And(vec![self.within.clone(), filter]) }
    }

    /// The first hits in its order, where what is kept of them is enough for a page. Later pages have the same, so that
    /// what was counted for the first one serves them too.
    fn first_page(&self) -> Option<ByValue<'_>> {
        let Sort::Field(field, direction) = &self.sort else { return None };
        let page = Page { limit: PLACES_KEPT, after: None };
        let fits = (1..PLACES_KEPT / 2).contains(&self.limit);
        fits.then_some(ByValue { page, field, direction: *direction })
    }

    /// What of it names a field that cannot do it.
    fn misfit(&self) -> Option<DerivedError> {
        let grouping = self.grouping.iter();
        let counted = self.facets.iter().chain(grouping.clone().flat_map(|grouping| &grouping.fields));
        let unfit = counted.clone().find(|name| Facet::read(name).is_none());
        if let Some(name) = unfit {
            return Some(DerivedError::NoFacet(name.clone()));
        }
        let sorted = match &self.sort {
            Sort::Relevance => None,
            Sort::Field(name, _) => Some(name),
        };
        let measured =
            grouping.flat_map(|grouping| grouping.measures.iter().chain(grouping.over.iter().map(|(f, _)| f)));
        let unfit = measured.chain(sorted).find(|name| !is_measurable(name));
        unfit.map(|name| DerivedError::NoNumber(name.clone()))
    }
}

/// A field to count by, and how many parts of its values.
struct Facet<'n> {
    field: &'n str,
    parts: Option<usize>,
}

impl<'n> Facet<'n> {
    /// None of a field that cannot be counted.
    fn read(name: &'n str) -> Option<Self> {
        let parts = name.rsplit_once('/').and_then(|(field, parts)| Some((field, parts.parse().ok()?)));
        match parts {
            // A document with several values could count twice for what they begin with.
            Some((name, parts)) if field(name).is_some_and(|field| !field.many) && parts > 0 => {
                keyword_column(name).map(|_| Self { field: name, parts: Some(parts) })
            }
            _ if is_open(name) || !name.contains('/') => {
                keyword_column(name).map(|_| Self { field: name, parts: None })
            }
            _ => None,
        }
    }

    fn folded(&self, counts: Counts) -> Counts {
        let Some(parts) = self.parts else { return counts };
        let mut folded = Counts::new();
        for (value, n) in counts {
            let end = value.match_indices('/').nth(parts - 1).map_or(value.len(), |(at, _)| at);
            *folded.entry(value[..end].to_owned()).or_default() += n;
        }
        folded
    }
}

impl Index {
    /// Searches what the last commit made visible.
    ///
    /// # Errors
    /// [`DerivedError::NoFacet`] and [`DerivedError::NoNumber`] for fields that cannot be counted or measured,
    /// [`DerivedError::TooManyGroups`].
    pub fn search(&self, query: &SearchQuery) -> Result<SearchResult, DerivedError> {
        if let Some(misfit) = query.misfit() {
            return Err(misfit);
        }
        let searcher = self.reader.searcher();
        let (mut result, cells) = self.found(&searcher, query).doing("search")?;
        if let Some(grouping) = &query.grouping {
            let cells = cells.ok_or(DerivedError::TooManyGroups)?;
            result.groups = Some(Groups::of(cells, grouping));
        }
        Ok(result)
    }

    fn found(&self, searcher: &Searcher, query: &SearchQuery) -> tantivy::Result<(SearchResult, Cells)> {
        let facets: Vec<Facet<'_>> = query.facets.iter().filter_map(|name| Facet::read(name)).collect();
        let (here, apart): (Vec<_>, Vec<_>) = match query.facets_over {
            FacetsOver::Hits => (facets, Vec::new()),
            FacetsOver::OtherFilters => {
                facets.into_iter().partition(|facet| query.filter.without(facet.field) == query.filter)
            }
        };
        let mut counted: Vec<(&Facet<'_>, Counts)> = Vec::new();
        for facet in &apart {
            let wanted = Wanted { names: &[facet.field], first: None };
            let filter = query.narrowed(query.filter.without(facet.field));
            let (search, filter) = (Search::new(&filter, &wanted), self.fields.query(&filter));
            let found = if let Some(found) = self.kept.found(searcher, &*filter, &wanted, &search)? {
                found
            } else {
                let found = Found::counted(searcher.search(&*filter, &Facets(wanted.names))?);
                self.kept.keep(searcher, &wanted, &search, found)
            };
            let counts = sum(wanted.names, found.counted)?;
            counted.extend(counts.into_iter().map(|counts| (facet, counts)));
        }
        let names: Vec<&str> = here.iter().map(|facet| facet.field).collect();
        let collected = self.collect(searcher, query, &names)?;
        counted.extend(here.iter().zip(collected.counts));
        let hits = collected.hits.iter().map(|(_, place)| self.hit(searcher, *place));
        let facets = counted.into_iter().map(|(facet, counts)| {
            let name = facet.parts.map_or(facet.field.to_owned(), |parts| format!("{}/{parts}", facet.field));
            (name, most_frequent(facet.folded(counts), query.facet_values))
        });
        let result = SearchResult {
            total: collected.total,
            hits: hits.collect::<tantivy::Result<_>>()?,
            next: collected.next,
            facets: facets.collect(),
            groups: None,
        };
        Ok((result, collected.cells))
    }

    fn collect(&self, searcher: &Searcher, query: &SearchQuery, facets: &[&str]) -> tantivy::Result<Collected> {
        let filter = query.narrowed(query.filter.clone());
        let n_hits = query.limit.min(HITS_MAX);
        let wanted = Wanted { names: facets, first: query.first_page() };
        let (search, filter) = (Search::new(&filter, &wanted), self.fields.query(&filter));
        let known = self.kept.found(searcher, &*filter, &wanted, &search)?;
        let is_first = query.after.is_none();
        let has_page = query.limit == 0 || is_first && wanted.first.is_some();
        let (found, cells) = match known {
            Some(found) if has_page && query.grouping.is_none() => (found, None),
            Some(found) => {
                let (Found { placed, .. }, cells) = pass(searcher, &*filter, query, &wanted.without_counts())?;
                (Found { placed, ..found }, cells)
            }
            None => {
                let (found, cells) = pass(searcher, &*filter, query, &wanted)?;
                (if is_first { self.kept.keep(searcher, &wanted, &search, found) } else { found }, cells)
            }
        };
        // One more tells whether there is another page.
        let mut hits = first(n_hits + 1, found.placed);
        let more = hits.len() > n_hits;
        hits.truncate(n_hits);
        let next = hits.last().filter(|_| more).map(|(place, _)| *place);
        let total = found.counted.iter().map(|segment| segment.n).sum();
        Ok(Collected { total, hits, next, counts: sum(facets, found.counted)?, cells })
    }

    fn hit(&self, searcher: &Searcher, place: DocAddress) -> tantivy::Result<Hit> {
        let stored: TantivyDocument = searcher.doc(place)?;
        self.fields.hit(&stored).ok_or_else(|| TantivyError::SchemaError("a stored document is no hit".to_owned()))
    }
}

struct Collected {
    total: u64,
    hits: Vec<(Place, DocAddress)>,
    next: Option<Place>,
    counts: Vec<Counts>,
    cells: Cells,
}

/// Everything in one pass over the documents.
fn pass(
    searcher: &Searcher,
    filter: &dyn Query,
    query: &SearchQuery,
    wanted: &Wanted<'_>,
) -> tantivy::Result<(Found, Cells)> {
    let page = Page { limit: query.limit.min(HITS_MAX) + 1, after: query.after };
    match (&query.sort, wanted.first.filter(|_| query.after.is_none())) {
        (_, Some(first)) => all(searcher, filter, Some(first), query, wanted.names),
        _ if query.limit == 0 => all(searcher, filter, None::<ByScore>, query, wanted.names),
        (Sort::Relevance, _) => all(searcher, filter, Some(ByScore { page }), query, wanted.names),
        (Sort::Field(field, direction), _) => {
            all(searcher, filter, Some(ByValue { page, field, direction: *direction }), query, wanted.names)
        }
    }
}

fn all(
    searcher: &Searcher,
    filter: &dyn Query,
    page: Option<impl Collector<Fruit = Vec<Placed>>>,
    query: &SearchQuery,
    facets: &[&str],
) -> tantivy::Result<(Found, Cells)> {
    let collectors = (page, Facets(facets), query.grouping.as_ref().map(ByGroup));
    let (placed, counted, cells) = searcher.search(filter, &collectors)?;
    Ok((Found { counted, placed: placed.unwrap_or_default() }, cells.flatten()))
}

fn most_frequent(counts: Counts, limit: usize) -> Vec<FacetCount> {
    let mut counts: Vec<_> = counts.into_iter().map(|(value, count)| FacetCount { value, count }).collect();
    counts.sort_by(|a, b| (Reverse(a.count), &a.value).cmp(&(Reverse(b.count), &b.value)));
    counts.truncate(limit);
    counts
}
