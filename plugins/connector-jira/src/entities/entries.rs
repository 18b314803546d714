//! Worklogs, comments and links to other tools.

use serde::Deserialize;
use weir_sdk::model::entity::{AttributeValue, Custom};
use weir_sdk::prelude::*;

use super::adf::Prose;
use super::{Account, person};
use crate::issue::Under;

/// Time booked on an issue.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct WorklogJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    author: Nested<Account<'a>>,
    started: Instant,
    #[serde(rename = "timeSpentSeconds")]
    seconds: Field<u64>,
}

pub(crate) fn worklog(json: WorklogJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let Some(under) = raw.context::<Under<'_>>() else { return raw.missing("") };
    let seconds = raw.take("/timeSpentSeconds", json.seconds).and_then(|seconds| i64::try_from(seconds).ok());
    let mut worklog = Custom::default().at(raw.take("/started", json.started));
    worklog.attributes = of_issue(&under, person(raw, "/author", json.author));
    worklog.attributes.extend(seconds.map(|seconds| ("jira.seconds".to_owned(), AttributeValue::Integer(seconds))));
    Produced::default().with_custom("worklog", id, &worklog).into()
}

/// A comment on an issue.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CommentJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    author: Nested<Account<'a>>,
    body: Field<Prose>,
    created: Instant,
}

pub(crate) fn comment(json: CommentJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let Some(under) = raw.context::<Under<'_>>() else { return raw.missing("") };
    let body = raw.take("/body", json.body).and_then(Prose::filled);
    let mut comment = Custom::default().at(raw.take("/created", json.created));
    comment.attributes = of_issue(&under, person(raw, "/author", json.author));
    comment.attributes.extend(body.map(|body| ("jira.text".to_owned(), AttributeValue::Text(body))));
    Produced::default().with_custom("comment", id, &comment).into()
}

fn of_issue(under: &Under<'_>, author: Option<Reference>) -> weir_sdk::model::entity::Attributes {
    let issue = ("jira.issue".to_owned(), AttributeValue::Text(under.issue.to_string()));
    let author = author.map(|author| ("jira.author".to_owned(), AttributeValue::Text(author.text().to_owned())));
    std::iter::once(issue).chain(author).collect()
}

/// A link to a page of another tool.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RemoteLinkJson<'a> {
    #[serde(borrow)]
    object: Nested<LinkedPage<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LinkedPage<'a> {
    #[serde(borrow)]
    url: Text<'a>,
}

pub(crate) fn remote_link(json: RemoteLinkJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(under) = raw.context::<Under<'_>>() else { return raw.missing("") };
    let page = raw.take("/object", json.object).unwrap_or_default().0;
    let Some(url) = raw.filled("/object/url", page.url) else { return raw.missing("/object/url") };
    match commit_in(&url) {
        Some(commit) => Outcome::entity(under.issue.as_ref(), &WorkItem::default().commits([commit])),
        None => Outcome::ignored("jira.remote-link.no-commit"),
    }
}

/// The commit whose page it is: GitHub and GitLab write `/commit/`, Bitbucket `/commits/`.
fn commit_in(url: &str) -> Option<ObjectId> {
    let (_, rest) = url.rsplit_once("/commit/").or_else(|| url.rsplit_once("/commits/"))?;
    ObjectId::new(rest.split(['/', '?', '#']).next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_commits_are_known() {
        let check = |url: &str| commit_in(url).map(|commit| commit.to_string());
        let sha = "8748a066cbaf67b15e86f2c636f9931347e987cf";
        assert_eq!(check(&format!("https://gitlab.com/acme/api/-/commit/{sha}")).as_deref(), Some(sha));
        assert_eq!(check(&format!("https://bitbucket.org/acme/api/commits/{sha}?at=main")).as_deref(), Some(sha));
        assert_eq!(check("https://gitlab.com/acme/api/-/merge_requests/7"), None);
        assert_eq!(check("https://gitlab.com/acme/api/-/commit/main"), None);
    }
}
