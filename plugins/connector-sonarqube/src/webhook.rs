//! Webhooks: an analysis is over, or its quality gate was judged anew. The delivery is the record: a poll has no other way
//! to learn of branches and pull requests, and of the main branch it brings the same key.

use std::borrow::Cow;

use serde::Deserialize;
use weir_sdk::prelude::*;

use crate::Settings;
use crate::requests::analysis_key;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    status: Field<Cow<'a, str>>,
    #[serde(rename = "analysedAt")]
    analysed_at: Field<Timestamp>,
    #[serde(rename = "changedAt")]
    changed_at: Field<Timestamp>,
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
    key: Field<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Branch<'a> {
    #[serde(borrow)]
    name: Field<Cow<'a, str>>,
    #[serde(rename = "isMain")]
    is_main: Field<bool>,
}

#[derive(Default, Deserialize)]
struct Gate {}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let unreadable = |error: serde_json::Error| {
        Failure::poison("sonarqube.delivery.unreadable", format!("a delivery cannot be read: {error}"))
    };
    let envelope: Envelope<'_> = serde_json::from_slice(&delivery.body).map_err(unreadable)?;
    let incomplete =
        |part: &str| Failure::poison("sonarqube.delivery.incomplete", format!("a delivery has no `{part}`"));
    let project = envelope.project.quietly().and_then(|project| project.0.key.quietly());
    let project = project.ok_or_else(|| incomplete("project.key"))?;
    if !settings.chooses(project) {
        return Ok(Decoded::Ignored("sonarqube.project.not-chosen".to_owned()));
    }
    // An analysis that failed or was cancelled says nothing about the code.
    if envelope.status.quietly().is_none_or(|status| status != "SUCCESS") {
        return Ok(Decoded::Ignored("sonarqube.analysis.unsuccessful".to_owned()));
    }
    if envelope.quality_gate.quietly().is_none() {
        return Ok(Decoded::Ignored("sonarqube.analysis.without-gate".to_owned()));
    }
    let at = *envelope.analysed_at.quietly().ok_or_else(|| incomplete("analysedAt"))?;
    let branch = envelope.branch.quietly().map(|branch| &branch.0);
    let branch =
        branch.filter(|branch| branch.is_main.quietly() != Some(&true)).and_then(|branch| branch.name.quietly());
    let version = envelope.changed_at.quietly().map_or(at.ms(), |changed| changed.ms().max(at.ms()));
    let record =
        RawRecord::upsert(analysis_key(project, branch.map(AsRef::as_ref), at), &*delivery.body).version(version);
    Ok(Accepted::default().with("quality-gates", vec![record]).refresh("projects").into())
}
