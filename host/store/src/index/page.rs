//! One page of hits in an order that new documents do not disturb: it goes on from a place, not from a count.

use std::collections::BinaryHeap;
use std::fmt;
use std::str::FromStr;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

use super::blocks::{Block, Blocks};
use super::fields::TIE;
use super::values::{Values, ordered};

/// Where a hit stands in an order. What comes first is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    unknown: bool,
    value: u64,
    tie: u64,
}

/// Which way an order goes. What is unknown comes last in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

impl Place {
    fn new(value: Option<u64>, tie: u64, direction: Direction) -> Self {
        let turned = |value: u64| if direction == Direction::Descending { !value } else { value };
        Self { unknown: value.is_none(), value: value.map_or(0, turned), tie }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:016x}{:016x}", u8::from(self.unknown), self.value, self.tie)
    }
}

/// A text that is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no place in an order")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let number = |part: Option<&str>| part.and_then(|part| u64::from_str_radix(part, 16).ok()).ok_or(NoPlace);
        if text.len() != 33 {
            return Err(NoPlace);
        }
        let unknown = number(text.get(..1))?;
        Ok(Self { unknown: unknown == 1, value: number(text.get(1..17))?, tie: number(text.get(17..))? })
    }
}

/// The first so many hits behind a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) limit: usize,
    pub(super) after: Option<Place>,
}

/// The first hits by the values of a field.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByValue<'q> {
    pub(super) page: Page,
    pub(super) field: &'q str,
    pub(super) direction: Direction,
}

/// The first hits by relevance.
pub(super) struct ByScore {
    pub(super) page: Page,
}

/// The least places of a segment, the last of them at the top.
struct First {
    page: Page,
    segment: SegmentOrdinal,
    ties: Column<u64>,
    heap: BinaryHeap<(Place, DocId)>,
}

/// Hits of one segment, in no order.
pub(super) type Placed = Vec<(Place, DocAddress)>;

impl First {
    fn new(page: Page, segment: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<Self> {
        Ok(Self { page, segment, ties: reader.fast_fields().u64(TIE)?, heap: BinaryHeap::new() })
    }

    fn take(&mut self, doc: DocId, value: Option<u64>, direction: Direction) {
        let full = self.heap.len() == self.page.limit;
        let least = Place::new(value, 0, direction);
        if full && self.heap.peek().is_none_or(|(last, _)| least > *last) {
            return;
        }
        let place = Place { tie: self.ties.first(doc).unwrap_or(0), ..least };
        if self.page.after.is_some_and(|after| place <= after) {
            return;
        }
        self.heap.push((place, doc));
        if full {
            self.heap.pop();
        }
    }

    fn end(self) -> Placed {
        let segment = self.segment;
        self.heap.into_iter().map(|(place, doc)| (place, DocAddress::new(segment, doc))).collect()
    }
}

/// The first hits of all segments, in their order.
pub(super) fn first(limit: usize, segments: Vec<Placed>) -> Vec<(Place, DocAddress)> {
    let mut all: Vec<_> = segments.into_iter().flatten().collect();
    all.sort_unstable();
    all.truncate(limit);
    all
}

pub(super) struct SegmentByValue {
    first: First,
    values: Values,
    direction: Direction,
}

impl Block for SegmentByValue {
    type Fruit = Placed;

    fn take(&mut self, docs: &[DocId]) {
        let mut block = [None; COLLECT_BLOCK_BUFFER_LEN];
        let block = &mut block[..docs.len()];
        self.values.least(docs, block);
        for (doc, value) in docs.iter().zip(block) {
            self.first.take(*doc, *value, self.direction);
        }
    }

    fn end(self) -> Placed {
        self.first.end()
    }
}

impl Collector for ByValue<'_> {
    type Fruit = Vec<Placed>;
    type Child = Blocks<SegmentByValue>;

    fn for_segment(&self, number: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<Self::Child> {
        let first = First::new(self.page, number, segment)?;
        let values = Values::open(segment, self.field)?;
        Ok(Blocks::new(SegmentByValue { first, values, direction: self.direction }))
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Placed>) -> tantivy::Result<Vec<Placed>> {
        Ok(segments)
    }
}

pub(super) struct SegmentByScore(First);

impl SegmentCollector for SegmentByScore {
    type Fruit = Placed;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.0.take(doc, Some(ordered(f64::from(score))), Direction::Descending);
    }

    fn harvest(self) -> Placed {
        self.0.end()
    }
}

impl Collector for ByScore {
    type Fruit = Vec<Placed>;
    type Child = SegmentByScore;

    fn for_segment(&self, number: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentByScore> {
        Ok(SegmentByScore(First::new(self.page, number, segment)?))
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, segments: Vec<Placed>) -> tantivy::Result<Vec<Placed>> {
        Ok(segments)
    }
}
