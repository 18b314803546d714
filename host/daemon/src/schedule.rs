//! When something is due: by interval or by cron line, in a time zone.

use std::time::Duration;

use jiff::tz::TimeZone;
use weir_model::Timestamp;

use crate::error::Fault;

/// When something is due.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// Always after as long.
    Every(Duration),
    /// By a cron line.
    Cron(Box<croner::Cron>, TimeZone),
}

impl Schedule {
    /// A cron line of five fields, read in `zone`. `place` names it in errors.
    pub fn cron(line: &str, zone: TimeZone, place: &str) -> Result<Self, Fault> {
        let wrong = |error: croner::errors::CronError| {
            Fault::config(format!("cannot read cron line `{line}` of {place}: {error}"))
                .hint("five fields, as in `0 * * * *`")
        };
        line.parse().map(|cron| Self::Cron(Box::new(cron), zone)).map_err(wrong)
    }

    /// When it is due next after `after`; none: never again.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(every) => {
                Some(Timestamp::from_ms(after.ms().checked_add(i64::try_from(every.as_millis()).ok()?)?))
            }
            Self::Cron(cron, zone) => {
                let after = jiff::Timestamp::from_millisecond(after.ms()).ok()?.to_zoned(zone.clone());
                let due = cron.find_next_occurrence(&after, false).ok()?;
                Some(Timestamp::from_ms(due.timestamp().as_millisecond()))
            }
        }
    }
}

/// A time zone by its name, such as `Europe/Berlin`; none: UTC.
pub fn zone(name: Option<&str>, place: &str) -> Result<TimeZone, Fault> {
    let Some(name) = name else { return Ok(TimeZone::UTC) };
    TimeZone::get(name).map_err(|error| {
        Fault::config(format!("there is no time zone `{name}` ({place})"))
            .hint("a name such as Europe/Berlin")
            .caused_by(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &Schedule, after: &str) -> String {
        schedule.next(after.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_cron_line_follows_the_clock_on_the_wall() {
        let berlin = zone(Some("Europe/Berlin"), "").unwrap();
        let mornings = Schedule::cron("0 9 * * 1-5", berlin, "a test").unwrap();
        // The clock is put forward on Sunday the 29th.
        assert_eq!(next(&mornings, "2026-03-27T07:59:00Z"), "2026-03-27T08:00:00.000Z");
        assert_eq!(next(&mornings, "2026-03-27T08:00:00Z"), "2026-03-30T07:00:00.000Z");
        assert_eq!(next(&Schedule::Every(Duration::from_secs(90)), "2026-03-27T08:00:00Z"), "2026-03-27T08:01:30.000Z");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = Schedule::cron("every day", TimeZone::UTC, "propel `p`").unwrap_err();
        assert!(error.to_string().starts_with("cannot read cron line `every day` of propel `p`"));
        assert!(zone(Some("Europe/Nowhere"), "propel `p`").is_err());
    }
}
