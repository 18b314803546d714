//! Whether a document is as a [`Filter`] wants it. The search index answers the same questions for many at once.

use std::ops::Range;

use super::{Bound, Filter, Match};
use crate::search::{ELEMENTS_MAX, FieldType, SearchDocument, field};
use crate::time::Timestamp;

const DAY_MS: i64 = 86_400_000;

pub(super) fn matches(filter: &Filter, document: &SearchDocument) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(filters) => filters.iter().all(|filter| matches(filter, document)),
        Filter::Or(filters) => filters.iter().any(|filter| matches(filter, document)),
        Filter::Not(filter) => !matches(filter, document),
        Filter::Element { list, is } => {
            let elements = document.elements.get(list).map_or(&[][..], Vec::as_slice);
            elements.iter().take(ELEMENTS_MAX).any(|element| matches(is, element))
        }
        Filter::Term { field: None, is } => {
            text_is(document.title.as_deref(), is) || text_is(document.text.as_deref(), is)
        }
        Filter::Term { field: Some(name), is } => field_is(document, name, is),
    }
}

fn field_is(document: &SearchDocument, name: &str, is: &Match) -> bool {
    match field(name).map(|field| field.kind) {
        Some(FieldType::Keyword) => document.values(name).iter().any(|value| keyword_is(value, is)),
        Some(FieldType::Date) => document.dates.get(name).is_some_and(|date| date_is(*date, is)),
        Some(FieldType::Number) => document.numbers.get(name).is_some_and(|number| number_is(*number, is)),
        Some(FieldType::Text) if name == "title" => text_is(document.title.as_deref(), is),
        Some(FieldType::Text) => text_is(document.text.as_deref(), is),
        None => false,
    }
}

/// Whether one value of a keyword field is as wanted.
pub fn keyword_is(value: &str, is: &Match) -> bool {
    match is {
        Match::Word(wanted) | Match::Phrase(wanted) => value.to_lowercase() == wanted.to_lowercase(),
        Match::Wildcard(pattern) => wildcard(&value.to_lowercase(), &pattern.to_lowercase()),
        Match::Exists => true,
        Match::Range(lower, upper) => {
            let compare = |bound: &str| compare_keyword(value, bound);
            above(lower, compare) && below(upper, compare)
        }
    }
}

/// Numbers as numbers, instants as instants, everything else as text without regard to case.
fn compare_keyword(value: &str, bound: &str) -> std::cmp::Ordering {
    if let (Ok(value), Ok(bound)) = (value.parse::<f64>(), bound.parse::<f64>()) {
        return value.total_cmp(&bound);
    }
    if let (Some(value), Some(bound)) = (instants(value), instants(bound)) {
        return value.start.cmp(&bound.start);
    }
    value.to_lowercase().cmp(&bound.to_lowercase())
}

fn number_is(value: f64, is: &Match) -> bool {
    match is {
        Match::Word(wanted) | Match::Phrase(wanted) => {
            wanted.parse::<f64>().is_ok_and(|wanted| wanted.total_cmp(&value).is_eq())
        }
        Match::Wildcard(_) => false,
        Match::Exists => true,
        Match::Range(lower, upper) => {
            // A bound that is no number excludes everything.
            let compare = |bound: &str| bound.parse::<f64>().ok().map(|bound| value.total_cmp(&bound));
            above_known(lower, compare) && below_known(upper, compare)
        }
    }
}

fn date_is(value: Timestamp, is: &Match) -> bool {
    match is {
        Match::Exists => true,
        Match::Wildcard(_) => false,
        other => instant_range(other).is_some_and(|range| range.contains(&value.ms())),
    }
}

/// The instants, in milliseconds, that a match on a date field means; none when it names no instants. A day such as
/// `2024-03-01`, a month or a year stands for all of its instants in UTC, so `[2024-03-01 TO 2024-03-02]` has both days in it.
pub fn instant_range(is: &Match) -> Option<Range<i64>> {
    match is {
        Match::Word(text) | Match::Phrase(text) => instants(text),
        Match::Range(lower, upper) => {
            let start = match lower {
                Bound::Open => i64::MIN,
                Bound::Included(text) => instants(text)?.start,
                Bound::Excluded(text) => instants(text)?.end,
            };
            let end = match upper {
                Bound::Open => i64::MAX,
                Bound::Included(text) => instants(text)?.end,
                Bound::Excluded(text) => instants(text)?.start,
            };
            Some(start..end)
        }
        Match::Wildcard(_) | Match::Exists => None,
    }
}

fn instants(text: &str) -> Option<Range<i64>> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.ms()..instant.ms().saturating_add(1));
    }
    // A year, a month or a day, in digits that say which.
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
    let start = |year: u32, month: u32, day: &str| {
        let instant = format!("{year:04}-{month:02}-{day}T00:00:00Z").parse::<Timestamp>();
        instant.ok().map(Timestamp::ms)
    };
    let parts: Vec<&str> = text.split('-').collect();
    match (text.len(), parts.as_slice()) {
        (4, [year]) => Some(start(number(year)?, 1, "01")?..start(number(year)? + 1, 1, "01")?),
        (7, [year, month]) => {
            let (year, month) = (number(year)?, number(month)?);
            let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            Some(start(year, month, "01")?..start(next.0, next.1, "01")?)
        }
        (10, [year, month, day]) => {
            let day = start(number(year)?, number(month)?, day)?;
            Some(day..day.saturating_add(DAY_MS))
        }
        _ => None,
    }
}

fn text_is(text: Option<&str>, is: &Match) -> bool {
    let Some(text) = text else { return false };
    match is {
        Match::Word(wanted) | Match::Phrase(wanted) => holds_in_order(&words(text), &words(wanted)),
        Match::Wildcard(pattern) => words(text).iter().any(|word| wildcard(word, &pattern.to_lowercase())),
        Match::Exists => true,
        Match::Range(..) => false,
    }
}

/// The words of a text: runs of letters and digits, in lower case. In scripts that are written without blanks each
/// character is a word, so that several of them are found as a phrase.
pub fn words(text: &str) -> Vec<String> {
    word_places(text).map(|place| text[place].to_lowercase()).collect()
}

/// Where the words of a text are, in bytes.
pub fn word_places(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = chars.find(|(_, c)| c.is_alphanumeric())?;
        let mut end = start + first.len_utf8();
        if !stands_alone(first) {
            while let Some((at, c)) = chars.next_if(|(_, c)| c.is_alphanumeric() && !stands_alone(*c)) {
                end = at + c.len_utf8();
            }
        }
        Some(start..end)
    })
}

/// Han, Hiragana and Katakana.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn holds_in_order(text: &[String], wanted: &[String]) -> bool {
    !wanted.is_empty() && text.windows(wanted.len()).any(|window| window == wanted)
}

/// Whether a text is like a pattern: `*` any text, `?` one character. Linear in practice: only the last star is ever
/// retried.
pub fn wildcard(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut next, mut star) = (0, 0, None);
    while at < text.len() {
        match pattern.get(next) {
            Some('*') => {
                star = Some((next, at));
                next += 1;
            }
            Some(c) if *c == '?' || *c == text[at] => {
                at += 1;
                next += 1;
            }
            _ => match star {
                Some((star_next, star_at)) => {
                    (next, at) = (star_next + 1, star_at + 1);
                    star = Some((star_next, star_at + 1));
                }
                None => return false,
            },
        }
    }
    pattern[next..].iter().all(|c| *c == '*')
}

fn above(bound: &Bound, compare: impl Fn(&str) -> std::cmp::Ordering) -> bool {
    above_known(bound, |text| Some(compare(text)))
}

fn below(bound: &Bound, compare: impl Fn(&str) -> std::cmp::Ordering) -> bool {
    below_known(bound, |text| Some(compare(text)))
}

fn above_known(bound: &Bound, compare: impl Fn(&str) -> Option<std::cmp::Ordering>) -> bool {
    match bound {
        Bound::Open => true,
        Bound::Included(text) => compare(text).is_some_and(std::cmp::Ordering::is_ge),
        Bound::Excluded(text) => compare(text).is_some_and(std::cmp::Ordering::is_gt),
    }
}

fn below_known(bound: &Bound, compare: impl Fn(&str) -> Option<std::cmp::Ordering>) -> bool {
    match bound {
        Bound::Open => true,
        Bound::Included(text) => compare(text).is_some_and(std::cmp::Ordering::is_le),
        Bound::Excluded(text) => compare(text).is_some_and(std::cmp::Ordering::is_lt),
    }
}
