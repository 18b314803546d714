//! Webhooks: what completed is the record that a poll would have brought, with the same key.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;
use weir_sdk::webhook::Event;

use crate::Settings;
use crate::origin::{Origin, PipelineJson};
use crate::requests::Head;

/// The parts of a delivery that matter, uncut where they become records.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    project: Nested<Project<'a>>,
    #[serde(borrow)]
    pipeline: Nested<PipelineJson<'a>>,
    #[serde(borrow)]
    workflow: Option<&'a RawValue>,
    #[serde(borrow)]
    job: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project<'a> {
    #[serde(borrow)]
    slug: Text<'a>,
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let unnamed = Event { tool: "circleci", name: "" };
    let body = delivery.json(unnamed)?;
    let envelope: Envelope<'_> = unnamed.read(&body)?;
    let event = Event { name: envelope.kind.quietly().map_or("", AsRef::as_ref), ..unnamed };
    if !matches!(event.name, "workflow-completed" | "job-completed") {
        return Ok(event.ignored());
    }
    let slug = envelope.project.inner().and_then(|project| project.slug.quietly());
    let slug = slug.ok_or_else(|| event.incomplete("project.slug"))?;
    if !settings.chooses(slug) {
        return Ok(Decoded::ignored("circleci.project.not-chosen"));
    }
    let unstated = PipelineJson::default();
    let origin = Origin::of(slug, envelope.pipeline.quietly().map_or(&unstated, |pipeline| &pipeline.0));
    let workflow = envelope.workflow.ok_or_else(|| event.incomplete("workflow"))?.get();
    let head: Head<'_> = event.read(workflow)?;
    let workflow_id = head.id.quietly().ok_or_else(|| event.incomplete("workflow.id"))?;
    let accepted = if event.name == "workflow-completed" {
        let record = RawRecord::upsert(workflow_id.as_ref(), workflow).version(head.version()).context(&origin);
        Accepted::default().with("runs", vec![record])
    } else {
        let job = envelope.job.ok_or_else(|| event.incomplete("job"))?.get();
        let head: Head<'_> = event.read(job)?;
        let id = head.id.quietly().ok_or_else(|| event.incomplete("job.id"))?;
        let record = RawRecord::upsert(format!("{workflow_id}/{id}"), job).context(&origin.of_job(workflow_id));
        Accepted::default().with("jobs", vec![record])
    };
    Ok(Accepted { id: envelope.id.text(), ..accepted }.into())
}
