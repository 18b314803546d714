//! The names entities are found by, and the samples they give alone.

use weir_model::entity::{AttributeValue, Build, Change, Deployment, WorkItem};
use weir_model::metric::{DerivedRows, Lookup};
use weir_model::{Entity, EntityId, EntityKind, IntegrationName, ObjectId, Reference, Timestamp};

use super::document::repository;
use crate::normalise::{RUN_ATTRIBUTE, canonical_remote, repository_name, run_name};
use crate::{Context, aggregate};

/// Builds of one number keep this many places for their attempts.
const ATTEMPTS_MAX: i64 = 1000;

/// Rows derived from one entity alone. Names of lookups:
/// `line` [`line`] of a build, by number and attempt; `run` builds and what else is said about them by
/// [`run_name`], by attempt; `sha` builds, changes and deployments by object id, by time;
/// `sprint` work items by the id of each sprint they are or were in;
/// `change` reviews by the id of their change, by time; `build` test reports and deployments by the id of their build;
/// `deployments` [`target`], by end; `handle` work items, changes and incidents; `repository` what belongs to one, by
/// time; `remote` repositories by canonical URL; `person` persons by login and address.
pub fn derived(id: &EntityId, entity: &Entity, context: &Context) -> DerivedRows {
    let own_metrics = aggregate::own_metrics(&id.kind, context);
    let mut lookups = Lookups(Vec::new());
    lookups.write(id, entity);
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

struct Lookups(Vec<Lookup>);

impl Lookups {
    fn write(&mut self, id: &EntityId, entity: &Entity) {
        match entity {
            Entity::Build(build) => self.build(id, build),
            Entity::Change(change) => self.change(id, change),
            Entity::Deployment(deployment) => self.deployment(id, deployment),
            Entity::WorkItem(item) => self.work_item(id, item),
            Entity::Review(review) => {
                self.of(id, EntityKind::Change, "change", review.change.as_ref(), ms(review.submitted_at));
            }
            Entity::TestReport(report) => {
                self.of(id, EntityKind::Build, "build", report.build.as_ref(), ms(report.finished_at));
            }
            Entity::Incident(incident) => {
                self.add("handle", incident.handle.as_deref(), 0);
                for link in &incident.deployments {
                    let at = ms(incident.started_at.or(incident.detected_at));
                    self.of(id, EntityKind::Deployment, "deployment", Some(&link.deployment), at);
                }
            }
            Entity::Repository(repository) => {
                let remotes = repository.remotes.iter().chain(&repository.url);
                remotes.for_each(|remote| self.add("remote", Some(&canonical_remote(remote)), 0));
            }
            Entity::Person(person) => {
                let names = person.login.iter().chain(&person.emails);
                names.for_each(|name| self.add("person", Some(&name.to_lowercase()), 0));
            }
            Entity::Artifact(artifact) => {
                for name in [&artifact.digest, &artifact.purl] {
                    self.add("artifact", name.as_deref(), ms(artifact.created_at));
                }
            }
            Entity::Custom(custom) => {
                if let Some(AttributeValue::Text(run)) = custom.attributes.get(RUN_ATTRIBUTE) {
                    self.add("run", Some(run), 0);
                }
            }
            Entity::Commit(_) | Entity::Sprint(_) => {}
        }
        self.add("repository", repository(id, entity).as_deref(), time_of(entity));
    }

    fn build(&mut self, id: &EntityId, build: &Build) {
        let at = ms(build.started_at.or(build.queued_at));
        let number = build.number.and_then(|number| i64::try_from(number).ok());
        let attempt = i64::from(build.attempt.unwrap_or(1)).min(ATTEMPTS_MAX - 1);
        // Runs without a number are in the order of their times.
        let order = number.map_or(at, |number| number.saturating_mul(ATTEMPTS_MAX).saturating_add(attempt));
        self.add("line", line(id, build).as_deref(), order);
        let run = build.job.as_ref().zip(build.number).map(|(job, number)| run_name(job, number));
        self.add("run", run.as_deref(), attempt);
        let heads = build.checkouts.iter().filter_map(|checkout| checkout.commit.as_ref());
        heads.for_each(|head| self.sha(head, at));
    }

    fn change(&mut self, id: &EntityId, change: &Change) {
        let at = ms(change.created_at);
        let commits = change.merge_commit.iter().chain(&change.head_commit).chain(&change.commits);
        commits.for_each(|commit| self.sha(commit, at));
        let Some(handle) = &change.handle else { return };
        self.add("handle", Some(handle), at);
        let repository = repository(id, &Entity::from(change.clone()));
        self.add("handle", repository.map(|repository| format!("{repository}{handle}")).as_deref(), at);
    }

    fn deployment(&mut self, id: &EntityId, deployment: &Deployment) {
        let at = ms(deployment.finished_at);
        self.add("deployments", target(deployment).as_deref(), at);
        deployment.commits.iter().for_each(|commit| self.sha(commit, at));
        self.of(id, EntityKind::Build, "build", deployment.build.as_ref(), at);
    }

    fn work_item(&mut self, id: &EntityId, item: &WorkItem) {
        let at = ms(item.created_at);
        for sprint in aggregate::sprint_keys(item) {
            self.of(id, EntityKind::Sprint, "sprint", Some(&Reference::Key(sprint.to_owned())), at);
        }
        self.add("handle", item.handle.as_deref(), at);
        let handle = item.project.as_ref().zip(item.handle.as_ref()).filter(|(_, handle)| handle.starts_with('#'));
        self.add("handle", handle.map(|(project, handle)| format!("{project}{handle}")).as_deref(), at);
    }

    fn sha(&mut self, commit: &ObjectId, at: i64) {
        self.add("sha", Some(commit.as_str()), at);
    }

    /// Found by the id of the entity it belongs to.
    fn of(&mut self, id: &EntityId, kind: EntityKind, name: &str, owner: Option<&Reference>, at: i64) {
        let owner = owner.map(|owner| match (owner, &id.integration) {
            (Reference::Key(key), Some(integration)) => EntityId::new(kind, integration, key.clone()).to_string(),
            (owner, _) => owner.text().to_owned(),
        });
        self.add(name, owner.as_deref(), at);
    }

    fn add(&mut self, name: &str, value: Option<&str>, order: i64) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.0.push(Lookup { name: name.to_owned(), value: value.to_owned(), order });
        }
    }
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
        _ => None,
    })
}
