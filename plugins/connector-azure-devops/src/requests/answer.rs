//! What an answer says beside its records: whether it is one, where the next page is, and times of its records.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use super::Next;

/// The answer, or the failure it stands for. Azure DevOps answers bad credentials with a page to sign in, under a
/// status that means success.
pub(super) fn accepted(answer: Response) -> Result<Response, Failure> {
    if answer.status() == 203 {
        let message = "Azure DevOps asks to sign in: the token is wrong or has expired";
        return Err(Failure::auth("azure-devops.sign-in", message));
    }
    answer.accepted()
}

/// The page after, by the token in a header.
pub(super) fn token(answer: &Response) -> Option<Next> {
    answer.header("x-ms-continuationtoken").filter(|token| !token.is_empty()).map(Next::Token)
}

/// Times that say how new an element is.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Head<'a> {
    pub(super) id: Field<u64>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(rename = "isDisabled")]
    pub(super) is_disabled: Field<bool>,
    pub(super) rev: Field<i64>,
    #[serde(rename = "queueTime")]
    queue_time: Instant,
    #[serde(rename = "finishTime")]
    finish_time: Instant,
    #[serde(rename = "closedDate")]
    closed_date: Instant,
    #[serde(rename = "lastModifiedOn")]
    last_modified_on: Instant,
    committer: Nested<CommitterHead>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommitterHead {
    date: Instant,
}

impl Head<'_> {
    /// The time a listing goes by: when a build was queued, a pull request closed, a deployment or commit made.
    pub(super) fn at(&self, dataset: &str) -> Option<i64> {
        match dataset {
            "builds" => self.queue_time.ms(),
            "pulls" => self.closed_date.ms(),
            "deployments" => self.last_modified_on.ms(),
            "commits" => self.committer.inner()?.date.ms(),
            _ => None,
        }
    }

    /// When a build began that is not over.
    pub(super) fn unfinished(&self, dataset: &str) -> Option<i64> {
        if dataset == "builds" && self.finish_time.ms().is_none() { self.queue_time.ms() } else { None }
    }
}

#[derive(Deserialize)]
struct Values<'a> {
    #[serde(borrow)]
    value: Vec<Option<&'a RawValue>>,
}

/// The elements of a page, each as its text, with their heads. What is null was deleted meanwhile.
pub(super) fn heads(text: &str) -> Result<Vec<(&str, Head<'_>)>, Failure> {
    let page: Values<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    let mut heads = Vec::new();
    for json in page.value.into_iter().flatten() {
        heads.push((json.get(), serde_json::from_str(json.get()).map_err(|error| unreadable(&error))?));
    }
    Ok(heads)
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::transient("azure-devops.page.unreadable", format!("a page cannot be read: {error}"))
}
