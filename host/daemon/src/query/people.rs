//! Who is who, and who is in which team.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::{Entity, EntityId, EntityKind, Filter};
use weir_stages::people::{Human, Member, People, Suggestion, TeamSettings, asks_for_person, people as identify};

use crate::error::Fault;
use crate::query::View;

/// Persons read at a time.
const PAGE: usize = 5_000;
/// Humans given when no limit is.
const HUMANS_DEFAULT: usize = 200;

/// Which people.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PeopleParams {
    /// Only those of whom a name or address holds this text.
    pub q: Option<String>,
    /// Only those that are several identities.
    pub merged: bool,
    /// Most of them.
    pub limit: Option<usize>,
}

/// Humans, and which of them may be one.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PeopleAnswer {
    /// Identities of tools.
    pub persons: usize,
    /// Humans they are.
    pub humans: usize,
    /// Some of them.
    pub people: Vec<PersonAnswer>,
    /// Humans with a name in common. Nothing follows from it until the operator says so.
    pub suggestions: Vec<Suggestion>,
}

/// A human and the teams they are in.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PersonAnswer {
    /// Who.
    #[serde(flatten)]
    pub human: Human,
    /// Teams they are in now.
    pub teams: Vec<String>,
}

/// Who is who.
pub fn people(account: &View<'_>, params: &PeopleParams) -> Result<PeopleAnswer, Fault> {
    let context = account.context();
    let People { mut humans, mut suggestions } = everybody(account)?;
    let teams_of = |human: &Human| -> Vec<String> {
        let names: Vec<String> = human.names.iter().cloned().collect();
        let teams = context.teams().of_and_above(None, &names, Some(crate::clock::now()));
        teams.into_iter().filter(|team| account.sight().has_team(team)).map(str::to_owned).collect()
    };
    if account.sight().is_limited() {
        humans.retain(|human| !teams_of(human).is_empty());
        suggestions.clear();
    }
    let wanted = |human: &&Human| {
        let holds = |text: &String| {
            let text = text.to_lowercase();
            human.names.iter().chain(&human.name).any(|name| name.to_lowercase().contains(&text))
        };
        params.q.as_ref().is_none_or(holds) && (!params.merged || human.persons.len() > 1)
    };
    let shown = humans
        .iter()
        .filter(wanted)
        .take(params.limit.unwrap_or(HUMANS_DEFAULT))
        .map(|human| PersonAnswer { human: human.clone(), teams: teams_of(human) });
    Ok(PeopleAnswer {
        persons: humans.iter().map(|human| human.persons.len()).sum(),
        humans: humans.len(),
        people: shown.collect(),
        suggestions,
    })
}

/// A search in which `person:NAME` finds the human by every name they go by.
pub(super) fn in_search(account: &View<'_>, filter: Filter) -> Result<Filter, Fault> {
    if asks_for_person(&filter) { Ok(everybody(account)?.in_search(filter)) } else { Ok(filter) }
}

fn everybody(account: &View<'_>) -> Result<People, Fault> {
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let mut persons = Vec::new();
    let mut after: Option<EntityId> = None;
    loop {
        let rows = reader.kind(&EntityKind::Person, after.as_ref(), PAGE).map_err(Fault::from_derived)?;
        let Some(last) = rows.last() else { return Ok(identify(&persons, &account.context())) };
        after = Some(last.id.clone());
        persons.extend(rows.into_iter().filter_map(|row| match row.entity {
            Some(Entity::Person(person)) => Some((row.id, *person)),
            _ => None,
        }));
    }
}

/// A team of the configuration.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TeamAnswer {
    /// Its name.
    pub name: String,
    /// Team it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Patterns of its projects.
    pub projects: Vec<String>,
    /// Its people, with the days of their membership.
    pub people: Vec<MemberAnswer>,
}

/// A member of a team.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MemberAnswer {
    /// E-mail address or login.
    pub is: String,
    /// First day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// First day that no longer counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The teams there are; their people for those who may know persons.
pub fn teams(account: &View<'_>) -> Vec<TeamAnswer> {
    let member = |member: &Member| match member.clone() {
        Member::Always(is) => MemberAnswer { is, from: None, to: None },
        Member::During { is, from, to } => MemberAnswer { is, from, to },
    };
    let named = account.sight().pseudonyms().is_none();
    let team = |team: &TeamSettings| TeamAnswer {
        name: team.name.clone(),
        parent: team.parent.clone().filter(|parent| account.sight().has_team(parent)),
        projects: team.projects.clone(),
        people: team.people.iter().filter(|_| named).map(member).collect(),
    };
    account.settings().teams.iter().filter(|team| account.sight().has_team(&team.name)).map(team).collect()
}
