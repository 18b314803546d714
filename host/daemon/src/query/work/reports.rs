//! Hygiene of open items, and what finished ones went into.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::entity::Person;
use weir_model::{Entity, EntityId, EntityKind, Reference, Timestamp};
use weir_stages::aggregate::{
    Aligned, AlignmentCategory, Category, Effort, Hygiene, HygieneItem, HygieneRules, HygieneSettings, align,
};
use weir_store::{Reader, SampleQuery};

use super::items::done;
use super::{DEFINITION, Known, WorkParams, fresh_at, ms, read};
use crate::clock;
use crate::error::Fault;
use crate::query::View;

/// Items listed behind a check or a category when no limit is given.
const LISTED: usize = 50;

/// Whose hygiene.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HygieneParams {
    /// Only of this team.
    pub team: Option<String>,
    /// Only of this project.
    pub project: Option<String>,
    /// Apart for each `team` or `project` too.
    pub by: Option<String>,
    /// Most items listed behind each check.
    pub limit: Option<usize>,
}

/// How well open items are kept.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HygieneAnswer {
    /// Version of the definition.
    pub definition: &'static str,
    /// The instant it holds for.
    pub at: Timestamp,
    /// All items.
    #[serde(flatten)]
    pub total: Hygiene,
    /// Apart by team or project; an item of two teams counts in both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeMap<String, Hygiene>>,
    /// When the newest record that was processed was taken.
    pub fresh_at: Option<Timestamp>,
}

/// Hygiene of the open items, now.
pub fn hygiene(account: &View<'_>, settings: &HygieneSettings, params: &HygieneParams) -> Result<HygieneAnswer, Fault> {
    let rules =
        HygieneRules::new(settings).map_err(|error| Fault::config("cannot use `[hygiene]`").caused_by(error))?;
    let by = match params.by.as_deref() {
        None => None,
        Some(by @ ("team" | "project")) => Some(by),
        Some(other) => return Err(Fault::config(format!("cannot group by `{other}`")).hint("team or project")),
    };
    let now = clock::now();
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let (team, project) = (params.team.clone(), params.project.clone());
    let query = account.narrowed(SampleQuery { team, project, ..SampleQuery::of("open-items") })?;
    let open = reader.inside(&query).map_err(Fault::from_derived)?;
    let found = read(&reader, open.into_iter().map(|(id, _)| id), &account.context())?;
    let inactive = inactive(&reader, &found)?;
    let of = |chosen: &mut dyn Iterator<Item = &Known>| {
        let mut hygiene = rules.hygiene(chosen.map(|item| of_item(item, &inactive)), now);
        for category in &mut hygiene.categories {
            category.items.truncate(params.limit.unwrap_or(LISTED));
        }
        hygiene
    };
    let groups = by.map(|by| {
        let names = found.iter().flat_map(|item| item.document.values(by));
        let names: BTreeSet<&String> = names.filter(|name| by != "team" || account.sight().has_team(name)).collect();
        let group = |name: &String| of(&mut found.iter().filter(|item| item.document.values(by).contains(name)));
        names.into_iter().map(|name| (name.clone(), group(name))).collect()
    });
    Ok(HygieneAnswer {
        definition: DEFINITION,
        at: now,
        total: of(&mut found.iter()),
        groups,
        fresh_at: fresh_at(account, &reader)?,
    })
}

fn of_item<'a>(item: &'a Known, inactive: &BTreeSet<(EntityId, String)>) -> HygieneItem<'a> {
    let Known { id, item, history, document } = item;
    let is_inactive = |assignee: &Reference| inactive.contains(&(id.clone(), assignee.text().to_owned()));
    let inactive_assignee = item.assignees.iter().any(is_inactive);
    HygieneItem { id, item, history, document, inactive_assignee }
}

/// Assignees of items who may not log in any more, each person read once.
fn inactive(reader: &Reader<'_>, items: &[Known]) -> Result<BTreeSet<(EntityId, String)>, Fault> {
    let mut known: BTreeMap<(Option<String>, &Reference), bool> = BTreeMap::new();
    let mut inactive = BTreeSet::new();
    for Known { id, item, .. } in items {
        for assignee in &item.assignees {
            let integration = id.integration.as_ref().map(ToString::to_string);
            let key = (integration, assignee);
            let is_inactive = match known.get(&key) {
                Some(known) => *known,
                None => *known
                    .entry(key)
                    .or_insert(person(reader, id, assignee)?.is_some_and(|it| it.active == Some(false))),
            };
            if is_inactive {
                inactive.insert((id.clone(), assignee.text().to_owned()));
            }
        }
    }
    Ok(inactive)
}

/// The person an item refers to; none when none is known, or several are.
fn person(reader: &Reader<'_>, of: &EntityId, reference: &Reference) -> Result<Option<Person>, Fault> {
    let rows = match (reference, &of.integration) {
        (Reference::Key(key), Some(integration)) => {
            let id = EntityId::new(EntityKind::Person, integration, key.clone());
            reader.entity(&id).map(|row| row.into_iter().collect())
        }
        (name, _) => reader.lookup("person", &name.text().to_lowercase(), i64::MIN..=i64::MAX, false, 2),
    };
    let mut persons = rows.map_err(Fault::from_derived)?.into_iter().filter_map(|row| match row.entity {
        Some(Entity::Person(person)) => Some(*person),
        _ => None,
    });
    let only = persons.next();
    Ok(only.filter(|_| persons.next().is_none()))
}

/// Which finished items, and what they weigh.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlignmentParams {
    /// First instant or day; none: the first there is.
    pub from: Option<String>,
    /// First instant or day after the window; none: the last there is.
    pub to: Option<String>,
    /// Only of this team.
    pub team: Option<String>,
    /// Only of this project.
    pub project: Option<String>,
    /// `count`, `points` or `time`.
    pub effort: Effort,
    /// Most items listed in each category.
    pub limit: Option<usize>,
}

/// What the items done in a window went into.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AlignmentAnswer {
    /// Version of the definition.
    pub definition: &'static str,
    /// What is summed: `count`, `points`, or `time` in milliseconds.
    pub effort: Effort,
    /// Items done in the window.
    pub n: usize,
    /// Items whose effort is unknown; they add nothing.
    pub unknown: u64,
    /// By rank.
    pub categories: Vec<Aligned>,
    /// What fits none of them.
    pub remainder: Aligned,
    /// When the newest record that was processed was taken.
    pub fresh_at: Option<Timestamp>,
}

/// What the items done in a window went into.
pub fn alignment(
    account: &View<'_>,
    settings: &[AlignmentCategory],
    params: &AlignmentParams,
) -> Result<AlignmentAnswer, Fault> {
    let categories: Result<Vec<Category>, _> = settings.iter().map(Category::new).collect();
    let categories = categories.map_err(|error| Fault::config("cannot use `[[alignment]]`").caused_by(error))?;
    let AlignmentParams { from, to, team, project, effort, limit } = params.clone();
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let found = done(account, &reader, &WorkParams { from, to, team, project, ..WorkParams::default() })?;
    let weight = |item: &Known| match effort {
        Effort::Count => Some(1.0),
        Effort::Points => item.item.story_points,
        Effort::Time => item.history.active_time().map(ms),
    };
    let mut aligned = align(&categories, found.iter().map(|item| (&item.id, &item.document, weight(item))));
    for category in &mut aligned {
        category.items.truncate(limit.unwrap_or(LISTED));
    }
    let remainder = aligned.pop().unwrap_or_default();
    Ok(AlignmentAnswer {
        definition: DEFINITION,
        effort,
        n: found.len(),
        unknown: aligned.iter().map(|category| category.unknown).sum::<u64>() + remainder.unknown,
        categories: aligned,
        remainder,
        fresh_at: fresh_at(account, &reader)?,
    })
}
