//! What lies under a pull request or a pipeline.

use serde::Deserialize;
use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;

use super::listing::{self, SERVER_PAGE};
use super::{Leaf, Next, Position, Read, answer};
use crate::origin::Origin;
use crate::settings::{Deployment, Settings};

/// One page of what lies under a record.
pub(super) fn page(run: &Run<Settings>, deployment: Deployment, leaf: Leaf) -> Result<Read, Failure> {
    let parent = Parent::of(run)?;
    let answer = parent.call(run, deployment, leaf.next.as_ref()).send()?;
    let next = answer::next(deployment, &answer)?;
    let page = match (run.dataset.as_str(), deployment) {
        ("pull-commits", _) => parent.commits(answer, deployment),
        ("pull-activity", Deployment::Cloud) => activity(&answer, &parent.origin)?,
        ("pull-activity", Deployment::Server) => {
            let prefix = format!("{}/", parent.origin.repository);
            Page::extract(answer, "/values").key_prefix(&prefix).version("/createdDate").context(&parent.origin)
        }
        // A step has no time of change, so that the time of reading counts.
        _ => Page::extract(answer, "/values").key("/uuid").context(&parent.origin),
    };
    Ok((page, leaf.turn_or_leave(next, None)))
}

/// The record a child dataset is read under.
struct Parent {
    origin: Origin<'static>,
    /// Number of the pull request, or id of the pipeline.
    id: String,
}

impl Parent {
    fn of(run: &Run<Settings>) -> Result<Self, Failure> {
        let parent = run.parent()?;
        let origin: Origin<'_> = run.parent_context()?;
        let origin = Origin::of(origin.deployment, origin.repository.into_owned());
        if run.dataset == "pipeline-steps" {
            return Ok(Self { origin, id: parent.key.clone() });
        }
        let odd = || Failure::internal("bitbucket.parent", format!("`{}` is no key of a record above", parent.key));
        let number: u64 = parent.key.rsplit_once('#').and_then(|(_, id)| id.parse().ok()).ok_or_else(odd)?;
        Ok(Self { origin: origin.pull(number), id: number.to_string() })
    }

    fn call<'r>(&self, run: &'r Run<Settings>, deployment: Deployment, next: Option<&Next>) -> Call<'r> {
        if let Some(Next::Link(link)) = next {
            return run.follow(link);
        }
        let id = address::encode(&self.id);
        let (below, size) = match (run.dataset.as_str(), deployment) {
            ("pull-commits", Deployment::Cloud) => (format!("pullrequests/{id}/commits"), ("pagelen", "100")),
            ("pull-activity", Deployment::Cloud) => (format!("pullrequests/{id}/activity"), ("pagelen", "50")),
            ("pull-commits", Deployment::Server) => (format!("pull-requests/{id}/commits"), ("limit", SERVER_PAGE)),
            ("pull-activity", Deployment::Server) => (format!("pull-requests/{id}/activities"), ("limit", SERVER_PAGE)),
            _ => (format!("pipelines/{id}/steps/"), ("pagelen", "100")),
        };
        let call = run.get(listing::path(deployment, &self.origin.repository, &below)).query(size.0, size.1);
        match next {
            Some(Next::Start(start)) => call.query("start", start.to_string()),
            _ => call,
        }
    }

    fn commits(&self, answer: Response, deployment: Deployment) -> Page<Position> {
        let prefix = format!("{}#{}/", self.origin.repository, self.id);
        let (key, version) = match deployment {
            Deployment::Cloud => ("/hash", "/date"),
            Deployment::Server => ("/id", "/committerTimestamp"),
        };
        let page = Page::extract(answer, "/values").key_prefix(&prefix).key(key).version(version);
        page.context(&self.origin)
    }
}

/// Something that happened to a pull request of Cloud; webhooks send the same parts.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ActivityHead<'a> {
    #[serde(borrow)]
    approval: Nested<VerdictHead<'a>>,
    #[serde(borrow, alias = "changes_request")]
    changes_requested: Nested<VerdictHead<'a>>,
    #[serde(borrow)]
    comment: Nested<CommentHead<'a>>,
    #[serde(borrow)]
    update: Nested<VerdictHead<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VerdictHead<'a> {
    #[serde(borrow)]
    date: Text<'a>,
    #[serde(borrow)]
    user: Nested<UserHead<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommentHead<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    updated_on: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UserHead<'a> {
    #[serde(borrow)]
    uuid: Text<'a>,
}

/// Key and version of something that happened to a pull request of Cloud. A verdict has no id: it is the one of its
/// author, and the newest one counts.
pub(crate) fn activity_key(json: &str, origin: &Origin<'_>) -> Option<(String, Option<i64>)> {
    let head: ActivityHead<'_> = serde_json::from_str(json).ok()?;
    let pull = origin.numbered(origin.pull?);
    let version = |text: &Text<'_>| text.quietly()?.parse::<Timestamp>().ok().map(Timestamp::ms);
    let verdict = |sort: &str, verdict: &VerdictHead<'_>| {
        let author = verdict.user.inner()?.uuid.quietly()?;
        Some((format!("{pull}/{sort}/{author}"), version(&verdict.date)))
    };
    if let Some(Object(approval)) = head.approval.quietly() {
        return verdict("approved", approval);
    }
    if let Some(Object(request)) = head.changes_requested.quietly() {
        return verdict("changes-requested", request);
    }
    if let Some(Object(comment)) = head.comment.quietly() {
        return Some((format!("{pull}/comment/{}", comment.id.quietly()?), version(&comment.updated_on)));
    }
    let update = &head.update.inner()?;
    Some((format!("{pull}/update/{}", update.date.quietly()?), version(&update.date)))
}

/// Activity is cut here and not by the host, for its keys are of several parts.
fn activity(answer: &Response, origin: &Origin<'_>) -> Result<Page<Position>, Failure> {
    let text = answer.text()?;
    let record = |json: &str| match activity_key(json, origin) {
        Some((key, version)) => RawRecord::upsert(key, json).version(version).context(origin),
        None => RawRecord::unreadable(json),
    };
    Ok(Page::records(answer::values(&text)?.into_iter().map(record).collect()))
}
