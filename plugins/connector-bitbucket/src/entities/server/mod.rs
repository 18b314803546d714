//! Payloads of Bitbucket Server and Data Center.

mod code;
mod review;

use serde::Deserialize;
use weir_sdk::prelude::*;

use super::{change_state, verdict_key};
pub(super) use code::{commit, pull_commit, repository, tag};
pub(super) use review::{activity, event, pull};

/// A user. In a commit that no account belongs to, only what git says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct User<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, rename = "displayName")]
    display_name: Text<'a>,
    #[serde(borrow, rename = "emailAddress")]
    email: Text<'a>,
    active: Field<bool>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
}

/// The login of a user.
fn login(raw: &Raw<'_>, place: &str, user: Nested<User<'_>>) -> Option<String> {
    raw.take(place, user).and_then(|user| raw.filled(place, user.0.name))
}

fn person(raw: &Raw<'_>, place: &str, user: Nested<User<'_>>) -> Option<Reference> {
    login(raw, place, user).map(Reference::Name)
}

/// Links of which one is needed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Links<'a> {
    #[serde(borrow, rename = "self")]
    page: List<Object<Link<'a>>>,
    #[serde(borrow)]
    clone: List<Object<Link<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Link<'a> {
    #[serde(borrow)]
    href: Text<'a>,
}

fn hrefs(raw: &Raw<'_>, place: &str, links: List<Object<Link<'_>>>) -> Vec<String> {
    raw.list(place, links).into_iter().filter_map(|link| raw.filled(place, link.0.href)).collect()
}

/// Page of a thing for people.
fn page(raw: &Raw<'_>, links: Nested<Links<'_>>) -> Option<String> {
    let links = raw.take("/links", links).unwrap_or_default().0;
    hrefs(raw, "/links/self", links.page).into_iter().next()
}

/// A repository where it is pointed to.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RepositoryPointer<'a> {
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

/// "PROJECT/slug".
fn full_name(raw: &Raw<'_>, place: &str, repository: Nested<RepositoryPointer<'_>>) -> Option<String> {
    let Object(repository) = raw.take(place, repository)?;
    let Object(project) = raw.take(place, repository.project)?;
    Some(format!("{}/{}", raw.filled(place, project.key)?, raw.filled(place, repository.slug)?))
}
