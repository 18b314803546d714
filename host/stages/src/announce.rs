//! Domain events as others read them: each a `CloudEvent`, its data a `CDEvent` where the specification has a type for
//! what happened and all that it requires is known. What nobody knows is not made up: such an event is one of Weir's own,
//! `dev.weir.<kind>`, with the document of its entity.
//!
//! Pure. What is written here is read by [`crate::normalise`] as the events of any other sender.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use weir_model::entity::{
    Artifact, Build, Change, Checkout, Deployment, DeploymentKind, Environment, Incident, Repository, Review,
    RunResult, WorkCategory, WorkItem,
};
use weir_model::raw::fingerprint;
use weir_model::{DomainEvent, Entity, EntityId, EntityKind, Reference, Timestamp};

use crate::normalise::EVENT_KIND;

/// Release of `CDEvents` that is written.
const RELEASE: &str = "0.5.1";
/// Largest document that travels with an event, in bytes: a `CloudEvent` should stay below 64 KiB.
const DOCUMENT_BYTES_MAX: usize = 48 << 10;
/// What stands for itself in the path of a URI is left alone.
const IN_PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'?').add(b'`').add(b'#').add(b'%');

/// Writes an event as a `CloudEvent` in structured mode. `entity` is what it is about, as it is by now; `source` is the URI
/// of this host. The same event always has the same id.
pub fn cloud_event(event: &DomainEvent, entity: Option<&Entity>, source: &str) -> Value {
    let told = Announced { event, source };
    let (kind, subject, data) = match entity.and_then(|entity| told.cd_event(entity)) {
        Some((cd, data)) => (cd.kind, cd.subject, data),
        None => (format!("dev.weir.{}", event.event.kind), event.event.entity.to_string(), told.own(entity)),
    };
    json!({
        "specversion": "1.0", "id": id(event), "source": source, "type": kind, "subject": subject,
        "time": event.event.at, "sequence": event.number.0.to_string(), "datacontenttype": "application/json",
        "data": data,
    })
}

/// A UUID made from what happened, to what, and from the raw record that told: numbers may be others after a rebuild.
fn id(event: &DomainEvent) -> String {
    let event = &event.event;
    let hash = fingerprint(format!("{}\0{}\0{}\0{}", event.kind, event.entity, event.seq.0, event.at).as_bytes());
    format!("{}-{}-8{}-8{}-{}", &hash[..8], &hash[8..12], &hash[13..16], &hash[17..20], &hash[20..])
}

/// An event that is being told.
struct Announced<'a> {
    event: &'a DomainEvent,
    source: &'a str,
}

/// What a `CDEvent` says.
struct CdEvent {
    /// Whole type, with the version of its schema.
    kind: String,
    /// Id of the subject.
    subject: String,
    content: Value,
    /// What the specification has no place for.
    beside: Value,
}

impl Announced<'_> {
    /// The event in Weir's own words.
    fn own(&self, entity: Option<&Entity>) -> Value {
        let event = &self.event.event;
        let changes: Value =
            event.changes.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        if event.entity.kind.as_str() == EVENT_KIND {
            return changes;
        }
        let document =
            entity.map(|entity| entity.without_log().to_json()).filter(|document| document.len() <= DOCUMENT_BYTES_MAX);
        let document: Value = document.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let changes = Some(changes).filter(|changes| changes.to_string().len() <= DOCUMENT_BYTES_MAX);
        json!({ "event": event.kind, "entity": event.entity, "document": document, "changes": changes })
    }

    fn cd_event(&self, entity: &Entity) -> Option<(CdEvent, Value)> {
        let mut cd = self.translated(entity)?;
        let event = &self.event.event;
        cd.kind = format!("dev.cdevents.{}", cd.kind);
        let mut beside = stated(cd.beside.take());
        beside.insert("entity".to_owned(), json!(event.entity));
        beside.insert("event".to_owned(), json!(event.kind));
        let data = json!({
            "context": {
                "specversion": RELEASE, "id": id(self.event), "source": self.source, "type": cd.kind,
                "timestamp": event.at,
            },
            "subject": { "id": cd.subject, "source": self.source, "content": stated(cd.content.take()) },
            "customData": { "weir": beside }, "customDataContentType": "application/json",
        });
        Some((cd, data))
    }

    fn translated(&self, entity: &Entity) -> Option<CdEvent> {
        let kind = self.event.event.kind.as_str();
        match entity {
            Entity::Build(build) => self.run(kind, build),
            Entity::Change(change) => self.change(kind, change),
            Entity::Review(review) if kind == "review.submitted" => self.review(review),
            Entity::Deployment(deployment) if kind == "deployment.finished" => rollout(deployment),
            Entity::Incident(incident) => self.incident(kind, incident),
            Entity::WorkItem(item) => self.ticket(kind, item),
            Entity::Artifact(artifact) if kind == "artifact.created" => packaged(artifact),
            Entity::Repository(repository) => self.repository(kind, repository),
            _ => None,
        }
    }

    fn about(&self, kind: &str, content: Value, beside: Value) -> CdEvent {
        CdEvent { kind: kind.to_owned(), subject: self.event.event.entity.to_string(), content, beside }
    }

    /// The page of the tool; what has none is named by its place here.
    fn page(&self, url: Option<&String>) -> String {
        let here = || format!("{}/{}", self.source, utf8_percent_encode(&self.event.event.entity.to_string(), IN_PATH));
        url.cloned().unwrap_or_else(here)
    }

    fn run(&self, kind: &str, build: &Build) -> Option<CdEvent> {
        let name = build.job.as_ref()?;
        let mut content = json!({ "pipelineName": name, "uri": self.page(build.url.as_ref()) });
        let mut beside = checkout(build.checkouts.first());
        beside["number"] = json!(build.number);
        beside["attempt"] = json!(build.attempt);
        beside["queued_at"] = json!(build.queued_at);
        let kind = match kind {
            "build.queued" => "pipelinerun.queued.0.3.0",
            "build.started" => "pipelinerun.started.0.3.0",
            "build.finished" => {
                content["outcome"] = json!(build.result.as_ref().and_then(outcome));
                let word = build.result_word.as_deref().or(build.result.as_ref().map(RunResult::as_str));
                beside["result_word"] = json!(word);
                "pipelinerun.finished.0.3.0"
            }
            _ => return None,
        };
        let shown = build.parameters.iter().filter(|parameter| !parameter.withheld);
        let shown: Map<String, Value> =
            shown.filter_map(|parameter| Some((parameter.name.clone(), json!(parameter.value.as_ref()?)))).collect();
        beside["parameters"] = if shown.is_empty() { Value::Null } else { Value::Object(shown) };
        Some(self.about(kind, content, beside))
    }

    fn change(&self, kind: &str, change: &Change) -> Option<CdEvent> {
        let repository = change.repository.as_ref().map(|repository| json!({ "id": repository.text() }));
        let mut content = json!({ "repository": repository });
        let kind = match kind {
            "change.opened" => {
                content["description"] = json!(change.description.as_ref().or(change.title.as_ref()));
                "change.created.0.4.0"
            }
            "change.changed" => "change.updated.0.3.0",
            "change.merged" => "change.merged.0.3.0",
            "change.closed" => "change.abandoned.0.3.0",
            _ => return None,
        };
        let beside = json!({
            "revision": change.head_commit, "branch": change.head_branch,
            "repository": change.repository.as_ref().map(Reference::text),
        });
        Some(self.about(kind, content, beside))
    }

    /// The subject is the change; who reviewed, and how, has no place in the content.
    fn review(&self, review: &Review) -> Option<CdEvent> {
        let integration = self.event.event.entity.integration.as_ref()?;
        let Some(Reference::Key(change)) = &review.change else { return None };
        let subject = EntityId::new(EntityKind::Change, integration, change.clone()).to_string();
        let beside = json!({ "verdict": review.verdict, "reviewer": review.author.as_ref().map(Reference::text) });
        Some(CdEvent { kind: "change.reviewed.0.3.0".to_owned(), subject, content: json!({}), beside })
    }

    fn incident(&self, kind: &str, incident: &Incident) -> Option<CdEvent> {
        let kind = match kind {
            "incident.opened" => "incident.detected.0.3.0",
            "incident.resolved" => "incident.resolved.0.3.0",
            _ => return None,
        };
        let content = json!({
            "environment": environment(incident.environment.as_ref()?),
            "description": incident.description.as_ref().or(incident.title.as_ref()),
            "service": incident.services.first().map(|service| json!({ "id": service })),
        });
        Some(self.about(kind, content, json!({ "title": incident.title, "severity": incident.severity })))
    }

    fn ticket(&self, kind: &str, item: &WorkItem) -> Option<CdEvent> {
        let mut content = json!({
            "uri": self.page(item.url.as_ref()), "summary": item.title,
            "creator": item.creator.as_ref().map(Reference::text),
            "ticketType": item.kind_word.as_deref().or(item.kind.as_ref().map(weir_model::entity::WorkKind::as_str)),
            "priority": item.priority, "milestone": item.fix_versions.first(),
            "assignees": some(item.assignees.iter().map(Reference::text).collect()), "labels": some(item.labels.clone()),
        });
        let kind = match kind {
            "work-item.created" if item.title.is_some() && item.creator.is_some() => "ticket.created.0.2.0",
            "work-item.changed" => "ticket.updated.0.2.0",
            "work-item.transitioned" => {
                content["resolution"] = json!(closed_as(item, self.event.event.at)?);
                "ticket.closed.0.2.0"
            }
            _ => return None,
        };
        let beside = json!({ "status": item.status.as_ref().map(|status| &status.name) });
        Some(self.about(kind, content, beside))
    }

    fn repository(&self, kind: &str, repository: &Repository) -> Option<CdEvent> {
        let kind = match kind {
            "repository.created" => "repository.created.0.3.0",
            "repository.changed" => "repository.modified.0.3.0",
            _ => return None,
        };
        let uri = repository.remotes.first().or(repository.url.as_ref());
        let content = json!({
            "name": repository.name.as_ref()?, "owner": repository.owner, "viewUrl": repository.url,
            "uri": self.page(uri),
        });
        Some(self.about(kind, content, json!({})))
    }
}

/// What went live, back or away, and came to a good end; the specification has no type for one that did not.
fn rollout(deployment: &Deployment) -> Option<CdEvent> {
    let service = deployment.service.as_ref().filter(|_| deployment.result == Some(RunResult::Success))?;
    let mut content = json!({ "environment": environment(deployment.environment.as_ref()?) });
    let kind = match deployment.kind {
        Some(DeploymentKind::Remove) => "service.removed.0.3.0",
        Some(DeploymentKind::Rollback) => "service.rolledback.0.3.0",
        _ => "service.deployed.0.3.0",
    };
    if deployment.kind != Some(DeploymentKind::Remove) {
        content["artifactId"] = json!(artifact_id(deployment, service)?);
    }
    let beside = json!({
        "revision": deployment.commits.first(), "repository": deployment.repositories.first().map(Reference::text),
        "version": deployment.version,
    });
    Some(CdEvent { kind: kind.to_owned(), subject: service.clone(), content, beside })
}

/// The package URL of what was deployed; of a tool that names none, service and version say which it was.
fn artifact_id(deployment: &Deployment, service: &str) -> Option<String> {
    let known = deployment.artifacts.iter().map(Reference::text).find(|name| name.starts_with("pkg:"));
    let version = || deployment.version.clone().or(deployment.commits.first().map(ToString::to_string));
    let encoded = |text: &str| utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    known.map(str::to_owned).or_else(|| Some(format!("pkg:generic/{}@{}", encoded(service), encoded(&version()?))))
}

fn packaged(artifact: &Artifact) -> Option<CdEvent> {
    let change = json!({ "id": artifact.commits.first()? });
    let kind = "artifact.packaged.0.3.0".to_owned();
    Some(CdEvent { kind, subject: artifact.purl.clone()?, content: json!({ "change": change }), beside: json!({}) })
}

/// The resolution of an item that was put into a status that ends it at that time.
fn closed_as(item: &WorkItem, at: Timestamp) -> Option<&str> {
    let done = |status: &weir_model::entity::WorkStatus| status.category == Some(WorkCategory::Done);
    let moved = item.transitions.iter().find(|transition| transition.at == at && done(&transition.after))?;
    Some(item.resolution.as_deref().unwrap_or(&moved.after.name))
}

fn environment(environment: &Environment) -> Value {
    json!({ "id": environment.name })
}

fn checkout(checkout: Option<&Checkout>) -> Value {
    let Some(checkout) = checkout else { return json!({}) };
    let repository = checkout.repository.as_ref().map(Reference::text);
    json!({ "revision": checkout.commit, "branch": checkout.branch, "repository": repository })
}

/// The four words there are; what ended in another way says nothing.
fn outcome(result: &RunResult) -> Option<&'static str> {
    match result {
        RunResult::Success => Some("success"),
        RunResult::Unstable | RunResult::Failure => Some("failure"),
        RunResult::Error | RunResult::Timeout => Some("error"),
        RunResult::Cancelled => Some("cancel"),
        RunResult::Skipped | RunResult::Unknown(_) => None,
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// The fields that are known.
fn stated(object: Value) -> Map<String, Value> {
    let Value::Object(mut fields) = object else { return Map::new() };
    fields.retain(|_, value| !value.is_null());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::{Arrival, Format, Outcome, native};
    use expect_test::{Expect, expect};
    use weir_model::event::NewEvent;
    use weir_model::{EventNumber, RawRecord, Seq};

    fn told(kind: &str, id: &str, document: &str) -> Value {
        let entity: EntityId = id.parse().unwrap();
        let document = Entity::read(&entity.kind, document).unwrap();
        let at = "2026-03-02T10:02:00Z".parse().unwrap();
        let event = NewEvent { kind: kind.to_owned(), at, seq: Seq(7), entity, changes: None };
        cloud_event(&DomainEvent { number: EventNumber(3), event }, Some(&document), "weir://lab")
    }

    /// What is written, and what our own reader makes of it.
    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(events: &[(&str, &str, &str)], expected: Expect) {
        let mut text = String::new();
        for (kind, id, document) in events {
            let event = told(kind, id, document);
            assert_eq!(event["data"]["context"]["id"], event["id"], "{event}");
            text += &format!(
                "{} {} {}\n",
                event["type"], event["data"]["subject"]["content"], event["data"]["customData"]["weir"]
            );
            let record = RawRecord::upsert("k", None, event.to_string());
            let read = native(Format::CdEvents, &record, Arrival::default());
            assert_eq!(read.diagnostics, [], "{event}");
            let Outcome::Produced(produced) = read.outcome else { panic!("{event}") };
            for part in produced {
                text += &format!("  {} {} {}\n", part.kind, part.key, part.entity.to_json());
            }
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn runs_are_read_again() {
        let build = r#"{"job":"shop","number":3,"attempt":2,"state":"finished","result":"unstable","result_word":"UNSTABLE",
            "checkouts":[{"repository":{"name":"git.acme.dev/acme/api"},"branch":"main","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}],
            "parameters":[{"name":"env","value":"uat","withheld":false},{"name":"token","withheld":true}],"queued_at":"2026-03-02T10:00:00Z"}"#;
        check(
            &[
                ("build.queued", "build:ci:a b/3", build),
                ("build.started", "build:ci:a b/3", build),
                ("build.finished", "build:ci:a b/3", build),
            ],
            expect![[r#"
                "dev.cdevents.pipelinerun.queued.0.3.0" {"pipelineName":"shop","uri":"weir://lab/build:ci:a%20b/3"} {"attempt":2,"branch":"main","entity":"build:ci:a b/3","event":"build.queued","number":3,"parameters":{"env":"uat"},"queued_at":"2026-03-02T10:00:00.000Z","repository":"git.acme.dev/acme/api","revision":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}
                  build pipelinerun/weir://lab/build:ci:a b/3 {"attempt":2,"job":"shop","number":3,"url":"weir://lab/build:ci:a%20b/3","state":"queued","parameters":[{"name":"env","value":"uat","withheld":false}],"checkouts":[{"repository":{"name":"git.acme.dev/acme/api"},"branch":"main","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}],"queued_at":"2026-03-02T10:00:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.pipelinerun.started.0.3.0" {"pipelineName":"shop","uri":"weir://lab/build:ci:a%20b/3"} {"attempt":2,"branch":"main","entity":"build:ci:a b/3","event":"build.started","number":3,"parameters":{"env":"uat"},"queued_at":"2026-03-02T10:00:00.000Z","repository":"git.acme.dev/acme/api","revision":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}
                  build pipelinerun/weir://lab/build:ci:a b/3 {"attempt":2,"job":"shop","number":3,"url":"weir://lab/build:ci:a%20b/3","state":"running","parameters":[{"name":"env","value":"uat","withheld":false}],"checkouts":[{"repository":{"name":"git.acme.dev/acme/api"},"branch":"main","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}],"queued_at":"2026-03-02T10:00:00.000Z","started_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.pipelinerun.finished.0.3.0" {"outcome":"failure","pipelineName":"shop","uri":"weir://lab/build:ci:a%20b/3"} {"attempt":2,"branch":"main","entity":"build:ci:a b/3","event":"build.finished","number":3,"parameters":{"env":"uat"},"queued_at":"2026-03-02T10:00:00.000Z","repository":"git.acme.dev/acme/api","result_word":"UNSTABLE","revision":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}
                  build pipelinerun/weir://lab/build:ci:a b/3 {"attempt":2,"job":"shop","number":3,"url":"weir://lab/build:ci:a%20b/3","state":"finished","result":"unstable","result_word":"UNSTABLE","parameters":[{"name":"env","value":"uat","withheld":false}],"checkouts":[{"repository":{"name":"git.acme.dev/acme/api"},"branch":"main","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}],"queued_at":"2026-03-02T10:00:00.000Z","finished_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
            "#]],
        );
    }

    #[test]
    fn what_else_there_is_a_type_for() {
        let change = r#"{"kind":"proposal","title":"Faster","state":"merged","repository":{"name":"acme/api"},"head_branch":"fast"}"#;
        let deployed = r#"{"service":"api","environment":{"name":"prod","class":"production"},"state":"finished","result":"success","version":"1.2"}"#;
        let back = r#"{"service":"api","environment":{"name":"prod"},"kind":"rollback","state":"finished","result":"success",
            "artifacts":[{"name":"pkg:oci/api@sha256%3A0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"}]}"#;
        let incident = r#"{"title":"Down","services":["api"],"environment":{"name":"prod"},"state":"resolved"}"#;
        let item = r#"{"title":"Slow","kind_word":"Bug","creator":{"name":"ana"},"labels":["perf"],"url":"https://t/1","status":{"name":"Done","category":"done"},
            "transitions":[{"at":"2026-03-02T10:02:00Z","after":{"name":"Done","category":"done"}}]}"#;
        check(
            &[
                ("change.opened", "change:github:1", change),
                ("change.changed", "change:github:1", change),
                ("change.merged", "change:github:1", change),
                ("change.closed", "change:github:1", change),
                (
                    "review.submitted",
                    "review:github:1/2",
                    r#"{"change":{"key":"1"},"author":{"name":"ben"},"verdict":"approved"}"#,
                ),
                ("deployment.finished", "deployment:ci:1", deployed),
                ("deployment.finished", "deployment:ci:2", back),
                ("incident.opened", "incident:pd:1", incident),
                ("incident.resolved", "incident:pd:1", incident),
                ("work-item.created", "work-item:jira:1", item),
                ("work-item.changed", "work-item:jira:1", item),
                ("work-item.transitioned", "work-item:jira:1", item),
                (
                    "artifact.created",
                    "artifact::a",
                    r#"{"purl":"pkg:oci/api@1.2","commits":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"]}"#,
                ),
                (
                    "repository.created",
                    "repository:github:1",
                    r#"{"name":"acme/api","owner":"acme","url":"https://git.acme.dev/acme/api"}"#,
                ),
            ],
            expect![[r#"
                "dev.cdevents.change.created.0.4.0" {"description":"Faster","repository":{"id":"acme/api"}} {"branch":"fast","entity":"change:github:1","event":"change.opened","repository":"acme/api"}
                  change change/weir://lab/change:github:1 {"kind":"proposal","handle":"change:github:1","repository":{"name":"acme/api"},"description":"Faster","state":"open","state_word":"created","head_branch":"fast","created_at":"2026-03-02T10:02:00.000Z","updated_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.change.updated.0.3.0" {"repository":{"id":"acme/api"}} {"branch":"fast","entity":"change:github:1","event":"change.changed","repository":"acme/api"}
                  change change/weir://lab/change:github:1 {"kind":"proposal","handle":"change:github:1","repository":{"name":"acme/api"},"head_branch":"fast","updated_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.change.merged.0.3.0" {"repository":{"id":"acme/api"}} {"branch":"fast","entity":"change:github:1","event":"change.merged","repository":"acme/api"}
                  change change/weir://lab/change:github:1 {"kind":"proposal","handle":"change:github:1","repository":{"name":"acme/api"},"state":"merged","state_word":"merged","head_branch":"fast","updated_at":"2026-03-02T10:02:00.000Z","merged_at":"2026-03-02T10:02:00.000Z","closed_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.change.abandoned.0.3.0" {"repository":{"id":"acme/api"}} {"branch":"fast","entity":"change:github:1","event":"change.closed","repository":"acme/api"}
                  change change/weir://lab/change:github:1 {"kind":"proposal","handle":"change:github:1","repository":{"name":"acme/api"},"state":"closed","state_word":"abandoned","head_branch":"fast","updated_at":"2026-03-02T10:02:00.000Z","closed_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.change.reviewed.0.3.0" {} {"entity":"review:github:1/2","event":"review.submitted","reviewer":"ben","verdict":"approved"}
                  change change/weir://lab/change:github:1 {"kind":"proposal","handle":"change:github:1","updated_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                  review change/weir://lab/change:github:1/001afbd0-7d33-8892-8c40-44cacec77b25 {"change":{"key":"change/weir://lab/change:github:1"},"submitted_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.service.deployed.0.3.0" {"artifactId":"pkg:generic/api@1%2E2","environment":{"id":"prod"}} {"entity":"deployment:ci:1","event":"deployment.finished","version":"1.2"}
                  deployment afa70f03-09ae-8a77-8013-796b136aa51e {"attempt":1,"service":"api","environment":{"name":"prod","class":"production"},"kind":"deploy","state":"finished","result":"success","result_word":"deployed","version":"1.2","artifacts":[{"name":"pkg:generic/api@1.2"}],"finished_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.service.rolledback.0.3.0" {"artifactId":"pkg:oci/api@sha256%3A0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427","environment":{"id":"prod"}} {"entity":"deployment:ci:2","event":"deployment.finished"}
                  deployment f39dedd1-d9b6-841c-89c6-8f61e090b06d {"attempt":1,"service":"api","environment":{"name":"prod","class":"production"},"kind":"rollback","state":"finished","result":"success","result_word":"rolledback","artifacts":[{"name":"sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"}],"finished_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.incident.detected.0.3.0" {"description":"Down","environment":{"id":"prod"},"service":{"id":"api"}} {"entity":"incident:pd:1","event":"incident.opened","title":"Down"}
                  incident incident/weir://lab/incident:pd:1 {"handle":"incident:pd:1","title":"Down","description":"Down","services":["api"],"environment":{"name":"prod","class":"production"},"state":"open","state_word":"detected","detected_at":"2026-03-02T10:02:00.000Z","updated_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.incident.resolved.0.3.0" {"description":"Down","environment":{"id":"prod"},"service":{"id":"api"}} {"entity":"incident:pd:1","event":"incident.resolved","title":"Down"}
                  incident incident/weir://lab/incident:pd:1 {"handle":"incident:pd:1","title":"Down","description":"Down","services":["api"],"environment":{"name":"prod","class":"production"},"state":"resolved","state_word":"resolved","resolved_at":"2026-03-02T10:02:00.000Z","updated_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.ticket.created.0.2.0" {"creator":"ana","labels":["perf"],"summary":"Slow","ticketType":"Bug","uri":"https://t/1"} {"entity":"work-item:jira:1","event":"work-item.created","status":"Done"}
                  work-item ticket/weir://lab/work-item:jira:1 {"handle":"work-item:jira:1","url":"https://t/1","title":"Slow","kind":"bug","kind_word":"Bug","status":{"name":"created","category":"todo"},"creator":{"name":"ana"},"labels":["perf"],"created_at":"2026-03-02T10:02:00.000Z","updated_at":"2026-03-02T10:02:00.000Z","transitions":[{"at":"2026-03-02T10:02:00.000Z","author":{"name":"ana"},"after":{"name":"created","category":"todo"}}],"attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.ticket.updated.0.2.0" {"creator":"ana","labels":["perf"],"summary":"Slow","ticketType":"Bug","uri":"https://t/1"} {"entity":"work-item:jira:1","event":"work-item.changed","status":"Done"}
                  work-item ticket/weir://lab/work-item:jira:1 {"handle":"work-item:jira:1","url":"https://t/1","title":"Slow","kind":"bug","kind_word":"Bug","creator":{"name":"ana"},"labels":["perf"],"updated_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.ticket.closed.0.2.0" {"creator":"ana","labels":["perf"],"resolution":"Done","summary":"Slow","ticketType":"Bug","uri":"https://t/1"} {"entity":"work-item:jira:1","event":"work-item.transitioned","status":"Done"}
                  work-item ticket/weir://lab/work-item:jira:1 {"handle":"work-item:jira:1","url":"https://t/1","title":"Slow","kind":"bug","kind_word":"Bug","status":{"name":"closed","category":"done"},"resolution":"Done","creator":{"name":"ana"},"labels":["perf"],"updated_at":"2026-03-02T10:02:00.000Z","resolved_at":"2026-03-02T10:02:00.000Z","transitions":[{"at":"2026-03-02T10:02:00.000Z","author":{"name":"ana"},"after":{"name":"closed","category":"done"}}],"attributes":{"cdevents.source":"weir://lab"}}
                "dev.cdevents.artifact.packaged.0.3.0" {"change":{"id":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}} {"entity":"artifact::a","event":"artifact.created"}
                  artifact pkg:oci/api@1.2 {"kind":"image","name":"api","version":"1.2","purl":"pkg:oci/api@1.2","commits":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],"created_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.change":"change/weir://lab/c77b3cb39312b83b053d23a2158b99ac7de44dd3","cdevents.packaged_at":"2026-03-02T10:02:00.000Z","cdevents.source":"weir://lab"}}
                "dev.cdevents.repository.created.0.3.0" {"name":"acme/api","owner":"acme","uri":"https://git.acme.dev/acme/api","viewUrl":"https://git.acme.dev/acme/api"} {"entity":"repository:github:1","event":"repository.created"}
                  repository repository/weir://lab/repository:github:1 {"name":"acme/api","url":"https://git.acme.dev/acme/api","remotes":["https://git.acme.dev/acme/api"],"owner":"acme","created_at":"2026-03-02T10:02:00.000Z","updated_at":"2026-03-02T10:02:00.000Z","attributes":{"cdevents.source":"weir://lab"}}
            "#]],
        );
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        for (kind, id, document) in [
            ("build.broken", "build:ci:1", r#"{"job":"shop"}"#),
            ("build.finished", "build:ci:1", "{}"),
            (
                "deployment.finished",
                "deployment:ci:1",
                r#"{"service":"api","environment":{"name":"prod"},"result":"failure","version":"1"}"#,
            ),
            (
                "deployment.finished",
                "deployment:ci:1",
                r#"{"service":"api","environment":{"name":"prod"},"result":"success"}"#,
            ),
            ("incident.opened", "incident:pd:1", r#"{"title":"Down"}"#),
            ("work-item.created", "work-item:jira:1", r#"{"title":"Slow"}"#),
            ("work-item.transitioned", "work-item:jira:1", r#"{"title":"Slow"}"#),
            ("sprint.created", "sprint:jira:1", r#"{"name":"1"}"#),
        ] {
            let event = told(kind, id, document);
            assert_eq!((&event["type"], &event["data"]["entity"]), (&json!(format!("dev.weir.{kind}")), &json!(id)));
            assert_eq!(event["data"]["document"], serde_json::from_str::<Value>(document).unwrap());
        }
    }
}
