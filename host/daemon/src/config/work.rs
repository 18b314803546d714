//! Teams, services, persons and work: what may stand in files of its own, and what processing makes of it.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use weir_model::Calendar;
use weir_model::filter::Vocabulary;
use weir_stages::aggregate::{Category, HygieneRules, MetricSettings};
use weir_stages::people::{PersonSettings, ServiceSettings, TeamSettings};
use weir_stages::{Context, ContextSettings};

use super::{Config, ConfigError, problem};

/// A file of teams, services and persons.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Included {
    #[serde(default)]
    team: Vec<TeamSettings>,
    #[serde(default)]
    service: Vec<ServiceSettings>,
    #[serde(default)]
    person: Vec<PersonSettings>,
}

pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse(&text, &path.display().to_string())
}

pub(super) fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| problem::explain(&error, text, name))
}

impl Config {
    /// Takes in the files of `include`, which lie in `folder` unless they say otherwise.
    pub(super) fn include_from(&mut self, folder: &Path) -> Result<(), ConfigError> {
        for file in std::mem::take(&mut self.include) {
            let Included { team, service, person } = read(&folder.join(file))?;
            self.team.extend(team);
            self.service.extend(service);
            self.person.extend(person);
        }
        Ok(())
    }

    /// What processing goes by.
    pub fn context(&self) -> ContextSettings {
        ContextSettings {
            host: Some(self.host.name.to_string()),
            teams: self.team.clone(),
            persons: self.person.clone(),
            services: self.service.clone(),
            deployments: self.metrics.deployments.clone(),
            incidents: self.metrics.incidents.clone(),
            bots: self.metrics.bots.clone(),
            work: self.work.clone(),
            vocabulary: self.named_by_metrics(),
            time_zone: self.metrics.time_zone.clone(),
            days_off: self.metrics.days_off.clone(),
            metrics: self.metric.clone(),
            correlation: self.correlation.clone(),
        }
    }

    /// What the definitions of metrics name. Empty where they name nothing, so that what is derived does not hang on
    /// searches it does not use.
    fn named_by_metrics(&self) -> Vocabulary {
        let counted = self.metrics.deployments.iter().chain(&self.metrics.incidents).chain(&self.correlation.unrelated);
        let mut filters = counted.chain(self.metric.iter().flat_map(MetricSettings::filters));
        let names = filters.any(|filter| filter.contains("saved:") || filter.contains('$'));
        // The calendar is a setting of its own.
        if names { Vocabulary { calendar: Calendar::default(), ..self.vocabulary() } } else { Vocabulary::default() }
    }

    pub(super) fn check_work(&self) -> Result<(), ConfigError> {
        let names = self.team.iter().map(|team| &team.name).chain(self.service.iter().map(|service| &service.name));
        if names.into_iter().any(String::is_empty) {
            let what = "has no name".to_owned();
            return Err(ConfigError::Wrong {
                place: "a team or service".to_owned(),
                what,
                hint: "add `name`".to_owned(),
            });
        }
        Context::new(self.context()).map_err(|error| wrong("what counts as what", &error, "see docs/TEAMS.md"))?;
        HygieneRules::new(&self.hygiene).map_err(|error| wrong("`[hygiene]`", &error, "see docs/WORK.md"))?;
        let unusable = |error| wrong("`[[alignment]]`", &error, "the syntax is that of `weir search`");
        self.alignment.iter().try_for_each(|category| Category::new(category).map(drop).map_err(unusable))
    }
}

fn wrong(place: &str, error: &dyn std::error::Error, hint: &str) -> ConfigError {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let what = format!("cannot be used: {error}{cause}");
    ConfigError::Wrong { place: place.to_owned(), what, hint: hint.to_owned() }
}
