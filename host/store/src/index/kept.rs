//! Facets of broad searches, which are asked again and again while little changes.
//!
//! A segment never changes but for documents that are taken out of it. So what was counted in one is kept, by search;
//! when the search is asked again, only what was taken out since is subtracted, and new segments are counted whole.
//! Invariant: the counts are those of a search that keeps nothing.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use tantivy::collector::Collector;
use tantivy::fastfield::AliveBitSet;
use tantivy::index::SegmentId;
use tantivy::query::{EnableScoring, Query, Weight};
use tantivy::{DocId, DocSet, Searcher, SegmentReader};

use super::facets::{Counted, Counts, Facets, sum};

/// Hits from which on the counts of a search are kept; fewer are counted as fast as subtracted.
const BROAD: u64 = 20_000;
/// Searches whose counts are kept, those asked last.
const SEARCHES_MAX: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not 0");
/// Most numbers that are kept of one search: a field may have as many values as there are documents.
const NUMBERS_MAX: usize = 100_000;

/// Counts that are kept, by search.
pub(super) struct Kept {
    broad: u64,
    searches: Mutex<LruCache<Search, Arc<BySegment>>>,
}

/// What was counted: the filter and the fields.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Search(String);

type BySegment = BTreeMap<SegmentId, Segment>;

/// What was counted in one segment, and the documents that were there then; none: all of them.
struct Segment {
    alive: Option<AliveBitSet>,
    n: u64,
    numbers: Vec<Vec<u32>>,
}

impl Search {
    /// The search that a query and the names of its facets make.
    pub(super) fn new(filter: &weir_model::Filter, names: &[&str]) -> Self {
        Self(format!("{names:?} {filter:?}"))
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

    /// Counts a search that was found to be broad before; none of any other.
    pub(super) fn counts(
        &self,
        searcher: &Searcher,
        filter: &dyn Query,
        names: &[&str],
        search: &Search,
    ) -> tantivy::Result<Option<Vec<Counts>>> {
        let known = self.searches().get(search).cloned();
        let Some(known) = known else { return Ok(None) };
        let weight = filter.weight(EnableScoring::disabled_from_searcher(searcher))?;
        let count = |(segment, number): (&SegmentReader, u32)| match known.get(&segment.segment_id()) {
            Some(known) => known.now(segment, &*weight, names),
            None => Facets(names).collect_segment(&*weight, number, segment)?,
        };
        let segments = searcher.segment_readers();
        let counted = segments.iter().zip(0..).map(count).collect::<tantivy::Result<Vec<_>>>()?;
        let is_as_known =
            |segment: &SegmentReader| known.get(&segment.segment_id()).is_some_and(|known| known.is_whole(segment));
        if segments.iter().all(is_as_known) {
            return sum(names, counted).map(Some);
        }
        self.keep(searcher, names, search, counted).map(Some)
    }

    /// Keeps what was counted when that was much, and gives it as a whole.
    pub(super) fn keep(
        &self,
        searcher: &Searcher,
        names: &[&str],
        search: &Search,
        counted: Vec<Counted>,
    ) -> tantivy::Result<Vec<Counts>> {
        let is_broad = counted.iter().map(|segment| segment.n).sum::<u64>() >= self.broad;
        if is_broad && !names.is_empty() {
            let segments = searcher.segment_readers().iter().zip(&counted);
            let segments: BySegment = segments.map(|(reader, counted)| Segment::of(reader, counted)).collect();
            let n_numbers: usize = segments.values().flat_map(|segment| &segment.numbers).map(Vec::len).sum();
            if n_numbers <= NUMBERS_MAX {
                self.searches().put(search.clone(), Arc::new(segments));
            }
        }
        sum(names, counted)
    }

    fn searches(&self) -> MutexGuard<'_, LruCache<Search, Arc<BySegment>>> {
        self.searches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Segment {
    fn of(reader: &SegmentReader, counted: &Counted) -> (SegmentId, Self) {
        let (alive, n, numbers) = (reader.alive_bitset().cloned(), counted.n, counted.numbers());
        (reader.segment_id(), Self { alive, n, numbers })
    }

    /// What was counted, without what was taken out since.
    fn now(&self, reader: &SegmentReader, weight: &dyn Weight, names: &[&str]) -> tantivy::Result<Counted> {
        let mut counted = Counted::begin(reader, names)?.with(self.n, &self.numbers);
        let gone = self.taken_out(reader);
        if gone.is_empty() {
            return Ok(counted);
        }
        let mut matching = weight.scorer(reader, 1.0)?;
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
}
