//! Webhooks: each delivery becomes the records that a poll would have brought, with the same keys, or says why not.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;
use weir_sdk::webhook::Event;

use crate::origin::Origin;
use crate::requests::{self, Head};
use crate::settings::Settings;

/// The parts of a delivery that matter, uncut.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    action: Text<'a>,
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
    name: Text<'a>,
    #[serde(default, borrow)]
    ref_type: Text<'a>,
    #[serde(default, borrow)]
    after: Text<'a>,
    #[serde(default)]
    deleted: Field<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryHead<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let Some(name) = delivery.header("x-github-event") else {
        return Err(Failure::poison("github.delivery.no-event", "the delivery has no header X-GitHub-Event"));
    };
    let event = Event { tool: "github", name };
    if !EVENTS.contains(&name) {
        return Ok(event.ignored());
    }
    let body = delivery.json(event)?;
    let envelope: Envelope<'_> = event.read(&body)?;
    let Some(repository) = envelope.repository else { return Err(event.incomplete("repository")) };
    let head: RepositoryHead<'_> = event.read(repository.get())?;
    let Some(name) = head.full_name.quietly() else { return Err(event.incomplete("repository.full_name")) };
    if !settings.chooses(name) {
        return Ok(Decoded::ignored("github.repository.not-chosen"));
    }
    let id = delivery.header("x-github-delivery").map(str::to_owned);
    let received = Received { event, body: &body, envelope: &envelope, origin: Origin::of(name.as_ref()) };
    Ok(received.records()?.id(id))
}

/// Events that bring records; all others are ignored by name.
const EVENTS: &[&str] = &[
    "push",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "issue_comment",
    "issues",
    "workflow_run",
    "workflow_job",
    "deployment",
    "deployment_status",
    "release",
    "repository",
    "create",
    "delete",
];

/// One delivery of an event that brings records.
struct Received<'a> {
    event: Event<'a>,
    body: &'a str,
    envelope: &'a Envelope<'a>,
    origin: Origin<'a>,
}

impl<'a> Received<'a> {
    fn records(&self) -> Result<Decoded, Failure> {
        let envelope = self.envelope;
        let accepted = match self.event.name {
            "push" => return Ok(self.push()),
            "create" => return Ok(self.created()),
            "delete" => return Ok(self.deleted()),
            "repository" => {
                self.one("repositories", envelope.repository, |head| head.id.quietly().map(u64::to_string))?
            }
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
        let payload = payload.ok_or_else(|| self.event.incomplete(dataset))?;
        let head = Head::read(payload.get()).map_err(|error| self.event.unreadable(&error))?;
        let key = key(&head).ok_or_else(|| self.event.incomplete("id"))?;
        if self.is_gone() {
            return Ok(RawRecord::delete(key));
        }
        let record = RawRecord::upsert(key, payload.get()).version(head.version(dataset));
        // A repository names itself; its context would only differ from that of a poll.
        Ok(if dataset == "repositories" { record } else { record.context(origin) })
    }

    fn is_gone(&self) -> bool {
        let action = self.envelope.action.quietly().map_or("", |action| action.as_ref());
        match self.event.name {
            "deployment_status" | "pull_request_review" => false,
            "issues" => matches!(action, "deleted" | "transferred"),
            _ => action == "deleted",
        }
    }

    fn numbered(&self, head: &Head<'_>) -> Option<String> {
        head.number.quietly().map(|number| self.origin.numbered(*number))
    }

    fn review(&self) -> Result<Accepted, Failure> {
        let pull = self.envelope.pull_request.ok_or_else(|| self.event.incomplete("pull_request"))?;
        let pull = Head::read(pull.get()).map_err(|error| self.event.unreadable(&error))?;
        let number = pull.number.quietly().ok_or_else(|| self.event.incomplete("pull_request.number"))?;
        let origin = self.origin.clone().pull(*number);
        Ok(Accepted::default().with("reviews", vec![self.record("reviews", self.envelope.review, &origin, by_id)?]))
    }

    /// The status comes with its deployment, which may not have been seen yet.
    fn deployment_status(&self) -> Result<Accepted, Failure> {
        let deployment = self.record("deployments", self.envelope.deployment, &self.origin, by_id)?;
        let id = deployment.key.parse().map_err(|_| self.event.incomplete("deployment.id"))?;
        let origin = self.origin.clone().deployment(id);
        let status = self.record("deployment-statuses", self.envelope.deployment_status, &origin, by_id)?;
        Ok(Accepted::default().with("deployments", vec![deployment]).with("deployment-statuses", vec![status]))
    }

    /// The whole delivery is the record: no poll has one like it.
    fn push(&self) -> Decoded {
        if self.envelope.deleted.quietly() == Some(&true) {
            return Decoded::ignored("github.push.deleted");
        }
        let (name, after) = (self.envelope.name.text(), self.envelope.after.text());
        let (name, after) = (name.unwrap_or_default(), after.unwrap_or_default());
        let key = format!("{}/{name}/{after}", self.origin.repository);
        let record = RawRecord::upsert(key, self.body).context(&self.origin);
        Accepted::default().with("pushes", vec![record]).refresh("commits").into()
    }

    /// Says that a tag is there, but not where it points.
    fn created(&self) -> Decoded {
        if self.is_tag() {
            Accepted::default().refresh("tags").into()
        } else {
            Decoded::ignored("github.create.branch")
        }
    }

    fn deleted(&self) -> Decoded {
        match self.envelope.name.quietly() {
            Some(tag) if self.is_tag() => {
                let record = RawRecord::delete(format!("{}/{tag}", self.origin.repository));
                Accepted::default().with("tags", vec![record]).into()
            }
            _ => Decoded::ignored("github.delete.branch"),
        }
    }

    fn is_tag(&self) -> bool {
        self.envelope.ref_type.quietly().is_some_and(|sort| sort == "tag")
    }
}

fn by_id(head: &Head<'_>) -> Option<String> {
    head.id.quietly().map(u64::to_string)
}
