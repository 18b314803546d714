//! Webhooks: an analysis is over, or its quality gate was judged anew. The delivery is the record: a poll has no other way
//! to learn of branches and pull requests, and of the main branch it brings the same key.

use serde::Deserialize;
use weir_sdk::prelude::*;
use weir_sdk::webhook::Event;

use crate::Settings;
use crate::requests::analysis_key;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(rename = "analysedAt")]
    analysed_at: Instant,
    #[serde(rename = "changedAt")]
    changed_at: Instant,
    #[serde(borrow)]
    project: Nested<Project<'a>>,
    #[serde(borrow)]
    branch: Nested<Branch<'a>>,
    #[serde(rename = "qualityGate")]
    quality_gate: Nested<Gate>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project<'a> {
    #[serde(borrow)]
    key: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Branch<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(rename = "isMain")]
    is_main: Field<bool>,
}

#[derive(Default, Deserialize)]
struct Gate {}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let event = Event { tool: "sonarqube", name: "" };
    let body = delivery.json(event)?;
    let envelope: Envelope<'_> = event.read(&body)?;
    let project = envelope.project.inner().and_then(|project| project.key.quietly());
    let project = project.ok_or_else(|| event.incomplete("project.key"))?;
    if !settings.chooses(project) {
        return Ok(Decoded::ignored("sonarqube.project.not-chosen"));
    }
    // An analysis that failed or was cancelled says nothing about the code.
    if envelope.status.quietly().is_none_or(|status| status != "SUCCESS") {
        return Ok(Decoded::ignored("sonarqube.analysis.unsuccessful"));
    }
    if envelope.quality_gate.quietly().is_none() {
        return Ok(Decoded::ignored("sonarqube.analysis.without-gate"));
    }
    let at = *envelope.analysed_at.quietly().ok_or_else(|| event.incomplete("analysedAt"))?;
    let branch = envelope.branch.inner();
    let branch =
        branch.filter(|branch| branch.is_main.quietly() != Some(&true)).and_then(|branch| branch.name.quietly());
    let version = envelope.changed_at.quietly().map_or(at.ms(), |changed| changed.ms().max(at.ms()));
    let record =
        RawRecord::upsert(analysis_key(project, branch.map(AsRef::as_ref), at), &*delivery.body).version(version);
    Ok(Accepted::default().with("quality-gates", vec![record]).refresh("projects").into())
}
