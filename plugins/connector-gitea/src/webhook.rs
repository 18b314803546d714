//! Webhooks: each delivery becomes the records that a poll would have brought, with the same keys, or says why not.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;
use weir_sdk::webhook::Event;

use crate::entities::Origin;
use crate::settings::Settings;

/// The parts of a delivery that matter, uncut.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    action: Field<String>,
    #[serde(default)]
    repository: Nested<RepositoryHead>,
    #[serde(default, borrow)]
    pull_request: Option<&'a RawValue>,
    #[serde(default, borrow)]
    issue: Option<&'a RawValue>,
    #[serde(default, borrow)]
    release: Option<&'a RawValue>,
    #[serde(default, rename = "ref")]
    name: Field<String>,
    #[serde(default)]
    ref_type: Field<String>,
    #[serde(default)]
    after: Field<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryHead {
    full_name: Field<String>,
}

/// What names a record and says how new it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    number: Field<u64>,
    tag_name: Field<String>,
    updated_at: Instant,
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    // Each sends the headers of those it came from too.
    let header = |sender: &str, part: &str| delivery.header(&format!("x-{sender}-{part}"));
    let any = |part: &str| ["forgejo", "gitea", "gogs"].iter().find_map(|sender| header(sender, part));
    let Some(name) = any("event") else {
        return Err(Failure::poison("gitea.delivery.no-event", "the delivery has no header X-Gitea-Event"));
    };
    let event = Event { tool: "gitea", name };
    let body = delivery.json(event)?;
    let envelope: Envelope<'_> = event.read(&body)?;
    let Some(repository) = envelope.repository.inner().and_then(|head| head.full_name.quietly()) else {
        return Ok(ignored(event));
    };
    if !settings.chooses(repository) {
        return Ok(Decoded::ignored("gitea.repository.not-chosen"));
    }
    let received = Received { event, body: &body, envelope: &envelope, repository };
    Ok(received.records()?.id(any("delivery").map(str::to_owned)))
}

fn ignored(event: Event<'_>) -> Decoded {
    Event { name: &event.name.replace('_', "-"), ..event }.ignored()
}

struct Received<'a> {
    event: Event<'a>,
    body: &'a str,
    envelope: &'a Envelope<'a>,
    repository: &'a str,
}

impl Received<'_> {
    fn records(&self) -> Result<Decoded, Failure> {
        let is_tag = self.envelope.ref_type.quietly().is_some_and(|sort| sort == "tag");
        let accepted = match self.event.name {
            "push" => return Ok(self.push()),
            "pull_request" => self.one("pulls", self.envelope.pull_request)?,
            "issues" => self.one("issues", self.envelope.issue)?,
            "release" => self.one("releases", self.envelope.release)?,
            "create" if is_tag => Accepted::default().refresh("tags"),
            "delete" if is_tag => {
                let tag = self.envelope.name.quietly().ok_or_else(|| self.event.incomplete("ref"))?;
                let tag = tag.strip_prefix("refs/tags/").unwrap_or(tag);
                Accepted::default().with("tags", vec![RawRecord::delete(format!("{}@{tag}", self.repository))])
            }
            // A review moves its pull request to the front, and is read under it.
            "pull_request_approved" | "pull_request_rejected" | "pull_request_comment" => {
                Accepted::default().refresh("pulls")
            }
            _ => return Ok(ignored(self.event)),
        };
        Ok(accepted.into())
    }

    fn one(&self, dataset: &str, payload: Option<&RawValue>) -> Result<Accepted, Failure> {
        let payload = payload.ok_or_else(|| self.event.incomplete(dataset))?.get();
        let head: Head = self.event.read(payload)?;
        let number = head.number.quietly().map(|number| format!("#{number}"));
        let key = number.or_else(|| Some(format!("@{}", head.tag_name.quietly()?)));
        let key = format!("{}{}", self.repository, key.ok_or_else(|| self.event.incomplete("number"))?);
        if self.envelope.action.quietly().is_some_and(|action| action == "deleted") {
            return Ok(Accepted::default().with(dataset, vec![RawRecord::delete(key)]));
        }
        // A moment older than the same thing polled, so that the poll still sees a change and reads what lies under it.
        let version = head.updated_at.quietly().map(|time| time.ms() - 1);
        let record = RawRecord::upsert(key, payload).version(version).context(&Origin::of(self.repository));
        Ok(Accepted::default().with(dataset, vec![record]))
    }

    /// The whole delivery is the record: no poll has one like it.
    fn push(&self) -> Decoded {
        let text = |field: &Field<String>| field.quietly().cloned().unwrap_or_default();
        let (name, after) = (text(&self.envelope.name), text(&self.envelope.after));
        if after.bytes().all(|byte| byte == b'0') {
            return Decoded::ignored("gitea.push.deleted");
        }
        let record = RawRecord::upsert(format!("{}/{name}/{after}", self.repository), self.body);
        let record = record.context(&Origin::of(self.repository));
        Accepted::default().with("pushes", vec![record]).refresh("commits").into()
    }
}
