//! What the operator's settings mean for processing: teams, what counts as a deployment or incident, who is a bot.
//! Compiled once; a changed setting is a new `Context` and a replay of everything derived.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::Regex;
use serde::Deserialize;
use weir_model::calendar::{NoDayOff, NoTimeZone};
use weir_model::filter::{FilterError, Vocabulary};
use weir_model::{Calendar, DurationMs, Filter, SearchDocument};

use crate::aggregate::{CustomMetric, DefinitionError, MetricSettings, WorkRules, WorkSettings, custom_metrics};
use crate::correlate::KeyRules;
use crate::people::{PersonSettings, ServiceSettings, Services, TeamSettings, Teams};

/// Settings as they are written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContextSettings {
    /// Name of this host, the `host` field of every entity.
    pub host: Option<String>,
    /// Teams, the first that fits wins for numbers.
    pub teams: Vec<TeamSettings>,
    /// Which names are one human.
    pub persons: Vec<PersonSettings>,
    /// What a service is made of.
    pub services: Vec<ServiceSettings>,
    /// Deployments that count, in search syntax; one of them must match.
    pub deployments: Vec<String>,
    /// What is an incident, in search syntax; one of them must match.
    pub incidents: Vec<String>,
    /// Logins and addresses of machines; `*` stands for any text, `?` for one character.
    pub bots: Vec<String>,
    /// Saved searches and variables that the filters may name.
    #[serde(skip)]
    pub vocabulary: Vocabulary,
    /// What a status of a work item means.
    pub work: WorkSettings,
    /// Zone whose days, weeks and months numbers are grouped by; none: UTC.
    pub time_zone: Option<String>,
    /// Days of the week and dates that are no part of times people take.
    pub days_off: Vec<String>,
    /// Metrics of the operator's own.
    pub metrics: Vec<MetricSettings>,
    /// How things are found to belong together.
    pub correlation: CorrelationSettings,
}

/// `[correlation]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorrelationSettings {
    /// Further forms of handles of work items, as regular expressions; the first group is the handle.
    pub patterns: Vec<String>,
    /// What looks like the key of a project and is none; common ones (`UTF`, `SHA`, `ISO`) are known.
    pub stop: Vec<String>,
    /// Keys that projects had before, and their keys now.
    pub former_keys: BTreeMap<String, String>,
    /// How long before an incident the deployment may be that is taken for its cause.
    pub incident_look_back_hours: u32,
    /// Incidents that no deployment has to do with, in search syntax; one of them must match.
    pub unrelated: Vec<String>,
}

impl Default for CorrelationSettings {
    fn default() -> Self {
        let unrelated = ["attr.external:true", "attr.cause:external", "status:duplicate", "resolution:duplicate"];
        Self {
            patterns: Vec::new(),
            stop: Vec::new(),
            former_keys: BTreeMap::new(),
            incident_look_back_hours: 24,
            unrelated: unrelated.map(str::to_owned).to_vec(),
        }
    }
}

impl Default for ContextSettings {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            host: None,
            teams: Vec::new(),
            persons: Vec::new(),
            services: Vec::new(),
            deployments: texts(&["environment:production"]),
            incidents: texts(&["kind:incident", "kind:work-item AND type:Incident"]),
            bots: texts(&["*[bot]", "renovate*"]),
            vocabulary: Vocabulary::default(),
            work: WorkSettings::default(),
            time_zone: None,
            days_off: Vec::new(),
            metrics: Vec::new(),
            correlation: CorrelationSettings::default(),
        }
    }
}

/// A setting that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A text that is no filter.
    #[error("cannot read `{text}` of `{setting}`")]
    Filter {
        /// Which setting.
        setting: &'static str,
        /// What was written.
        text: String,
        /// Why not.
        #[source]
        source: FilterError,
    },
    /// A team that cannot be.
    #[error("team `{team}` {what}")]
    Team {
        /// Which.
        team: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A metric that cannot be as it is written.
    #[error("cannot use a `[[metric]]`")]
    Metric(#[source] DefinitionError),
    /// A zone that is none.
    #[error("cannot use `metrics.time_zone`")]
    Zone(#[source] NoTimeZone),
    /// A day off that is none.
    #[error("cannot use `metrics.days_off`")]
    DayOff(#[source] NoDayOff),
    /// A regular expression that cannot be compiled.
    #[error("cannot read `{text}` of `correlation.patterns`")]
    Expression {
        /// What was written.
        text: String,
        /// Why not.
        #[source]
        source: regex::Error,
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

fn calendar(settings: &ContextSettings) -> Result<Calendar, ContextError> {
    let zone = settings.time_zone.as_deref().map_or(Ok(Calendar::default()), Calendar::of_zone);
    zone.map_err(ContextError::Zone)?.with_days_off(&settings.days_off).map_err(ContextError::DayOff)
}

/// The settings, compiled.
#[derive(Debug)]
pub struct Context {
    host: Option<String>,
    teams: Teams,
    persons: Vec<PersonSettings>,
    services: Services,
    deployments: Filter,
    incidents: Filter,
    bots: GlobSet,
    work: WorkRules,
    calendar: Calendar,
    metrics: Vec<CustomMetric>,
    keys: KeyRules,
    unrelated: Filter,
    look_back: DurationMs,
}

impl Context {
    /// Compiles settings.
    pub fn new(settings: ContextSettings) -> Result<Self, ContextError> {
        let calendar = calendar(&settings)?;
        let vocabulary = Vocabulary { calendar: calendar.clone(), ..settings.vocabulary };
        Ok(Self {
            calendar,
            host: settings.host,
            teams: Teams::new(&settings.teams, &settings.persons)?,
            services: Services::new(&settings.services)?,
            persons: settings.persons,
            deployments: any_of("metrics.deployments", &settings.deployments, &vocabulary)?,
            incidents: any_of("metrics.incidents", &settings.incidents, &vocabulary)?,
            bots: patterns("metrics.bots", &settings.bots)?,
            work: WorkRules::new(&settings.work)?,
            metrics: custom_metrics(&settings.metrics, &vocabulary).map_err(ContextError::Metric)?,
            unrelated: any_of("correlation.unrelated", &settings.correlation.unrelated, &vocabulary)?,
            look_back: DurationMs(u64::from(settings.correlation.incident_look_back_hours) * 3_600_000),
            keys: key_rules(settings.correlation)?,
        })
    }

    /// The calendar numbers are grouped by.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Metrics of the operator's own.
    pub fn metrics(&self) -> &[CustomMetric] {
        &self.metrics
    }

    /// Name of this host.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Teams and who was in them when.
    pub fn teams(&self) -> &Teams {
        &self.teams
    }

    /// Which names are one human, by the operator's word.
    pub fn persons(&self) -> &[PersonSettings] {
        &self.persons
    }

    /// What a service is made of.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Whether a login, name or address is that of a machine.
    pub fn is_bot(&self, person: &str) -> bool {
        self.bots.is_match(person)
    }

    /// What a status of a work item means.
    pub fn work(&self) -> &WorkRules {
        &self.work
    }

    /// Whether a deployment counts in the DORA metrics. Its result is looked at elsewhere.
    pub fn counts_as_deployment(&self, document: &SearchDocument) -> bool {
        self.deployments.matches(document)
    }

    /// Whether a document is that of an incident.
    pub fn is_incident(&self, document: &SearchDocument) -> bool {
        self.incidents.matches(document)
    }

    /// Whether a document is that of an incident no deployment has to do with: an outage elsewhere, a duplicate.
    pub fn is_unrelated(&self, document: &SearchDocument) -> bool {
        self.unrelated.matches(document)
    }

    /// How handles of work items are read.
    pub fn keys(&self) -> &KeyRules {
        &self.keys
    }

    /// How long before an incident the deployment may be that is taken for its cause.
    pub fn look_back(&self) -> DurationMs {
        self.look_back
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new(ContextSettings::default()).expect("the default settings are filters and patterns")
    }
}

fn key_rules(settings: CorrelationSettings) -> Result<KeyRules, ContextError> {
    let compile =
        |text: &String| Regex::new(text).map_err(|source| ContextError::Expression { text: text.clone(), source });
    Ok(KeyRules {
        patterns: settings.patterns.iter().map(compile).collect::<Result<_, _>>()?,
        stop: settings.stop.into_iter().collect(),
        former: settings.former_keys,
    })
}

fn any_of(setting: &'static str, texts: &[String], vocabulary: &Vocabulary) -> Result<Filter, ContextError> {
    let wrong = |text: &str, source| ContextError::Filter { setting, text: text.to_owned(), source };
    let parse = |text: &String| vocabulary.filter(text).map_err(|source| wrong(text, source));
    Ok(Filter::Or(texts.iter().map(parse).collect::<Result<_, _>>()?))
}

pub(crate) fn patterns(setting: &'static str, texts: &[String]) -> Result<GlobSet, ContextError> {
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
