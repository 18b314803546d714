//! Instants in milliseconds since 1970, and the hours people work.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
pub(crate) const WEEK: i64 = 7 * DAY;

/// `2026-03-01T09:30:00Z`, as GitHub writes instants.
pub(crate) fn iso(at: i64) -> String {
    let instant = Timestamp::from_millisecond(at).unwrap_or_default();
    format!("{instant:.0}")
}

/// The instant of a full time or of a bare date (midnight UTC), as GitHub's filters take both.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let full = text.replace(' ', "+").parse::<Timestamp>().ok();
    let date = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    full.or_else(date).map(Timestamp::as_millisecond)
}

/// Monday to Friday, nine to half past five, at one offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Office {
    pub(crate) offset_minutes: i64,
}

impl Office {
    const OPENS: i64 = 9 * HOUR;
    const CLOSES: i64 = 17 * HOUR + 30 * MINUTE;

    /// `at` itself in working hours, else the next opening.
    pub(crate) fn open_from(self, at: i64) -> i64 {
        let local = at + self.offset_minutes * MINUTE;
        let midnight = local.div_euclid(DAY) * DAY;
        let opens = if local < midnight + Self::CLOSES { midnight + Self::OPENS } else { midnight + DAY + Self::OPENS };
        let day = (opens.div_euclid(DAY) + 3).rem_euclid(7);
        let opens = if day > 4 { opens + (7 - day) * DAY } else { opens.max(local) };
        opens - self.offset_minutes * MINUTE
    }

    /// When `work` milliseconds of working time have passed since `at`.
    pub(crate) fn after(self, at: i64, work: i64) -> i64 {
        let mut at = self.open_from(at);
        let mut left = work;
        loop {
            let today = self.closing(at) - at;
            if left < today {
                return at + left;
            }
            left -= today;
            at = self.open_from(at + today);
        }
    }

    fn closing(self, at: i64) -> i64 {
        let local = at + self.offset_minutes * MINUTE;
        local.div_euclid(DAY) * DAY + Self::CLOSES - self.offset_minutes * MINUTE
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(start: &str, work: i64, expected: &Expect) {
        let office = Office { offset_minutes: 60 };
        expected.assert_eq(&iso(office.after(parse(start).unwrap(), work)));
    }

    #[test]
    fn work_is_done_in_working_hours() {
        check("2026-03-04T09:00:00Z", HOUR, &expect!["2026-03-04T10:00:00Z"]);
        check("2026-03-04T16:00:00Z", HOUR, &expect!["2026-03-05T08:30:00Z"]);
        check("2026-03-06T16:00:00Z", HOUR, &expect!["2026-03-09T08:30:00Z"]);
        check("2026-03-07", 0, &expect!["2026-03-09T08:00:00Z"]);
        check("2026-03-04T05:00:00Z", 17 * HOUR, &expect!["2026-03-06T08:00:00Z"]);
    }
}
