//! Deliveries of Bitbucket Server and Data Center.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use super::Received;
use crate::origin::Origin;
use crate::settings::Deployment;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    date: Instant,
    #[serde(default, borrow)]
    repository: Nested<RepositoryHead<'a>>,
    #[serde(default, borrow, rename = "pullRequest")]
    pull: Option<&'a RawValue>,
    #[serde(default, borrow)]
    comment: Nested<CommentHead<'a>>,
    #[serde(default, borrow)]
    actor: Nested<Actor<'a>>,
    #[serde(default, borrow)]
    changes: List<Object<RefChange<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryHead<'a> {
    #[serde(borrow)]
    slug: Text<'a>,
    #[serde(borrow)]
    project: Nested<Project<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project<'a> {
    #[serde(borrow)]
    key: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PullHead<'a> {
    #[serde(borrow, rename = "toRef")]
    base: Nested<Side<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Side<'a> {
    #[serde(borrow)]
    repository: Nested<RepositoryHead<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommentHead<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Actor<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RefChange<'a> {
    #[serde(rename = "ref", borrow)]
    reference: Nested<RefHead<'a>>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RefHead<'a> {
    #[serde(rename = "displayId", borrow)]
    name: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
}

impl RepositoryHead<'_> {
    fn full_name(&self) -> Option<String> {
        Some(format!("{}/{}", self.project.inner()?.key.text()?, self.slug.text()?))
    }
}

pub(super) fn decode(received: &Received<'_>) -> Result<Decoded, Failure> {
    if received.event.name == "diagnostics:ping" {
        return Ok(received.ignored());
    }
    let envelope: Envelope<'_> = received.event.read(received.body)?;
    let repository = match envelope.pull {
        Some(pull) => {
            let head: PullHead<'_> = received.event.read(pull.get())?;
            head.base.inner().and_then(|base| base.repository.inner()?.full_name())
        }
        None => envelope.repository.inner().and_then(RepositoryHead::full_name),
    };
    let repository = repository.ok_or_else(|| received.event.incomplete("repository"))?;
    if !received.settings.chooses(&repository) {
        return Ok(Received::not_chosen());
    }
    let delivery = OfServer { received, envelope: &envelope, origin: Origin::of(Deployment::Server, repository) };
    let accepted = match received.event.name {
        "repo:refs_changed" => delivery.push(),
        "pr:deleted" => {
            let (record, _) = delivery.pull()?;
            Accepted::default().with("pulls", vec![RawRecord::delete(record.key)])
        }
        "pr:opened"
        | "pr:modified"
        | "pr:from_ref_updated"
        | "pr:to_ref_updated"
        | "pr:merged"
        | "pr:declined"
        | "pr:reviewer:updated" => Accepted::default().with("pulls", vec![delivery.pull()?.0]),
        "pr:reviewer:approved" | "pr:reviewer:unapproved" | "pr:reviewer:needs_work" => {
            let actor = envelope.actor.inner().and_then(|actor| actor.name.text());
            delivery.about_pull("verdict", actor, "actor.name")?
        }
        "pr:comment:added" | "pr:comment:edited" => {
            let id = envelope.comment.inner().and_then(|comment| comment.id.text());
            delivery.about_pull("comment", id, "comment.id")?
        }
        "pr:comment:deleted" => delivery.comment_deleted()?,
        _ => return Ok(received.ignored()),
    };
    Ok(accepted.into())
}

struct OfServer<'d, 'a> {
    received: &'d Received<'a>,
    envelope: &'d Envelope<'a>,
    origin: Origin<'static>,
}

impl OfServer<'_, '_> {
    fn pull(&self) -> Result<(RawRecord, u64), Failure> {
        let part = self.envelope.pull.ok_or_else(|| self.received.event.incomplete("pullRequest"))?;
        self.received.pull(part, &self.origin)
    }

    /// The pull request, and the delivery as a whole: it does not name the activity a poll will find.
    fn about_pull(&self, sort: &str, of: Option<String>, part: &str) -> Result<Accepted, Failure> {
        let of = of.ok_or_else(|| self.received.event.incomplete(part))?;
        let (pull, number) = self.pull()?;
        let at = self.envelope.date.ms();
        let key = format!("{}/{sort}/{of}", self.origin.numbered(number));
        let event = self.received.whole(key, at, self.origin.clone().pull(number));
        Ok(Accepted::default().with("pulls", vec![pull]).with("events", vec![event]))
    }

    fn comment_deleted(&self) -> Result<Accepted, Failure> {
        let (pull, number) = self.pull()?;
        let id = self.envelope.comment.inner().and_then(|comment| comment.id.text());
        let id = id.ok_or_else(|| self.received.event.incomplete("comment.id"))?;
        let gone = RawRecord::delete(format!("{}/comment/{id}", self.origin.numbered(number)));
        Ok(Accepted::default().with("pulls", vec![pull]).with("events", vec![gone]))
    }

    /// Says which branches and tags moved; what lies there is read.
    fn push(&self) -> Accepted {
        let mut accepted = Accepted::default();
        let changes = self.envelope.changes.quietly().into_iter().flatten().filter_map(Field::quietly);
        for Object(change) in changes {
            let Some(Object(reference)) = change.reference.quietly() else { continue };
            let is_tag = reference.kind.quietly().is_some_and(|kind| kind == "TAG");
            let is_gone = change.kind.quietly().is_some_and(|kind| kind == "DELETE");
            accepted = match reference.name.text() {
                Some(name) if is_tag && is_gone => {
                    let key = format!("{}/{name}", self.origin.repository);
                    accepted.with("tags", vec![RawRecord::delete(key)])
                }
                _ if is_gone => accepted,
                _ => refresh_once(accepted, if is_tag { "tags" } else { "commits" }),
            };
        }
        accepted
    }
}

fn refresh_once(accepted: Accepted, dataset: &str) -> Accepted {
    if accepted.refresh.iter().any(|waiting| waiting == dataset) { accepted } else { accepted.refresh(dataset) }
}
