//! How fast a propel may be: so many at a time, so many a minute, and none in quiet hours.

use std::collections::VecDeque;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use weir_model::Timestamp;

const MINUTE_MS: i64 = 60_000;

/// Limits of one propel.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Runs at a time.
    pub concurrency: usize,
    /// Most runs in any minute.
    pub per_minute: Option<usize>,
    /// When it is silent.
    pub quiet: Option<Quiet>,
    /// Tries of one run.
    pub attempts: u32,
    /// Runs that are remembered.
    pub keep_runs: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { concurrency: 1, per_minute: None, quiet: None, attempts: 5, keep_runs: 1_000 }
    }
}

/// Hours of a day, on the clock of a zone.
#[derive(Debug, Clone)]
pub struct Quiet {
    hours: Hours,
    zone: TimeZone,
}

/// `22:00-07:00`; the end may lie on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: Time,
    to: Time,
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` are no hours of a day; write `22:00-07:00`");
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = time(from).zip(time(to)).filter(|(from, to)| from != to).ok_or_else(wrong)?;
        Ok(Self { from, to })
    }
}

impl Quiet {
    /// Quiet hours in a zone.
    pub fn new(hours: Hours, zone: TimeZone) -> Self {
        Self { hours, zone }
    }

    /// When the quiet hours that hold `now` are over; none outside of them.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let now = jiff::Timestamp::from_millisecond(now.ms()).ok()?.to_zoned(self.zone.clone());
        let (time, Hours { from, to }) = (now.time(), self.hours);
        let over_night = from > to;
        let is_quiet = if over_night { time >= from || time < to } else { (from..to).contains(&time) };
        let date = if over_night && time >= from { now.date().tomorrow().ok()? } else { now.date() };
        let end = date.to_datetime(to).to_zoned(self.zone.clone()).ok()?;
        is_quiet.then(|| Timestamp::from_ms(end.timestamp().as_millisecond()))
    }
}

/// The runs of the last minute.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<i64>);

impl Recent {
    /// When the next run may begin: now, or what stands against it and until when.
    pub(super) fn allowed(&mut self, pace: &Pace, now: Timestamp) -> Result<(), (Timestamp, &'static str)> {
        if let Some(until) = pace.quiet.as_ref().and_then(|quiet| quiet.until(now)) {
            return Err((until, "quiet hours"));
        }
        let Some(most) = pace.per_minute else { return Ok(()) };
        while self.0.front().is_some_and(|at| *at <= now.ms() - MINUTE_MS) {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(oldest) if self.0.len() >= most => Err((Timestamp::from_ms(oldest + MINUTE_MS), "rate limit")),
            _ => {
                self.0.push_back(now.ms());
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn quiet_hours_end_on_the_clock_of_their_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let mut text = String::new();
        for hours in ["22:00-07:00", "12:00-13:00"] {
            let quiet = Quiet::new(hours.parse().unwrap(), zone.clone());
            for now in ["2026-03-28T20:59:00Z", "2026-03-28T21:00:00Z", "2026-03-29T04:59:00Z", "2026-03-28T11:30:00Z"]
            {
                let until = quiet.until(at(now)).map_or_else(|| "open".to_owned(), |until| until.to_string());
                text += &format!("{hours} {now} {until}\n");
            }
        }
        expect![[r"
            22:00-07:00 2026-03-28T20:59:00Z open
            22:00-07:00 2026-03-28T21:00:00Z 2026-03-29T05:00:00.000Z
            22:00-07:00 2026-03-29T04:59:00Z 2026-03-29T05:00:00.000Z
            22:00-07:00 2026-03-28T11:30:00Z open
            12:00-13:00 2026-03-28T20:59:00Z open
            12:00-13:00 2026-03-28T21:00:00Z open
            12:00-13:00 2026-03-29T04:59:00Z open
            12:00-13:00 2026-03-28T11:30:00Z 2026-03-28T12:00:00.000Z
        "]]
        .assert_eq(&text);
    }

    #[test]
    fn hours_that_are_none_are_refused() {
        for text in ["22-7", "22:00", "10:00-10:00", "25:00-01:00"] {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
    }

    #[test]
    fn no_more_than_so_many_in_any_minute() {
        let pace = Pace { per_minute: Some(2), ..Pace::default() };
        let mut recent = Recent::default();
        let mut allowed =
            |seconds: i64| recent.allowed(&pace, Timestamp::from_ms(seconds * 1_000)).map_err(|(at, _)| at.ms());
        assert_eq!([allowed(0), allowed(30), allowed(59)], [Ok(()), Ok(()), Err(60_000)]);
        assert_eq!([allowed(60), allowed(61)], [Ok(()), Err(90_000)]);
    }
}
