//! What became of the work of a sprint.
//!
//! Points count as they were estimated at the start or at the end; an item without an estimate counts 0 and is listed.
//! Invariant: commit = (done, at their estimate at the start) + missed + removed.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::entity::{Edit, EditedField, Sprint, WorkItem, WorkKind};
use weir_model::{EntityId, Timestamp};

use super::history::{History, history};
use super::rules::{Phase, WorkRules};

/// Which part of the sprint's work an item was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "SprintPart")]
pub enum Part {
    /// There at the start.
    Committed,
    /// Added after it.
    Added,
}

/// What became of an item by the end of the sprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Done in the sprint.
    Done,
    /// Taken out and not done.
    Removed,
    /// Neither.
    Missed,
}

/// An item of a sprint.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InSprint {
    /// Which.
    pub item: EntityId,
    /// Handle as people write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// There at the start, or added.
    pub part: Part,
    /// What became of it.
    pub standing: Standing,
    /// Estimate at the start; none without one.
    pub points_at_start: Option<f64>,
    /// Estimate at the end; none without one.
    pub points_at_end: Option<f64>,
}

/// Numbers of one sprint, in points. Ratios of nothing are none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SprintReport {
    /// Start.
    pub from: Timestamp,
    /// End: the real one, else the planned one, but not after the instant asked about.
    pub to: Timestamp,
    /// In it at the start.
    pub commit: f64,
    /// Of these done, by the lower of the two estimates.
    pub commit_done: f64,
    /// What those that were done grew by.
    pub story_creep_delivered: f64,
    /// Taken out and not done.
    pub removed: f64,
    /// Neither done nor taken out.
    pub commit_missed: f64,
    /// Added after the start.
    pub creep: f64,
    /// Of these done.
    pub creep_done: f64,
    /// Of these not done.
    pub creep_missed: f64,
    /// Commit done, creep done and story creep: the velocity.
    pub delivered: f64,
    /// Creep, removals and growth of estimates, by the commit.
    pub churn: Option<f64>,
    /// Commit done by commit.
    pub commit_done_ratio: Option<f64>,
    /// Delivered by commit.
    pub delivered_ratio: Option<f64>,
    /// Creep by commit.
    pub creep_ratio: Option<f64>,
    /// What is missing to a commit done ratio of 1.
    pub missed_ratio: Option<f64>,
    /// Items without an estimate at the end: they count 0.
    pub unestimated: Vec<EntityId>,
    /// The items behind it.
    pub items: Vec<InSprint>,
}

/// Keys of the sprints an item is or was in.
pub fn sprint_keys(item: &WorkItem) -> BTreeSet<&str> {
    let edited = edits(item, &EditedField::Sprint);
    let named = edited.iter().flat_map(|edit| keys(edit.before.as_deref()).chain(keys(edit.after.as_deref())));
    item.sprints.iter().map(weir_model::Reference::text).chain(named).collect()
}

/// Numbers of the sprint of that key as of `now`; none of one that has not begun. Sub-tasks and items that were done
/// before the start are left out.
pub fn sprint_report(
    (key, sprint): (&str, &Sprint),
    items: &[(EntityId, WorkItem)],
    rules: &WorkRules,
    now: Timestamp,
) -> Option<SprintReport> {
    let from = sprint.started_at.filter(|from| *from <= now)?;
    let to = sprint.completed_at.or(sprint.ends_at).map_or(now, |end| end.min(now));
    let window = Window { key, from, to };
    let counted = items.iter().filter(|(_, item)| item.kind != Some(WorkKind::Subtask));
    let mut found: Vec<InSprint> =
        counted.filter_map(|(id, item)| window.place(id, item, &history(item, rules))).collect();
    found.sort_by(|one, other| one.item.cmp(&other.item));
    Some(report(&window, found))
}

struct Window<'a> {
    key: &'a str,
    from: Timestamp,
    to: Timestamp,
}

impl Window<'_> {
    fn place(&self, id: &EntityId, item: &WorkItem, history: &History) -> Option<InSprint> {
        if history.phase_at(self.from) == Some(Phase::Done) {
            return None;
        }
        let members = Membership::of(item, self.key);
        let part = match members.at(self.from) {
            true => Part::Committed,
            false if members.entered_within(self.from, self.to) => Part::Added,
            false => return None,
        };
        let standing = match history.phase_at(self.to) {
            Some(Phase::Done) => Standing::Done,
            _ if members.at(self.to) => Standing::Missed,
            _ => Standing::Removed,
        };
        Some(InSprint {
            item: id.clone(),
            handle: item.handle.clone(),
            part,
            standing,
            points_at_start: points_at(item, self.from),
            points_at_end: points_at(item, self.to),
        })
    }
}

/// Whether an item was in a sprint, over time.
struct Membership {
    /// Before the first change.
    first: bool,
    changes: BTreeMap<Timestamp, bool>,
}

impl Membership {
    /// Where no change of it is told, what holds now held from the creation on.
    fn of(item: &WorkItem, key: &str) -> Self {
        let edits = edits(item, &EditedField::Sprint);
        let holds = |text: &Option<String>| keys(text.as_deref()).any(|named| named == key);
        let told = edits.iter().any(|edit| holds(&edit.before) || holds(&edit.after));
        let now = item.sprints.iter().any(|sprint| sprint.text() == key);
        let first = edits.first().filter(|_| told).map_or(now, |edit| holds(&edit.before));
        let changes = edits.iter().filter(|_| told).map(|edit| (edit.at, holds(&edit.after)));
        Self { first, changes: changes.collect() }
    }

    fn at(&self, at: Timestamp) -> bool {
        self.changes.range(..=at).next_back().map_or(self.first, |(_, holds)| *holds)
    }

    /// After `from`, up to and with `to`.
    fn entered_within(&self, from: Timestamp, to: Timestamp) -> bool {
        self.changes.iter().any(|(at, holds)| *holds && *at > from && *at <= to)
    }
}

/// The estimate in points at an instant.
fn points_at(item: &WorkItem, at: Timestamp) -> Option<f64> {
    let edits = edits(item, &EditedField::Estimate);
    let points = |text: &Option<String>| text.as_deref()?.trim().parse().ok().filter(|points: &f64| points.is_finite());
    match (edits.iter().rev().find(|edit| edit.at <= at), edits.first()) {
        (Some(before), _) => points(&before.after),
        (None, Some(first)) => points(&first.before),
        (None, None) => item.story_points,
    }
}

/// Changes of one field in their order.
fn edits<'a>(item: &'a WorkItem, field: &EditedField) -> Vec<&'a Edit> {
    let mut edits: Vec<&Edit> = item.edits.iter().filter(|edit| edit.field == *field).collect();
    edits.sort_by(|one, other| (one.at, &one.before, &one.after).cmp(&(other.at, &other.before, &other.after)));
    edits
}

/// "12, 34": an item can be in several.
fn keys(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.into_iter().flat_map(|text| text.split(',')).map(str::trim).filter(|key| !key.is_empty())
}

fn report(window: &Window<'_>, items: Vec<InSprint>) -> SprintReport {
    let start = |item: &InSprint| item.points_at_start.unwrap_or(0.0);
    let end = |item: &InSprint| item.points_at_end.unwrap_or(0.0);
    let growth = |item: &InSprint| (end(item) - start(item)).max(0.0);
    let least = |item: &InSprint| start(item).min(end(item));
    let sum = |part: Part, standing: Option<Standing>, points: &dyn Fn(&InSprint) -> f64| -> f64 {
        let counted = |item: &&InSprint| item.part == part && standing.is_none_or(|standing| item.standing == standing);
        // A sum of nothing is 0, and not the -0 floats begin with.
        items.iter().filter(counted).fold(0.0, |sum, item| sum + points(item))
    };
    let commit = sum(Part::Committed, None, &start);
    let commit_done = sum(Part::Committed, Some(Standing::Done), &least);
    let story_creep_delivered = sum(Part::Committed, Some(Standing::Done), &growth);
    let removed = sum(Part::Committed, Some(Standing::Removed), &start);
    let (creep, creep_done) = (sum(Part::Added, None, &end), sum(Part::Added, Some(Standing::Done), &end));
    let delivered = commit_done + creep_done + story_creep_delivered;
    let ratio = |part: f64| (commit > 0.0).then(|| part / commit);
    let commit_done_ratio = ratio(commit_done);
    SprintReport {
        from: window.from,
        to: window.to,
        commit,
        commit_done,
        story_creep_delivered,
        removed,
        commit_missed: sum(Part::Committed, Some(Standing::Missed), &start),
        creep,
        creep_done,
        creep_missed: creep - creep_done,
        delivered,
        churn: ratio(creep + removed + sum(Part::Committed, None, &growth)),
        commit_done_ratio,
        delivered_ratio: ratio(delivered),
        creep_ratio: ratio(creep),
        missed_ratio: commit_done_ratio.map(|done| (1.0 - done).max(0.0)),
        unestimated: items.iter().filter(|item| item.points_at_end.is_none()).map(|item| item.item.clone()).collect(),
        items,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::work::WorkSettings;
    use expect_test::expect;
    use proptest::prelude::*;
    use weir_model::Reference;
    use weir_model::entity::{Transition, WorkCategory, WorkStatus};

    /// Days since the creation of all items; the sprint is from day 10 to day 20.
    fn day(day: i64) -> Timestamp {
        Timestamp::from_ms(day * 86_400_000)
    }

    fn edit(at: i64, field: EditedField, before: &str, after: &str) -> Edit {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Edit { id: None, at: day(at), author: None, field, before: text(before), after: text(after) }
    }

    fn item(points: Option<f64>, done: Option<i64>) -> WorkItem {
        let status = |name: &str, category| WorkStatus { name: name.to_owned(), category: Some(category) };
        let open = status("Open", WorkCategory::Todo);
        let closed = status("Done", WorkCategory::Done);
        let transition =
            |at| Transition { id: None, at: day(at), author: None, before: Some(open.clone()), after: closed.clone() };
        WorkItem::default()
            .created_at(day(0))
            .story_points(points)
            .status(if done.is_some() { closed.clone() } else { open.clone() })
            .transitions(done.map(transition))
    }

    fn committed(points: Option<f64>, done: Option<i64>) -> WorkItem {
        item(points, done).sprints([Reference::Key("7".to_owned())])
    }

    fn added(points: Option<f64>, done: Option<i64>) -> WorkItem {
        committed(points, done).edits([edit(12, EditedField::Sprint, "6", "6, 7")])
    }

    fn run(items: &[(&str, WorkItem)]) -> SprintReport {
        let rules = WorkRules::new(&WorkSettings::default()).unwrap();
        let sprint = Sprint::default().started_at(day(10)).ends_at(day(21)).completed_at(day(20));
        let items: Vec<_> = items
            .iter()
            .map(|(name, item)| (format!("work-item:jira:{name}").parse().unwrap(), item.clone()))
            .collect();
        sprint_report(("7", &sprint), &items, &rules, day(30)).unwrap()
    }

    fn example() -> Vec<(&'static str, WorkItem)> {
        let estimate = |item: WorkItem, before: &str, after: &str| {
            let edits = item.edits.clone();
            item.edits(edits.into_iter().chain([edit(15, EditedField::Estimate, before, after)]))
        };
        let removed = item(Some(1.0), None).edits([edit(13, EditedField::Sprint, "7", "")]);
        vec![
            ("A", committed(Some(2.0), Some(15))),
            ("B", estimate(committed(Some(1.0), Some(15)), "3", "1")),
            ("C", estimate(committed(Some(5.0), Some(15)), "2", "5")),
            ("D", removed),
            ("E", committed(Some(5.0), None)),
            ("F", added(Some(2.0), Some(16))),
            ("G", added(Some(3.0), None)),
            ("H", added(None, Some(16))),
            ("sub-task", committed(Some(8.0), Some(15)).kind(WorkKind::Subtask)),
            ("P", committed(Some(2.0), Some(5))),
        ]
    }

    /// The example the definitions are explained by: what others count twice or leave out, a removed item, one done
    /// before the start, one that grew from 2 to 5, each has one place.
    #[test]
    fn a_sprint_with_everything_that_can_happen() {
        let report = run(&example());
        let SprintReport { commit, commit_done, story_creep_delivered, removed, commit_missed, .. } = report;
        let SprintReport { creep, creep_done, creep_missed, delivered, .. } = report;
        let ratios = [report.churn, report.commit_done_ratio].map(|ratio| format!("{:.3}", ratio.unwrap()));
        expect!["commit 13 done 5 story creep 3 removed 1 missed 5, creep 5 done 2 missed 3, delivered 10, churn 0.692, done ratio 0.385"].assert_eq(&format!(
            "commit {commit} done {commit_done} story creep {story_creep_delivered} removed {removed} missed {commit_missed}, creep {creep} done {creep_done} missed {creep_missed}, delivered {delivered}, churn {}, done ratio {}",
            ratios[0], ratios[1]
        ));
        let names = |ids: Vec<&EntityId>| ids.into_iter().map(|id| id.key.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!(names(report.unestimated.iter().collect()), "H");
        assert_eq!(names(report.items.iter().map(|item| &item.item).collect()), "A B C D E F G H");
    }

    #[test]
    fn a_sprint_without_a_commit_has_no_ratios_and_one_to_come_no_numbers() {
        let report = run(&[("G", added(Some(3.0), None))]);
        assert_eq!((report.commit, report.churn, report.commit_done_ratio), (0.0, None, None));
        let rules = WorkRules::new(&WorkSettings::default()).unwrap();
        let planned = Sprint::default().ends_at(day(20));
        assert_eq!(sprint_report(("7", &planned), &[], &rules, day(30)), None);
    }

    proptest! {
        #[test]
        fn what_was_committed_is_done_missed_or_removed(
            drawn in prop::collection::vec((0..9_u8, prop::option::of(8..22_i64), 0..22_i64, 0..22_i64), 0..12),
        ) {
            let items: Vec<WorkItem> = drawn.iter().map(|(points, done, entered, left)| {
                let edits = [edit(*entered, EditedField::Sprint, "", "7"), edit(*left, EditedField::Sprint, "7", "")];
                item(Some(f64::from(*points)), *done).edits(edits)
            }).collect();
            let report = run(&items.into_iter().map(|item| ("x", item)).collect::<Vec<_>>());
            let done = |item: &&InSprint| item.part == Part::Committed && item.standing == Standing::Done;
            let done: f64 = report.items.iter().filter(done).filter_map(|item| item.points_at_start).sum();
            prop_assert!((report.commit - (done + report.commit_missed + report.removed)).abs() < 1e-9);
            prop_assert!(report.commit_missed >= 0.0 && report.creep_missed >= 0.0);
        }
    }
}
