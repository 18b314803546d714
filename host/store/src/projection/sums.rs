//! Sums and percentiles of values. Functions of the values alone: the order they come in never shows.

use weir_model::statistics::{Sketch, percentile};
use weir_model::time::Timestamp;

use super::rows::Cell;

/// The percentiles of a cell.
const PERCENTILES: [f64; 4] = [0.5, 0.75, 0.9, 0.95];

/// The values of samples.
#[derive(Debug, Default)]
pub(super) struct Values {
    known: Vec<f64>,
    unknown: u64,
}

/// What a tile holds beside its percentiles, and what several of them add up to.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) n: u64,
    pub(super) unknown: u64,
    pub(super) sum: f64,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) sketch: Sketch,
}

pub(super) type Percentiles = [Option<f64>; 4];

impl Values {
    pub(super) fn add(&mut self, value: Option<f64>) {
        match value {
            Some(value) => self.known.push(value),
            None => self.unknown += 1,
        }
    }

    pub(super) fn of(known: Vec<f64>, unknown: u64) -> Self {
        Self { known, unknown }
    }

    /// The known ones in their order, and how many are unknown.
    pub(super) fn sorted(mut self) -> (Vec<f64>, u64) {
        self.known.sort_by(f64::total_cmp);
        (self.known, self.unknown)
    }

    /// Sorted first, so that neither the percentiles nor the last digit of the sum depend on the order.
    pub(super) fn summed(self) -> (Sums, Percentiles) {
        let (known, unknown) = self.sorted();
        let known = &known;
        let mut sketch = Sketch::default();
        for value in known {
            sketch.insert(*value);
        }
        let sum = Sums {
            n: u64::try_from(known.len()).expect("a count of values in memory fits"),
            unknown,
            sum: known.iter().sum(),
            min: known.first().copied(),
            max: known.last().copied(),
            sketch,
        };
        (sum, PERCENTILES.map(|p| percentile(known, p)))
    }

    /// The exact cell of the bucket that begins at `at`.
    pub(super) fn cell(self, at: Timestamp) -> Cell {
        let (sum, percentiles) = self.summed();
        sum.cell(at, percentiles, true)
    }
}

impl Sums {
    pub(super) fn merge(&mut self, other: &Self) {
        self.add(other.n, other.unknown, other.sum, [other.min, other.max]);
        self.sketch.merge(&other.sketch);
    }

    /// Adds some values, given in their order.
    pub(super) fn add_values(&mut self, known: &[f64], unknown: u64) {
        for value in known {
            self.sketch.insert(*value);
        }
        self.add(known.len() as u64, unknown, known.iter().sum(), [known.first().copied(), known.last().copied()]);
    }

    /// Adds what others come to, but for their sketch.
    pub(super) fn add(&mut self, n: u64, unknown: u64, sum: f64, [min, max]: [Option<f64>; 2]) {
        self.n += n;
        self.unknown += unknown;
        self.sum += sum;
        self.min = self.min.into_iter().chain(min).reduce(f64::min);
        self.max = self.max.into_iter().chain(max).reduce(f64::max);
    }

    pub(super) fn percentiles(&self) -> Percentiles {
        let within = |value: f64| value.clamp(self.min.unwrap_or(value), self.max.unwrap_or(value));
        PERCENTILES.map(|p| self.sketch.percentile(p).map(within))
    }

    pub(super) fn cell(&self, at: Timestamp, [p50, p75, p90, p95]: Percentiles, exact: bool) -> Cell {
        #[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
        let mean = (self.n > 0).then(|| self.sum / self.n as f64);
        let Self { n, unknown, sum, min, max, .. } = *self;
        Cell { at, n, unknown, sum, mean, min, max, p50, p75, p90, p95, exact }
    }
}
