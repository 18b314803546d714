//! Days, months and years of a filter as those of a time zone: instants are written in their place.

use std::ops::Range;

use super::matching::instant_range;
use super::{Bound, Filter, Match};
use crate::calendar::Calendar;
use crate::search::{FieldType, field};
use crate::time::Timestamp;

const DAY_MS: i64 = 86_400_000;

impl Filter {
    /// The same, where the days of date fields are those of a calendar; as it is written they are those of UTC.
    #[must_use]
    pub fn of_calendar(self, calendar: &Calendar) -> Self {
        if calendar.is_utc() {
            return self;
        }
        let all = |parts: Vec<Self>| parts.into_iter().map(|part| part.of_calendar(calendar)).collect();
        match self {
            Self::And(parts) => Self::And(all(parts)),
            Self::Or(parts) => Self::Or(all(parts)),
            Self::Not(part) => Self::Not(Box::new(part.of_calendar(calendar))),
            Self::Term { field: Some(name), is } if field(&name).is_some_and(|field| field.kind == FieldType::Date) => {
                Self::Term { field: Some(name), is: is.of_calendar(calendar) }
            }
            other => other,
        }
    }
}

impl Match {
    fn of_calendar(self, calendar: &Calendar) -> Self {
        let begin = |day: i64| calendar.start_of(day).to_string();
        match self {
            Self::Word(text) | Self::Phrase(text) if days(&text).is_some() => {
                Self::Range(Bound::Included(text.clone()), Bound::Included(text)).of_calendar(calendar)
            }
            Self::Range(lower, upper) => {
                let lower =
                    lower.of_days(|days, is_in| Bound::Included(begin(if is_in { days.start } else { days.end })));
                let upper =
                    upper.of_days(|days, is_in| Bound::Excluded(begin(if is_in { days.end } else { days.start })));
                Self::Range(lower, upper)
            }
            other => other,
        }
    }
}

impl Bound {
    /// What `bound` makes of its days, and of whether they lie in the range; itself when it has none.
    fn of_days(self, bound: impl FnOnce(Range<i64>, bool) -> Self) -> Self {
        let (text, is_in) = match &self {
            Self::Open => return self,
            Self::Included(text) => (text, true),
            Self::Excluded(text) => (text, false),
        };
        match days(text) {
            Some(days) => bound(days, is_in),
            None => self,
        }
    }
}

/// The days that a day, month or year stands for; none of an instant.
fn days(text: &str) -> Option<Range<i64>> {
    if text.parse::<Timestamp>().is_ok() {
        return None;
    }
    let range = instant_range(&Match::Word(text.to_owned()))?;
    Some(range.start.div_euclid(DAY_MS)..range.end.div_euclid(DAY_MS))
}
