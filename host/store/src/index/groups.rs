//! Statistics over the hits of a search by the values of fields and by time, in one pass over the columns.

use std::collections::{BTreeMap, HashMap};

use tantivy::collector::Collector;
use tantivy::columnar::{Column, StrColumn};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, SegmentOrdinal, SegmentReader};
use weir_model::calendar::first_day;
use weir_model::statistics::{Sketch, percentile};
use weir_model::{Bucket, Calendar, Timestamp};

use super::blocks::{Block, Blocks};
use super::document::keyword_column;
use super::facets::with_prefix;
use super::fields::column_prefix;
use super::values::Values;

/// Most groups that are given; the others are one.
pub const GROUPS_MAX: usize = 1_000;
/// Most groups, times counted apart, that one search may make.
pub const CELLS_MAX: usize = 100_000;
/// Values of a group up to which its percentiles are exact.
pub const EXACT_VALUES_MAX: usize = 10_000;

/// How hits are grouped and what is measured of each group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grouping {
    /// Keyword fields. A hit is in the group of each of its values, and in that of no value if it has none.
    pub fields: Vec<String>,
    /// Date field whose days, weeks or months part the groups.
    pub over: Option<(String, Bucket)>,
    /// Whose days these are.
    pub calendar: Calendar,
    /// Fields whose values are measured.
    pub measures: Vec<String>,
    /// Most groups to give, the largest ones.
    pub limit: usize,
}

/// The groups of a search.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Groups {
    /// The largest groups first, each with its times in their order.
    pub rows: Vec<Group>,
    /// Groups beyond the limit, as one.
    pub other: Option<OtherGroups>,
}

/// One group, or the part of it that one day, week or month holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// A value for each field that is grouped by; none for hits without one.
    pub key: Vec<Option<String>>,
    /// Begin of the day, week or month; none for hits without the date.
    pub at: Option<Timestamp>,
    /// What is known of it.
    pub cell: GroupCell,
}

/// Groups beyond the limit.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherGroups {
    /// How many they are.
    pub groups: u64,
    /// What is known of all of them.
    pub cell: GroupCell,
}

/// Counts and measures of hits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupCell {
    /// Hits. One with several values of a field is in several groups.
    pub count: u64,
    /// Statistics of the fields that are measured, in their order.
    pub measures: Vec<Measured>,
}

/// Statistics of the values of a field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// Values.
    pub n: u64,
    /// Hits without one; they take no part in any statistic.
    pub unknown: u64,
    /// Sum of the values.
    pub sum: f64,
    /// The least value.
    pub min: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
    exact: Vec<f64>,
    sketch: Option<Sketch>,
}

impl Measured {
    /// Mean of the values.
    #[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }

    /// Percentile of the values, `p` from 0 to 1.
    pub fn percentile(&self, p: f64) -> Option<f64> {
        if let Some(sketch) = &self.sketch {
            return sketch.percentile(p);
        }
        let mut sorted = self.exact.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        percentile(&sorted, p)
    }

    /// How far a percentile may be off, as a share of its value; 0 up to [`EXACT_VALUES_MAX`] values.
    pub fn relative_error(&self) -> f64 {
        if self.sketch.is_some() { Sketch::RELATIVE_ERROR } else { 0.0 }
    }

    fn insert(&mut self, value: f64) {
        self.n += 1;
        self.sum += value;
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
        match &mut self.sketch {
            Some(sketch) => sketch.insert(value),
            None => self.exact.push(value),
        }
        self.shorten();
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.unknown += other.unknown;
        self.sum += other.sum;
        self.min = self.min.into_iter().chain(other.min).reduce(f64::min);
        self.max = self.max.into_iter().chain(other.max).reduce(f64::max);
        if let Some(theirs) = &other.sketch {
            self.sketched().merge(theirs);
        }
        match &mut self.sketch {
            Some(sketch) => other.exact.iter().for_each(|value| sketch.insert(*value)),
            None => self.exact.extend(&other.exact),
        }
        self.shorten();
    }

    fn shorten(&mut self) {
        if self.exact.len() > EXACT_VALUES_MAX {
            self.sketched();
        }
    }

    fn sketched(&mut self) -> &mut Sketch {
        let sketch = self.sketch.get_or_insert_default();
        self.exact.drain(..).for_each(|value| sketch.insert(value));
        sketch
    }
}

impl GroupCell {
    fn empty(n_measures: usize) -> Self {
        Self { count: 0, measures: vec![Measured::default(); n_measures] }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.measures.iter_mut().zip(&other.measures).for_each(|(measure, other)| measure.merge(other));
    }
}

/// A value for each field, and the first day of the time.
type Key = (Vec<Option<String>>, Option<i64>);
/// None when there are more than [`CELLS_MAX`].
pub(super) type Cells = Option<BTreeMap<Key, GroupCell>>;

impl Groups {
    pub(super) fn of(cells: BTreeMap<Key, GroupCell>, grouping: &Grouping) -> Self {
        let mut totals: BTreeMap<&[Option<String>], u64> = BTreeMap::new();
        for ((key, _), cell) in &cells {
            *totals.entry(key).or_default() += cell.count;
        }
        let mut order: Vec<_> =
            totals.into_iter().map(|(key, count)| (std::cmp::Reverse(count), key.to_vec())).collect();
        order.sort();
        let n_others = order.len().saturating_sub(grouping.limit);
        let place: BTreeMap<_, _> = order.into_iter().map(|(_, key)| key).zip(0..).collect();
        let mut rows = Vec::with_capacity(cells.len());
        let mut other = GroupCell::empty(grouping.measures.len());
        for ((key, at), cell) in cells {
            match place[&key] {
                place if place < grouping.limit => rows.push((place, at.is_none(), at, key, cell)),
                _ => other.merge(&cell),
            }
        }
        // Times that are unknown stand last.
        rows.sort_by_key(|(place, unknown, at, ..)| (*place, *unknown, *at));
        let at = |first| grouping.calendar.start_of(first);
        let row = |(_, _, first, key, cell)| Group { key, at: Option::map(first, at), cell };
        let groups = u64::try_from(n_others).expect("a count fits");
        Self {
            rows: rows.into_iter().map(row).collect(),
            other: (n_others > 0).then_some(OtherGroups { groups, cell: other }),
        }
    }
}

/// Collects the cells of a grouping.
pub(super) struct ByGroup<'q>(pub(super) &'q Grouping);

impl Collector for ByGroup<'_> {
    type Fruit = Cells;
    type Child = Blocks<SegmentGroups>;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<Self::Child> {
        let over = self.0.over.as_ref();
        let over = over.map(|(field, bucket)| Ok::<_, tantivy::TantivyError>((Values::open(segment, field)?, *bucket)));
        Ok(Blocks::new(SegmentGroups {
            keys: self.0.fields.iter().map(|name| Terms::open(segment, name)).collect::<tantivy::Result<_>>()?,
            over: over.transpose()?,
            measures: self.0.measures.iter().map(|name| Values::open(segment, name)).collect::<tantivy::Result<_>>()?,
            calendar: self.0.calendar.clone(),
            days: HashMap::new(),
            cells: HashMap::new(),
            too_many: false,
        }))
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<tantivy::Result<Cells>>) -> tantivy::Result<Cells> {
        let mut all = BTreeMap::new();
        for segment in segments {
            let Some(cells) = segment? else { return Ok(None) };
            for (key, cell) in cells {
                all.entry(key).or_insert_with(|| GroupCell::empty(self.0.measures.len())).merge(&cell);
            }
        }
        Ok((all.len() <= CELLS_MAX).then_some(all))
    }
}

/// Texts of a keyword field by number.
struct Terms {
    /// None where no document of the segment has the field.
    column: Option<StrColumn>,
    /// Numbers of the texts that are of the field.
    range: std::ops::Range<u64>,
    prefix_bytes: usize,
}

/// Stands for no value among the numbers of texts and times.
const NONE: u64 = u64::MAX;

impl Terms {
    fn open(segment: &SegmentReader, name: &str) -> tantivy::Result<Self> {
        let column = keyword_column(name).map(|column| segment.fast_fields().str(column)).transpose()?.flatten();
        let prefix = column_prefix(name);
        let range = column.as_ref().map_or(Ok(0..0), |column| with_prefix(column, &prefix))?;
        Ok(Self { column, range, prefix_bytes: prefix.len() })
    }

    fn ords(&self) -> Option<&Column<u64>> {
        self.column.as_ref().map(|column| column.ords())
    }

    /// Texts of the numbers, which come in order.
    fn texts(&self, numbers: &[u64]) -> tantivy::Result<BTreeMap<u64, String>> {
        let Some(column) = &self.column else { return Ok(BTreeMap::new()) };
        let mut texts = Vec::with_capacity(numbers.len());
        let text = |term: &[u8]| texts.push(String::from_utf8_lossy(&term[self.prefix_bytes..]).into_owned());
        column.dictionary().sorted_ords_to_term_cb(numbers, text)?;
        Ok(numbers.iter().copied().zip(texts).collect())
    }
}

/// Time in which no zone changes its date: since 1972 all are ahead of or behind UTC by a multiple of it.
const SLOT_MS: i64 = 15 * 60 * 1_000;

/// Groups within one segment, by the numbers of the texts and the first day of the time, each in a number without a sign.
pub(super) struct SegmentGroups {
    keys: Vec<Terms>,
    over: Option<(Values, Bucket)>,
    measures: Vec<Values>,
    calendar: Calendar,
    /// First days of the buckets of the slots that were met.
    days: HashMap<i64, i64>,
    cells: HashMap<Box<[u64]>, GroupCell>,
    too_many: bool,
}

impl Block for SegmentGroups {
    type Fruit = tantivy::Result<Cells>;

    fn take(&mut self, docs: &[DocId]) {
        let mut dates = [None; COLLECT_BLOCK_BUFFER_LEN];
        if let Some((values, _)) = &self.over {
            values.least(docs, &mut dates[..docs.len()]);
        }
        let mut key = Vec::with_capacity(self.keys.len() + 1);
        for (doc, date) in docs.iter().zip(dates) {
            let time = self.time(date);
            key.clear();
            self.group(*doc, &mut key, time);
        }
    }

    fn end(self) -> Self::Fruit {
        if self.too_many {
            return Ok(None);
        }
        let mut used = vec![std::collections::BTreeSet::new(); self.keys.len()];
        for key in self.cells.keys() {
            used.iter_mut().zip(key).filter(|(_, number)| **number != NONE).for_each(|(used, number)| {
                used.insert(*number);
            });
        }
        let texts = self.keys.iter().zip(&used);
        let texts = texts.map(|(terms, used)| terms.texts(&used.iter().copied().collect::<Vec<_>>()));
        let texts = texts.collect::<tantivy::Result<Vec<_>>>()?;
        let name = |key: &[u64]| {
            let names = texts.iter().zip(key).map(|(texts, number)| texts.get(number).cloned()).collect();
            let time = key.last().copied().filter(|time| *time != NONE && self.over.is_some());
            (names, time.map(u64::cast_signed))
        };
        Ok(Some(self.cells.iter().map(|(key, cell)| (name(key), cell.clone())).collect()))
    }
}

impl SegmentGroups {
    /// First day of the day, week or month of a date that is written so that it orders without a sign.
    fn time(&mut self, date: Option<u64>) -> u64 {
        let (Some(date), Some((values, bucket))) = (date, &self.over) else { return NONE };
        let Some(ms) = values.instant(date) else { return NONE };
        let day = || first_day(self.calendar.day_of(Timestamp::from_ms(ms)), *bucket);
        self.days.entry(ms.div_euclid(SLOT_MS)).or_insert_with(day).cast_unsigned()
    }

    /// Counts a document in the groups of all values of the fields from that of `key`'s end on.
    fn group(&mut self, doc: DocId, key: &mut Vec<u64>, time: u64) {
        let Some(terms) = self.keys.get(key.len()) else {
            key.push(time);
            self.count(doc, key);
            key.pop();
            return;
        };
        let range = &terms.range;
        let values = terms.ords().into_iter().flat_map(|ords| ords.values_for_doc(doc));
        let mut own: Vec<u64> = values.filter(|number| range.contains(number)).collect();
        if own.is_empty() {
            own.push(NONE);
        }
        for number in own {
            key.push(number);
            self.group(doc, key, time);
            key.pop();
        }
    }

    fn count(&mut self, doc: DocId, key: &[u64]) {
        if !self.cells.contains_key(key) {
            if self.cells.len() == CELLS_MAX {
                self.too_many = true;
                return;
            }
            self.cells.insert(key.into(), GroupCell::empty(self.measures.len()));
        }
        let Some(cell) = self.cells.get_mut(key) else { return };
        cell.count += 1;
        for (measure, values) in cell.measures.iter_mut().zip(&self.measures) {
            let before = measure.n;
            values.each(doc, |value| measure.insert(value));
            measure.unknown += u64::from(measure.n == before);
        }
    }
}
