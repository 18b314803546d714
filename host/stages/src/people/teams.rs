//! Teams: what is theirs, and who was in them when.
//!
//! Invariant: whose something is follows from the time it happened, not from the time somebody asks.

use std::collections::{BTreeMap, BTreeSet};

use globset::GlobSet;
use serde::Deserialize;
use weir_model::Timestamp;

use super::identity::names_of;
use crate::context::{ContextError, patterns};

/// `[[team]]` as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TeamSettings {
    /// Its name.
    pub name: String,
    /// Team it is a part of.
    pub parent: Option<String>,
    /// Its projects; `*` stands for any text, `?` for one character.
    pub projects: Vec<String>,
    /// Its people.
    pub people: Vec<Member>,
}

/// A member of a team: e-mail address or login, with the days of the membership where it has an end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "write `\"ana@example.com\"` or `{ is = \"ana@example.com\", from = \"2025-01-01\" }`")]
pub enum Member {
    /// At all times.
    Always(String),
    /// For some time.
    During {
        /// E-mail address or login.
        is: String,
        /// First day, or instant, in UTC.
        from: Option<String>,
        /// First day that no longer counts.
        to: Option<String>,
    },
}

/// `[[person]]` as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PersonSettings {
    /// Name to show.
    pub name: Option<String>,
    /// Addresses, logins and ids that are this human.
    pub is: Vec<String>,
    /// Addresses, logins and ids that are not, whatever speaks for it.
    pub not: Vec<String>,
}

/// The settings, compiled.
#[derive(Debug, Default)]
pub struct Teams(Vec<Team>);

#[derive(Debug)]
struct Team {
    name: String,
    /// From its own parent up.
    above: Vec<String>,
    projects: GlobSet,
    /// Times of membership by name.
    people: BTreeMap<String, Vec<Period>>,
}

#[derive(Debug, Clone, Copy)]
struct Period {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Teams {
    /// Compiles settings. A member goes by all names that one of `persons` gives to a human.
    pub fn new(settings: &[TeamSettings], persons: &[PersonSettings]) -> Result<Self, ContextError> {
        let team = |team: &TeamSettings| {
            Ok(Team {
                name: team.name.clone(),
                above: above(team, settings)?,
                projects: patterns("team.projects", &team.projects)?,
                people: members(team, persons)?,
            })
        };
        settings.iter().map(team).collect::<Result<_, _>>().map(Self)
    }

    /// Teams that a project or one of some people belongs to at an instant, in the order of the settings. Without an
    /// instant only memberships without a beginning and an end count.
    pub fn of<'a>(&'a self, project: Option<&str>, people: &[String], at: Option<Timestamp>) -> Vec<&'a str> {
        self.fitting(project, people, at).map(|team| team.name.as_str()).collect()
    }

    /// The first of them, and the teams it is a part of, upwards.
    pub fn line<'a>(&'a self, project: Option<&str>, people: &[String], at: Option<Timestamp>) -> Vec<&'a str> {
        let first = self.fitting(project, people, at).next();
        let line = first.into_iter().flat_map(|team| [&team.name].into_iter().chain(&team.above));
        line.map(String::as_str).collect()
    }

    /// All of them, and every team these are a part of.
    pub fn of_and_above<'a>(&'a self, project: Option<&str>, people: &[String], at: Option<Timestamp>) -> Vec<&'a str> {
        let teams = self.fitting(project, people, at).flat_map(|team| [&team.name].into_iter().chain(&team.above));
        let mut seen = BTreeSet::new();
        teams.map(String::as_str).filter(|team| seen.insert(*team)).collect()
    }

    fn fitting(&self, project: Option<&str>, people: &[String], at: Option<Timestamp>) -> impl Iterator<Item = &Team> {
        // Most have no teams, and this is asked for every sample.
        let people = if self.0.is_empty() { &[] } else { people };
        let names: BTreeSet<String> = people.iter().flat_map(|person| names_of(person)).collect();
        self.0.iter().filter(move |team| {
            project.is_some_and(|project| team.projects.is_match(project))
                || names.iter().any(|name| team.has(name, at))
        })
    }
}

impl Team {
    fn has(&self, name: &str, at: Option<Timestamp>) -> bool {
        self.people.get(name).is_some_and(|periods| periods.iter().any(|period| period.holds(at)))
    }
}

impl Period {
    fn holds(self, at: Option<Timestamp>) -> bool {
        match at {
            Some(at) => self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to),
            None => self.from.is_none() && self.to.is_none(),
        }
    }
}

/// The teams a team is a part of, its parent first.
fn above(team: &TeamSettings, all: &[TeamSettings]) -> Result<Vec<String>, ContextError> {
    let mut above: Vec<String> = Vec::new();
    let mut next = team.parent.as_ref();
    while let Some(parent) = next {
        if *parent == team.name || above.contains(parent) {
            return Err(ContextError::Team { team: team.name.clone(), what: "is a part of itself" });
        }
        let Some(found) = all.iter().find(|other| other.name == *parent) else {
            return Err(ContextError::Team { team: team.name.clone(), what: "has a parent that is no team" });
        };
        above.push(parent.clone());
        next = found.parent.as_ref();
    }
    Ok(above)
}

fn members(team: &TeamSettings, persons: &[PersonSettings]) -> Result<BTreeMap<String, Vec<Period>>, ContextError> {
    let mut members: BTreeMap<String, Vec<Period>> = BTreeMap::new();
    for member in &team.people {
        let (is, period) = match member {
            Member::Always(is) => (is, Period { from: None, to: None }),
            Member::During { is, from, to } => {
                (is, Period { from: instant(team, from.as_deref())?, to: instant(team, to.as_deref())? })
            }
        };
        let own = names_of(is);
        let goes_by = |person: &&PersonSettings| person.is.iter().any(|name| own.contains(&name.to_lowercase()));
        let others = persons.iter().filter(goes_by).flat_map(|person| &person.is).map(|name| name.to_lowercase());
        for name in own.iter().cloned().chain(others).collect::<BTreeSet<_>>() {
            members.entry(name).or_default().push(period);
        }
    }
    Ok(members)
}

fn instant(team: &TeamSettings, text: Option<&str>) -> Result<Option<Timestamp>, ContextError> {
    let read = |text: &str| text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
    text.map(read).transpose().map_err(|_| ContextError::Team {
        team: team.name.clone(),
        what: "has a member with a day that is none; write 2025-01-31",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn always(name: &str) -> Member {
        Member::Always(name.to_owned())
    }

    fn during(name: &str, from: &str, to: &str) -> Member {
        let day = |day: &str| (!day.is_empty()).then(|| day.to_owned());
        Member::During { is: name.to_owned(), from: day(from), to: day(to) }
    }

    fn team(name: &str, parent: Option<&str>, projects: &[&str], people: Vec<Member>) -> TeamSettings {
        TeamSettings { name: name.to_owned(), parent: parent.map(str::to_owned), projects: texts(projects), people }
    }

    fn at(day: &str) -> Timestamp {
        format!("{day}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn teams_own_projects_and_people() {
        let teams = [
            team("payments", Some("all"), &["acme/pay-*"], vec![always("Ana@example.com")]),
            team("all", None, &["acme/*"], vec![]),
        ];
        let teams = Teams::new(&teams, &[]).unwrap();
        assert_eq!(teams.of(Some("Acme/pay-api"), &[], None), ["payments", "all"]);
        assert_eq!(teams.of(Some("acme/web"), &[], None), ["all"]);
        assert_eq!(teams.of(None, &texts(&["ana@example.com"]), None), ["payments"]);
        assert_eq!(teams.of_and_above(None, &texts(&["ana@example.com"]), None), ["payments", "all"]);
        assert!(teams.of(Some("other"), &texts(&["bo"]), None).is_empty());
    }

    #[test]
    fn membership_is_that_of_the_time() {
        let teams = [
            team("red", None, &[], vec![during("ana", "", "2025-07-01")]),
            team("blue", None, &[], vec![during("ana", "2025-07-01", "")]),
        ];
        let teams = Teams::new(&teams, &[]).unwrap();
        let of = |day| teams.of(None, &texts(&["Ana"]), Some(at(day))).join(" ");
        assert_eq!([of("2025-06-30"), of("2025-07-01")], ["red", "blue"]);
        assert!(teams.of(None, &texts(&["ana"]), None).is_empty());
    }

    #[test]
    fn a_member_goes_by_every_name_of_the_person() {
        let person = PersonSettings { is: texts(&["ana@example.com", "5b10ac8d"]), ..PersonSettings::default() };
        let teams = Teams::new(&[team("red", None, &[], vec![always("ana@example.com"), always("bo")])], &[person]);
        let teams = teams.unwrap();
        for name in ["5b10ac8d", "77+bo@users.noreply.github.com", "BO"] {
            assert_eq!(teams.of(None, &texts(&[name]), None), ["red"], "{name}");
        }
    }

    #[test]
    fn teams_that_cannot_be_are_told() {
        let error = |teams: &[TeamSettings]| Teams::new(teams, &[]).unwrap_err().to_string();
        let round = [team("a", Some("b"), &[], vec![]), team("b", Some("a"), &[], vec![])];
        assert_eq!(error(&round), "team `a` is a part of itself");
        assert_eq!(error(&round[..1]), "team `a` has a parent that is no team");
        let day = [team("a", None, &[], vec![during("ana", "spring", "")])];
        assert_eq!(error(&day), "team `a` has a member with a day that is none; write 2025-01-31");
    }
}
