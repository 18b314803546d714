//! Webhooks: each delivery becomes the records that a poll would have brought, or asks for a poll, or says why not.
//!
//! Deliveries are of an older version than answers and leave parts out; where that would lose something, the poll brings
//! it.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;
use weir_sdk::webhook::Event;

use crate::origin::Origin;
use crate::settings::Settings;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    id: Text<'a>,
    #[serde(default, borrow, rename = "eventType")]
    event: Text<'a>,
    #[serde(default, borrow)]
    resource: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceHead<'a> {
    id: Field<u64>,
    #[serde(rename = "pullRequestId")]
    pull_id: Field<u64>,
    #[serde(borrow)]
    repository: Nested<RepositoryHead<'a>>,
    #[serde(borrow, rename = "pullRequest")]
    pull: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryHead<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    project: Nested<Named<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let body = delivery.json(UNNAMED)?;
    let envelope: Envelope<'_> = UNNAMED.read(&body)?;
    let Some(name) = envelope.event.quietly() else {
        return Err(Failure::poison("azure-devops.delivery.no-event", "the delivery has no `eventType`"));
    };
    let event = Event { name, ..UNNAMED };
    let accepted = match event.name {
        "git.push" => Accepted::default().refresh("commits"),
        "git.repo.created" | "git.repo.renamed" | "git.repo.deleted" => Accepted::default().refresh("repositories"),
        "build.complete" => Accepted::default().refresh("builds"),
        name if name.starts_with("ms.vss-pipelines.") => Accepted::default().refresh("builds"),
        name if name.starts_with("ms.vss-release.deployment-") => Accepted::default().refresh("deployments"),
        "workitem.created" | "workitem.updated" | "workitem.restored" | "workitem.commented" => {
            Accepted::default().refresh("work-items")
        }
        "workitem.deleted" => {
            let head = head(envelope.resource.ok_or_else(|| event.incomplete("resource"))?)?;
            let id = head.id.quietly().ok_or_else(|| event.incomplete("resource.id"))?;
            Accepted::default().with("work-items", vec![RawRecord::delete(id.to_string())])
        }
        name if name.starts_with("git.pullrequest.") || name == "ms.vss-code.git-pullrequest-comment-event" => {
            let resource = envelope.resource.ok_or_else(|| event.incomplete("resource"))?;
            // A comment comes with its pull request, whose threads are then read.
            let pull = head(resource)?.pull.unwrap_or(resource);
            let (record, project) =
                pull_record(pull).and_then(|found| found.ok_or_else(|| event.incomplete("repository")))?;
            if !settings.chooses(&project) {
                return Ok(Decoded::ignored("azure-devops.project.not-chosen"));
            }
            Accepted::default().with("pulls", vec![record]).refresh("pulls")
        }
        _ => return Ok(event.ignored()),
    };
    Ok(Accepted { id: envelope.id.text(), ..accepted }.into())
}

/// A delivery whose event is not known yet.
const UNNAMED: Event<'_> = Event { tool: "azure-devops", name: "" };

fn head(json: &RawValue) -> Result<ResourceHead<'_>, Failure> {
    UNNAMED.read(json.get())
}

/// The pull request as a poll lists it, and its project; none when it does not say where it belongs.
fn pull_record(json: &RawValue) -> Result<Option<(RawRecord, String)>, Failure> {
    let head = head(json)?;
    let found = || {
        let repository = &head.repository.inner()?;
        let project = repository.project.inner()?.name.text()?;
        let origin = Origin::of(project.clone()).repository(repository.name.text()?);
        let key = origin.pull_key(*head.pull_id.quietly()?)?;
        Some((RawRecord::upsert(key, json.get()).context(&origin), project))
    };
    Ok(found())
}
