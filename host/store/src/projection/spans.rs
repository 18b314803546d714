//! Tiles as they are stored: those of 32 days of a cell in one row. A row for each day would cost as much to write as
//! the samples do.

use std::borrow::Cow;

use rusqlite::types::FromSqlError;
use serde::{Deserialize, Serialize};
use weir_model::time::Timestamp;

use super::rows::Cell;
use super::sums::{Percentiles, Sums, Values};

/// Days of one row.
const DAYS: i64 = 32;
/// Up to this many values are kept themselves: they take less room than what they come to.
const FEW_MAX: usize = 16;

/// The span a day lies in.
pub(super) fn span_of(day: i64) -> i64 {
    day.div_euclid(DAYS)
}

/// What the samples of a cell and a day come to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Tile<'d> {
    /// The known values in their order, and how many are unknown.
    Few(Vec<f64>, u64),
    #[serde(borrow)]
    Many(Summed<'d>),
}

/// What many values come to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Summed<'d> {
    n: u64,
    unknown: u64,
    sum: f64,
    min: Option<f64>,
    max: Option<f64>,
    percentiles: Percentiles,
    #[serde(borrow)]
    sketch: Cow<'d, [u8]>,
}

impl Tile<'_> {
    /// None of no samples.
    pub(super) fn of(values: Values) -> Option<Self> {
        let (known, unknown) = values.sorted();
        match known.len() {
            0 if unknown == 0 => None,
            0..=FEW_MAX => Some(Self::Few(known, unknown)),
            _ => {
                let (Sums { n, unknown, sum, min, max, sketch }, percentiles) = Values::of(known, unknown).summed();
                Some(Self::Many(Summed { n, unknown, sum, min, max, percentiles, sketch: sketch.to_bytes().into() }))
            }
        }
    }

    /// How many samples there are.
    pub(super) fn n_samples(&self) -> u64 {
        match self {
            Self::Few(known, unknown) => known.len() as u64 + unknown,
            Self::Many(sum) => sum.n + sum.unknown,
        }
    }

    /// The exact cell of the day that begins at `at`.
    pub(super) fn cell(self, at: Timestamp) -> Cell {
        match self {
            Self::Few(known, unknown) => Values::of(known, unknown).cell(at),
            Self::Many(Summed { n, unknown, sum, min, max, percentiles, .. }) => {
                Sums { n, unknown, sum, min, max, ..Sums::default() }.cell(at, percentiles, true)
            }
        }
    }

    /// Adds it to what others come to.
    pub(super) fn add_to(&self, sums: &mut Sums) -> rusqlite::Result<()> {
        match self {
            Self::Few(known, unknown) => sums.add_values(known, *unknown),
            Self::Many(Summed { n, unknown, sum, min, max, sketch, .. }) => {
                if !sums.sketch.merge_bytes(sketch) {
                    return Err(FromSqlError::InvalidType.into());
                }
                sums.add(*n, *unknown, *sum, [*min, *max]);
            }
        }
        Ok(())
    }
}

/// Tiles of one cell and span, in the order of days.
#[derive(Debug, Default)]
pub(super) struct Span<'d>(pub(super) Vec<(i64, Tile<'d>)>);

impl<'d> Span<'d> {
    /// Puts a tile in the place of that of the same day; none takes it away.
    pub(super) fn set(&mut self, day: i64, tile: Option<Tile<'d>>) {
        let place = self.0.binary_search_by_key(&day, |(day, _)| *day);
        match (place, tile) {
            (Ok(place), Some(tile)) => self.0[place].1 = tile,
            (Err(place), Some(tile)) => self.0.insert(place, (day, tile)),
            (Ok(place), None) => drop(self.0.remove(place)),
            (Err(_), None) => {}
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let days: Vec<(i64, &Tile<'_>)> = self.0.iter().map(|(day, tile)| (day.rem_euclid(DAYS), tile)).collect();
        postcard::to_stdvec(&days).expect("lists of known length and numbers serialise")
    }

    pub(super) fn from_bytes(span: i64, bytes: &'d [u8]) -> rusqlite::Result<Self> {
        let mut days: Vec<(i64, Tile<'_>)> = postcard::from_bytes(bytes).map_err(|_| FromSqlError::InvalidType)?;
        let first = span.saturating_mul(DAYS);
        for (day, _) in &mut days {
            *day = day.saturating_add(first);
        }
        Ok(Self(days))
    }
}
