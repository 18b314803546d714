//! Values of a field as numbers, for sorting and statistics: dates in milliseconds, numbers, and keywords as far as they
//! are written as either.

use std::ops::Range;

use tantivy::columnar::{Column, StrColumn};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, SegmentReader};
use weir_model::filter::{Match, instant_range};
use weir_model::search::{FieldType, field};

use super::document::keyword_column;
use super::facets::with_prefix;
use super::fields::column_prefix;

/// Values of one field in one segment.
pub(super) enum Values {
    /// No document of the segment has the field.
    Absent,
    Dates(Column<i64>),
    Numbers(Column<f64>),
    /// Numbers by the places of their texts in the column, from the start of the range on; others are not a number.
    Written {
        ords: Column<u64>,
        range: Range<u64>,
        numbers: Vec<f64>,
    },
}

/// Whether the field has values that may be numbers.
pub(super) fn is_measurable(name: &str) -> bool {
    field(name).is_some_and(|field| field.kind != FieldType::Text)
}

impl Values {
    pub(super) fn open(segment: &SegmentReader, name: &str) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(match field(name).map(|field| field.kind) {
            Some(FieldType::Date) => columns.column_opt(name)?.map_or(Self::Absent, Self::Dates),
            Some(FieldType::Number) => columns.column_opt(name)?.map_or(Self::Absent, Self::Numbers),
            Some(FieldType::Keyword) => {
                let column = keyword_column(name).map(|column| columns.str(column)).transpose()?.flatten();
                column.map_or(Ok(Self::Absent), |column| written(&column, &column_prefix(name)))?
            }
            Some(FieldType::Text) | None => Self::Absent,
        })
    }

    /// Gives each value of a document.
    pub(super) fn each(&self, doc: DocId, mut visit: impl FnMut(f64)) {
        match self {
            Self::Absent => {}
            Self::Dates(column) => column.values_for_doc(doc).for_each(|date| visit(decimal(date))),
            Self::Numbers(column) => column.values_for_doc(doc).for_each(visit),
            Self::Written { ords, range, numbers } => {
                ords.values_for_doc(doc).filter_map(|ord| at(range, numbers, ord)).for_each(visit);
            }
        }
    }

    /// The instant, in milliseconds, that was written as an ordered number by [`Values::least`].
    pub(super) fn instant(&self, ordered: u64) -> Option<i64> {
        match self {
            Self::Absent => None,
            Self::Dates(_) => Some((ordered ^ (1 << 63)).cast_signed()),
            Self::Numbers(_) | Self::Written { .. } => whole(unordered(ordered)),
        }
    }

    /// The least value of each document as a number that orders as it does.
    pub(super) fn least(&self, docs: &[DocId], least: &mut [Option<u64>]) {
        match self {
            Self::Absent => {}
            Self::Dates(column) => firsts(column, docs, least, |date| date.cast_unsigned() ^ (1 << 63)),
            Self::Numbers(column) => firsts(column, docs, least, ordered),
            Self::Written { ords, range, numbers } => {
                for (doc, least) in docs.iter().zip(least) {
                    let values = ords.values_for_doc(*doc).filter_map(|ord| at(range, numbers, ord));
                    *least = values.map(ordered).min();
                }
            }
        }
    }
}

fn firsts<T: PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static>(
    column: &Column<T>,
    docs: &[DocId],
    least: &mut [Option<u64>],
    order: impl Fn(T) -> u64,
) {
    let mut block = [None; COLLECT_BLOCK_BUFFER_LEN];
    let block = &mut block[..docs.len()];
    column.first_vals(docs, block);
    for (value, least) in block.iter().zip(least) {
        *least = value.map(&order);
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for all times that people write")]
fn decimal(ms: i64) -> f64 {
    ms as f64
}

/// A number as one without a sign that orders the same.
pub(super) fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if value.is_sign_negative() { !bits } else { bits | 1 << 63 }
}

fn unordered(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 0 { !ordered } else { ordered ^ (1 << 63) })
}

#[expect(clippy::cast_possible_truncation, reason = "it is within the range")]
fn whole(ms: f64) -> Option<i64> {
    (ms.abs() < 9e15).then_some(ms as i64)
}

fn at(range: &Range<u64>, numbers: &[f64], ord: u64) -> Option<f64> {
    let place = usize::try_from(ord.checked_sub(range.start)?).ok()?;
    numbers.get(place).copied().filter(|number| number.is_finite())
}

fn written(column: &StrColumn, prefix: &str) -> tantivy::Result<Values> {
    let range = with_prefix(column, prefix)?;
    let mut numbers = Vec::new();
    let number = |term: &[u8]| numbers.push(read(&String::from_utf8_lossy(&term[prefix.len()..])).unwrap_or(f64::NAN));
    column.dictionary().sorted_ords_to_term_cb(&range.clone().collect::<Vec<_>>(), number)?;
    Ok(Values::Written { ords: column.ords().clone(), range, numbers })
}

/// A number, or the milliseconds of an instant.
fn read(text: &str) -> Option<f64> {
    let instant = || instant_range(&Match::Word(text.to_owned())).map(|range| decimal(range.start));
    text.parse().ok().or_else(instant)
}
