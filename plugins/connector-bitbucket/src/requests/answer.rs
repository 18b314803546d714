//! What an answer says beside its records: where the next page is, and the times its records are listed by.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use super::Next;
use crate::settings::Deployment;

/// Where the page after this one is; none when this is the last.
pub(super) fn next(deployment: Deployment, answer: &Response) -> Result<Option<Next>, Failure> {
    if deployment == Deployment::Cloud {
        return Ok(answer.pointer::<String>("/next")?.map(Next::Link));
    }
    let unfit = |what: &str| Failure::transient("bitbucket.page.unfit", format!("a page does not say {what}"));
    if answer.pointer("/isLastPage")?.ok_or_else(|| unfit("whether it is the last one"))? {
        return Ok(None);
    }
    let start = answer.pointer("/nextPageStart")?.ok_or_else(|| unfit("where the next one starts"))?;
    Ok(Some(Next::Start(start)))
}

/// A time that some elements have.
#[derive(Clone, Copy)]
pub(crate) enum Time {
    /// Creation of a run.
    Created,
    /// End of a run.
    Completed,
    /// Last change of a thing of either product.
    Updated,
    /// Making of a commit.
    Committed,
    /// Begin of a deployment.
    Started,
    /// End of a deployment.
    Deployed,
    /// Making of the commit a tag is on.
    Tagged,
}

/// The few fields that name a record and say how new it is; the same for polls and for webhooks.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub(crate) uuid: Text<'a>,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow)]
    hash: Text<'a>,
    date: Instant,
    created_on: Instant,
    #[serde(borrow)]
    updated_on: Text<'a>,
    completed_on: Instant,
    #[serde(rename = "updatedDate")]
    updated_date: Instant,
    #[serde(rename = "committerTimestamp")]
    committer_timestamp: Instant,
    state: Nested<StateHead>,
    target: Nested<TargetHead>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StateHead {
    started_on: Instant,
    completed_on: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TargetHead {
    date: Instant,
}

impl<'a> Head<'a> {
    /// Reads the head of a JSON object.
    pub(crate) fn read(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Last change of a thing of either product.
    pub(crate) fn updated_ms(&self) -> Option<i64> {
        let cloud = self.updated_on.quietly().and_then(|text| text.parse::<Timestamp>().ok()).map(Timestamp::ms);
        cloud.or_else(|| self.updated_date.ms())
    }

    /// The same as Cloud spells it, to microseconds.
    pub(crate) fn updated_text(&self) -> Option<&str> {
        self.updated_on.quietly().map(AsRef::as_ref)
    }

    /// A time of it, in milliseconds.
    pub(crate) fn at(&self, time: Time) -> Option<i64> {
        match time {
            Time::Created => self.created_on.ms(),
            Time::Completed => self.completed_on.ms(),
            Time::Updated => self.updated_ms(),
            Time::Committed => self.date.ms().or_else(|| self.committer_timestamp.ms()),
            Time::Started => self.state.inner()?.started_on.ms(),
            Time::Deployed => self.state.inner()?.completed_on.ms(),
            Time::Tagged => self.target.inner()?.date.ms(),
        }
    }

    /// Object id of a commit of either product.
    pub(crate) fn commit(&self) -> Option<&str> {
        self.hash.quietly().or(self.id.quietly()).map(AsRef::as_ref)
    }
}

#[derive(Deserialize)]
struct Values<'a> {
    #[serde(borrow)]
    values: Vec<&'a RawValue>,
}

/// The elements of a page, each as its text.
pub(super) fn values(text: &str) -> Result<Vec<&str>, Failure> {
    let page: Values<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    Ok(page.values.into_iter().map(RawValue::get).collect())
}

/// The elements of a page with their heads.
pub(super) fn heads(text: &str) -> Result<Vec<(&str, Head<'_>)>, Failure> {
    let head = |json| Head::read(json).map(|head| (json, head)).map_err(|error| unreadable(&error));
    values(text)?.into_iter().map(head).collect()
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::transient("bitbucket.page.unreadable", format!("a page cannot be read: {error}"))
}
