//! How well work items are kept: which checks each misses, and a score.
//!
//! Invariant: score = 100 - sum of (misses / items x weight), and the weights sum to 100. No items have no score.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::entity::WorkItem;
use weir_model::filter::FilterError;
use weir_model::{EntityId, Filter, SearchDocument, Timestamp};

use super::history::History;

const DAY_MS: u64 = 86_400_000;
/// Weights are written by people: a third may be 33.33.
const SUM_TOLERANCE: f64 = 0.05;

/// `[hygiene]` as it is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HygieneSettings {
    /// Which of the open items are looked at, in search syntax.
    pub of: String,
    /// Weight of each check by its name; they sum to 100. A check that is not named is not made.
    pub weights: BTreeMap<String, f64>,
    /// Days without a change after which an item is idle.
    pub idle_days: u32,
    /// Characters a description should have.
    pub description_chars: u32,
    /// Days in which an item should be begun.
    pub response_days: u32,
    /// Days in which an item without a due date should be done.
    pub resolution_days: u32,
    /// Checks of the operator's own.
    pub custom: Vec<CustomCheck>,
}

/// `[[hygiene.custom]]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomCheck {
    /// Its name, which has a weight.
    pub name: String,
    /// Items that miss it, in search syntax.
    pub miss: String,
}

impl Default for HygieneSettings {
    fn default() -> Self {
        let weights = [
            ("idle", 15.0),
            ("poor-description", 15.0),
            ("no-due-date", 10.0),
            ("no-assignee", 15.0),
            ("no-components", 10.0),
            ("missed-response", 10.0),
            ("missed-resolution", 15.0),
            ("inactive-assignee", 10.0),
        ];
        Self {
            of: String::new(),
            weights: weights.into_iter().map(|(name, weight)| (name.to_owned(), weight)).collect(),
            idle_days: 30,
            description_chars: 40,
            response_days: 5,
            resolution_days: 30,
            custom: Vec::new(),
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HygieneError {
    /// They do not sum to 100.
    #[error("the weights of `[hygiene]` sum to {0} and not to 100")]
    Weights(f64),
    /// A weight of what is no check, or below 0.
    #[error("`{0}` of `[hygiene]` is no check with a weight from 0 to 100")]
    Check(String),
    /// A custom check without a weight, or with the name of another.
    #[error("the custom check `{0}` has no weight of its own")]
    Custom(String),
    /// No filter.
    #[error("cannot read `{text}` of `[hygiene]`")]
    Filter {
        /// What was written.
        text: String,
        /// Why not.
        #[source]
        source: FilterError,
    },
}

/// What is checked.
#[derive(Debug, Clone, PartialEq)]
enum Check {
    Idle,
    PoorDescription,
    NoDueDate,
    NoAssignee,
    NoComponents,
    MissedResponse,
    MissedResolution,
    InactiveAssignee,
    Custom(Filter),
}

const CHECKS: [(&str, Check); 8] = [
    ("idle", Check::Idle),
    ("poor-description", Check::PoorDescription),
    ("no-due-date", Check::NoDueDate),
    ("no-assignee", Check::NoAssignee),
    ("no-components", Check::NoComponents),
    ("missed-response", Check::MissedResponse),
    ("missed-resolution", Check::MissedResolution),
    ("inactive-assignee", Check::InactiveAssignee),
];

/// The settings, compiled.
#[derive(Debug)]
pub struct HygieneRules {
    of: Filter,
    limits: Limits,
    /// Name, weight and check.
    checks: Vec<(String, f64, Check)>,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    idle_days: u32,
    description_chars: u32,
    response_days: u32,
    resolution_days: u32,
}

/// An open item and what is known of it.
#[derive(Debug)]
pub struct HygieneItem<'a> {
    /// Which.
    pub id: &'a EntityId,
    /// The item.
    pub item: &'a WorkItem,
    /// Its way through the statuses.
    pub history: &'a History,
    /// Its flat view.
    pub document: &'a SearchDocument,
    /// Whether one of those it is assigned to may not log in any more.
    pub inactive_assignee: bool,
}

/// One check over all items.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HygieneCategory {
    /// Name of the check.
    pub name: String,
    /// Its weight.
    pub weight: f64,
    /// Items that miss it.
    pub misses: u64,
    /// Items of which it cannot be told; they count as not missing it.
    pub unknown: u64,
    /// Those that miss it.
    pub items: Vec<EntityId>,
}

/// How well items are kept.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Hygiene {
    /// Items looked at.
    pub n: u64,
    /// From 0 to 100; none without items.
    pub score: Option<f64>,
    /// The checks, by name.
    pub categories: Vec<HygieneCategory>,
}

impl HygieneRules {
    /// Compiles settings.
    pub fn new(settings: &HygieneSettings) -> Result<Self, HygieneError> {
        let sum: f64 = settings.weights.values().sum();
        if sum.is_nan() || (sum - 100.0).abs() > SUM_TOLERANCE {
            return Err(HygieneError::Weights(sum));
        }
        let custom =
            settings.custom.iter().map(|custom| Ok((custom.name.as_str(), Check::Custom(filter(&custom.miss)?))));
        let mut known: BTreeMap<&str, Check> = CHECKS.into_iter().collect();
        for custom in custom {
            let (name, check) = custom?;
            if !settings.weights.contains_key(name) || known.insert(name, check).is_some() {
                return Err(HygieneError::Custom(name.to_owned()));
            }
        }
        let mut checks = Vec::with_capacity(settings.weights.len());
        for (name, weight) in &settings.weights {
            let check = known.remove(name.as_str()).filter(|_| (0.0..=100.0).contains(weight));
            checks.push((name.clone(), *weight, check.ok_or_else(|| HygieneError::Check(name.clone()))?));
        }
        let HygieneSettings { idle_days, description_chars, response_days, resolution_days, .. } = *settings;
        let limits = Limits { idle_days, description_chars, response_days, resolution_days };
        Ok(Self { of: filter(&settings.of)?, limits, checks })
    }

    /// Looks at items as of `now`.
    pub fn hygiene<'a>(&self, items: impl IntoIterator<Item = HygieneItem<'a>>, now: Timestamp) -> Hygiene {
        let category = |(name, weight, _): &(String, f64, Check)| HygieneCategory {
            name: name.clone(),
            weight: *weight,
            misses: 0,
            unknown: 0,
            items: Vec::new(),
        };
        let mut hygiene = Hygiene { n: 0, score: None, categories: self.checks.iter().map(category).collect() };
        for item in items.into_iter().filter(|item| self.of.matches(item.document)) {
            hygiene.n += 1;
            for ((_, _, check), category) in self.checks.iter().zip(&mut hygiene.categories) {
                match self.limits.misses(check, &item, now) {
                    Some(true) => {
                        category.misses += 1;
                        category.items.push(item.id.clone());
                    }
                    Some(false) => {}
                    None => category.unknown += 1,
                }
            }
        }
        hygiene.score = score(hygiene.n, &hygiene.categories);
        hygiene
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn score(n: u64, categories: &[HygieneCategory]) -> Option<f64> {
    let lost = |category: &HygieneCategory| category.misses as f64 / n as f64 * category.weight;
    (n > 0).then(|| 100.0 - categories.iter().map(lost).sum::<f64>())
}

fn filter(text: &str) -> Result<Filter, HygieneError> {
    text.parse().map_err(|source| HygieneError::Filter { text: text.to_owned(), source })
}

impl Limits {
    /// Whether an item misses a check; none when that cannot be told.
    fn misses(self, check: &Check, item: &HygieneItem<'_>, now: Timestamp) -> Option<bool> {
        let WorkItem { created_at, updated_at, due_at, .. } = *item.item;
        let done = item.history.done_at();
        match check {
            Check::Idle => updated_at.or(created_at).map(|at| is_over(at, self.idle_days, now)),
            Check::PoorDescription => Some(is_short(item.item.description.as_deref(), self.description_chars)),
            Check::NoDueDate => Some(due_at.is_none()),
            Check::NoAssignee => Some(item.item.assignees.is_empty()),
            Check::NoComponents => Some(item.item.components.is_empty()),
            Check::MissedResponse => {
                let begun = item.history.begun_at().or(done).unwrap_or(now);
                created_at.map(|created| is_over(created, self.response_days, begun))
            }
            Check::MissedResolution => {
                let end = done.unwrap_or(now);
                let late = || created_at.map(|created| is_over(created, self.resolution_days, end));
                due_at.map(|due| end > due).or_else(late)
            }
            Check::InactiveAssignee => Some(item.inactive_assignee),
            Check::Custom(filter) => Some(filter.matches(item.document)),
        }
    }
}

fn is_over(from: Timestamp, days: u32, until: Timestamp) -> bool {
    until.since(from).is_some_and(|length| length.0 > u64::from(days) * DAY_MS)
}

fn is_short(text: Option<&str>, chars: u32) -> bool {
    let chars = usize::try_from(chars).unwrap_or(usize::MAX);
    text.unwrap_or_default().trim().chars().nth(chars.saturating_sub(1)).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;
    use crate::aggregate::{history, work::WorkSettings};
    use crate::facets;
    use expect_test::expect;
    use weir_model::{Entity, Reference};

    fn day(day: i64) -> Timestamp {
        Timestamp::from_ms(day * 86_400_000)
    }

    fn settings(weights: &[(&str, f64)]) -> HygieneSettings {
        let weights = weights.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
        HygieneSettings { weights, ..HygieneSettings::default() }
    }

    fn run(settings: &HygieneSettings, items: &[WorkItem]) -> Hygiene {
        let rules = HygieneRules::new(settings).unwrap();
        let work = super::super::WorkRules::new(&WorkSettings::default()).unwrap();
        let known: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(number, item)| {
                let id: EntityId = format!("work-item:jira:{number}").parse().unwrap();
                let document = facets::search_document(&id, &Entity::from(item.clone()), &Context::default());
                (id, item, history(item, &work), document)
            })
            .collect();
        let item =
            |(id, item, history, document)| HygieneItem { id, item, history, document, inactive_assignee: false };
        rules.hygiene(known.iter().map(|(id, it, history, document)| item((id, *it, history, document))), day(100))
    }

    fn kept() -> WorkItem {
        WorkItem::default()
            .created_at(day(95))
            .updated_at(day(99))
            .due_at(day(120))
            .assignees([Reference::Name("ana".to_owned())])
            .components(["api".to_owned()])
            .description("What is to be done, and how it can be seen that it is.".to_owned())
    }

    #[test]
    fn misses_count_by_their_weights() {
        let items: Vec<WorkItem> = (0..10)
            .map(|number| WorkItem {
                updated_at: Some(day(if number < 1 { 60 } else { 99 })),
                assignees: if number < 2 { Vec::new() } else { kept().assignees },
                due_at: kept().due_at.filter(|_| number >= 5),
                ..kept()
            })
            .collect();
        let found = run(&settings(&[("idle", 20.0), ("no-assignee", 30.0), ("no-due-date", 50.0)]), &items);
        let shown: Vec<_> =
            found.categories.iter().map(|category| format!("{} {}", category.name, category.misses)).collect();
        expect!["idle 1, no-assignee 2, no-due-date 5: 67 of 10"].assert_eq(&format!(
            "{}: {} of {}",
            shown.join(", "),
            found.score.unwrap(),
            found.n
        ));
    }

    #[test]
    fn nothing_missed_is_100_and_nothing_at_all_is_unknown() {
        assert_eq!(run(&HygieneSettings::default(), &[kept()]).score, Some(100.0));
        assert_eq!(run(&HygieneSettings::default(), &[]).score, None);
    }

    #[test]
    fn every_check_can_be_missed() {
        let late = WorkItem::default().created_at(day(10));
        let mut settings = settings(&[("no-version", 10.0)]);
        settings.weights.extend(HygieneSettings::default().weights);
        settings.weights.insert("inactive-assignee".to_owned(), 0.0);
        settings.custom = vec![CustomCheck { name: "no-version".to_owned(), miss: "NOT version:*".to_owned() }];
        let found = run(&settings, &[late]);
        assert_eq!(found.score, Some(0.0));
        assert_eq!(found.categories.iter().filter(|category| category.misses == 0).count(), 1);
        settings.of = "type:Epic".to_owned();
        assert_eq!(run(&settings, &[kept()]).n, 0);
    }

    #[test]
    fn settings_that_cannot_be_used_are_told() {
        let error = |settings: &HygieneSettings| HygieneRules::new(settings).unwrap_err().to_string();
        let custom = |name: &str, miss: &str| HygieneSettings {
            custom: vec![CustomCheck { name: name.to_owned(), miss: miss.to_owned() }],
            ..HygieneSettings::default()
        };
        expect![[r"
            the weights of `[hygiene]` sum to 90 and not to 100
            `idel` of `[hygiene]` is no check with a weight from 0 to 100
            the custom check `mine` has no weight of its own
            the custom check `idle` has no weight of its own
            cannot read `tpye:x` of `[hygiene]`
        "]]
        .assert_eq(
            &[
                error(&settings(&[("idle", 90.0)])),
                error(&settings(&[("idel", 100.0)])),
                error(&custom("mine", "type:x")),
                error(&custom("idle", "type:x")),
                error(&custom("mine", "tpye:x")),
            ]
            .map(|line| line + "\n")
            .concat(),
        );
    }
}
