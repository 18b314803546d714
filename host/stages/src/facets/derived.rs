//! The names entities are found by, and the samples they give alone.

use weir_model::entity::{AttributeValue, Build, Deployment, Incident, WorkItem};
use weir_model::metric::{DerivedRows, Lookup};
use weir_model::{Entity, EntityId, EntityKind, IntegrationName, Timestamp};

use super::document::search_document;
use crate::correlate::{Claim, Name, claims, commits_named, names};
use crate::normalise::{RUN_ATTRIBUTE, repository_name, run_name};
use crate::{Context, aggregate};

/// Builds of one number keep this many places for their attempts.
const ATTEMPTS_MAX: i64 = 1000;
/// Digits by which an abbreviated object id is found.
const ABBREVIATION_DIGITS: usize = 7;

/// Rows derived from one entity alone. Names of lookups:
/// `handle artifact branch` what an entity answers to, see [`Name`]; `change>commit`, `review>change` and the like what
/// it calls others, see [`Name::calls`], by its own time; `build>abbreviated` and the like the first 7 digits of object
/// ids that are not whole; `project` work items by the project in their handle;
/// `line` [`line`] of a build, by number and attempt; `run` builds and what else is said about them by
/// [`run_name`], by attempt; `deployments` [`target`], `service`, and `deployed` repository of a deployment, by end;
/// `incidents` [`places`], by begin; `root-cause` incidents whose text names a commit as cause; `sprint` work items by
/// the id of each sprint they are or were in; `person` persons by login and address; `patch` commits by what they change.
pub fn derived(id: &EntityId, entity: &Entity, context: &Context) -> DerivedRows {
    let own_metrics = aggregate::own_metrics(&id.kind, context);
    let mut lookups = Lookups(Vec::new());
    lookups.write(id, entity);
    if let Some(incident) = incident(id, entity, context) {
        lookups.incident(&incident);
    }
    let at = time_of(entity);
    for name in names(id, entity) {
        lookups.add(name.space(), Some(&name.text()), at);
    }
    for claim in claims(id, entity, context.keys()) {
        lookups.claim(&id.kind, &claim, at);
    }
    lookups.0.sort();
    lookups.0.dedup();
    DerivedRows { lookups: lookups.0, own_metrics, samples: aggregate::own_samples(id, entity, context) }
}

/// The line of a build: "integration|job|branch", the job with its CI system in front when it says so.
pub fn line(id: &EntityId, build: &Build) -> Option<String> {
    let job = build.job.as_ref()?;
    let integration = id.integration.as_ref().map_or("", IntegrationName::as_str);
    let system = build.system.as_ref().map(|system| format!("{system}/")).unwrap_or_default();
    Some(format!("{integration}|{system}{job}|{}", branch(build).unwrap_or_default()))
}

/// Place of a build in its line: by number and attempt. Runs without a number are in the order of their times.
pub fn line_order(build: &Build) -> i64 {
    let number = build.number.and_then(|number| i64::try_from(number).ok());
    let at = || ms(build.started_at.or(build.queued_at));
    number.map_or_else(at, |number| number.saturating_mul(ATTEMPTS_MAX).saturating_add(attempt(build)))
}

fn attempt(build: &Build) -> i64 {
    i64::from(build.attempt.unwrap_or(1)).min(ATTEMPTS_MAX - 1)
}

/// Branch of the main checkout.
pub(super) fn branch(build: &Build) -> Option<&str> {
    build.checkouts.first().and_then(|checkout| checkout.branch.as_deref())
}

/// The target of a deployment: "service or repository|environment", in lower case.
pub fn target(deployment: &Deployment) -> Option<String> {
    let repository = || deployment.repositories.first().map(|repository| repository_name(repository.text()));
    let service = deployment.service.clone().or_else(repository)?;
    let environment = deployment.environment.as_ref().map_or("", |environment| environment.name.as_str());
    Some(format!("{service}|{environment}").to_lowercase())
}

/// Where an incident happened: "service|environment" in lower case, one for each service. Without an environment it
/// ends with `|`.
pub fn places(incident: &Incident) -> Vec<String> {
    let environment = incident.environment.as_ref().map_or("", |environment| environment.name.as_str());
    incident.services.iter().map(|service| format!("{service}|{environment}").to_lowercase()).collect()
}

/// An entity as an incident that deployments may have to do with: one that the operator counts as such and nobody says
/// came from elsewhere. Of a work item the components are the services.
pub fn incident(id: &EntityId, entity: &Entity, context: &Context) -> Option<Incident> {
    let incident = match entity {
        Entity::Incident(incident) => (**incident).clone(),
        Entity::WorkItem(item) => Incident::default()
            .handle(item.handle.clone())
            .title(item.title.clone())
            .description(item.description.clone())
            .services(item.components.iter().cloned())
            .started_at(item.created_at)
            .resolved_at(item.resolved_at),
        _ => return None,
    };
    let document = search_document(id, entity, context);
    (context.is_incident(&document) && !context.is_unrelated(&document)).then_some(incident)
}

/// When an incident began, as far as is known.
pub fn began(incident: &Incident) -> Option<Timestamp> {
    incident.started_at.or(incident.detected_at)
}

struct Lookups(Vec<Lookup>);

impl Lookups {
    fn write(&mut self, id: &EntityId, entity: &Entity) {
        match entity {
            Entity::Commit(commit) => {
                let at = ms(commit.committed_at.or(commit.authored_at));
                self.add("patch", commit.patch_id.as_deref(), at);
            }
            Entity::Build(build) => self.build(id, build),
            Entity::Deployment(deployment) => self.deployment(deployment),
            Entity::WorkItem(item) => self.work_item(id, item),
            Entity::Person(person) => {
                let names = person.login.iter().chain(&person.emails);
                names.for_each(|name| self.add("person", Some(&name.to_lowercase()), 0));
            }
            Entity::Custom(custom) => {
                if let Some(AttributeValue::Text(run)) = custom.attributes.get(RUN_ATTRIBUTE) {
                    self.add("run", Some(run), 0);
                }
            }
            _ => {}
        }
    }

    fn build(&mut self, id: &EntityId, build: &Build) {
        self.add("line", line(id, build).as_deref(), line_order(build));
        let run = build.job.as_ref().zip(build.number).map(|(job, number)| run_name(job, number));
        self.add("run", run.as_deref(), attempt(build));
    }

    fn deployment(&mut self, deployment: &Deployment) {
        let at = ms(deployment.finished_at);
        self.add("deployments", target(deployment).as_deref(), at);
        self.add("service", deployment.service.as_ref().map(|service| service.to_lowercase()).as_deref(), at);
        for repository in &deployment.repositories {
            self.add("deployed", Some(&repository_name(repository.text()).to_lowercase()), at);
        }
    }

    fn work_item(&mut self, id: &EntityId, item: &WorkItem) {
        self.add("project", tracker_project(item), 0);
        let Some(integration) = &id.integration else { return };
        for sprint in aggregate::sprint_keys(item) {
            let sprint = EntityId::new(EntityKind::Sprint, integration, sprint);
            self.add("sprint", Some(&sprint.to_string()), ms(item.created_at));
        }
    }

    fn incident(&mut self, incident: &Incident) {
        let at = ms(began(incident));
        for place in places(incident) {
            self.add("incidents", Some(&place), at);
        }
        if !commits_named(incident).is_empty() {
            self.add("root-cause", Some("commit"), at);
        }
    }

    fn claim(&mut self, caller: &EntityKind, claim: &Claim, at: i64) {
        self.add(&claim.name.calls(caller), Some(&claim.name.text()), at);
        if let Name::Entity(EntityId { kind: EntityKind::Commit, key, .. }) = &claim.name
            && key.len() < 40
        {
            self.add(&format!("{caller}>abbreviated"), key.get(..ABBREVIATION_DIGITS), at);
        }
    }

    fn add(&mut self, name: &str, value: Option<&str>, order: i64) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.0.push(Lookup { name: name.to_owned(), value: value.to_owned(), order });
        }
    }
}

/// `PROJ` of the item `PROJ-12`.
fn tracker_project(item: &WorkItem) -> Option<&str> {
    let (project, number) = item.handle.as_deref()?.rsplit_once('-')?;
    number.bytes().all(|b| b.is_ascii_digit()).then_some(project)
}

fn ms(at: Option<Timestamp>) -> i64 {
    at.map_or(0, Timestamp::ms)
}

fn time_of(entity: &Entity) -> i64 {
    ms(match entity {
        Entity::Commit(it) => it.committed_at.or(it.authored_at),
        Entity::Change(it) => it.created_at,
        Entity::Review(it) => it.submitted_at,
        Entity::Build(it) => it.started_at.or(it.queued_at),
        Entity::Deployment(it) => it.finished_at,
        Entity::TestReport(it) => it.finished_at,
        Entity::Artifact(it) => it.created_at,
        Entity::WorkItem(it) => it.created_at,
        Entity::Incident(it) => began(it),
        Entity::Repository(_) | Entity::Sprint(_) | Entity::Person(_) | Entity::Custom(_) => None,
    })
}
