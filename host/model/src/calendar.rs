//! Days, ISO weeks and months of a time zone, and the days off. Days are numbers since 1970-01-01, a Thursday.
//!
//! Invariant: an instant lies in the day `d` exactly when it is not before the start of `d` and before the start of
//! `d + 1`, whatever the clocks of the zone do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::{DurationMs, Timestamp};

const DAY_MS: i64 = 86_400_000;
/// 1970-01-05, the first Monday that has a number.
const FIRST_MONDAY: i64 = 4;

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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

/// A day nobody is expected to work on: `saturday`, or `2026-12-25`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DayOff {
    /// Every week; Monday is 0.
    Weekly(i64),
    Once(i64),
}

/// What is no day off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a day of the week nor a date")]
pub struct NoDayOff(pub String);

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl FromStr for DayOff {
    type Err = NoDayOff;

    fn from_str(text: &str) -> Result<Self, NoDayOff> {
        let weekday = WEEKDAYS.iter().zip(0..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        let once = || Some(Self::Once(day_of_date(text.parse().ok()?)?));
        weekday.map(|(_, number)| Self::Weekly(number)).or_else(once).ok_or_else(|| NoDayOff(text.to_owned()))
    }
}

impl fmt::Display for DayOff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weekly(number) => {
                let name = usize::try_from(*number).ok().and_then(|number| WEEKDAYS.get(number));
                formatter.write_str(name.unwrap_or(&""))
            }
            Self::Once(day) => date(*day).map_or(Ok(()), |date| write!(formatter, "{date}")),
        }
    }
}

/// The calendar of one time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
    days_off: BTreeSet<DayOff>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, days_off: BTreeSet::new() }
    }
}

impl Calendar {
    /// The calendar of a zone of the IANA database, such as `Europe/Berlin`.
    pub fn of_zone(name: &str) -> Result<Self, NoTimeZone> {
        let calendar = |zone| Self { zone, ..Self::default() };
        TimeZone::get(name).map(calendar).map_err(|_| NoTimeZone(name.to_owned()))
    }

    /// The calendar with days off: names of days of the week, and dates.
    pub fn with_days_off(self, days: &[String]) -> Result<Self, NoDayOff> {
        Ok(Self { days_off: days.iter().map(|text| text.parse()).collect::<Result<_, _>>()?, ..self })
    }

    /// Its days off, as they are written.
    pub fn days_off(&self) -> impl Iterator<Item = String> {
        self.days_off.iter().map(ToString::to_string)
    }

    /// Time between two instants without what lies in days off; none when the end is before the start. The parts of a
    /// stretch sum to the whole.
    pub fn working_time(&self, from: Timestamp, to: Timestamp) -> Option<DurationMs> {
        let whole = to.since(from)?;
        if self.days_off.is_empty() {
            return Some(whole);
        }
        let off = |day: &i64| self.is_day_off(*day);
        let within =
            |day: i64| self.start_of(day + 1).min(to).since(self.start_of(day).max(from)).unwrap_or_default().0;
        let rest: u64 = (self.day_of(from)..=self.day_of(to)).filter(off).map(within).sum();
        Some(DurationMs(whole.0.saturating_sub(rest)))
    }

    fn is_day_off(&self, day: i64) -> bool {
        let weekday = (day - FIRST_MONDAY).rem_euclid(7);
        self.days_off.contains(&DayOff::Weekly(weekday)) || self.days_off.contains(&DayOff::Once(day))
    }

    /// Name of its zone.
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Whether its days are those of UTC.
    pub fn is_utc(&self) -> bool {
        self.zone == TimeZone::UTC
    }

    /// The day an instant lies in.
    pub fn day_of(&self, at: Timestamp) -> i64 {
        let Some(instant) = instant(at.ms()).filter(|_| !self.is_utc()) else {
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
        if self.is_utc() {
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
        Some(self.start_of(day_of_date(text.parse().ok()?)?))
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

fn day_of_date(date: Date) -> Option<i64> {
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond().div_euclid(DAY_MS))
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

    #[test]
    fn days_off_are_left_out() {
        let days = ["saturday", "Sunday", "2026-04-03"].map(str::to_owned);
        let calendar = Calendar::of_zone("Europe/Berlin").unwrap().with_days_off(&days).unwrap();
        let hours = |from: &str, to: &str| {
            let length = calendar.working_time(from.parse().unwrap(), to.parse().unwrap());
            length.map_or_else(|| "none".to_owned(), |length| (length.0 / 3_600_000).to_string())
        };
        let cases = [
            ("2026-03-06T16:00:00+01:00", "2026-03-09T09:00:00+01:00"),
            ("2026-03-07T10:00:00+01:00", "2026-03-08T10:00:00+01:00"),
            ("2026-03-27T12:00:00+01:00", "2026-03-30T12:00:00+02:00"),
            ("2026-04-02T12:00:00+02:00", "2026-04-04T12:00:00+02:00"),
            ("2026-03-09T12:00:00Z", "2026-03-09T11:00:00Z"),
        ];
        expect!["17 0 24 12 none"].assert_eq(&cases.map(|(from, to)| hours(from, to)).join(" "));
        expect!["saturday sunday 2026-04-03"].assert_eq(&calendar.days_off().collect::<Vec<_>>().join(" "));
        let wrong = Calendar::default().with_days_off(&["someday".to_owned()]).unwrap_err();
        assert_eq!(wrong.to_string(), "`someday` is neither a day of the week nor a date");
    }

    proptest! {
        /// Working time of the parts is that of the whole.
        #[test]
        fn working_time_adds_up(mut at in proptest::array::uniform3(1_700_000_000_000..1_710_000_000_000_i64)) {
            at.sort_unstable();
            let days = ["saturday", "sunday", "2023-12-25"].map(str::to_owned);
            let calendar = Calendar::of_zone("America/St_Johns").unwrap().with_days_off(&days).unwrap();
            let time = |from: usize, to: usize| {
                calendar.working_time(Timestamp::from_ms(at[from]), Timestamp::from_ms(at[to])).unwrap().0
            };
            prop_assert_eq!(time(0, 1) + time(1, 2), time(0, 2));
        }

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
