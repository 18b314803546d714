//! Days, ISO weeks and months of a time zone. Days are numbers since 1970-01-01, a Thursday.
//!
//! Invariant: an instant lies in the day `d` exactly when it is not before the start of `d` and before the start of
//! `d + 1`, whatever the clocks of the zone do.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::time::{DurationMs, Timestamp};

const DAY_MS: i64 = 86_400_000;
/// 1970-01-05, the first Monday that has a number.
const FIRST_MONDAY: i64 = 4;

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bucket {
    /// A day.
    Day,
    /// Seven days from a Monday on, as in ISO 8601.
    Week,
    /// A month.
    Month,
}

/// A name that is no time zone's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone")]
pub struct NoTimeZone(pub String);

/// The calendar of one time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { zone: TimeZone::UTC }
    }
}

impl Calendar {
    /// The calendar of a zone of the IANA database, such as `Europe/Berlin`.
    pub fn of_zone(name: &str) -> Result<Self, NoTimeZone> {
        TimeZone::get(name).map(|zone| Self { zone }).map_err(|_| NoTimeZone(name.to_owned()))
    }

    /// Name of its zone.
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The day an instant lies in.
    pub fn day_of(&self, at: Timestamp) -> i64 {
        let Some(instant) = instant(at.ms()).filter(|_| self.zone != TimeZone::UTC) else {
            return at.ms().div_euclid(DAY_MS);
        };
        let day = (at.ms() + i64::from(self.zone.to_offset(instant).seconds()) * 1_000).div_euclid(DAY_MS);
        // Where clocks are turned back over midnight, a local date comes twice.
        match () {
            () if at < self.start_of(day) => day - 1,
            () if at >= self.start_of(day + 1) => day + 1,
            () => day,
        }
    }

    /// First instant of a day, with the offset the zone has then.
    pub fn start_of(&self, day: i64) -> Timestamp {
        let utc = Timestamp::from_ms(day.saturating_mul(DAY_MS));
        if self.zone == TimeZone::UTC {
            return utc;
        }
        let start = date(day).and_then(|date| date.to_zoned(self.zone.clone()).ok());
        start.map_or(utc, |start| {
            let minutes = i16::try_from(start.offset().seconds() / 60).unwrap_or(0);
            Timestamp::from_ms(start.timestamp().as_millisecond()).at_offset(minutes)
        })
    }

    /// First instant of a day that is written `2025-03-01`; none of anything else.
    pub fn start_of_date(&self, text: &str) -> Option<Timestamp> {
        let date: Date = text.parse().ok()?;
        let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
        Some(self.start_of(midnight.div_euclid(DAY_MS)))
    }

    /// First instant after the unit that begins with `first_day`.
    pub fn end_of(&self, first_day: i64, unit: Bucket) -> Timestamp {
        self.start_of(next(first_day, unit))
    }

    /// Real length of the unit that begins with `first_day`: a day can have 23 or 25 hours.
    pub fn length_of(&self, first_day: i64, unit: Bucket) -> DurationMs {
        self.end_of(first_day, unit).since(self.start_of(first_day)).unwrap_or_default()
    }
}

/// First day of the unit that `day` lies in.
pub fn first_day(day: i64, unit: Bucket) -> i64 {
    match unit {
        Bucket::Day => day,
        Bucket::Week => day - (day - FIRST_MONDAY).rem_euclid(7),
        Bucket::Month => date(day).map_or(day, |date| day - i64::from(date.day()) + 1),
    }
}

/// First day of the unit after the one that begins with `first_day`.
pub fn next(first_day: i64, unit: Bucket) -> i64 {
    match unit {
        Bucket::Day => first_day + 1,
        Bucket::Week => first_day + 7,
        Bucket::Month => first_day + date(first_day).map_or(30, |date| i64::from(date.days_in_month())),
    }
}

/// Place of the unit that `day` lies in among all of its sort: the next one is one further.
pub fn ordinal(day: i64, unit: Bucket) -> i64 {
    match unit {
        Bucket::Day => day,
        Bucket::Week => (day - FIRST_MONDAY).div_euclid(7),
        Bucket::Month => date(day).map_or(day, |date| i64::from(date.year()) * 12 + i64::from(date.month())),
    }
}

/// None outside of the years that can be written, where nothing lies.
fn date(day: i64) -> Option<Date> {
    instant(day.checked_mul(DAY_MS)?).map(|instant| instant.to_zoned(TimeZone::UTC).date())
}

fn instant(ms: i64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(ms).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(zone: &str, instants: &[&str], expected: Expect) {
        let calendar = Calendar::of_zone(zone).unwrap();
        let line = |instant: &&str| {
            let day = calendar.day_of(instant.parse().unwrap());
            let start = |unit| calendar.start_of(first_day(day, unit)).to_string()[..10].to_owned();
            let hours = calendar.length_of(day, Bucket::Day).0 / 3_600_000;
            format!("{} {hours} h\n", [Bucket::Day, Bucket::Week, Bucket::Month].map(start).join(" "))
        };
        expected.assert_eq(&instants.iter().map(line).collect::<String>());
    }

    #[test]
    fn units_begin_where_the_calendar_says() {
        let instants = [
            "2024-03-01T00:30:00+01:00",
            "2024-03-03T23:59:59.999Z",
            "2024-03-04T00:00:00Z",
            "1969-12-31T12:00:00Z",
            "2026-03-29T12:00:00Z",
            "2026-10-25T12:00:00Z",
        ];
        check(
            "UTC",
            &instants,
            expect![[r"
            2024-02-29 2024-02-26 2024-02-01 24 h
            2024-03-03 2024-02-26 2024-03-01 24 h
            2024-03-04 2024-03-04 2024-03-01 24 h
            1969-12-31 1969-12-29 1969-12-01 24 h
            2026-03-29 2026-03-23 2026-03-01 24 h
            2026-10-25 2026-10-19 2026-10-01 24 h
        "]],
        );
        check(
            "Europe/Berlin",
            &instants,
            expect![[r"
            2024-03-01 2024-02-26 2024-03-01 24 h
            2024-03-04 2024-03-04 2024-03-01 24 h
            2024-03-04 2024-03-04 2024-03-01 24 h
            1969-12-31 1969-12-29 1969-12-01 24 h
            2026-03-29 2026-03-23 2026-03-01 23 h
            2026-10-25 2026-10-19 2026-10-01 25 h
        "]],
        );
    }

    #[test]
    fn a_zone_must_be_known() {
        assert_eq!(Calendar::of_zone("Europe/Berlni").unwrap_err().to_string(), "`Europe/Berlni` is no time zone");
        assert_eq!(Calendar::of_zone("Asia/Kathmandu").unwrap().zone(), "Asia/Kathmandu");
    }

    proptest! {
        /// Newfoundland turned its clocks back at 00:01, Samoa left out a day, Lord Howe moves by half an hour.
        #[test]
        fn an_instant_lies_in_its_day(
            ms in 0..2_000_000_000_000_i64,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]),
        ) {
            let calendar = Calendar::of_zone(zone).unwrap();
            // Minutes around the turn of a year's days are where it could go wrong.
            for at in [ms, ms / DAY_MS * DAY_MS, 1_288_492_200_000 + ms % 14_400_000].map(Timestamp::from_ms) {
                let day = calendar.day_of(at);
                prop_assert!(calendar.start_of(day) <= at && at < calendar.start_of(day + 1), "{} {}", zone, at);
            }
        }
    }
}
