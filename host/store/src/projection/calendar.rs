//! Days, ISO weeks and months in UTC. Days are numbers since 1970-01-01, a Thursday.

use jiff::civil::Date;
use weir_model::Timestamp;

use super::Bucket;

pub(super) const DAY_MS: i64 = 86_400_000;
/// 1970-01-05, the first Monday that has a number.
const FIRST_MONDAY: i64 = 4;

/// The day an instant lies in.
pub(super) fn day_of(at: Timestamp) -> i64 {
    at.ms().div_euclid(DAY_MS)
}

/// Its first millisecond.
pub(super) fn start_of(day: i64) -> i64 {
    day.saturating_mul(DAY_MS)
}

/// First day of the bucket that `day` lies in.
pub(super) fn first_day(day: i64, of: Bucket) -> i64 {
    match of {
        Bucket::Day => day,
        Bucket::Week => day - (day - FIRST_MONDAY).rem_euclid(7),
        Bucket::Month => date(day).map_or(day, |date| day - i64::from(date.day()) + 1),
    }
}

/// First millisecond of the bucket that an instant, in milliseconds, lies in.
pub(crate) fn bucket_start(at: i64, of: Bucket) -> i64 {
    start_of(first_day(day_of(Timestamp::from_ms(at)), of))
}

/// None outside of the years that can be written, where no sample lies.
fn date(day: i64) -> Option<Date> {
    let instant = jiff::Timestamp::from_millisecond(start_of(day)).ok()?;
    Some(instant.to_zoned(jiff::tz::TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(instant: &str, expected: expect_test::Expect) {
        let day = day_of(instant.parse().unwrap());
        let start = |bucket| Timestamp::from_ms(start_of(first_day(day, bucket))).to_string()[..10].to_owned();
        expected.assert_eq(&[Bucket::Day, Bucket::Week, Bucket::Month].map(start).join(" "));
    }

    #[test]
    fn buckets_begin_where_the_calendar_says() {
        use expect_test::expect;
        check("2024-03-01T00:30:00+01:00", expect!["2024-02-29 2024-02-26 2024-02-01"]);
        check("2024-03-03T23:59:59.999Z", expect!["2024-03-03 2024-02-26 2024-03-01"]);
        check("2024-03-04T00:00:00Z", expect!["2024-03-04 2024-03-04 2024-03-01"]);
        check("1969-12-31T12:00:00Z", expect!["1969-12-31 1969-12-29 1969-12-01"]);
    }
}
