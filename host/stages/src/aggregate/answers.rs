//! What is read from the buckets of a metric: whether it goes up or down, and how regular what is counted is.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::calendar::{first_day, next};
use weir_model::statistics::percentile;
use weir_model::{Bucket, Calendar, Timestamp};

/// Fewest buckets a trend is read from.
const TREND_BUCKETS_MIN: usize = 3;

/// A straight line through the values of buckets, by least squares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Trend {
    /// By how much a value grows from one bucket to the next.
    pub per_bucket: f64,
    /// Buckets that have a value.
    pub n: usize,
}

/// The trend of values, each with the place of its bucket; none of fewer than three.
pub fn trend(values: &[(i64, f64)]) -> Option<Trend> {
    if values.len() < TREND_BUCKETS_MIN {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "places and counts of buckets are below 2^53")]
    let (n, places): (f64, Vec<f64>) = (values.len() as f64, values.iter().map(|(place, _)| *place as f64).collect());
    let mean_place = places.iter().sum::<f64>() / n;
    let mean = values.iter().map(|(_, value)| value).sum::<f64>() / n;
    let spread: f64 = places.iter().map(|place| (place - mean_place).powi(2)).sum();
    let together: f64 =
        places.iter().zip(values).map(|(place, (_, value))| (place - mean_place) * (value - mean)).sum();
    (spread > 0.0).then(|| Trend { per_bucket: together / spread, n: values.len() })
}

/// How long ago what has not reached its end was placed: a change by its merge or opening, a failed deployment by its
/// end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Waiting {
    /// How many.
    pub n: usize,
    /// Median of their ages, in milliseconds.
    pub p50: Option<f64>,
    /// Age of the oldest, in milliseconds.
    pub max: Option<f64>,
}

/// The ages at `now` of what was placed at `times`; what lies after it has none.
pub fn waiting(times: &[Timestamp], now: Timestamp) -> Waiting {
    let mut ages: Vec<f64> = times.iter().filter_map(|at| gap(*at, now)).collect();
    ages.sort_by(f64::total_cmp);
    Waiting { n: times.len(), p50: percentile(&ages, 0.5), max: ages.last().copied() }
}

/// How regular what is counted happens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Rhythm {
    /// Days with at least one.
    pub days: usize,
    /// Such days in a week of the window, on average.
    pub days_per_week: Option<f64>,
    /// Median over the weeks that lie in the window as a whole; those without any count as 0.
    pub median_days_per_week: Option<f64>,
    /// Median over the months that lie in the window as a whole; those without any count as 0.
    pub median_days_per_month: Option<f64>,
    /// Median of the times from one to the next, in milliseconds.
    pub gap_p50: Option<f64>,
    /// Longest time from one to the next, in milliseconds.
    pub gap_max: Option<f64>,
}

/// The rhythm of what happened at `times`, which are in order and lie in the window.
pub fn rhythm(times: &[Timestamp], window: Range<Timestamp>, calendar: &Calendar) -> Rhythm {
    let mut days: Vec<i64> = times.iter().map(|at| calendar.day_of(*at)).collect();
    days.dedup();
    let mut gaps: Vec<f64> = times.windows(2).filter_map(|pair| gap(pair[0], pair[1])).collect();
    gaps.sort_by(f64::total_cmp);
    let median = |unit| {
        let mut counts = days_per(&days, &window, unit, calendar);
        counts.sort_by(f64::total_cmp);
        percentile(&counts, 0.5)
    };
    let weeks = gap(window.start, window.end).map(|length| length / (7.0 * 86_400_000.0));
    #[expect(clippy::cast_precision_loss, reason = "counts of days are below 2^53")]
    let days_per_week = weeks.filter(|weeks| *weeks > 0.0).map(|weeks| days.len() as f64 / weeks);
    Rhythm {
        days: days.len(),
        days_per_week,
        median_days_per_week: median(Bucket::Week),
        median_days_per_month: median(Bucket::Month),
        gap_p50: percentile(&gaps, 0.5),
        gap_max: gaps.last().copied(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
fn gap(from: Timestamp, to: Timestamp) -> Option<f64> {
    to.since(from).map(|length| length.0 as f64)
}

/// How many of `days` each unit of the window has that lies in it as a whole.
pub(super) fn days_per(days: &[i64], window: &Range<Timestamp>, unit: Bucket, calendar: &Calendar) -> Vec<f64> {
    let mut counts = Vec::new();
    let mut first = first_day(calendar.day_of(window.start), unit);
    if calendar.start_of(first) < window.start {
        first = next(first, unit);
    }
    while calendar.end_of(first, unit) <= window.end {
        let after = next(first, unit);
        let n_days = days.iter().filter(|day| (first..after).contains(*day)).count();
        #[expect(clippy::cast_precision_loss, reason = "a unit has at most 31 days")]
        counts.push(n_days as f64);
        first = after;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_line_needs_three_buckets() {
        assert_eq!(trend(&[(0, 1.0), (1, 2.0)]), None);
        assert_eq!(trend(&[(0, 1.0), (1, 2.0), (2, 3.0)]), Some(Trend { per_bucket: 1.0, n: 3 }));
        // A bucket without samples is a gap, not a step.
        assert_eq!(trend(&[(0, 0.0), (1, 2.0), (5, 10.0)]), Some(Trend { per_bucket: 2.0, n: 3 }));
        assert_eq!(trend(&[(0, 10.0), (1, 7.0), (2, 10.0)]), Some(Trend { per_bucket: 0.0, n: 3 }));
    }

    #[test]
    fn what_waits_has_an_age() {
        let at = |ms: i64| Timestamp::from_ms(ms);
        let found = waiting(&[at(10), at(20), at(40), at(99)], at(50));
        assert_eq!(found, Waiting { n: 4, p50: Some(30.0), max: Some(40.0) });
        assert_eq!(waiting(&[], at(50)), Waiting { n: 0, p50: None, max: None });
    }

    #[test]
    fn days_and_gaps_of_two_weeks() {
        let at = |text: &str| format!("2026-03-{text}:00Z").parse::<Timestamp>().unwrap();
        let times = ["02T10:00", "02T12:00", "03T10:00", "05T09:00", "06T16:00"].map(at);
        let found = rhythm(&times, at("02T00:00")..at("16T00:00"), &Calendar::default());
        expect![[r"
            Rhythm {
                days: 4,
                days_per_week: Some(
                    2.0,
                ),
                median_days_per_week: Some(
                    2.0,
                ),
                median_days_per_month: None,
                gap_p50: Some(
                    95400000.0,
                ),
                gap_max: Some(
                    169200000.0,
                ),
            }
        "]]
        .assert_debug_eq(&found);
        let nothing = rhythm(&[], at("02T00:00")..at("02T00:00"), &Calendar::default());
        assert_eq!((nothing.days, nothing.days_per_week, nothing.gap_max), (0, None, None));
    }
}
