//! Percentiles, exact and from a sketch. Both are functions of the values alone, never of their order, and bit for
//! bit the same on every machine.

/// Percentile of values in ascending order, with linear interpolation (type 7, SQL `PERCENTILE_CONT`). `p` is a
/// fraction, 0.5 for the median; values of `p` outside of 0 to 1 count as the nearer end. None of no values.
pub fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let (rank, fraction) = rank(sorted.len(), p)?;
    let low = *sorted.get(rank)?;
    Some(sorted.get(rank + 1).map_or(low, |high| between(low, *high, fraction)))
}

/// Index of the value at or below the percentile among `n`, and how far on to the next one it lies.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are below 2^53, and the rank is neither negative nor above the count"
)]
fn rank(n: usize, p: f64) -> Option<(usize, f64)> {
    let place = n.checked_sub(1)? as f64 * p.clamp(0.0, 1.0);
    Some((place as usize, place.fract()))
}

fn between(low: f64, high: f64, fraction: f64) -> f64 {
    low + fraction * (high - low)
}

/// Histogram over buckets that grow with the value. Sketches of parts merge into the sketch of the whole, and a
/// percentile read from one is off by at most [`Sketch::RELATIVE_ERROR`] of the exact one (of the larger of its two
/// neighbours where those differ in sign).
///
/// A bucket is the exponent and the first six binary digits of a number, so no logarithm is taken and no two
/// machines disagree. Numbers too small to be normal count as 0; infinities and not-a-numbers are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Buckets that have counted something, in ascending order. There are some hundred, and they are mostly added to in
    /// that order: a list is several times as fast as a tree.
    counts: Vec<(i32, u64)>,
}

/// Digits of a number's fraction that do not tell its bucket: all 52 but six.
const DROPPED_BITS: u32 = 46;

/// Buckets that are looked at one by one before the place of one is searched for: that of the next is mostly near.
const NEAR: usize = 8;

impl Sketch {
    /// How far a percentile may be off. A bucket is 1/64 of its lower end wide and stands for its middle, so the
    /// true bound is 1/128.
    pub const RELATIVE_ERROR: f64 = 0.01;

    /// Counts one value.
    pub fn insert(&mut self, value: f64) {
        if value.is_finite() {
            let bucket = bucket(value);
            let is_last = self.counts.last().is_some_and(|(last, _)| *last <= bucket);
            self.count(if is_last { self.counts.len() - 1 } else { 0 }, bucket, 1);
        }
    }

    /// Counts `n` values of a bucket, which is looked for from a place on; where it is.
    fn count(&mut self, from: usize, bucket: i32, n: u64) -> usize {
        let rest = &self.counts[from..];
        let near = rest.iter().take(NEAR).position(|(known, _)| *known >= bucket);
        let place = from + near.unwrap_or_else(|| rest.partition_point(|(known, _)| *known < bucket));
        match self.counts.get_mut(place) {
            Some((known, counted)) if *known == bucket => *counted += n,
            _ => self.counts.insert(place, (bucket, n)),
        }
        place
    }

    /// Counts everything the other one has counted.
    pub fn merge(&mut self, other: &Self) {
        let mut place = 0;
        for (bucket, n) in &other.counts {
            place = self.count(place, *bucket, *n);
        }
    }

    /// How many values it has counted.
    pub fn n(&self) -> u64 {
        self.counts.iter().map(|(_, n)| n).sum()
    }

    /// Percentile as of [`percentile`], within the relative error. None of no values.
    pub fn percentile(&self, p: f64) -> Option<f64> {
        let (rank, fraction) = rank(usize::try_from(self.n()).ok()?, p)?;
        let low = self.value_at(rank)?;
        Some(self.value_at(rank + 1).map_or(low, |high| between(low, high, fraction)))
    }

    fn value_at(&self, rank: usize) -> Option<f64> {
        let mut left = u64::try_from(rank).ok()?;
        for (bucket, n) in &self.counts {
            match left.checked_sub(*n) {
                None => return Some(middle(*bucket)),
                Some(rest) => left = rest,
            }
        }
        None
    }

    /// Its bytes: for each bucket in ascending order the distance from the one before and the count, as variable
    /// length numbers. Equal sketches give equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.counts.len() * 3);
        let mut last = i32::MIN;
        for (bucket, n) in &self.counts {
            put_varint(&mut bytes, u64::from(bucket.abs_diff(last)));
            put_varint(&mut bytes, *n);
            last = *bucket;
        }
        bytes
    }

    /// Reads what [`Sketch::to_bytes`] wrote; none of anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut sketch = Self::default();
        sketch.merge_bytes(bytes).then_some(sketch)
    }

    /// Counts everything that the sketch has counted of which these are the bytes. False: they are none, and how much of
    /// them was counted is not known.
    #[must_use]
    pub fn merge_bytes(&mut self, mut bytes: &[u8]) -> bool {
        let (mut last, mut place) = (i32::MIN, 0);
        while !bytes.is_empty() {
            let Some((bucket, n)) = take_bucket(&mut bytes, last) else { return false };
            place = self.count(place, bucket, n);
            last = bucket;
        }
        true
    }
}

/// The bucket behind `last`, and its count.
fn take_bucket(bytes: &mut &[u8], last: i32) -> Option<(i32, u64)> {
    let distance = u32::try_from(take_varint(bytes)?).ok().filter(|distance| *distance > 0)?;
    Some((last.checked_add_unsigned(distance)?, take_varint(bytes)?))
}

/// Buckets of positive numbers are positive, of negative ones negative, in the order of the numbers; 0 is bucket 0.
fn bucket(value: f64) -> i32 {
    if !value.is_normal() {
        return 0;
    }
    let bits = i32::try_from(value.abs().to_bits() >> DROPPED_BITS).expect("18 bits are left of 64");
    if value < 0.0 { -bits } else { bits }
}

fn middle(bucket: i32) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let lower = u64::from(bucket.unsigned_abs()) << DROPPED_BITS;
    let middle = f64::from_bits(lower | 1 << (DROPPED_BITS - 1));
    if bucket < 0 { -middle } else { middle }
}

fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while let high @ 1.. = number >> 7 {
        bytes.push(low_seven(number) | 0x80);
        number = high;
    }
    bytes.push(low_seven(number));
}

fn low_seven(number: u64) -> u8 {
    u8::try_from(number & 0x7f).expect("seven bits fit in a byte")
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(values: &[f64], expected: Expect) {
        let at = |p: f64| percentile(values, p).map_or("unknown".to_owned(), |value| format!("{value:.4}"));
        expected.assert_eq(&[0.5, 0.75, 0.9, 0.95].map(at).join(" "));
    }

    #[test]
    fn percentiles_interpolate() {
        check(&[10.0, 20.0, 30.0, 40.0], expect!["25.0000 32.5000 37.0000 38.5000"]);
        check(&[1.0, 2.0], expect!["1.5000 1.7500 1.9000 1.9500"]);
        check(&[7.0], expect!["7.0000 7.0000 7.0000 7.0000"]);
        check(&[], expect!["unknown unknown unknown unknown"]);
    }

    fn sketch(values: &[f64]) -> Sketch {
        let mut sketch = Sketch::default();
        for value in values {
            sketch.insert(*value);
        }
        sketch
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        assert_eq!(sketch(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).n(), 0);
        assert_eq!(sketch(&[0.0, -0.0, f64::MIN_POSITIVE / 2.0]).percentile(1.0), Some(0.0));
        assert_eq!(Sketch::default().percentile(0.5), None);
    }

    #[test]
    fn bytes_that_are_no_sketch_are_refused() {
        assert_eq!(Sketch::from_bytes(&[]), Some(Sketch::default()));
        for bytes in [&[0x80][..], &[1], &[0, 1], &[0xff; 12]] {
            assert_eq!(Sketch::from_bytes(bytes), None, "{bytes:?}");
        }
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![Just(0.0), 0.001..1e12, -1e12..-0.001, Just(1.0), Just(f64::MAX), Just(f64::MIN)]
    }

    fn magnitude() -> impl Strategy<Value = f64> {
        prop_oneof![Just(0.0), 1e-300..1e300, 0.001..1e12]
    }

    proptest! {
        #[test]
        fn a_sketch_is_within_its_error(mut values in prop::collection::vec(magnitude(), 1..200), p in 0.0..=1.0) {
            values.sort_by(f64::total_cmp);
            let exact = percentile(&values, p).unwrap();
            let near = sketch(&values).percentile(p).unwrap();
            prop_assert!((near - exact).abs() <= Sketch::RELATIVE_ERROR * exact, "{near} for {exact}");
        }

        #[test]
        fn parts_merge_into_the_whole(values in prop::collection::vec(value(), 0..100), cut in 0..100_usize) {
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = sketch(right);
            merged.merge(&sketch(left));
            prop_assert_eq!(&merged, &sketch(&values));
            prop_assert_eq!(Sketch::from_bytes(&merged.to_bytes()), Some(merged));
        }
    }
}
