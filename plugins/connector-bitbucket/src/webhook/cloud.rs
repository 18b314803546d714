//! Deliveries of Bitbucket Cloud.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use super::Received;
use crate::origin::Origin;
use crate::requests::{Head, activity_key};
use crate::settings::Deployment;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    repository: Nested<RepositoryHead<'a>>,
    #[serde(default, borrow)]
    pullrequest: Option<&'a RawValue>,
    #[serde(default, borrow)]
    issue: Option<&'a RawValue>,
    #[serde(default, borrow)]
    commit_status: Nested<Status<'a>>,
    #[serde(default, borrow)]
    push: Nested<Push<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryHead<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status<'a> {
    #[serde(borrow)]
    url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Push<'a> {
    #[serde(borrow)]
    changes: Vec<RefChange<'a>>,
}

/// What a push did to one branch or tag.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RefChange<'a> {
    #[serde(borrow)]
    new: Option<&'a RawValue>,
    #[serde(borrow)]
    old: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
}

pub(super) fn decode<'a>(received: &Received<'a>) -> Result<Decoded, Failure> {
    let envelope: Envelope<'a> = received.event.read(received.body)?;
    let name = envelope.repository.inner().and_then(|repository| repository.full_name.text());
    let name = name.ok_or_else(|| received.event.incomplete("repository.full_name"))?;
    if !received.settings.chooses(&name) {
        return Ok(Received::not_chosen());
    }
    let origin = Origin::of(Deployment::Cloud, name);
    let delivery = OfCloud { received, envelope: &envelope, origin };
    let accepted = match received.event.name {
        "repo:push" => delivery.push()?,
        "pullrequest:created" | "pullrequest:updated" | "pullrequest:push" => delivery.pull()?.0,
        "pullrequest:fulfilled" | "pullrequest:rejected" | "pullrequest:superseded" => delivery.closing()?,
        "pullrequest:approved"
        | "pullrequest:changes_request_created"
        | "pullrequest:comment_created"
        | "pullrequest:comment_updated"
        | "pullrequest:comment_reopened"
        | "pullrequest:comment_resolved" => delivery.activity()?,
        "pullrequest:unapproved" | "pullrequest:changes_request_removed" | "pullrequest:comment_deleted" => {
            delivery.withdrawn()?
        }
        "issue:created" | "issue:updated" => delivery.issue()?,
        "repo:commit_status_created" | "repo:commit_status_updated" => return Ok(delivery.status()),
        "repo:updated" => Accepted::default().refresh("repositories"),
        _ => return Ok(received.ignored()),
    };
    Ok(accepted.into())
}

struct OfCloud<'d, 'a> {
    received: &'d Received<'a>,
    envelope: &'d Envelope<'a>,
    origin: Origin<'static>,
}

impl OfCloud<'_, '_> {
    fn pull(&self) -> Result<(Accepted, u64), Failure> {
        let part = self.envelope.pullrequest.ok_or_else(|| self.received.event.incomplete("pullrequest"))?;
        let (record, number) = self.received.pull(part, &self.origin)?;
        Ok((Accepted::default().with("pulls", vec![record]), number))
    }

    /// When a pull request was closed is said by no listing, but in this moment.
    fn closing(&self) -> Result<Accepted, Failure> {
        let (accepted, number) = self.pull()?;
        let version = accepted.batches.first().and_then(|batch| batch.records.first()?.version);
        let origin = self.origin.clone().pull(number);
        let closing = self.received.whole(format!("{}/closed", self.origin.numbered(number)), version, origin);
        Ok(accepted.with("events", vec![closing]))
    }

    /// The delivery has the same part as the activity of the pull request: its approval, request or comment.
    fn activity(&self) -> Result<Accepted, Failure> {
        let (accepted, number) = self.pull()?;
        let origin = self.origin.clone().pull(number);
        let (key, version) = self.activity_key(&origin)?;
        let record = RawRecord::upsert(key, self.received.body).version(version).context(&origin);
        Ok(accepted.with("pull-activity", vec![record]))
    }

    fn withdrawn(&self) -> Result<Accepted, Failure> {
        let (accepted, number) = self.pull()?;
        let (key, _) = self.activity_key(&self.origin.clone().pull(number))?;
        Ok(accepted.with("pull-activity", vec![RawRecord::delete(key)]))
    }

    fn activity_key(&self, origin: &Origin<'_>) -> Result<(String, Option<i64>), Failure> {
        activity_key(self.received.body, origin)
            .ok_or_else(|| self.received.event.incomplete("approval, changes_request or comment"))
    }

    fn issue(&self) -> Result<Accepted, Failure> {
        let part = self.envelope.issue.ok_or_else(|| self.received.event.incomplete("issue"))?;
        let (record, _) = self.received.pull(part, &self.origin)?;
        Ok(Accepted::default().with("issues", vec![record]))
    }

    /// Pipelines has no events of its own, but says on the commit how it goes. Statuses of other systems are theirs to tell.
    fn status(&self) -> Decoded {
        let url = self.envelope.commit_status.inner().and_then(|status| status.url.text()).unwrap_or_default();
        if url.contains("/pipelines/") {
            return Accepted::default().refresh("pipelines").refresh("deployments").into();
        }
        Decoded::ignored("bitbucket.status.of-other-system")
    }

    /// Tags come as a listing has them; of commits at most five come, so they are read.
    fn push(&self) -> Result<Accepted, Failure> {
        let push = self.envelope.push.quietly().ok_or_else(|| self.received.event.incomplete("push"))?;
        let mut accepted = Accepted::default();
        let mut tags = Vec::new();
        for change in &push.0.changes {
            match (change.new, change.old) {
                (Some(new), _) if is_tag(new) => tags.push(self.tag(new)?),
                (None, Some(old)) if is_tag(old) => tags.push(RawRecord::delete(self.tag(old)?.key)),
                (Some(_), _) if accepted.refresh.is_empty() => accepted = accepted.refresh("commits"),
                _ => {}
            }
        }
        Ok(if tags.is_empty() { accepted } else { accepted.with("tags", tags) })
    }

    fn tag(&self, part: &RawValue) -> Result<RawRecord, Failure> {
        let head: Head<'_> = self.received.event.read(part.get())?;
        let name = head.name.text().ok_or_else(|| self.received.event.incomplete("tag name"))?;
        Ok(RawRecord::upsert(format!("{}/{name}", self.origin.repository), part.get()).context(&self.origin))
    }
}

fn is_tag(part: &RawValue) -> bool {
    let kind: Kind<'_> = serde_json::from_str(part.get()).unwrap_or_default();
    kind.kind.quietly().is_some_and(|kind| kind == "tag")
}
