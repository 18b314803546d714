//! From JSON to entities. Pure; an odd field is reported and left out, never the record.

mod code;
mod delivery;
mod review;
mod runs;
mod work;

use serde::Deserialize;
use weir_sdk::model::entity::RunResult;
use weir_sdk::prelude::*;

pub(crate) use code::{commit, pull_commit, repository};
pub(crate) use delivery::deployment;
pub(crate) use review::{pull, thread};
pub(crate) use runs::{build, build_change, timeline};
pub(crate) use work::{update, work_item};

/// A user, group or service.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Identity<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, rename = "displayName")]
    name: Text<'a>,
    #[serde(borrow, rename = "uniqueName")]
    login: Text<'a>,
}

/// Somebody, as a reference and as a person.
#[derive(Clone, Default)]
struct Somebody {
    id: Option<String>,
    name: Option<String>,
    login: Option<String>,
}

impl Somebody {
    fn read(raw: &Raw<'_>, place: &str, identity: Nested<Identity<'_>>) -> Self {
        let identity = raw.take(place, identity).unwrap_or_default().0;
        Self {
            id: raw.filled(place, identity.id),
            name: raw.filled(place, identity.name),
            login: raw.filled(place, identity.login).map(|login| login.to_ascii_lowercase()),
        }
    }

    /// The login, mostly an e-mail address, which commits have too.
    fn reference(&self) -> Option<Reference> {
        self.login.clone().or_else(|| self.name.clone()).map(Reference::Name)
    }

    /// Services have no address, and are no persons.
    fn add_person(self, produced: Produced) -> Produced {
        let (Some(id), Some(login)) = (self.id, self.login) else { return produced };
        let email = Some(login.clone()).filter(|login| login.contains('@') && !login.starts_with("0000"));
        if email.is_none() {
            return produced;
        }
        produced.with(id, &Person::default().login(login).name(self.name).emails(email))
    }
}

/// Links of which the page for people is needed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Links<'a> {
    #[serde(borrow)]
    web: Nested<Link<'a>>,
    #[serde(borrow)]
    html: Nested<Link<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Link<'a> {
    #[serde(borrow)]
    href: Text<'a>,
}

fn page(raw: &Raw<'_>, links: Nested<Links<'_>>) -> Option<String> {
    let links = raw.take("/_links", links)?.0;
    let link = raw.take("/_links/web", links.web).or_else(|| raw.take("/_links/html", links.html))?;
    raw.filled("/_links/web/href", link.0.href)
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

/// "main" of "refs/heads/main".
fn branch(name: &str) -> String {
    let name = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")).unwrap_or(name);
    name.to_owned()
}

/// How a run or a part of it ended.
fn result(word: &str) -> RunResult {
    match word {
        "succeeded" => RunResult::Success,
        "partiallySucceeded" | "succeededWithIssues" => RunResult::Unstable,
        "failed" | "rejected" => RunResult::Failure,
        "canceled" | "cancelled" => RunResult::Cancelled,
        "abandoned" => RunResult::Error,
        "skipped" => RunResult::Skipped,
        // "none": over, and nothing told.
        other => RunResult::Unknown(other.to_owned()),
    }
}
