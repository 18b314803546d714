//! Webhooks: each delivery becomes the records that a poll would have brought, or asks for a poll, or says why not.
//!
//! Deliveries are of an older version than answers and leave parts out; where that would lose something, the poll brings
//! it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use crate::origin::Origin;
use crate::settings::Settings;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    id: Field<Cow<'a, str>>,
    #[serde(default, borrow, rename = "eventType")]
    event: Field<Cow<'a, str>>,
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
    name: Field<Cow<'a, str>>,
    #[serde(borrow)]
    project: Nested<Named<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Field<Cow<'a, str>>,
}

fn text(field: &Field<Cow<'_, str>>) -> Option<String> {
    field.quietly().map(|text| text.clone().into_owned())
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let envelope: Envelope<'_> = serde_json::from_slice(&delivery.body).map_err(|error| unreadable(&error))?;
    let Some(event) = text(&envelope.event) else {
        return Err(Failure::poison("azure-devops.delivery.no-event", "the delivery has no `eventType`"));
    };
    let incomplete = |part: &str| {
        Failure::poison("azure-devops.delivery.incomplete", format!("a delivery of `{event}` has no `{part}`"))
    };
    let accepted = match event.as_str() {
        "git.push" => Accepted::default().refresh("commits"),
        "git.repo.created" | "git.repo.renamed" | "git.repo.deleted" => Accepted::default().refresh("repositories"),
        "build.complete" => Accepted::default().refresh("builds"),
        event if event.starts_with("ms.vss-pipelines.") => Accepted::default().refresh("builds"),
        event if event.starts_with("ms.vss-release.deployment-") => Accepted::default().refresh("deployments"),
        "workitem.created" | "workitem.updated" | "workitem.restored" | "workitem.commented" => {
            Accepted::default().refresh("work-items")
        }
        "workitem.deleted" => {
            let head = head(envelope.resource.ok_or_else(|| incomplete("resource"))?)?;
            let id = head.id.quietly().ok_or_else(|| incomplete("resource.id"))?;
            Accepted::default().with("work-items", vec![RawRecord::delete(id.to_string())])
        }
        event if event.starts_with("git.pullrequest.") || event == "ms.vss-code.git-pullrequest-comment-event" => {
            let resource = envelope.resource.ok_or_else(|| incomplete("resource"))?;
            // A comment comes with its pull request, whose threads are then read.
            let pull = head(resource)?.pull.unwrap_or(resource);
            let (record, project) =
                pull_record(pull).and_then(|found| found.ok_or_else(|| incomplete("repository")))?;
            if !settings.chooses(&project) {
                return Ok(Decoded::Ignored("azure-devops.project.not-chosen".to_owned()));
            }
            Accepted::default().with("pulls", vec![record]).refresh("pulls")
        }
        other => return Ok(Decoded::Ignored(format!("azure-devops.event.{other}"))),
    };
    Ok(Accepted { id: text(&envelope.id), ..accepted }.into())
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::poison("azure-devops.delivery.unreadable", format!("a delivery cannot be read: {error}"))
}

fn head(json: &RawValue) -> Result<ResourceHead<'_>, Failure> {
    serde_json::from_str(json.get()).map_err(|error| unreadable(&error))
}

/// The pull request as a poll lists it, and its project; none when it does not say where it belongs.
fn pull_record(json: &RawValue) -> Result<Option<(RawRecord, String)>, Failure> {
    let head = head(json)?;
    let found = || {
        let repository = &head.repository.quietly()?.0;
        let project = text(&repository.project.quietly()?.0.name)?;
        let origin = Origin::of(project.clone()).repository(text(&repository.name)?);
        let key = origin.pull_key(*head.pull_id.quietly()?)?;
        Some((RawRecord::upsert(key, json.get()).context(&origin), project))
    };
    Ok(found())
}
