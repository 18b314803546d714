//! Counts of the values of keyword fields over all hits.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};

use tantivy::collector::Collector;
use tantivy::columnar::{Cardinality, StrColumn};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, SegmentOrdinal, SegmentReader};

use super::blocks::{Block, Blocks};
use super::document::keyword_column;
use super::fields::column_prefix;

/// Number of hits by value.
pub(super) type Counts = BTreeMap<String, u64>;

/// Counts the values of some fields. Their names must have columns: see [`keyword_column`].
pub(super) struct Facets<'n>(pub(super) &'n [&'n str]);

impl Collector for Facets<'_> {
    type Fruit = Vec<Counted>;
    type Child = Blocks<Counted>;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<Self::Child> {
        Counted::begin(segment, self.0).map(Blocks::new)
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<tantivy::Result<Counted>>) -> tantivy::Result<Vec<Counted>> {
        segments.into_iter().collect()
    }
}

/// Counts within one segment.
pub(super) struct Counted {
    /// Documents that were counted.
    pub(super) n: u64,
    /// A field that no document of the segment has, has no column.
    columns: Vec<Option<Column>>,
}

/// Values are counted by their numbers in the column, and only those in `range`.
struct Column {
    values: StrColumn,
    prefix_bytes: usize,
    range: Range<u64>,
    counts: Vec<u32>,
    many: bool,
}

impl Block for Counted {
    type Fruit = tantivy::Result<Self>;

    fn take(&mut self, docs: &[DocId]) {
        self.count(docs, |count| *count = count.saturating_add(1));
        self.n += docs.len() as u64;
    }

    fn end(self) -> Self::Fruit {
        Ok(self)
    }
}

impl Counted {
    /// Nothing counted so far.
    pub(super) fn begin(segment: &SegmentReader, names: &[&str]) -> tantivy::Result<Self> {
        let columns = names.iter().map(|name| Column::open(segment, name)).collect::<tantivy::Result<_>>()?;
        Ok(Self { n: 0, columns })
    }

    /// The numbers alone, by field and value.
    pub(super) fn numbers(&self) -> Vec<Vec<u32>> {
        let numbers = |column: &Option<Column>| column.as_ref().map(|column| column.counts.clone()).unwrap_or_default();
        self.columns.iter().map(numbers).collect()
    }

    /// Goes on from the numbers of the same segment and fields.
    pub(super) fn with(mut self, n: u64, numbers: &[Vec<u32>]) -> Self {
        self.n = n;
        for (column, numbers) in self.columns.iter_mut().zip(numbers) {
            if let Some(column) = column {
                column.counts.clone_from(numbers);
            }
        }
        self
    }

    /// Takes documents back that were counted.
    pub(super) fn take_back(&mut self, docs: &[DocId]) {
        for docs in docs.chunks(COLLECT_BLOCK_BUFFER_LEN) {
            self.count(docs, |count| *count = count.saturating_sub(1));
        }
        self.n = self.n.saturating_sub(docs.len() as u64);
    }

    fn count(&mut self, docs: &[DocId], step: impl Fn(&mut u32)) {
        for column in self.columns.iter_mut().flatten() {
            column.count(docs, &step);
        }
    }
}

/// Counts of all segments, field by field.
pub(super) fn sum(names: &[&str], segments: Vec<Counted>) -> tantivy::Result<Vec<Counts>> {
    let mut total = vec![Counts::new(); names.len()];
    for segment in segments {
        for (total, column) in total.iter_mut().zip(segment.columns) {
            for (value, n) in column.map(Column::counts).transpose()?.unwrap_or_default() {
                *total.entry(value).or_default() += n;
            }
        }
    }
    Ok(total)
}

impl Column {
    fn open(segment: &SegmentReader, name: &str) -> tantivy::Result<Option<Self>> {
        let column = keyword_column(name).map(|column| segment.fast_fields().str(column));
        let Some(values) = column.transpose()?.flatten() else { return Ok(None) };
        let prefix = column_prefix(name);
        let range = with_prefix(&values, &prefix)?;
        let counts = vec![0; usize::try_from(range.end - range.start).expect("values of a column fit in memory")];
        let many = values.ords().get_cardinality() == Cardinality::Multivalued;
        Ok(Some(Self { values, prefix_bytes: prefix.len(), range, counts, many }))
    }

    fn count(&mut self, docs: &[DocId], step: impl Fn(&mut u32)) {
        if self.many {
            let values = docs.iter().flat_map(|doc| self.values.term_ords(*doc));
            values.for_each(|value| change(&mut self.counts, &self.range, value, &step));
            return;
        }
        let mut block = [None; COLLECT_BLOCK_BUFFER_LEN];
        let block = &mut block[..docs.len()];
        self.values.ords().first_vals(docs, block);
        for value in block.iter().flatten() {
            change(&mut self.counts, &self.range, *value, &step);
        }
    }

    fn counts(self) -> tantivy::Result<Counts> {
        let counted = self.counts.iter().zip(self.range.start..).filter(|(n, _)| **n > 0);
        let (counts, numbers): (Vec<_>, Vec<_>) = counted.unzip();
        let mut names = Vec::with_capacity(numbers.len());
        let name = |term: &[u8]| names.push(String::from_utf8_lossy(&term[self.prefix_bytes..]).into_owned());
        self.values.dictionary().sorted_ords_to_term_cb(&numbers, name)?;
        Ok(names.into_iter().zip(counts.into_iter().copied().map(u64::from)).collect())
    }
}

fn change(counts: &mut [u32], range: &Range<u64>, value: u64, step: impl Fn(&mut u32)) {
    let place = value.checked_sub(range.start).and_then(|place| usize::try_from(place).ok());
    if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
        step(count);
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
