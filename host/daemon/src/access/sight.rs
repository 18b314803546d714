//! What somebody may see of an account.
//!
//! Invariant: one filter decides, for the search index and for every entity that is read. Whoever is limited is answered
//! as if nothing else were there.

use std::collections::BTreeSet;
use std::sync::Arc;

use weir_model::filter::{Match, keyword_is};
use weir_model::{Entity, EntityId, EntityKind, Filter};
use weir_stages::people::TeamSettings;
use weir_stages::{Context, facets};

use super::pseudonym::Pseudonyms;
use super::{Limits, Permission, Principal};
use crate::error::Fault;

/// What somebody may see.
#[derive(Debug, Clone)]
pub struct Sight {
    /// Teams and projects; none: everything.
    limits: Option<Limits>,
    /// The teams as they were given, without those below them.
    given: Vec<String>,
    /// How persons are called; none: by their names.
    pseudonyms: Option<Arc<Pseudonyms>>,
    filter: Filter,
}

impl Sight {
    /// Everything, by its name.
    pub fn whole() -> Self {
        Self { limits: None, given: Vec::new(), pseudonyms: None, filter: Filter::All }
    }

    /// What a principal may see, given the teams there are.
    pub(crate) fn of(principal: &Principal, teams: &[TeamSettings], pseudonyms: &Arc<Pseudonyms>) -> Self {
        let limits = principal.limits.any().then(|| Limits {
            teams: with_those_below(&principal.limits.teams, teams),
            projects: principal.limits.projects.clone(),
        });
        let pseudonyms = (!principal.may(Permission::Personal)).then(|| pseudonyms.clone());
        let parts = [limits.as_ref().map(within), pseudonyms.as_ref().map(|_| no_person())];
        let filter = match parts.into_iter().flatten().collect::<Vec<_>>() {
            none if none.is_empty() => Filter::All,
            parts => Filter::And(parts),
        };
        Self { limits, given: principal.limits.teams.iter().cloned().collect(), pseudonyms, filter }
    }

    /// What every search is within.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether there is something they may not see.
    pub fn is_limited(&self) -> bool {
        self.limits.is_some()
    }

    /// The same for those who are answered the same, and for nobody else.
    pub(crate) fn key(&self) -> String {
        serde_json::json!([self.limits, self.given, self.pseudonyms.is_some()]).to_string()
    }

    /// How persons are called; none: by their names.
    pub(crate) fn pseudonyms(&self) -> Option<&Pseudonyms> {
        self.pseudonyms.as_deref()
    }

    /// Replaces persons in what is told, unless they may know them.
    pub(crate) fn hide(&self, told: &mut serde_json::Value) {
        if let Some(pseudonyms) = &self.pseudonyms {
            pseudonyms.hide(told);
        }
    }

    /// Whether a team is one of theirs.
    pub fn has_team(&self, team: &str) -> bool {
        self.limits.as_ref().is_none_or(|limits| limits.teams.contains(team))
    }

    /// Whether an entity may be told of.
    pub fn shows(&self, id: &EntityId, entity: &Entity, context: &Context) -> bool {
        self.filter == Filter::All || self.filter.matches(&facets::search_document(id, entity, context))
    }

    /// Whether what is told may be computed from an entity. Persons are told of by nothing but their own pages, and what
    /// is known of them, as that they left, counts for everybody.
    pub fn counts(&self, id: &EntityId, entity: &Entity, context: &Context) -> bool {
        id.kind == EntityKind::Person || !self.is_limited() || self.shows(id, entity, context)
    }

    /// Team and project of a number, for somebody who may see those: a number over everything tells of everything.
    pub fn narrow(
        &self,
        team: Option<String>,
        project: Option<String>,
    ) -> Result<(Option<String>, Option<String>), Fault> {
        let Some(limits) = &self.limits else { return Ok((team, project)) };
        let own_team = team.as_ref().is_some_and(|team| limits.teams.contains(team));
        let like = |project: &String| {
            limits.projects.iter().any(|pattern| keyword_is(project, &Match::Wildcard(pattern.clone())))
        };
        if own_team || project.as_ref().is_some_and(like) {
            return Ok((team, project));
        }
        match (team, self.given.as_slice()) {
            (None, [only]) if limits.projects.is_empty() => Ok((Some(only.clone()), project)),
            _ => {
                let teams = limits.teams.iter().map(|team| format!("team={team}"));
                let own = teams.chain(limits.projects.iter().map(|project| format!("project={project}")));
                Err(Fault::config("this number is not yours to see")
                    .hint(format!("ask for one of {}", own.collect::<Vec<_>>().join(", "))))
            }
        }
    }
}

fn within(limits: &Limits) -> Filter {
    let term = |field: &str, is| Filter::Term { field: Some(field.to_owned()), is };
    let teams = limits.teams.iter().map(|team| term("team", Match::Phrase(team.clone())));
    let projects = limits.projects.iter().map(|project| term("project", Match::Wildcard(project.clone())));
    Filter::Or(teams.chain(projects).collect())
}

fn no_person() -> Filter {
    let is = Match::Phrase(EntityKind::Person.as_str().to_owned());
    Filter::Not(Box::new(Filter::Term { field: Some("kind".to_owned()), is }))
}

/// Teams, and all that are a part of one of them.
fn with_those_below(given: &BTreeSet<String>, teams: &[TeamSettings]) -> BTreeSet<String> {
    let mut all = given.clone();
    loop {
        let is_below = |team: &&TeamSettings| team.parent.as_ref().is_some_and(|parent| all.contains(parent));
        let below: Vec<String> = teams.iter().filter(is_below).map(|team| team.name.clone()).collect();
        let before = all.len();
        all.extend(below);
        if all.len() == before {
            return all;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Role, Who};

    fn sight(teams: &[&str], projects: &[&str]) -> Sight {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let limits = Limits { teams: texts(teams), projects: texts(projects) };
        let role = Role::TeamLead;
        let principal =
            Principal { limits, role: Some(role), permissions: role.permissions(), ..Principal::trusted(Who::Machine) };
        let team = |name: &str, parent: Option<&str>| TeamSettings {
            name: name.to_owned(),
            parent: parent.map(str::to_owned),
            ..TeamSettings::default()
        };
        let there = [team("all", None), team("a", Some("all")), team("a1", Some("a")), team("b", Some("all"))];
        Sight::of(&principal, &there, &Arc::new(Pseudonyms::new(&[1; 32])))
    }

    #[test]
    fn numbers_are_of_what_one_may_see() {
        let asked = |sight: &Sight, team: &str, project: &str| {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let narrowed = sight.narrow(some(team), some(project)).ok()?;
            Some(format!("{}/{}", narrowed.0.unwrap_or_default(), narrowed.1.unwrap_or_default()))
        };
        let one = sight(&["a"], &[]);
        assert_eq!(asked(&one, "", ""), Some("a/".to_owned()));
        assert_eq!(asked(&one, "a1", ""), Some("a1/".to_owned()));
        assert_eq!(asked(&one, "", "acme/web"), Some("a/acme/web".to_owned()));
        assert_eq!((asked(&one, "b", ""), asked(&one, "all", ""), asked(&one, "none", "")), (None, None, None));
        let more = sight(&["a", "b"], &["acme/*"]);
        assert_eq!((asked(&more, "", ""), asked(&more, "", "other/web")), (None, None));
        assert_eq!(asked(&more, "", "acme/web"), Some("/acme/web".to_owned()));
        assert_eq!(asked(&sight(&[], &["acme/*"]), "", ""), None);
        assert_eq!(asked(&Sight::whole(), "", ""), Some("/".to_owned()));
    }
}
