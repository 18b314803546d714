//! Webhooks: what completed is the record that a poll would have brought, with the same key.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use crate::Settings;
use crate::origin::{Origin, PipelineJson};
use crate::requests::Head;

/// The parts of a delivery that matter, uncut where they become records.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Field<Cow<'a, str>>,
    #[serde(rename = "type", borrow)]
    kind: Field<Cow<'a, str>>,
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
    slug: Field<Cow<'a, str>>,
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let text = std::str::from_utf8(&delivery.body).map_err(|error| unreadable(&error))?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    let kind = envelope.kind.quietly().map_or("", AsRef::as_ref);
    if !matches!(kind, "workflow-completed" | "job-completed") {
        return Ok(Decoded::Ignored(format!("circleci.event.{}", word(kind))));
    }
    let slug = envelope.project.quietly().and_then(|project| project.0.slug.quietly());
    let slug = slug.ok_or_else(|| incomplete(kind, "project.slug"))?;
    if !settings.chooses(slug) {
        return Ok(Decoded::Ignored("circleci.project.not-chosen".to_owned()));
    }
    let unstated = PipelineJson::default();
    let origin = Origin::of(slug, envelope.pipeline.quietly().map_or(&unstated, |pipeline| &pipeline.0));
    let workflow = envelope.workflow.ok_or_else(|| incomplete(kind, "workflow"))?.get();
    let head: Head<'_> = serde_json::from_str(workflow).map_err(|error| unreadable(&error))?;
    let workflow_id = head.id.quietly().ok_or_else(|| incomplete(kind, "workflow.id"))?;
    let accepted = if kind == "workflow-completed" {
        let record = RawRecord::upsert(workflow_id.as_ref(), workflow).version(head.version()).context(&origin);
        Accepted::default().with("runs", vec![record])
    } else {
        let job = envelope.job.ok_or_else(|| incomplete(kind, "job"))?.get();
        let head: Head<'_> = serde_json::from_str(job).map_err(|error| unreadable(&error))?;
        let id = head.id.quietly().ok_or_else(|| incomplete(kind, "job.id"))?;
        let record = RawRecord::upsert(format!("{workflow_id}/{id}"), job).context(&origin.of_job(workflow_id));
        Accepted::default().with("jobs", vec![record])
    };
    let id = envelope.id.quietly().map(|id| id.clone().into_owned());
    Ok(Accepted { id, ..accepted }.into())
}

fn unreadable(error: &dyn std::error::Error) -> Failure {
    Failure::poison("circleci.delivery.unreadable", format!("a delivery cannot be read: {error}"))
}

fn incomplete(kind: &str, part: &str) -> Failure {
    Failure::poison("circleci.delivery.incomplete", format!("a delivery of `{kind}` has no `{part}`"))
}

/// The tool's word as part of a reason, which has to be short and plain.
fn word(kind: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    if (1..=64).contains(&kind.len()) && kind.bytes().all(is_plain) { kind } else { "unnamed" }
}
