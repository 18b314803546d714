//! Webhooks: each delivery becomes the records that a poll would have brought, with the same keys, or says why not.
//!
//! A delivery says less than the API does: people by id alone, times in whole seconds. So its record counts as a moment
//! older than the change it tells of, and the API's record of the same change takes its place.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;
use weir_sdk::webhook::Event;

use crate::origin::{Origin, project_in};
use crate::requests::Head;
use crate::settings::Settings;

/// The parts of a delivery that matter.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    object_kind: Text<'a>,
    #[serde(borrow)]
    event_name: Text<'a>,
    #[serde(borrow)]
    project: Nested<Project<'a>>,
    #[serde(borrow)]
    repository: Nested<Project<'a>>,
    #[serde(borrow)]
    object_attributes: Option<&'a RawValue>,
    merge_request: Nested<Head>,
    #[serde(borrow)]
    builds: Option<Vec<&'a RawValue>>,
    pipeline_id: Field<u64>,
    #[serde(rename = "ref", borrow)]
    reference: Text<'a>,
    #[serde(borrow)]
    after: Text<'a>,
    #[serde(borrow)]
    tag: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project<'a> {
    #[serde(borrow)]
    path_with_namespace: Text<'a>,
    #[serde(borrow)]
    homepage: Text<'a>,
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let unnamed = Event { tool: "gitlab", name: "" };
    let body = delivery.json(unnamed)?;
    let envelope: Envelope<'_> = unnamed.read(&body)?;
    // Hooks of the whole instance name some of their events only this way.
    let kind = envelope.object_kind.quietly().or(envelope.event_name.quietly());
    let Some(kind) = kind else { return Err(unnamed.incomplete("object_kind")) };
    if !KINDS.contains(&kind.as_ref()) {
        return Ok(Event { name: &kind.replace('_', "-"), ..unnamed }.ignored());
    }
    let event = Event { name: kind, ..unnamed };
    let Some(project) = project(&envelope) else {
        // Epics are work items of a group.
        let is_of_group = kind == "work_item";
        return if is_of_group {
            Ok(Decoded::ignored("gitlab.work-item.of-group"))
        } else {
            Err(event.incomplete("project"))
        };
    };
    if !settings.chooses(project) {
        return Ok(Decoded::ignored("gitlab.project.not-chosen"));
    }
    let id = ["webhook-id", "idempotency-key", "x-gitlab-event-uuid"].iter().find_map(|name| delivery.header(name));
    let received = Received { event, body: &body, envelope: &envelope, origin: Origin::of(project) };
    Ok(received.records()?.id(id.map(str::to_owned)))
}

/// Kinds that bring records; all others are ignored by name.
const KINDS: &[&str] = &[
    "push",
    "tag_push",
    "merge_request",
    "note",
    "issue",
    "work_item",
    "pipeline",
    "build",
    "job",
    "deployment",
    "release",
];

fn project<'e>(envelope: &'e Envelope<'_>) -> Option<&'e str> {
    let named = envelope.project.inner().and_then(|project| project.path_with_namespace.quietly());
    named.map(Cow::as_ref).or_else(|| project_in(envelope.repository.inner()?.homepage.quietly()?))
}

/// One delivery of a kind that brings records.
struct Received<'a> {
    event: Event<'a>,
    body: &'a str,
    envelope: &'a Envelope<'a>,
    origin: Origin<'a>,
}

impl Received<'_> {
    fn records(&self) -> Result<Decoded, Failure> {
        let accepted = match self.event.name {
            "push" => return Ok(self.push()),
            "tag_push" => return self.tag_push(),
            "note" => return self.note(),
            "merge_request" => self.one("merge-requests", |head| Some(self.origin.change(*head.iid.quietly()?)))?,
            "issue" | "work_item" => self.one("issues", |head| Some(self.origin.issue(*head.iid.quietly()?)))?,
            "pipeline" => self.pipeline()?,
            "deployment" => self.whole("deployments", self.origin.clone())?,
            "release" => self.release()?,
            _ => self.job()?,
        };
        Ok(accepted.into())
    }

    /// The head of what the delivery is about.
    fn head(&self) -> Result<Head, Failure> {
        let attributes = self.envelope.object_attributes.ok_or_else(|| self.event.incomplete("object_attributes"))?;
        self.event.read(attributes.get())
    }

    /// The delivery as the record of a key.
    fn record(&self, key: Option<String>, head: &Head, origin: &Origin<'_>) -> Result<RawRecord, Failure> {
        let key = key.ok_or_else(|| self.event.incomplete("id"))?;
        Ok(RawRecord::upsert(key, self.body).version(just_before(head)).context(origin))
    }

    fn one(&self, dataset: &str, key: impl Fn(&Head) -> Option<String>) -> Result<Accepted, Failure> {
        let head = self.head()?;
        Ok(Accepted::default().with(dataset, vec![self.record(key(&head), &head, &self.origin)?]))
    }

    /// A delivery that is itself what it is about.
    fn whole(&self, dataset: &str, origin: Origin<'_>) -> Result<Accepted, Failure> {
        let head: Head = self.event.read(self.body)?;
        Ok(Accepted::default().with(dataset, vec![self.record(id(&head), &head, &origin)?]))
    }

    fn note(&self) -> Result<Decoded, Failure> {
        let merge_request = self.envelope.merge_request.inner().and_then(|head| head.iid.quietly().copied());
        let Some(number) = merge_request else {
            return Ok(Decoded::ignored("gitlab.note.not-on-merge-request"));
        };
        let origin = Origin { merge_request: Some(number), ..self.origin.clone() };
        let head = self.head()?;
        Ok(Accepted::default().with("notes", vec![self.record(id(&head), &head, &origin)?]).into())
    }

    /// A pipeline comes with its jobs as they stand.
    fn pipeline(&self) -> Result<Accepted, Failure> {
        let head = self.head()?;
        let pipeline = self.record(id(&head), &head, &self.origin)?;
        let origin = Origin { pipeline: head.id.quietly().copied(), ..self.origin.clone() };
        let mut jobs = Vec::new();
        for json in self.envelope.builds.iter().flatten() {
            let head: Head = self.event.read(json.get())?;
            jobs.push(head.record(json.get()).version(just_before(&head)).context(&origin));
        }
        // While it runs only its jobs say how far it is.
        let newest = jobs.iter().map(|job| job.version).max().flatten().max(pipeline.version);
        Ok(Accepted::default().with("pipelines", vec![pipeline.version(newest)]).with("jobs", jobs))
    }

    fn job(&self) -> Result<Accepted, Failure> {
        let pipeline = self.envelope.pipeline_id.quietly().ok_or_else(|| self.event.incomplete("pipeline_id"))?;
        self.whole("jobs", Origin { pipeline: Some(*pipeline), ..self.origin.clone() })
    }

    fn release(&self) -> Result<Accepted, Failure> {
        let tag = self.envelope.tag.quietly().ok_or_else(|| self.event.incomplete("tag"))?;
        let key = format!("{}@{tag}", self.origin.project);
        let is_gone = self.envelope.action.quietly().is_some_and(|action| action == "delete");
        let there = || RawRecord::upsert(key.clone(), self.body).context(&self.origin);
        let record = if is_gone { RawRecord::delete(key.clone()) } else { there() };
        Ok(Accepted::default().with("releases", vec![record]))
    }

    /// The whole delivery is the record: no poll has one like it.
    fn push(&self) -> Decoded {
        if self.is_deletion() {
            return Decoded::ignored("gitlab.push.deleted");
        }
        let (name, after) = (self.envelope.reference.text(), self.envelope.after.text());
        let (name, after) = (name.unwrap_or_default(), after.unwrap_or_default());
        let record = RawRecord::upsert(format!("{}/{name}/{after}", self.origin.project), self.body);
        Accepted::default().with("pushes", vec![record.context(&self.origin)]).refresh("commits").into()
    }

    /// A tag that was made is read from the API, which says more about it.
    fn tag_push(&self) -> Result<Decoded, Failure> {
        if !self.is_deletion() {
            return Ok(Accepted::default().refresh("tags").into());
        }
        let name = self.envelope.reference.quietly().and_then(|name| name.strip_prefix("refs/tags/"));
        let name = name.ok_or_else(|| self.event.incomplete("ref"))?;
        let record = RawRecord::delete(format!("{}@{name}", self.origin.project));
        Ok(Accepted::default().with("tags", vec![record]).into())
    }

    fn is_deletion(&self) -> bool {
        self.envelope.after.quietly().is_some_and(|after| after.bytes().all(|byte| byte == b'0'))
    }
}

fn id(head: &Head) -> Option<String> {
    head.id.quietly().map(u64::to_string)
}

/// A millisecond before the second of a change: later than any change before it, earlier than the API's word on it.
fn just_before(head: &Head) -> Option<i64> {
    head.version().map(|version| version - version.rem_euclid(1_000) - 1)
}
