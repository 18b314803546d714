//! Times relative to the present: `now`, `now-7d`, `now+90m`, `today`, `yesterday`.

use crate::calendar::Calendar;
use crate::time::Timestamp;

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400 * SECOND_MS;

/// A time that is known once the present is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relative {
    /// So many milliseconds from now.
    Instant(i64),
    /// The whole day, so many days from today.
    Day(i64),
}

/// None of a text that means the same at all times.
pub(super) fn read(text: &str) -> Option<Relative> {
    match text {
        "now" => Some(Relative::Instant(0)),
        "today" => Some(Relative::Day(0)),
        "yesterday" => Some(Relative::Day(-1)),
        _ => offset(text.strip_prefix("now")?).map(Relative::Instant),
    }
}

/// Milliseconds of `-7d`.
fn offset(text: &str) -> Option<i64> {
    let sign = match text.chars().next()? {
        '-' => -1,
        '+' => 1,
        _ => return None,
    };
    let (number, unit) = text[1..].split_at_checked(text.len().checked_sub(2)?)?;
    let unit = match unit {
        "s" => SECOND_MS,
        "m" => 60 * SECOND_MS,
        "h" => 3_600 * SECOND_MS,
        "d" => DAY_MS,
        "w" => 7 * DAY_MS,
        _ => return None,
    };
    number.parse::<u32>().ok().and_then(|number| i64::from(number).checked_mul(sign * unit))
}

impl Relative {
    /// What is written in its place: an instant, or a day.
    pub(super) fn from(self, now: Timestamp, calendar: &Calendar) -> String {
        match self {
            Self::Instant(ms) => Timestamp::from_ms(now.ms().saturating_add(ms)).to_string(),
            Self::Day(days) => {
                let day = calendar.day_of(now).saturating_add(days).saturating_mul(DAY_MS);
                let day = Timestamp::from_ms(day).to_string();
                day.split('T').next().unwrap_or_default().to_owned()
            }
        }
    }
}
