//! Services: named sets of repositories, jobs and environments.

use globset::GlobSet;
use serde::Deserialize;

use crate::context::{ContextError, patterns};

/// `[[service]]` as it is written. In all patterns `*` stands for any text, `?` for one character.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceSettings {
    /// Its name.
    pub name: String,
    /// Repositories it is made of.
    pub repositories: Vec<String>,
    /// Jobs that build or deploy it.
    pub jobs: Vec<String>,
    /// Names that tools have for it.
    pub names: Vec<String>,
    /// Environments it runs in; all when left out.
    pub environments: Vec<String>,
}

/// What is known of something that may be of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceFacts<'a> {
    /// Repository it is about.
    pub repository: Option<&'a str>,
    /// Job it ran in.
    pub job: Option<&'a str>,
    /// Service, as the tool names it.
    pub name: Option<&'a str>,
    /// Environment it is about.
    pub environment: Option<&'a str>,
}

/// The settings, compiled.
#[derive(Debug, Default)]
pub struct Services(Vec<Service>);

#[derive(Debug)]
struct Service {
    name: String,
    repositories: GlobSet,
    jobs: GlobSet,
    names: GlobSet,
    environments: GlobSet,
}

impl Services {
    /// Compiles settings.
    pub fn new(settings: &[ServiceSettings]) -> Result<Self, ContextError> {
        let service = |service: &ServiceSettings| {
            Ok(Service {
                name: service.name.clone(),
                repositories: patterns("service.repositories", &service.repositories)?,
                jobs: patterns("service.jobs", &service.jobs)?,
                names: patterns("service.names", &service.names)?,
                environments: patterns("service.environments", &service.environments)?,
            })
        };
        settings.iter().map(service).collect::<Result<_, _>>().map(Self)
    }

    /// Services that something is of, in the order of the settings.
    pub fn of<'a>(&'a self, facts: ServiceFacts<'_>) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |service| service.has(facts)).map(|service| service.name.as_str())
    }
}

impl Service {
    fn has(&self, facts: ServiceFacts<'_>) -> bool {
        let ServiceFacts { repository, job, name, environment } = facts;
        let parts = [(repository, &self.repositories), (job, &self.jobs), (name, &self.names)];
        let of_it = |(part, set): (Option<&str>, &GlobSet)| part.is_some_and(|part| set.is_match(part));
        let anywhere = self.environments.is_empty() || environment.is_none();
        parts.into_iter().any(of_it) && (anywhere || of_it((environment, &self.environments)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_makes_it_of_the_service_and_another_environment_does_not() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let shop = ServiceSettings {
            name: "shop".to_owned(),
            repositories: texts(&["acme/shop-*"]),
            jobs: texts(&["deploy/shop"]),
            environments: texts(&["prod*"]),
            ..ServiceSettings::default()
        };
        let services = Services::new(&[shop]).unwrap();
        let of = |facts| services.of(facts).next().is_some();
        let facts = ServiceFacts { repository: Some("acme/shop-api"), ..ServiceFacts::default() };
        assert!(of(facts));
        assert!(of(ServiceFacts { environment: Some("prod-eu"), ..facts }));
        assert!(!of(ServiceFacts { environment: Some("staging"), ..facts }));
        assert!(of(ServiceFacts { job: Some("deploy/shop"), ..ServiceFacts::default() }));
        assert!(!of(ServiceFacts { environment: Some("prod-eu"), ..ServiceFacts::default() }));
    }
}
