//! Counts of the values of keyword fields over all hits.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};

use tantivy::collector::Collector;
use tantivy::columnar::{Cardinality, StrColumn};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, SegmentOrdinal, SegmentReader};

use super::blocks::{Block, Blocks};
use super::document::keyword_column;
use super::fields::term_prefix;

/// Number of hits by value.
pub(super) type Counts = BTreeMap<String, u64>;

/// Counts the values of some fields. Their names must have columns: see [`keyword_column`].
pub(super) struct Facets<'n>(pub(super) &'n [&'n str]);

impl Collector for Facets<'_> {
    type Fruit = Vec<Counts>;
    type Child = Blocks<SegmentFacets>;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<Self::Child> {
        let columns = self.0.iter().map(|name| Column::open(segment, name)).collect::<tantivy::Result<_>>()?;
        Ok(Blocks::new(SegmentFacets { columns }))
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<tantivy::Result<Vec<Counts>>>) -> tantivy::Result<Vec<Counts>> {
        let mut total = vec![Counts::new(); self.0.len()];
        for segment in segments {
            for (total, counts) in total.iter_mut().zip(segment?) {
                for (value, n) in counts {
                    *total.entry(value).or_default() += n;
                }
            }
        }
        Ok(total)
    }
}

/// Counts within one segment.
pub(super) struct SegmentFacets {
    /// A field that no document of the segment has, has no column.
    columns: Vec<Option<Column>>,
}

/// Values are counted by their numbers in the column, and only those in `range`.
struct Column {
    values: StrColumn,
    prefix_bytes: usize,
    range: Range<u64>,
    counts: Vec<u64>,
    many: bool,
}

impl Block for SegmentFacets {
    type Fruit = tantivy::Result<Vec<Counts>>;

    fn take(&mut self, docs: &[DocId]) {
        for column in self.columns.iter_mut().flatten() {
            column.count(docs);
        }
    }

    fn end(self) -> Self::Fruit {
        let counts = |column: Option<Column>| column.map_or(Ok(Counts::new()), Column::counts);
        self.columns.into_iter().map(counts).collect()
    }
}

impl Column {
    fn open(segment: &SegmentReader, name: &str) -> tantivy::Result<Option<Self>> {
        let column = keyword_column(name).map(|column| segment.fast_fields().str(column));
        let Some(values) = column.transpose()?.flatten() else { return Ok(None) };
        let prefix = term_prefix(name);
        let range = with_prefix(&values, &prefix)?;
        let counts = vec![0; usize::try_from(range.end - range.start).expect("values of a column fit in memory")];
        let many = values.ords().get_cardinality() == Cardinality::Multivalued;
        Ok(Some(Self { values, prefix_bytes: prefix.len(), range, counts, many }))
    }

    fn count(&mut self, docs: &[DocId]) {
        if self.many {
            for value in docs.iter().flat_map(|doc| self.values.term_ords(*doc)) {
                add(&mut self.counts, &self.range, value);
            }
            return;
        }
        let mut block = [None; COLLECT_BLOCK_BUFFER_LEN];
        let block = &mut block[..docs.len()];
        self.values.ords().first_vals(docs, block);
        for value in block.iter().flatten() {
            add(&mut self.counts, &self.range, *value);
        }
    }

    fn counts(self) -> tantivy::Result<Counts> {
        let counted = self.counts.iter().zip(self.range.start..).filter(|(n, _)| **n > 0);
        let (counts, numbers): (Vec<_>, Vec<_>) = counted.unzip();
        let mut names = Vec::with_capacity(numbers.len());
        let name = |term: &[u8]| names.push(String::from_utf8_lossy(&term[self.prefix_bytes..]).into_owned());
        self.values.dictionary().sorted_ords_to_term_cb(&numbers, name)?;
        Ok(names.into_iter().zip(counts.into_iter().copied()).collect())
    }
}

fn add(counts: &mut [u64], range: &Range<u64>, value: u64) {
    let place = value.checked_sub(range.start).and_then(|place| usize::try_from(place).ok());
    if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
        *count += 1;
    }
}

/// Numbers of the values that begin with `prefix`, which ends in NUL or is empty.
pub(super) fn with_prefix(values: &StrColumn, prefix: &str) -> tantivy::Result<Range<u64>> {
    let n_values = u64::try_from(values.num_terms()).expect("a count fits");
    if prefix.is_empty() {
        return Ok(0..n_values);
    }
    let mut end = prefix.as_bytes().to_vec();
    end.pop();
    // What follows NUL.
    end.push(1);
    let bounds = (Bound::Included(prefix.as_bytes().to_vec()), Bound::Excluded(end));
    let bounds = values.dictionary().term_bounds_to_ord(bounds.0, bounds.1)?;
    let number = |bound| match bound {
        Bound::Included(number) | Bound::Excluded(number) => n_values.min(number),
        Bound::Unbounded => n_values,
    };
    let (start, end) = (number(bounds.0), number(bounds.1));
    Ok(start..end.max(start))
}
