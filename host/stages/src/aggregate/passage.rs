//! One way through ordered boundaries: segments that always sum to the whole.
//!
//! Invariant: where start and end are known, the lengths of the known segments sum to the time between them. Days off
//! of the calendar are no time.

use serde::Serialize;
use weir_model::{Calendar, DurationMs, Timestamp};

/// What is special about a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// It ends at a boundary that was reached earlier than the one before it.
    OutOfOrder,
    /// It runs over boundaries that were not reached, to the next that was.
    Extended,
    /// Its start was moved to the next boundary, for it was later.
    StartAdjusted,
}

/// The way from one boundary to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// Its name.
    pub name: &'static str,
    /// Its length; none when unknown.
    pub duration: Option<DurationMs>,
    /// Why it is unknown: `skipped`, `no-start`, `not-reached`, `end-before-start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<&'static str>,
    /// What is special about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// A passage with its segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// One less than there are boundaries.
    pub segments: Vec<Segment>,
    /// Start to end; none when unknown.
    pub total: Option<DurationMs>,
    /// Why the total is unknown: `no-start`, `not-reached`, `end-before-start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<&'static str>,
}

impl Passage {
    /// The segment of that name.
    pub fn segment(&self, name: &str) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.name == name)
    }
}

/// Lays the boundaries out on one timeline. `boundaries` are in their ideal order, the first the start and the last
/// the end; `names[i]` is the segment that begins at boundary `i`.
pub fn passage(boundaries: &[Option<Timestamp>], names: &[&'static str], calendar: &Calendar) -> Passage {
    let start = boundaries.first().copied().flatten();
    let end = boundaries.last().copied().flatten();
    if start.zip(end).is_some_and(|(start, end)| end < start) {
        return unknown(names, "end-before-start");
    }
    // What came after the end belongs to the next passage.
    let in_time = |at: &Timestamp| end.is_none_or(|end| *at <= end);
    let reached: Vec<Option<Timestamp>> = boundaries.iter().map(|at| at.filter(in_time)).collect();
    let segments = segments(&reached, names, calendar);
    let total = start.zip(end).and_then(|(start, end)| calendar.working_time(start, end));
    let reason = if start.is_none() { "no-start" } else { "not-reached" };
    Passage { segments, total, unknown: total.is_none().then_some(reason) }
}

fn unknown(names: &[&'static str], reason: &'static str) -> Passage {
    let segment = |name: &&'static str| Segment { name, duration: None, unknown: Some(reason), flags: Vec::new() };
    Passage { segments: names.iter().map(segment).collect(), total: None, unknown: Some(reason) }
}

fn segments(reached: &[Option<Timestamp>], names: &[&'static str], calendar: &Calendar) -> Vec<Segment> {
    let mut segments = Vec::with_capacity(names.len());
    // Effective time of the last boundary that was reached.
    let mut last: Option<Timestamp> = None;
    for (index, name) in names.iter().enumerate() {
        let Some(own) = reached[index] else {
            let reason = if last.is_some() { "skipped" } else { "no-start" };
            segments.push(Segment { name, duration: None, unknown: Some(reason), flags: Vec::new() });
            continue;
        };
        let begin = last.map_or(own, |last| last.max(own));
        last = Some(begin);
        let next = reached[index + 1..].iter().position(Option::is_some);
        segments.push(match next {
            None => Segment { name, duration: None, unknown: Some("not-reached"), flags: Vec::new() },
            Some(n_missing) => {
                let end = reached[index + 1 + n_missing];
                closed(name, end.and_then(|end| calendar.working_time(begin, end)), n_missing > 0)
            }
        });
    }
    // A boundary nobody reached ends what is behind it too.
    let last_reached = reached.iter().rposition(Option::is_some);
    for segment in segments.iter_mut().skip(last_reached.map_or(0, |index| index + 1)) {
        segment.unknown = Some("not-reached");
    }
    segments
}

/// One that has begun and ended; without a length when it ended before it began.
fn closed(name: &'static str, duration: Option<DurationMs>, extended: bool) -> Segment {
    let flags = [(duration.is_none(), Flag::OutOfOrder), (extended, Flag::Extended)];
    let flags = flags.into_iter().filter_map(|(holds, flag)| holds.then_some(flag)).collect();
    Segment { name, duration: Some(duration.unwrap_or_default()), unknown: None, flags }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    const NAMES: [&str; 9] = ["to-do", "plan", "code", "review", "merge-wait", "ci", "deploy", "close", "release"];

    fn at(clock: &str) -> Option<Timestamp> {
        (!clock.is_empty()).then(|| format!("2026-03-02T{clock:0>5}:00Z").parse().unwrap())
    }

    fn show(passage: &Passage) -> String {
        let mut text = String::new();
        for segment in &passage.segments {
            let length = segment.duration.map(|duration| (duration.0 / 60_000).to_string());
            let length = length.unwrap_or_else(|| segment.unknown.unwrap_or("?").to_owned());
            let marks: String =
                segment.flags.iter().map(|flag| if *flag == Flag::Extended { '+' } else { '*' }).collect();
            text += &format!("{length}{marks} ");
        }
        let total = passage.total.map(|total| (total.0 / 60_000).to_string());
        format!("{text}= {}\n", total.unwrap_or_else(|| passage.unknown.unwrap_or("?").to_owned()))
    }

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(cases: &[&str], expected: Expect) {
        let line = |case: &&str| {
            let boundaries: Vec<_> = case.split(',').map(|clock| at(clock.trim())).collect();
            show(&passage(&boundaries, &NAMES, &Calendar::default()))
        };
        expected.assert_eq(&cases.iter().map(line).collect::<String>());
    }

    /// Examples in which another system adds up to more than the time that passed.
    #[test]
    fn segments_sum_to_the_time_that_passed() {
        check(
            &[
                "9:50, 10:00, 10:05, 10:10, 10:11, 10:45, 10:16, 10:17, 10:20, 11:00",
                "9:50, 10:00, 10:05, 10:08, 10:11, 10:50, 10:16, 10:17, 10:20, 11:00",
                "9:50, 10:00, 10:05, 10:08, 10:11, 11:50, 10:16, 10:17, 10:20, 11:00",
                "9:50, 10:00, , , , , , , 10:20, 11:00",
                "10:00, , , , , , , , , 9:00",
                "10:00, 10:30, , , , , , , ,",
                ", 10:30, 10:40, , , , , , , 11:00",
            ],
            expect![[r"
                10 5 5 1 34 0* 0* 0* 15 = 70
                10 5 3 3 39 0* 0* 0* 10 = 70
                10 5 3 3 5+ skipped 1 3 40 = 70
                10 20+ skipped skipped skipped skipped skipped skipped 40 = 70
                end-before-start end-before-start end-before-start end-before-start end-before-start end-before-start end-before-start end-before-start end-before-start = end-before-start
                30 not-reached not-reached not-reached not-reached not-reached not-reached not-reached not-reached = not-reached
                no-start 10 20+ skipped skipped skipped skipped skipped skipped = no-start
            "]],
        );
    }

    proptest! {
        #[test]
        fn known_segments_sum_to_the_whole(minutes in proptest::collection::vec(proptest::option::of(0..4000_i64), 10)) {
            let at = |minute: &Option<i64>| minute.map(|minute| Timestamp::from_ms(minute * 60_000));
            let days_off = ["thursday".to_owned()];
            let calendar = Calendar::default().with_days_off(&days_off).unwrap();
            let passage = passage(&minutes.iter().map(at).collect::<Vec<_>>(), &NAMES, &calendar);
            if let Some(total) = passage.total {
                let sum: u64 = passage.segments.iter().filter_map(|segment| segment.duration).map(|d| d.0).sum();
                prop_assert_eq!(sum, total.0);
            }
        }
    }
}
