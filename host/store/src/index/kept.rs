//! Counts and first pages of broad searches, which are asked again and again while little changes.
//!
//! A segment never changes but for documents that are taken out of it. So what was found in one is kept, by search; when
//! the search is asked again, only what was taken out since is subtracted, and new segments are looked at whole.
//! Invariant: what is told is what a search that keeps nothing tells.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use tantivy::collector::Collector;
use tantivy::fastfield::AliveBitSet;
use tantivy::index::SegmentId;
use tantivy::query::{EnableScoring, Query, Weight};
use tantivy::{DocAddress, DocId, DocSet, Searcher, SegmentOrdinal, SegmentReader};

use super::facets::{Counted, Facets};
use super::page::{ByValue, Place, Placed};

/// Hits from which on what was found is kept; fewer are found as fast as subtracted from.
const BROAD: u64 = 20_000;
/// Searches that are kept, those asked last.
const SEARCHES_MAX: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not 0");
/// Most numbers that are kept of one search: a field may have as many values as there are documents.
const NUMBERS_MAX: usize = 100_000;
/// First hits that are kept of each segment: more than a page, for some of them will be taken out.
pub(super) const PLACES_KEPT: usize = if cfg!(test) { 16 } else { 128 };

/// What is kept, by search.
pub(super) struct Kept {
    broad: u64,
    searches: Mutex<LruCache<Search, Arc<BySegment>>>,
}

/// What was asked: the filter, the fields that are counted, and the order of the first hits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Search(String);

/// What is asked of each segment.
pub(super) struct Wanted<'q> {
    /// Fields that are counted.
    pub(super) names: &'q [&'q str],
    /// The first hits in an order.
    pub(super) first: Option<ByValue<'q>>,
}

/// What was found in each segment.
pub(super) struct Found {
    pub(super) counted: Vec<Counted>,
    /// The first hits, where an order was asked for.
    pub(super) placed: Vec<Placed>,
}

type BySegment = BTreeMap<SegmentId, Segment>;

/// What was found in one segment, and the documents that were there then; none: all of them.
struct Segment {
    alive: Option<AliveBitSet>,
    n: u64,
    numbers: Vec<Vec<u32>>,
    placed: Vec<(Place, DocId)>,
}

impl Search {
    pub(super) fn new(filter: &weir_model::Filter, wanted: &Wanted<'_>) -> Self {
        let Wanted { names, first } = wanted;
        Self(format!("{names:?} {first:?} {filter:?}"))
    }
}

impl Wanted<'_> {
    /// The same without counting by fields.
    pub(super) fn without_counts(&self) -> Self {
        Self { names: &[], ..*self }
    }
}

impl Found {
    /// Without first hits.
    pub(super) fn counted(counted: Vec<Counted>) -> Self {
        Self { counted, placed: Vec::new() }
    }
}

impl Kept {
    pub(super) fn new() -> Self {
        Self { broad: BROAD, searches: Mutex::new(LruCache::new(SEARCHES_MAX)) }
    }

    /// The same where every search is broad.
    #[cfg(test)]
    pub(super) fn of_all(self) -> Self {
        Self { broad: 0, ..self }
    }

    /// What a search finds that was found to be broad before; none of any other.
    pub(super) fn found(
        &self,
        searcher: &Searcher,
        filter: &dyn Query,
        wanted: &Wanted<'_>,
        search: &Search,
    ) -> tantivy::Result<Option<Found>> {
        let known = self.searches().get(search).cloned();
        let Some(known) = known else { return Ok(None) };
        let weight = filter.weight(EnableScoring::disabled_from_searcher(searcher))?;
        let mut found = Found { counted: Vec::new(), placed: Vec::new() };
        for (segment, number) in searcher.segment_readers().iter().zip(0..) {
            let of_segment = Of { segment, number, weight: &*weight, wanted };
            let (counted, placed) = match known.get(&segment.segment_id()) {
                Some(known) => known.now(&of_segment)?,
                None => (of_segment.counted()?, of_segment.placed()?),
            };
            found.counted.push(counted);
            found.placed.extend(placed);
        }
        let is_as_known =
            |segment: &SegmentReader| known.get(&segment.segment_id()).is_some_and(|known| known.is_whole(segment));
        if searcher.segment_readers().iter().all(is_as_known) {
            return Ok(Some(found));
        }
        Ok(Some(self.keep(searcher, wanted, search, found)))
    }

    /// Keeps what was found when that was much.
    pub(super) fn keep(&self, searcher: &Searcher, wanted: &Wanted<'_>, search: &Search, found: Found) -> Found {
        let is_broad = found.counted.iter().map(|segment| segment.n).sum::<u64>() >= self.broad;
        if is_broad {
            // Of another page than the first nothing follows.
            let first = found.placed.iter().filter(|_| wanted.first.is_some()).map(Vec::as_slice);
            let placed = first.chain(std::iter::repeat(&[][..]));
            let segments = searcher.segment_readers().iter().zip(&found.counted).zip(placed);
            let segments: BySegment =
                segments.map(|((reader, counted), placed)| Segment::of(reader, counted, placed)).collect();
            let n_numbers: usize = segments.values().flat_map(|segment| &segment.numbers).map(Vec::len).sum();
            if n_numbers <= NUMBERS_MAX {
                self.searches().put(search.clone(), Arc::new(segments));
            }
        }
        found
    }

    fn searches(&self) -> MutexGuard<'_, LruCache<Search, Arc<BySegment>>> {
        self.searches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question to one segment.
struct Of<'a> {
    segment: &'a SegmentReader,
    number: SegmentOrdinal,
    weight: &'a dyn Weight,
    wanted: &'a Wanted<'a>,
}

impl Of<'_> {
    fn counted(&self) -> tantivy::Result<Counted> {
        Facets(self.wanted.names).collect_segment(self.weight, self.number, self.segment)?
    }

    fn placed(&self) -> tantivy::Result<Option<Placed>> {
        let first = self.wanted.first.iter();
        first.map(|first| first.collect_segment(self.weight, self.number, self.segment)).next().transpose()
    }
}

impl Segment {
    fn of(reader: &SegmentReader, counted: &Counted, placed: &[(Place, DocAddress)]) -> (SegmentId, Self) {
        let (alive, n, numbers) = (reader.alive_bitset().cloned(), counted.n, counted.numbers());
        let placed = placed.iter().map(|(place, address)| (*place, address.doc_id)).collect();
        (reader.segment_id(), Self { alive, n, numbers, placed })
    }

    /// What was found, without what was taken out since.
    fn now(&self, of: &Of<'_>) -> tantivy::Result<(Counted, Option<Placed>)> {
        let counted = self.counted_now(of)?;
        if of.wanted.first.is_none() {
            return Ok((counted, None));
        }
        let is_there = |doc: DocId| of.segment.alive_bitset().is_none_or(|alive| alive.is_alive(doc));
        let left = self.placed.iter().filter(|(_, doc)| is_there(*doc));
        let left: Placed = left.map(|(place, doc)| (*place, DocAddress::new(of.number, *doc))).collect();
        // As long as half of those that are kept are left they are enough for a page; fewer may be all there are.
        let is_enough = left.len() > PLACES_KEPT / 2 || left.len() as u64 == counted.n;
        Ok((counted, if is_enough { Some(left) } else { of.placed()? }))
    }

    fn counted_now(&self, of: &Of<'_>) -> tantivy::Result<Counted> {
        let mut counted = Counted::begin(of.segment, of.wanted.names)?.with(self.n, &self.numbers);
        let gone = self.taken_out(of.segment);
        if gone.is_empty() {
            return Ok(counted);
        }
        let mut matching = of.weight.scorer(of.segment, 1.0)?;
        let matched = gone.into_iter().filter(|doc| {
            if matching.doc() < *doc {
                matching.seek(*doc);
            }
            matching.doc() == *doc
        });
        counted.take_back(&matched.collect::<Vec<_>>());
        Ok(counted)
    }

    /// Whether nothing was taken out since.
    fn is_whole(&self, reader: &SegmentReader) -> bool {
        let n_before = self.alive.as_ref().map_or(reader.max_doc() as usize, AliveBitSet::num_alive_docs);
        reader.num_docs() as usize == n_before
    }

    /// Documents that were there when it was counted and are not there now, in their order.
    fn taken_out(&self, reader: &SegmentReader) -> Vec<DocId> {
        let Some(now) = reader.alive_bitset().filter(|_| !self.is_whole(reader)) else { return Vec::new() };
        let was_there = |doc: &DocId| self.alive.as_ref().is_none_or(|alive| alive.is_alive(*doc));
        (0..reader.max_doc()).filter(|doc| now.is_deleted(*doc) && was_there(doc)).collect()
    }
}

#[cfg(test)]
mod tests {
    use weir_model::Seq;

    use super::super::tests::{document, id, temporary};
    use super::super::{FacetsOver, Index, SearchQuery, SearchResult};
    use super::*;

    /// Counts with what is kept, and without.
    fn both_ways(index: &mut Index, query: &SearchQuery) -> [SearchResult; 2] {
        let kept = index.search(query).unwrap();
        let mut nothing = Kept::new();
        std::mem::swap(&mut index.kept, &mut nothing);
        let anew = index.search(query).unwrap();
        std::mem::swap(&mut index.kept, &mut nothing);
        [kept, anew]
    }

    #[test]
    fn what_is_kept_of_a_search_is_what_would_be_counted_anew() {
        let (_dir, mut index) = temporary();
        index.kept = Kept::new().of_all();
        let filters = ["", "result:failure", "NOT branch:main", "login OR labels:x", "updated:>2024-01-05"];
        let queries: Vec<SearchQuery> = filters
            .iter()
            .flat_map(|filter| [FacetsOver::Hits, FacetsOver::OtherFilters].map(|over| (filter, over)))
            .map(|(filter, facets_over)| SearchQuery {
                facets: ["result", "branch", "labels", "job/1"].map(str::to_owned).to_vec(),
                facets_over,
                ..SearchQuery::new(filter.parse().unwrap(), 5)
            })
            .collect();
        let mut state = 7_u64;
        let mut chance = |below: u64| -> usize {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % below).unwrap()
        };
        for round in 1..40 {
            let changed: Vec<_> = (0..chance(30))
                .map(|_| {
                    let one = id(chance(120));
                    let day = format!("2024-01-{:02}T00:00:00Z", chance(9) + 1);
                    let (result, branch) = (["failure", "success"][chance(2)], ["main", "next", "x"][chance(3)]);
                    let title = ["Fix login", "Speak French"][chance(2)];
                    let job = format!("shop/{}", chance(4));
                    let fields = [
                        ("result", result),
                        ("branch", branch),
                        ("labels", "x"),
                        ("labels", branch),
                        ("title", title),
                        ("job", &job),
                        ("updated", &day),
                    ];
                    (one, (chance(4) > 0).then(|| document(&fields)))
                })
                .collect();
            // Of one entity the last one counts.
            let changed: BTreeMap<_, _> = changed.into_iter().collect();
            index.apply(&changed.into_iter().collect::<Vec<_>>()).unwrap();
            index.commit(Seq(round)).unwrap();
            for query in &queries {
                let [kept, anew] = both_ways(&mut index, query);
                assert_eq!(kept, anew, "{round}: {query:?}");
            }
        }
    }

    #[test]
    fn a_page_is_right_when_all_that_was_kept_of_it_is_gone() {
        let (_dir, mut index) = temporary();
        index.kept = Kept::new().of_all();
        let at = |n: usize| format!("2024-01-01T00:{n:02}:00Z");
        let all: Vec<_> = (0..50).map(|n| (id(n), Some(document(&[("updated", &at(n)), ("result", "x")])))).collect();
        index.apply(&all).unwrap();
        index.commit(Seq(1)).unwrap();
        let page = |limit| SearchQuery { limit, ..SearchQuery::new("result:x".parse().unwrap(), 5) };
        for gone in 0..50_usize {
            for limit in [0, 1, 7, 8, 40] {
                let [kept, anew] = both_ways(&mut index, &page(limit));
                let next = SearchQuery { after: kept.next, ..page(limit) };
                let [behind, behind_anew] = both_ways(&mut index, &next);
                assert_eq!(behind, behind_anew, "{gone} gone, {limit} of them, the next page");
                assert_eq!(kept, anew, "{gone} gone, {limit} of them");
                assert_eq!((kept.total, kept.hits.len()), (50 - gone as u64, limit.min(50 - gone)));
            }
            index.apply(&[(id(49 - gone), None)]).unwrap();
            index.commit(Seq(2 + gone as u64)).unwrap();
        }
    }
}
