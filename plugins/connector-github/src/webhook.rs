//! Webhooks: each delivery becomes the records that a poll would have brought, with the same keys, or says why not.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use crate::origin::Origin;
use crate::requests::{self, Head};
use crate::settings::Settings;

/// The parts of a delivery that matter, uncut.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    action: Field<Cow<'a, str>>,
    #[serde(default, borrow)]
    repository: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pull_request: Option<&'a RawValue>,
    #[serde(default, borrow)]
    review: Option<&'a RawValue>,
    #[serde(default, borrow)]
    comment: Option<&'a RawValue>,
    #[serde(default, borrow)]
    issue: Option<&'a RawValue>,
    #[serde(default, borrow)]
    workflow_run: Option<&'a RawValue>,
    #[serde(default, borrow)]
    workflow_job: Option<&'a RawValue>,
    #[serde(default, borrow)]
    deployment: Option<&'a RawValue>,
    #[serde(default, borrow)]
    deployment_status: Option<&'a RawValue>,
    #[serde(default, borrow)]
    release: Option<&'a RawValue>,
    #[serde(default, rename = "ref", borrow)]
    name: Field<Cow<'a, str>>,
    #[serde(default, borrow)]
    ref_type: Field<Cow<'a, str>>,
    #[serde(default, borrow)]
    after: Field<Cow<'a, str>>,
    #[serde(default)]
    deleted: Field<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryHead<'a> {
    #[serde(borrow)]
    full_name: Field<Cow<'a, str>>,
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let Some(event) = delivery.header("x-github-event") else {
        return Err(Failure::poison("github.delivery.no-event", "the delivery has no header X-GitHub-Event"));
    };
    if !EVENTS.contains(&event) {
        return Ok(Decoded::Ignored(format!("github.event.{event}")));
    }
    let body = json_body(delivery)?;
    let text = std::str::from_utf8(&body).map_err(|error| unreadable(event, &error))?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| unreadable(event, &error))?;
    let Some(repository) = envelope.repository else { return Err(incomplete(event, "repository")) };
    let head: RepositoryHead<'_> = serde_json::from_str(repository.get()).map_err(|error| unreadable(event, &error))?;
    let Some(name) = head.full_name.quietly() else { return Err(incomplete(event, "repository.full_name")) };
    if !settings.chooses(name) {
        return Ok(Decoded::Ignored("github.repository.not-chosen".to_owned()));
    }
    let id = delivery.header("x-github-delivery").map(str::to_owned);
    let received = Received { event, body: &body, envelope: &envelope, origin: Origin::of(name.as_ref()) };
    Ok(match received.records()? {
        Decoded::Accepted(accepted) => Decoded::Accepted(Accepted { id, ..accepted }),
        other => other,
    })
}

/// Events that bring records; all others are ignored by name.
const EVENTS: &[&str] = &[
    "push", "pull_request", "pull_request_review", "pull_request_review_comment", "issue_comment", "issues", "workflow_run",
    "workflow_job", "deployment", "deployment_status", "release", "repository", "create", "delete",
];

fn unreadable(event: &str, error: &dyn std::error::Error) -> Failure {
    Failure::poison("github.delivery.unreadable", format!("a delivery of `{event}` cannot be read: {error}"))
}

fn incomplete(event: &str, part: &str) -> Failure {
    Failure::poison("github.delivery.incomplete", format!("a delivery of `{event}` has no `{part}`"))
}

/// One delivery of an event that brings records.
struct Received<'a> {
    event: &'a str,
    body: &'a [u8],
    envelope: &'a Envelope<'a>,
    origin: Origin<'a>,
}

impl<'a> Received<'a> {
    fn records(&self) -> Result<Decoded, Failure> {
        let envelope = self.envelope;
        let accepted = match self.event {
            "push" => return Ok(self.push()),
            "create" => return Ok(self.created()),
            "delete" => return Ok(self.deleted()),
            "repository" => self.one("repositories", envelope.repository, |head| head.id.quietly().map(u64::to_string))?,
            "pull_request" => self.one("pulls", envelope.pull_request, |head| self.numbered(head))?,
            "issues" => self.one("issues", envelope.issue, |head| self.numbered(head))?,
            "issue_comment" => self.one("issue-comments", envelope.comment, by_id)?,
            "pull_request_review_comment" => self.one("review-comments", envelope.comment, by_id)?,
            "pull_request_review" => self.review()?,
            "workflow_run" => self.one("workflow-runs", envelope.workflow_run, requests::attempt_key)?,
            "workflow_job" => self.one("jobs", envelope.workflow_job, by_id)?,
            "deployment" => self.one("deployments", envelope.deployment, by_id)?,
            "deployment_status" => self.deployment_status()?,
            _ => self.one("releases", envelope.release, by_id)?,
        };
        Ok(accepted.into())
    }

    /// The delivery brings one record, or says that it is gone.
    fn one(
        &self,
        dataset: &str,
        payload: Option<&'a RawValue>,
        key: impl Fn(&Head<'a>) -> Option<String>,
    ) -> Result<Accepted, Failure> {
        Ok(Accepted::default().with(dataset, vec![self.record(dataset, payload, &self.origin, key)?]))
    }

    fn record(
        &self,
        dataset: &str,
        payload: Option<&'a RawValue>,
        origin: &Origin<'_>,
        key: impl Fn(&Head<'a>) -> Option<String>,
    ) -> Result<RawRecord, Failure> {
        let payload = payload.ok_or_else(|| incomplete(self.event, dataset))?;
        let head = Head::read(payload.get()).map_err(|error| unreadable(self.event, &error))?;
        let key = key(&head).ok_or_else(|| incomplete(self.event, "id"))?;
        if self.is_gone() {
            return Ok(RawRecord::delete(key));
        }
        let record = RawRecord::upsert(key, payload.get()).version(head.version(dataset));
        // A repository names itself; its context would only differ from that of a poll.
        Ok(if dataset == "repositories" { record } else { record.context(origin) })
    }

    fn is_gone(&self) -> bool {
        let action = self.envelope.action.quietly().map_or("", |action| action.as_ref());
        match self.event {
            "deployment_status" | "pull_request_review" => false,
            "issues" => matches!(action, "deleted" | "transferred"),
            _ => action == "deleted",
        }
    }

    fn numbered(&self, head: &Head<'_>) -> Option<String> {
        head.number.quietly().map(|number| self.origin.numbered(*number))
    }

    fn review(&self) -> Result<Accepted, Failure> {
        let pull = self.envelope.pull_request.ok_or_else(|| incomplete(self.event, "pull_request"))?;
        let pull = Head::read(pull.get()).map_err(|error| unreadable(self.event, &error))?;
        let number = pull.number.quietly().ok_or_else(|| incomplete(self.event, "pull_request.number"))?;
        let origin = self.origin.clone().pull(*number);
        Ok(Accepted::default().with("reviews", vec![self.record("reviews", self.envelope.review, &origin, by_id)?]))
    }

    /// The status comes with its deployment, which may not have been seen yet.
    fn deployment_status(&self) -> Result<Accepted, Failure> {
        let deployment = self.record("deployments", self.envelope.deployment, &self.origin, by_id)?;
        let id = deployment.key.parse().map_err(|_| incomplete(self.event, "deployment.id"))?;
        let origin = self.origin.clone().deployment(id);
        let status = self.record("deployment-statuses", self.envelope.deployment_status, &origin, by_id)?;
        Ok(Accepted::default().with("deployments", vec![deployment]).with("deployment-statuses", vec![status]))
    }

    /// The whole delivery is the record: no poll has one like it.
    fn push(&self) -> Decoded {
        if self.envelope.deleted.quietly() == Some(&true) {
            return Decoded::Ignored("github.push.deleted".to_owned());
        }
        let text = |field: &Field<Cow<'a, str>>| field.quietly().map(|text| text.clone().into_owned()).unwrap_or_default();
        let key = format!("{}/{}/{}", self.origin.repository, text(&self.envelope.name), text(&self.envelope.after));
        let record = RawRecord::upsert(key, self.body).context(&self.origin);
        Accepted::default().with("pushes", vec![record]).refresh("commits").into()
    }

    /// Says that a tag is there, but not where it points.
    fn created(&self) -> Decoded {
        if self.is_tag() { Accepted::default().refresh("tags").into() } else { Decoded::Ignored("github.create.branch".to_owned()) }
    }

    fn deleted(&self) -> Decoded {
        match self.envelope.name.quietly() {
            Some(tag) if self.is_tag() => {
                let record = RawRecord::delete(format!("{}/{tag}", self.origin.repository));
                Accepted::default().with("tags", vec![record]).into()
            }
            _ => Decoded::Ignored("github.delete.branch".to_owned()),
        }
    }

    fn is_tag(&self) -> bool {
        self.envelope.ref_type.quietly().is_some_and(|sort| sort == "tag")
    }
}

fn by_id(head: &Head<'_>) -> Option<String> {
    head.id.quietly().map(u64::to_string)
}

/// The JSON of a delivery, also where the webhook was set up to send a form.
fn json_body(delivery: &Delivery) -> Result<Cow<'_, [u8]>, Failure> {
    let is_form = delivery.header("content-type").is_some_and(|media| media.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return Ok(Cow::Borrowed(&delivery.body));
    }
    let fields = delivery.body.split(|byte| *byte == b'&');
    let payload = fields.filter_map(|field| field.strip_prefix(b"payload=")).map(decode_form).next();
    payload.map(Cow::Owned).ok_or_else(|| Failure::poison("github.delivery.unreadable", "the form has no field `payload`"))
}

/// Decodes a value of a form; a broken escape stands for itself.
fn decode_form(value: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        decoded.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    decoded
}
