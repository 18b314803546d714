//! From an entity to its search document. Every stated fact lands in a field that all kinds share, or in an attribute.

use serde_json::Value;
use weir_model::entity::{
    Artifact, ArtifactKind, AttributeValue, Attributes, Build, Change, ChangeKind, ChangeState, Commit, Custom,
    Deployment, DeploymentKind, Environment, Incident, IncidentState, Person, Repository, Review, ReviewVerdict,
    RunPurpose, RunResult, RunState, Sprint, SprintState, TestReport, WorkCategory, WorkItem,
};
use weir_model::{Entity, EntityId, IntegrationName, Reference, SearchDocument, Timestamp};

use crate::Context;
use crate::aggregate::WorkRules;
use crate::normalise::{HOST_ATTRIBUTE, PROJECT_ATTRIBUTE, environment_class, repository_name};
use crate::people::ServiceFacts;

/// Longest text that is searched, in bytes; what is behind it is rarely what people look for.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Longest value of custom data that can be searched whole, in bytes; all of it is searched as text.
const DATA_TEXT_BYTES_MAX: usize = 4 << 10;
/// Most values of custom data of one entity that can be searched by their paths.
const DATA_VALUES_MAX: usize = 5_000;

/// The flat view of one entity.
pub fn search_document(id: &EntityId, entity: &Entity, context: &Context) -> SearchDocument {
    let mut document = SearchDocument::default();
    document.add("id", id.to_string());
    document.add("kind", id.kind.as_str());
    document.add_some("integration", id.integration.as_ref().map(IntegrationName::as_str));
    match attributes(entity).get(HOST_ATTRIBUTE) {
        Some(AttributeValue::Text(host)) => document.add("host", host.clone()),
        _ => document.add_some("host", context.host()),
    }
    document.add_some("project", project(id, entity));
    let people = people(entity);
    for person in &people {
        document.add("person", person.clone());
    }
    let mut writer = Writer { document, text: String::new(), work: context.work() };
    writer.write(entity);
    let mut document = writer.finish();
    // Whose it was when it last changed.
    let at = document.dates.get("updated").copied();
    for team in context.teams().of_and_above(project(id, entity).as_deref(), &people, at) {
        document.add("team", team);
    }
    for service in services(&document, context) {
        document.add("service", service);
    }
    document
}

/// Services of the operator's that it is of, by what its tool says.
fn services(document: &SearchDocument, context: &Context) -> Vec<String> {
    let one = |field: &str| document.values(field).first().map(String::as_str);
    let [repository, job, name, environment] = ["repository", "job", "service", "environment"].map(one);
    let facts = ServiceFacts { repository, job, name, environment };
    context.services().of(facts).map(str::to_owned).collect()
}

/// The project an entity counts for: what its tool says, or the repository it is about.
pub fn project(id: &EntityId, entity: &Entity) -> Option<String> {
    let stated = match attributes(entity).get(PROJECT_ATTRIBUTE) {
        Some(AttributeValue::Text(project)) => Some(project.clone()),
        _ => None,
    };
    let own = || match entity {
        Entity::WorkItem(item) => item.project.clone(),
        Entity::Incident(incident) => incident.services.first().cloned(),
        _ => None,
    };
    stated.or_else(own).or_else(|| repository(id, entity)).or_else(|| match entity {
        Entity::Build(build) => build.job.clone(),
        Entity::Deployment(deployment) => deployment.service.clone(),
        _ => None,
    })
}

/// The service an entity counts for: what was deployed, or from where when that has no name; or the first that was hit.
pub fn service(entity: &Entity) -> Option<String> {
    match entity {
        Entity::Deployment(deployment) => deployment
            .service
            .clone()
            .or_else(|| deployment.repositories.first().map(|repository| repository_name(repository.text()))),
        Entity::Incident(incident) => incident.services.first().cloned(),
        _ => None,
    }
}

/// Name of the repository an entity is about, "owner/name" where that can be told.
pub(crate) fn repository(id: &EntityId, entity: &Entity) -> Option<String> {
    let reference = match entity {
        Entity::Repository(repository) => return Some(repository.name.clone().unwrap_or_else(|| id.key.clone())),
        Entity::Commit(commit) => commit.repositories.first(),
        Entity::Change(change) => change.repository.as_ref(),
        Entity::Review(review) => return review.change.as_ref().and_then(|change| of_handle(change.text())),
        Entity::Build(build) => build.checkouts.first().and_then(|checkout| checkout.repository.as_ref()),
        Entity::Deployment(deployment) => deployment.repositories.first(),
        Entity::WorkItem(_)
        | Entity::Sprint(_)
        | Entity::TestReport(_)
        | Entity::Artifact(_)
        | Entity::Incident(_)
        | Entity::Person(_)
        | Entity::Custom(_) => None,
    };
    reference.map(|reference| repository_name(reference.text()))
}

/// "acme/api" of "acme/api#42" or "acme/api!7".
fn of_handle(text: &str) -> Option<String> {
    let (repository, _) = text.rsplit_once(['#', '!'])?;
    repository.contains('/').then(|| repository.to_owned())
}

/// The people an entity is about, as its tool names them.
pub fn people(entity: &Entity) -> Vec<String> {
    let one = |references: &[&Option<Reference>]| {
        references.iter().filter_map(|reference| reference.as_ref()).map(|r| r.text().to_owned()).collect::<Vec<_>>()
    };
    let many = |references: &[Reference]| references.iter().map(|r| r.text().to_owned()).collect::<Vec<_>>();
    let mut people = match entity {
        Entity::Commit(commit) => one(&[&commit.author, &commit.committer]),
        Entity::Change(change) => {
            [one(&[&change.author, &change.merged_by]), many(&change.assignees), many(&change.reviewers)].concat()
        }
        Entity::Review(review) => one(&[&review.author]),
        Entity::WorkItem(item) => [one(&[&item.creator]), many(&item.assignees)].concat(),
        Entity::Build(build) => {
            build.triggers.iter().filter_map(|t| t.person.as_ref()).map(|p| p.text().to_owned()).collect()
        }
        Entity::Deployment(deployment) => one(&[&deployment.author]),
        Entity::Incident(incident) => [one(&[&incident.creator]), many(&incident.assignees)].concat(),
        Entity::Person(person) => {
            let names = person.login.iter().chain(&person.emails).chain(&person.name);
            names.cloned().collect()
        }
        Entity::Repository(_) | Entity::Sprint(_) | Entity::TestReport(_) | Entity::Artifact(_) | Entity::Custom(_) => {
            Vec::new()
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    people.retain(|person| seen.insert(person.clone()));
    people
}

pub(super) fn attributes(entity: &Entity) -> &Attributes {
    match entity {
        Entity::Repository(it) => &it.attributes,
        Entity::Commit(it) => &it.attributes,
        Entity::Change(it) => &it.attributes,
        Entity::Review(it) => &it.attributes,
        Entity::WorkItem(it) => &it.attributes,
        Entity::Sprint(it) => &it.attributes,
        Entity::Build(it) => &it.attributes,
        Entity::TestReport(it) => &it.attributes,
        Entity::Artifact(it) => &it.attributes,
        Entity::Deployment(it) => &it.attributes,
        Entity::Incident(it) => &it.attributes,
        Entity::Person(it) => &it.attributes,
        Entity::Custom(it) => &it.attributes,
    }
}

struct Writer<'a> {
    document: SearchDocument,
    text: String,
    work: &'a WorkRules,
}

/// The times of an entity: created, updated, started, finished.
type Times = [Option<Timestamp>; 4];

impl Writer<'_> {
    fn write(&mut self, entity: &Entity) {
        match entity {
            Entity::Repository(it) => self.repository(it),
            Entity::Commit(it) => self.commit(it),
            Entity::Change(it) => self.change(it),
            Entity::Review(it) => self.review(it),
            Entity::WorkItem(it) => self.work_item(it),
            Entity::Sprint(it) => self.sprint(it),
            Entity::Build(it) => self.build(it),
            Entity::TestReport(it) => self.test_report(it),
            Entity::Artifact(it) => self.artifact(it),
            Entity::Deployment(it) => self.deployment(it),
            Entity::Incident(it) => self.incident(it),
            Entity::Person(it) => self.person(it),
            Entity::Custom(it) => self.custom(it),
        }
        self.attributes(attributes(entity));
    }

    fn finish(mut self) -> SearchDocument {
        let end = (0..=TEXT_BYTES_MAX.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at));
        self.text.truncate(end.unwrap_or(0));
        self.document.text = Some(self.text).filter(|text| !text.is_empty());
        self.document
    }

    fn add(&mut self, field: &str, value: Option<&str>) {
        self.document.add_some(field, value);
    }

    fn all(&mut self, field: &str, values: impl IntoIterator<Item = impl Into<String>>) {
        values.into_iter().for_each(|value| self.document.add(field, value));
    }

    fn title(&mut self, title: Option<&str>) {
        self.document.title = title.map(str::to_owned).filter(|title| !title.is_empty());
    }

    fn text(&mut self, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.text += if self.text.is_empty() { "" } else { "\n" };
            self.text += text;
        }
    }

    fn times(&mut self, [created, updated, started, finished]: Times) {
        // What a tool does not date was last seen to change when the last thing happened to it.
        let updated = updated.or_else(|| [created, started, finished].into_iter().flatten().max());
        let times = [created, updated, started, finished];
        for (field, time) in ["created", "updated", "started", "finished"].into_iter().zip(times) {
            self.document.set_date(field, time);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of builds and milliseconds stay below 2^53")]
    fn number(&mut self, field: &str, number: Option<u64>) {
        self.document.set_number(field, number.map(|number| number as f64));
    }

    fn environment(&mut self, environment: Option<&Environment>) {
        let Some(environment) = environment else { return };
        self.document.add("environment", environment.name.clone());
        // `environment:production` finds every environment of that class, whatever its name.
        self.document.add_some("environment", environment_class(environment).map(|class| class.as_str().to_owned()));
    }

    fn attributes(&mut self, attributes: &Attributes) {
        for (key, value) in attributes {
            let field = format!("attr.{key}");
            match value {
                AttributeValue::Boolean(value) => self.document.add(&field, value.to_string()),
                AttributeValue::Integer(value) => self.document.add(&field, value.to_string()),
                AttributeValue::Decimal(value) => self.document.add(&field, value.to_string()),
                AttributeValue::Text(value) => self.document.add(&field, value.clone()),
                AttributeValue::Texts(values) => self.all(&field, values.iter().cloned()),
            }
        }
    }

    fn repository(&mut self, it: &Repository) {
        self.title(it.name.as_deref());
        self.text(it.description.as_deref());
        self.add("repository", it.name.as_deref());
        self.add("url", it.url.as_deref());
        self.add("branch", it.default_branch.as_deref());
        self.add("state", it.archived.map(|archived| if archived { "archived" } else { "active" }));
        self.all("labels", it.languages.iter().cloned());
        self.times([it.created_at, it.updated_at, None, None]);
    }

    fn commit(&mut self, it: &Commit) {
        let message = it.message.as_deref().unwrap_or_default();
        self.title(message.lines().next());
        self.text(Some(message));
        let sha = self.document.values("id").first().and_then(|id| id.rsplit(':').next()).map(str::to_owned);
        self.add("sha", sha.as_deref());
        self.add("key", sha.as_deref());
        self.all("repository", it.repositories.iter().map(|repository| repository_name(repository.text())));
        self.all("branch", it.refs.iter().filter_map(|r| r.name.strip_prefix("refs/heads/")));
        self.all("version", it.refs.iter().filter_map(|r| r.name.strip_prefix("refs/tags/")));
        let at = it.committed_at.or(it.authored_at);
        self.times([it.authored_at.or(at), at, None, None]);
    }

    fn change(&mut self, it: &Change) {
        self.title(it.title.as_deref());
        self.text(it.description.as_deref());
        let state = it.state.as_ref().map(ChangeState::as_str);
        self.add("state", state);
        self.add("status", it.state_word.as_deref().or(state));
        self.add("type", it.kind.as_ref().map(ChangeKind::as_str));
        self.add("repository", it.repository.as_ref().map(|r| repository_name(r.text())).as_deref());
        self.add("branch", it.head_branch.as_deref());
        self.add("key", it.handle.as_deref());
        self.number("number", it.handle.as_deref().and_then(digits));
        self.add("url", it.url.as_deref());
        self.all("labels", it.labels.iter().cloned());
        let ends = it.head_commit.iter().chain(&it.merge_commit);
        self.all("sha", ends.chain(&it.commits).map(weir_model::ObjectId::as_str));
        self.times([it.created_at, it.updated_at, None, it.merged_at.or(it.closed_at)]);
    }

    fn review(&mut self, it: &Review) {
        self.text(it.body.as_deref());
        self.add("state", it.verdict.as_ref().map(ReviewVerdict::as_str));
        self.add(
            "status",
            it.verdict_word.as_deref().or(it.verdict.as_ref().map(weir_model::entity::ReviewVerdict::as_str)),
        );
        self.add("repository", it.change.as_ref().and_then(|change| of_handle(change.text())).as_deref());
        self.add("key", it.change.as_ref().map(Reference::text));
        self.add("url", it.url.as_deref());
        self.add("sha", it.commit.as_ref().map(weir_model::ObjectId::as_str));
        self.times([it.submitted_at, it.updated_at.or(it.submitted_at), None, None]);
    }

    fn work_item(&mut self, it: &WorkItem) {
        self.title(it.title.as_deref());
        self.text(it.description.as_deref());
        self.add("status", it.status.as_ref().map(|status| status.name.as_str()));
        let category = it.status.as_ref().and_then(|status| self.work.category(status).or(status.category.clone()));
        self.add("state", category.as_ref().map(WorkCategory::as_str));
        self.add("type", it.kind_word.as_deref().or(it.kind.as_ref().map(weir_model::entity::WorkKind::as_str)));
        self.add("priority", it.priority.as_deref());
        self.add("resolution", it.resolution.as_deref());
        self.add("key", it.handle.as_deref());
        self.number("number", it.handle.as_deref().and_then(digits));
        self.add("url", it.url.as_deref());
        self.all("labels", it.labels.iter().cloned());
        self.all("component", it.components.iter().cloned());
        self.all("version", it.fix_versions.iter().cloned());
        self.all("sha", it.commits.iter().map(weir_model::ObjectId::as_str));
        self.times([it.created_at, it.updated_at, None, it.resolved_at]);
    }

    fn sprint(&mut self, it: &Sprint) {
        self.title(it.name.as_deref());
        self.text(it.goal.as_deref());
        let state = it.state.as_ref().map(SprintState::as_str);
        self.add("state", state);
        self.add("status", it.state_word.as_deref().or(state));
        self.add("url", it.url.as_deref());
        self.all("labels", it.boards.iter().cloned());
        self.times([it.started_at, None, it.started_at, it.completed_at]);
    }

    fn build(&mut self, it: &Build) {
        let named = it.job.as_ref().map(|job| match it.number {
            Some(number) => format!("{job} #{number}"),
            None => job.clone(),
        });
        self.title(it.title.as_deref().or(named.as_deref()));
        self.add("job", it.job.as_deref());
        self.run(it.state.as_ref(), it.result.as_ref(), it.result_word.as_deref());
        self.add("type", it.purposes.first().map(RunPurpose::as_str));
        self.add("trigger", it.triggers.first().map(|trigger| trigger.kind.as_str()));
        self.add("url", it.url.as_deref());
        self.number("number", it.number);
        self.number("duration", it.duration.map(|duration| duration.0));
        self.add("branch", super::derived::branch(it));
        let repositories = it.checkouts.iter().filter_map(|checkout| checkout.repository.as_ref());
        self.all("repository", repositories.map(|repository| repository_name(repository.text())));
        self.all(
            "sha",
            it.checkouts.iter().filter_map(|checkout| checkout.commit.as_ref()).map(weir_model::ObjectId::as_str),
        );
        self.environment(it.environment.as_ref());
        self.text(
            it.stages.iter().filter_map(|stage| stage.name.as_deref()).collect::<Vec<_>>().join("\n").as_str().into(),
        );
        let created = it.queued_at.or(it.started_at);
        self.times([created, it.finished_at.or(it.started_at).or(created), it.started_at, it.finished_at]);
    }

    fn run(&mut self, state: Option<&RunState>, result: Option<&RunResult>, word: Option<&str>) {
        self.add("state", state.map(RunState::as_str));
        let unknown = |result: &RunResult| matches!(result, RunResult::Unknown(_));
        self.add("result", result.map(|result| if unknown(result) { "unknown" } else { result.as_str() }));
        let status = word
            .or(result.map(weir_model::entity::RunResult::as_str))
            .or(state.map(weir_model::entity::RunState::as_str));
        self.add("status", status);
    }

    fn test_report(&mut self, it: &TestReport) {
        self.title(it.name.as_deref());
        let failed = it.failed.unwrap_or(0) > 0 || it.errors.unwrap_or(0) > 0;
        let told = it.failed.is_some() || it.errors.is_some() || it.passed.is_some();
        self.add("result", told.then_some(if failed { "failure" } else { "success" }));
        self.add("sha", it.commit.as_ref().map(weir_model::ObjectId::as_str));
        self.add("key", it.build.as_ref().map(Reference::text));
        self.number("duration", it.duration.map(|duration| duration.0));
        for case in &it.cases {
            self.text(Some(&case.name));
        }
        let at = it.finished_at.or(it.started_at);
        self.times([it.started_at.or(at), at, it.started_at, it.finished_at]);
    }

    fn artifact(&mut self, it: &Artifact) {
        self.title(it.name.as_deref());
        self.add("type", it.kind.as_ref().map(ArtifactKind::as_str));
        self.add("version", it.version.as_deref());
        self.add("key", it.digest.as_deref().or(it.purl.as_deref()));
        self.add("url", it.url.as_deref());
        self.text(it.location.as_deref());
        self.all("sha", it.commits.iter().map(weir_model::ObjectId::as_str));
        self.times([it.created_at, it.published_at.or(it.created_at), None, None]);
    }

    fn deployment(&mut self, it: &Deployment) {
        self.title(it.title.as_deref().or(it.service.as_deref()));
        self.run(it.state.as_ref(), it.result.as_ref(), it.result_word.as_deref());
        self.add("type", it.kind.as_ref().map(DeploymentKind::as_str));
        self.add("service", it.service.as_deref());
        self.environment(it.environment.as_ref());
        self.add("version", it.version.as_deref());
        self.add("url", it.url.as_deref());
        self.all("repository", it.repositories.iter().map(|repository| repository_name(repository.text())));
        self.all("sha", it.commits.iter().map(weir_model::ObjectId::as_str));
        self.number("duration", it.duration.map(|duration| duration.0));
        let created = it.queued_at.or(it.started_at).or(it.finished_at);
        self.times([created, it.finished_at.or(it.started_at).or(created), it.started_at, it.finished_at]);
    }

    fn incident(&mut self, it: &Incident) {
        self.title(it.title.as_deref());
        self.text(it.description.as_deref());
        let state = it.state.as_ref().map(IncidentState::as_str);
        self.add("state", state);
        self.add("status", it.state_word.as_deref().or(state));
        self.add("priority", it.priority.as_deref().or(it.severity.as_deref()));
        self.add("key", it.handle.as_deref());
        self.add("url", it.url.as_deref());
        self.all("service", it.services.iter().cloned());
        self.environment(it.environment.as_ref());
        let began = it.started_at.or(it.detected_at);
        self.times([it.detected_at.or(began), it.updated_at, began, it.resolved_at.or(it.closed_at)]);
    }

    fn person(&mut self, it: &Person) {
        self.title(it.name.as_deref().or(it.login.as_deref()));
        self.add("key", it.login.as_deref());
        self.add("type", it.bot.map(|bot| if bot { "bot" } else { "human" }));
        self.add("state", it.active.map(|active| if active { "active" } else { "inactive" }));
        self.add("url", it.url.as_deref());
        self.all("labels", it.teams.iter().cloned());
        self.times([it.created_at, None, None, None]);
    }

    fn custom(&mut self, it: &Custom) {
        self.title(it.title.as_deref());
        self.add("url", it.url.as_deref());
        self.times([it.at, it.at, None, None]);
        if let Some(data) = &it.data {
            self.data_text(data);
            add_data(&mut self.document, "data", data, DATA_VALUES_MAX);
        }
    }

    fn data_text(&mut self, value: &Value) {
        match value {
            Value::Object(object) => object.values().for_each(|value| self.data_text(value)),
            Value::Array(elements) => elements.iter().for_each(|value| self.data_text(value)),
            Value::String(text) => self.text(Some(text)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Adds each value under the names that lead to it; those of all elements of a list under one, and each element once
/// more by itself. Gives how many more values fit.
fn add_data(document: &mut SearchDocument, path: &str, value: &Value, left: usize) -> usize {
    let single = match value {
        Value::Object(object) => {
            let add = |left, (name, value): (&String, &Value)| {
                add_data(document, &format!("{path}.{}", searchable(name)), value, left)
            };
            return object.iter().fold(left, add);
        }
        Value::Array(elements) => {
            return elements.iter().fold(left, |left, value| add_element(document, path, value, left));
        }
        Value::Null => return left,
        Value::String(text) => cut(text, DATA_TEXT_BYTES_MAX).to_owned(),
        other => other.to_string(),
    };
    if left > 0 {
        document.add(path, single);
    }
    left.saturating_sub(1)
}

fn add_element(document: &mut SearchDocument, list: &str, value: &Value, left: usize) -> usize {
    let mut element = SearchDocument::default();
    let left = add_data(&mut element, list, value, left);
    for (path, values) in &element.keywords {
        for value in values {
            document.add(path, value.clone());
        }
    }
    for (list, elements) in std::mem::take(&mut element.elements) {
        document.elements.entry(list).or_default().extend(elements);
    }
    document.elements.entry(list.to_owned()).or_default().push(element);
    left
}

/// A name as it can be written in a search.
fn searchable(name: &str) -> String {
    let fits = |c: char| if c.is_alphanumeric() || "_-./".contains(c) { c } else { '_' };
    name.chars().map(fits).collect()
}

/// The begin of a text, of whole characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// 42 of "#42", "!42" and "ABC-42".
fn digits(handle: &str) -> Option<u64> {
    let (_, digits) = handle.rsplit_once(['#', '!', '-'])?;
    digits.parse().ok()
}
