//! The way of a work item through its statuses.
//!
//! Invariant: stays follow each other without a gap, from the creation of the item to the open end of the last one, so
//! their lengths sum to the time that passed. What the tool did not tell is a stay of unknown status, never a guess.

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::entity::{Transition, WorkItem, WorkStatus};
use weir_model::{DurationMs, Timestamp};

use super::rules::{Phase, WorkRules};

/// Time in one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "StatusStay")]
pub struct Stay {
    /// Name of the status; none where the tool did not tell it, or told two.
    pub status: Option<String>,
    /// What the item did; none where that is unknown.
    pub phase: Option<Phase>,
    /// Begin.
    pub from: Timestamp,
    /// End; none for the stay that lasts.
    pub until: Option<Timestamp>,
    /// It began earlier than the one before it, by the tool's own clock.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub out_of_order: bool,
    /// It began before that, at a time nobody tells; it is certain from then on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub seen: bool,
}

/// The whole way of one item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct History {
    /// When it was created; none when only later times are known.
    pub created_at: Option<Timestamp>,
    /// In the order of time; empty when the item has no time at all.
    pub stays: Vec<Stay>,
    /// Whether the tool told of any change of status.
    pub told: bool,
}

/// A status as it is known at one end of a stay.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sight {
    name: Option<String>,
    phase: Option<Phase>,
}

/// A change of status.
struct Step {
    at: Timestamp,
    before: Option<Sight>,
    after: Sight,
    seen: bool,
}

/// The way of `item`, whatever the order of its transitions, and however often each is told.
pub fn history(item: &WorkItem, rules: &WorkRules) -> History {
    let steps = steps(item, rules);
    let Some(first) = item.created_at.or(steps.first().map(|step| step.at)) else { return History::default() };
    let mut way = Way { past: Vec::new(), from: first, out_of_order: false, seen: false };
    let mut entered: Option<Sight> = None;
    for Step { at, before, after, seen } in steps {
        way.end(entered.take(), before, at);
        (way.seen, entered) = (seen, Some(after));
    }
    let now = item.status.as_ref().map(|status| Sight::of(status, rules));
    let last = way.stay(both(entered, now.map(|now| now.resolved(item))));
    way.past.push(last);
    History { created_at: item.created_at, stays: joined(way.past), told: !item.transitions.is_empty() }
}

impl Sight {
    fn of(status: &WorkStatus, rules: &WorkRules) -> Self {
        Self { name: Some(status.name.clone()).filter(|name| !name.is_empty()), phase: rules.phase(status) }
    }

    fn nothing() -> Self {
        Self { name: None, phase: None }
    }

    /// A status of unknown class is done when the tool gives the time it became so.
    fn resolved(mut self, item: &WorkItem) -> Self {
        self.phase = self.phase.or(item.resolved_at.map(|_| Phase::Done));
        self
    }

    fn is(&self, other: &Self) -> bool {
        let names = self.name.as_ref().zip(other.name.as_ref());
        names.is_some_and(|(one, other)| one.to_lowercase() == other.to_lowercase())
    }
}

struct Way {
    past: Vec<Stay>,
    from: Timestamp,
    out_of_order: bool,
    seen: bool,
}

impl Way {
    fn stay(&self, sight: Sight) -> Stay {
        let Sight { name, phase } = sight;
        let Self { from, out_of_order, seen, .. } = *self;
        Stay { status: name, phase, from, until: None, out_of_order, seen }
    }

    /// Ends the running stay, known by the status it began with and the one that was left.
    fn end(&mut self, entered: Option<Sight>, left: Option<Sight>, at: Timestamp) {
        let until = at.max(self.from);
        // Of a stay without length only what was told is kept: it was reached.
        if until > self.from || entered.is_some() {
            let stay = self.stay(both(entered, left));
            self.past.push(Stay { until: Some(until), ..stay });
        }
        (self.out_of_order, self.from) = (at < self.from, until);
    }
}

/// What is known of a status that was seen twice. Of two that differ, a change between them was not told; what they
/// have in common holds.
fn both(begin: Option<Sight>, end: Option<Sight>) -> Sight {
    match (begin, end) {
        (Some(begin), Some(end)) if begin.is(&end) => Sight { phase: begin.phase.or(end.phase), ..begin },
        (Some(begin), Some(end)) => Sight { name: None, phase: begin.phase.filter(|phase| end.phase == Some(*phase)) },
        (one, other) => one.or(other).unwrap_or_else(Sight::nothing),
    }
}

/// Changes of status in their order, each once. Where no transition leads to the status now, the time of the end that
/// the tool states is one more; without it the status is certain from the last change of the item on.
fn steps(item: &WorkItem, rules: &WorkRules) -> Vec<Step> {
    let told = ordered(&item.transitions).into_iter().map(|transition| Step {
        at: transition.at,
        before: transition.before.as_ref().map(|status| Sight::of(status, rules)),
        after: Sight::of(&transition.after, rules),
        seen: false,
    });
    let mut steps: Vec<Step> = told.collect();
    let now = item.status.as_ref().map_or_else(Sight::nothing, |status| Sight::of(status, rules)).resolved(item);
    let untold = match steps.last().map(|step| &step.after) {
        Some(last) => now != Sight::nothing() && last.phase != now.phase && !last.is(&now),
        // An item that was not begun has its status from the creation on.
        None => now.phase.is_some_and(|phase| phase != Phase::Todo),
    };
    let end = item.resolved_at.filter(|_| now.phase == Some(Phase::Done));
    let last = match (untold, end, item.updated_at) {
        (true, Some(at), _) => Some(Step { at, before: None, after: now, seen: false }),
        (true, None, Some(at)) => Some(Step { at, before: Some(Sight::nothing()), after: now, seen: true }),
        (true, None, None) | (false, ..) => None,
    };
    steps.extend(last);
    steps
}

/// By time; of the same instant, those that follow from each other do.
fn ordered(transitions: &[Transition]) -> Vec<&Transition> {
    fn before(transition: &Transition) -> Option<&str> {
        transition.before.as_ref().map(|status| status.name.as_str())
    }
    let key = |transition: &Transition| (transition.at, transition.after.name.clone());
    let mut left: Vec<&Transition> = transitions.iter().collect();
    left.sort_by(|one, other| key(one).cmp(&key(other)).then_with(|| before(other).cmp(&before(one))));
    // One change, told by a delivery and by the history, has an id or the status before in one of them only.
    left.dedup_by(|later, kept| key(later) == key(kept) && (before(later).is_none() || before(later) == before(kept)));
    let mut ordered: Vec<&Transition> = Vec::with_capacity(left.len());
    for same in left.chunk_by(|one, other| one.at == other.at) {
        let mut same = same.to_vec();
        while !same.is_empty() {
            let next = next_of(&same, ordered.last().copied());
            ordered.push(same.remove(next));
        }
    }
    ordered
}

/// The one that leaves the status reached last, else the one that no other leads to, else the first.
fn next_of(same: &[&Transition], last: Option<&Transition>) -> usize {
    let left = |transition: &Transition| transition.before.as_ref().map(|status| status.name.clone());
    let follows =
        |transition: &&Transition| last.is_some_and(|last| left(transition).as_ref() == Some(&last.after.name));
    let leads = |to: &&Transition| same.iter().any(|from| left(to).as_ref() == Some(&from.after.name));
    same.iter().position(follows).or_else(|| same.iter().position(|transition| !leads(transition))).unwrap_or(0)
}

/// Neighbours of one status are one stay.
fn joined(stays: Vec<Stay>) -> Vec<Stay> {
    let mut joined: Vec<Stay> = Vec::with_capacity(stays.len());
    for stay in stays {
        match joined.last_mut() {
            Some(last) if (&last.status, last.phase) == (&stay.status, stay.phase) => last.until = stay.until,
            _ => joined.push(stay),
        }
    }
    joined
}

impl Stay {
    /// Its length up to `now`, where it lasts that long.
    pub fn length(&self, now: Timestamp) -> DurationMs {
        self.until.map_or(now, |until| until.min(now)).since(self.from).unwrap_or_default()
    }
}

/// A run of stays that all do, or all do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) until: Option<Timestamp>,
}

impl History {
    /// What the item did at an instant; none where it is unknown, or the item was not there.
    pub fn phase_at(&self, at: Timestamp) -> Option<Phase> {
        self.stay_at(at)?.phase
    }

    /// The stay at an instant: of several that met then, the last.
    pub fn stay_at(&self, at: Timestamp) -> Option<&Stay> {
        self.stays.iter().rev().find(|stay| stay.from <= at)
    }

    /// When it was done for the last time; none while it is not.
    pub fn done_at(&self) -> Option<Timestamp> {
        self.spans(|phase| phase == Some(Phase::Done)).last().filter(|span| span.until.is_none()).map(|span| span.from)
    }

    /// When it was first begun.
    pub fn begun_at(&self) -> Option<Timestamp> {
        self.stays.iter().find(|stay| stay.phase.is_some_and(Phase::is_begun)).map(|stay| stay.from)
    }

    /// When it was done and then taken up again, each time.
    pub fn reopened_at(&self) -> Vec<Timestamp> {
        self.spans(|phase| phase == Some(Phase::Done)).into_iter().filter_map(|span| span.until).collect()
    }

    /// Whether the end was before the creation, by the tool's own clock.
    pub(super) fn ends_before_start(&self) -> bool {
        let first = self.stays.first().map(|stay| stay.from);
        self.done_at().is_some_and(|done| {
            Some(done) == first && self.stays.iter().any(|stay| stay.phase == Some(Phase::Done) && stay.out_of_order)
        })
    }

    /// Runs of stays of which `holds`, also those without length: they were reached.
    pub(super) fn spans(&self, holds: impl Fn(Option<Phase>) -> bool) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut goes_on = false;
        for stay in &self.stays {
            let held = holds(stay.phase);
            match spans.last_mut() {
                Some(span) if held && goes_on => span.until = stay.until,
                _ if held => spans.push(Span { from: stay.from, until: stay.until }),
                _ => {}
            }
            goes_on = held;
        }
        spans
    }

    /// Whether it was found done, and nobody tells since when.
    pub fn is_end_seen(&self) -> bool {
        let done = self.done_at();
        self.stays.iter().any(|stay| stay.phase == Some(Phase::Done) && Some(stay.from) == done && stay.seen)
    }

    /// Time it was worked on before it was done for the last time; none while it is not, and where a part of the way is
    /// unknown.
    pub fn active_time(&self) -> Option<DurationMs> {
        let done = self.done_at().filter(|_| !self.is_end_seen())?;
        (self.spent(None, done) == DurationMs(0)).then(|| self.spent(Some(Phase::Active), done))
    }

    /// Time spent in a phase before `end`.
    pub(super) fn spent(&self, phase: Option<Phase>, end: Timestamp) -> DurationMs {
        let stays = self.stays.iter().filter(|stay| stay.phase == phase && stay.from < end);
        DurationMs(stays.map(|stay| stay.length(end).0).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::work::WorkSettings;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;
    use weir_model::entity::WorkCategory;

    fn rules() -> WorkRules {
        let status = [("Review".to_owned(), WorkCategory::Doing)].into();
        WorkRules::new(&WorkSettings { status, waiting: vec!["review".to_owned()] }).unwrap()
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_ms(minute * 60_000)
    }

    fn status(name: &str) -> WorkStatus {
        let category = match name {
            "Open" => Some(WorkCategory::Todo),
            "Doing" => Some(WorkCategory::Doing),
            "Done" | "Closed" => Some(WorkCategory::Done),
            _ => None,
        };
        WorkStatus { name: name.to_owned(), category }
    }

    fn transition(text: &str) -> Transition {
        let (minute, change) = text.split_once(' ').unwrap();
        let (before, after) = change.split_once('>').unwrap();
        let before = (!before.is_empty()).then(|| status(before));
        Transition { id: None, at: at(minute.parse().unwrap()), author: None, before, after: status(after) }
    }

    /// "5 Open>Doing, 9 Doing>Done | Done": transitions and the status now; "!20" behind it is when it was
    /// resolved, "^40" when it was last changed.
    fn item(text: &str) -> WorkItem {
        let (changes, now) = text.split_once('|').unwrap();
        let (now, updated) = now.split_once('^').unwrap_or((now, ""));
        let (now, resolved) = now.split_once('!').unwrap_or((now, ""));
        let transitions = changes.split(',').map(str::trim).filter(|text| !text.is_empty()).map(transition);
        WorkItem::default()
            .created_at(at(0))
            .transitions(transitions)
            .status(Some(now.trim()).filter(|now| !now.is_empty()).map(status))
            .resolved_at(resolved.trim().parse().ok().map(at))
            .updated_at(updated.trim().parse().ok().map(at))
    }

    fn show(history: &History) -> String {
        let minute = |at: Timestamp| at.ms() / 60_000;
        let stay = |stay: &Stay| {
            let phase = stay.phase.map_or("unknown".to_owned(), |phase| format!("{phase:?}").to_lowercase());
            let until = stay.until.map_or(String::new(), |until| minute(until).to_string());
            let mark = if stay.out_of_order {
                "*"
            } else if stay.seen {
                " seen"
            } else {
                ""
            };
            format!("{}..{until} {} {phase}{mark}", minute(stay.from), stay.status.as_deref().unwrap_or("?"))
        };
        history.stays.iter().map(stay).collect::<Vec<_>>().join(", ")
    }

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(cases: &[&str], expected: Expect) {
        let mut text = String::new();
        for case in cases {
            let mut item = item(case);
            let found = history(&item, &rules());
            item.transitions.reverse();
            item.transitions.extend(item.transitions.clone());
            assert_eq!(history(&item, &rules()), found, "{case}");
            text += &format!("{case}\n    {}\n", show(&found));
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn stays_are_what_the_tool_told() {
        check(
            &[
                "5 Open>Doing, 9 Doing>Review, 12 Review>Done | Done",
                "5 Open>Doing, 9 Doing>Done, 20 Done>Open, 30 Open>Closed | Closed",
                "5 Open>Doing, 5 Doing>Done | Done",
                "5 Doing>Done, 5 Open>Doing | Done",
                "9 Done>Closed, 5 Open>Done | Closed",
                "0 >Open, 7 Open>Done | Done",
                "-3 Open>Doing | Doing",
                "| Open",
                "| Done !20",
                "| Parked !20",
                "| !20",
                "| Parked",
                "5 Open>Doing, 9 Review>Done | Done",
                "5 Open>Review, 9 Doing>Done | Done",
                "5 Open>Doing | Done",
                "5 Open>Doing | Done !20",
                "|",
                "| Doing ^40",
                "| Done ^40",
                "5 Open>Doing | Done ^40",
                "5 Open>Doing | Doing ^40",
            ],
            expect![[r"
                5 Open>Doing, 9 Doing>Review, 12 Review>Done | Done
                    0..5 Open todo, 5..9 Doing active, 9..12 Review waiting, 12.. Done done
                5 Open>Doing, 9 Doing>Done, 20 Done>Open, 30 Open>Closed | Closed
                    0..5 Open todo, 5..9 Doing active, 9..20 Done done, 20..30 Open todo, 30.. Closed done
                5 Open>Doing, 5 Doing>Done | Done
                    0..5 Open todo, 5..5 Doing active, 5.. Done done
                5 Doing>Done, 5 Open>Doing | Done
                    0..5 Open todo, 5..5 Doing active, 5.. Done done
                9 Done>Closed, 5 Open>Done | Closed
                    0..5 Open todo, 5..9 Done done, 9.. Closed done
                0 >Open, 7 Open>Done | Done
                    0..7 Open todo, 7.. Done done
                -3 Open>Doing | Doing
                    0.. Doing active*
                | Open
                    0.. Open todo
                | Done !20
                    0..20 ? unknown, 20.. Done done
                | Parked !20
                    0..20 ? unknown, 20.. Parked done
                | !20
                    0..20 ? unknown, 20.. ? done
                | Parked
                    0.. Parked unknown
                5 Open>Doing, 9 Review>Done | Done
                    0..5 Open todo, 5..9 ? unknown, 9.. Done done
                5 Open>Review, 9 Doing>Done | Done
                    0..5 Open todo, 5..9 ? unknown, 9.. Done done
                5 Open>Doing | Done
                    0..5 Open todo, 5.. ? unknown
                5 Open>Doing | Done !20
                    0..5 Open todo, 5..20 Doing active, 20.. Done done
                |
                    0.. ? unknown
                | Doing ^40
                    0..40 ? unknown, 40.. Doing active seen
                | Done ^40
                    0..40 ? unknown, 40.. Done done seen
                5 Open>Doing | Done ^40
                    0..5 Open todo, 5..40 ? unknown, 40.. Done done seen
                5 Open>Doing | Doing ^40
                    0..5 Open todo, 5.. Doing active
            "]],
        );
    }

    proptest! {
        #[test]
        fn stays_fill_the_time_from_the_creation_on(
            changes in prop::collection::vec((-5..50_i64, 0..5_usize, prop::option::of(0..5_usize)), 0..12),
            now in 0..5_usize,
            resolved in prop::option::of(-5..60_i64),
            turn in 0..12_usize,
        ) {
            const NAMES: [&str; 5] = ["Open", "Doing", "Review", "Done", "Parked"];
            let transition = |(minute, after, before): &(i64, usize, Option<usize>)| {
                let before = before.map(|before| status(NAMES[before]));
                Transition { id: None, at: at(*minute), author: None, before, after: status(NAMES[*after]) }
            };
            let mut item = WorkItem::default()
                .created_at(at(0))
                .status(status(NAMES[now]))
                .transitions(changes.iter().map(transition))
                .resolved_at(resolved.map(at));
            let found = history(&item, &rules());
            let end = at(100);
            let sum: u64 = found.stays.iter().map(|stay| stay.length(end).0).sum();
            prop_assert_eq!(sum, end.since(at(0)).unwrap().0);
            prop_assert!(found.stays.windows(2).all(|pair| pair[0].until == Some(pair[1].from)));
            prop_assert_eq!(found.stays.last().unwrap().until, None);
            let turn = turn.min(item.transitions.len());
            item.transitions.rotate_left(turn);
            prop_assert_eq!(history(&item, &rules()), found);
        }
    }
}
