//! What the operator's settings mean for processing: teams, what counts as a deployment or incident, who is a bot.
//! Compiled once; a changed setting is a new `Context` and a replay of everything derived.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use weir_model::filter::{FilterError, Vocabulary};
use weir_model::{Filter, SearchDocument};

/// Settings as they are written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContextSettings {
    /// Name of this host, the `host` field of every entity.
    pub host: Option<String>,
    /// Teams, the first that fits wins for numbers.
    pub teams: Vec<TeamSettings>,
    /// Deployments that count, in search syntax; one of them must match.
    pub deployments: Vec<String>,
    /// What is an incident, in search syntax; one of them must match.
    pub incidents: Vec<String>,
    /// Logins and addresses of machines; `*` stands for any text, `?` for one character.
    pub bots: Vec<String>,
    /// Saved searches and variables that the filters may name.
    #[serde(skip)]
    pub vocabulary: Vocabulary,
}

impl Default for ContextSettings {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            host: None,
            teams: Vec::new(),
            deployments: texts(&["environment:production"]),
            incidents: texts(&["kind:incident", "kind:work-item AND type:Incident"]),
            bots: texts(&["*[bot]", "renovate*"]),
            vocabulary: Vocabulary::default(),
        }
    }
}

/// A team as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TeamSettings {
    /// Its name.
    pub name: String,
    /// Its projects; `*` stands for any text, `?` for one character.
    pub projects: Vec<String>,
    /// Its people: e-mail addresses or logins.
    pub people: Vec<String>,
}

/// A setting that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A text that is no filter.
    #[error("cannot read `{text}` of `metrics.{setting}`")]
    Filter {
        /// Which setting.
        setting: &'static str,
        /// What was written.
        text: String,
        /// Why not.
        #[source]
        source: FilterError,
    },
    /// A pattern that cannot be compiled.
    #[error("cannot read the patterns of `{setting}`")]
    Pattern {
        /// Which setting.
        setting: &'static str,
        /// Why not.
        #[source]
        source: globset::Error,
    },
}

/// The settings, compiled.
#[derive(Debug)]
pub struct Context {
    host: Option<String>,
    teams: Vec<Team>,
    deployments: Filter,
    incidents: Filter,
    bots: GlobSet,
}

#[derive(Debug)]
struct Team {
    name: String,
    projects: GlobSet,
    people: BTreeSet<String>,
}

impl Context {
    /// Compiles settings.
    pub fn new(settings: ContextSettings) -> Result<Self, ContextError> {
        Ok(Self {
            host: settings.host,
            teams: settings.teams.into_iter().map(Team::new).collect::<Result<_, _>>()?,
            deployments: any_of("deployments", &settings.deployments, &settings.vocabulary)?,
            incidents: any_of("incidents", &settings.incidents, &settings.vocabulary)?,
            bots: patterns("metrics.bots", &settings.bots)?,
        })
    }

    /// Name of this host.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Teams a project or one of the people belongs to, in the order of the settings.
    pub fn teams_of<'a>(&'a self, project: Option<&str>, people: &[String]) -> Vec<&'a str> {
        let fits = |team: &&Team| {
            project.is_some_and(|project| team.projects.is_match(project))
                || people.iter().any(|person| team.people.contains(&person.to_lowercase()))
        };
        self.teams.iter().filter(fits).map(|team| team.name.as_str()).collect()
    }

    /// Whether a login, name or address is that of a machine.
    pub fn is_bot(&self, person: &str) -> bool {
        self.bots.is_match(person)
    }

    /// Whether a deployment counts in the DORA metrics. Its result is looked at elsewhere.
    pub fn counts_as_deployment(&self, document: &SearchDocument) -> bool {
        self.deployments.matches(document)
    }

    /// Whether a document is that of an incident.
    pub fn is_incident(&self, document: &SearchDocument) -> bool {
        self.incidents.matches(document)
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new(ContextSettings::default()).expect("the default settings are filters and patterns")
    }
}

impl Team {
    fn new(settings: TeamSettings) -> Result<Self, ContextError> {
        Ok(Self {
            name: settings.name,
            projects: patterns("team.projects", &settings.projects)?,
            people: settings.people.iter().map(|person| person.to_lowercase()).collect(),
        })
    }
}

fn any_of(setting: &'static str, texts: &[String], vocabulary: &Vocabulary) -> Result<Filter, ContextError> {
    let wrong = |text: &str, source| ContextError::Filter { setting, text: text.to_owned(), source };
    let parse = |text: &String| vocabulary.filter(text).map_err(|source| wrong(text, source));
    Ok(Filter::Or(texts.iter().map(parse).collect::<Result<_, _>>()?))
}

fn patterns(setting: &'static str, texts: &[String]) -> Result<GlobSet, ContextError> {
    let wrap = |source| ContextError::Pattern { setting, source };
    let mut set = GlobSetBuilder::new();
    for text in texts {
        set.add(GlobBuilder::new(&literal_brackets(text)).case_insensitive(true).build().map_err(wrap)?);
    }
    set.build().map_err(wrap)
}

/// Only `*` and `?` are special in Weir's patterns: `*[bot]` means logins that end in `[bot]`.
fn literal_brackets(pattern: &str) -> String {
    let escape = |c: char| if "[]{}".contains(c) { format!("[{c}]") } else { c.to_string() };
    pattern.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(name: &str, projects: &[&str], people: &[&str]) -> TeamSettings {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        TeamSettings { name: name.to_owned(), projects: texts(projects), people: texts(people) }
    }

    #[test]
    fn teams_own_projects_and_people() {
        let teams = vec![team("payments", &["acme/pay-*"], &["Ana@example.com"]), team("all", &["acme/*"], &[])];
        let context = Context::new(ContextSettings { teams, ..ContextSettings::default() }).unwrap();
        assert_eq!(context.teams_of(Some("Acme/pay-api"), &[]), ["payments", "all"]);
        assert_eq!(context.teams_of(Some("acme/web"), &[]), ["all"]);
        assert_eq!(context.teams_of(None, &["ana@example.com".to_owned()]), ["payments"]);
        assert!(context.teams_of(Some("other"), &["bo".to_owned()]).is_empty());
    }

    #[test]
    fn brackets_of_a_bot_pattern_are_letters() {
        let context = Context::default();
        let bots = ["dependabot[bot]", "renovate-approve", "Renovate"].map(|name| context.is_bot(name));
        assert_eq!(bots, [true; 3]);
        assert!(!context.is_bot("hubot") && !context.is_bot("rob"));
    }

    #[test]
    fn a_setting_that_is_no_filter_is_named() {
        let settings = ContextSettings { deployments: vec!["enviroment:prod".to_owned()], ..Default::default() };
        let error = Context::new(settings).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `enviroment:prod` of `metrics.deployments`");
    }
}
