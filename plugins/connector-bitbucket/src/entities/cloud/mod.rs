//! Payloads of Bitbucket Cloud.

mod code;
mod delivery;
mod review;
mod runs;
mod work;

use serde::Deserialize;
use weir_sdk::prelude::*;

use super::{change_state, verdict_key};
pub(super) use code::{commit, pull_commit, repository, tag};
pub(super) use delivery::deployment;
pub(super) use review::{activity, closing, pull};
pub(super) use runs::{pipeline, step};
pub(super) use work::issue;

/// A user, team or app.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Account<'a> {
    #[serde(borrow)]
    uuid: Text<'a>,
    #[serde(borrow, rename = "account_id")]
    atlassian_id: Text<'a>,
    #[serde(borrow)]
    nickname: Text<'a>,
    #[serde(borrow)]
    username: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
}

impl Account<'_> {
    /// What people call the account by: a nickname; teams and apps only have a name. Where a payload was asked for ids
    /// alone, its id.
    fn login(&self, raw: &Raw<'_>, place: &str) -> Option<String> {
        let names = [&self.nickname, &self.username, &self.display_name, &self.atlassian_id, &self.uuid];
        names.into_iter().find_map(|name| raw.filled(place, name.clone()))
    }
}

/// An account as a reference.
fn person(raw: &Raw<'_>, place: &str, account: Nested<Account<'_>>) -> Option<Reference> {
    raw.take(place, account)?.0.login(raw, place).map(Reference::Name)
}

fn people(raw: &Raw<'_>, place: &str, accounts: List<Object<Account<'_>>>) -> Vec<Reference> {
    let accounts = raw.list(place, accounts).into_iter();
    accounts.filter_map(|account| account.0.login(raw, place)).map(Reference::Name).collect()
}

/// Links of which one is needed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Links<'a> {
    #[serde(borrow, rename = "self")]
    api: Nested<Link<'a>>,
    #[serde(borrow)]
    html: Nested<Link<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Link<'a> {
    #[serde(borrow)]
    href: Text<'a>,
}

/// Addresses of a thing: of its page for people, and in the API.
fn addresses(raw: &Raw<'_>, links: Nested<Links<'_>>) -> (Option<String>, Option<String>) {
    let links = raw.take("/links", links).unwrap_or_default().0;
    let href =
        |place: &str, link| raw.take(place, link).and_then(|link: Object<Link<'_>>| raw.text(place, link.0.href));
    (href("/links/html", links.html), href("/links/self", links.api))
}

/// Anything of which only the name matters.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

fn name(raw: &Raw<'_>, place: &str, named: Nested<Named<'_>>) -> Option<String> {
    raw.take(place, named).and_then(|named| raw.filled(place, named.0.name))
}

/// A commit that is pointed to.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CommitPointer {
    hash: Sha,
}

fn hash(raw: &Raw<'_>, place: &str, pointer: Nested<CommitPointer>) -> Option<ObjectId> {
    raw.take(place, pointer).and_then(|pointer| raw.take(place, pointer.0.hash))
}

/// A repository that is pointed to.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryPointer<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
}

fn full_name(raw: &Raw<'_>, place: &str, repository: Nested<RepositoryPointer<'_>>) -> Option<String> {
    raw.take(place, repository).and_then(|repository| raw.filled(place, repository.0.full_name))
}

/// A text as it was written, beside how it is shown.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Content<'a> {
    #[serde(borrow)]
    raw: Text<'a>,
}

fn written(raw: &Raw<'_>, place: &str, content: Nested<Content<'_>>) -> Option<String> {
    raw.take(place, content).and_then(|content| raw.filled(place, content.0.raw))
}
