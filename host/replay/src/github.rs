//! GitHub's REST API as far as a reader of delivery needs it: a path and a query in, an answer out. No sockets here.

mod actions;
mod code;
mod issues;
mod page;
mod people;
mod pulls;
mod webhook;

pub(crate) use page::{Page, Query};
use serde_json::{Value, json};
pub(crate) use webhook::{Hook, hooks};

use crate::company::{Company, Repository};

/// Root of the pages for people. Nothing is served there; clones are named by it too.
pub(crate) const HTML_URL: &str = "https://github.nordwind.example";

/// What the API says to one GET.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    One(Value),
    /// One page of a list, and where in the list it is.
    List(Value, Page),
    /// A status other than 200 with GitHub's message.
    Refused(u16, String),
}

/// Where things live: the root of the API, and the root of pages for people.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    pub(crate) api: String,
    pub(crate) html: String,
}

/// Everything needed to write objects of one repository.
pub(crate) struct Shapes<'a> {
    pub(crate) company: &'a Company,
    pub(crate) repository: &'a Repository,
    pub(crate) roots: &'a Roots,
    /// `{api}/repos/{owner}/{name}`.
    pub(crate) api: String,
    /// `{html}/{owner}/{name}`.
    pub(crate) html: String,
}

impl Answer {
    pub(crate) fn not_found() -> Self {
        Self::Refused(404, "Not Found".to_owned())
    }

    fn found(value: Option<Value>) -> Self {
        value.map_or_else(Self::not_found, Self::One)
    }
}

/// Answers a GET of `path`, which starts with a slash and has no query.
pub(crate) fn answer(company: &Company, roots: &Roots, path: &str, query: &Query) -> Answer {
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["user"] => Answer::One(people::me(company, roots)),
        ["users", login] => Answer::found(people::user_by_login(company, roots, login)),
        ["orgs" | "users", owner, "repos"] if *owner == company.organisation() => {
            people::repositories(company, roots, query)
        }
        ["user", "repos"] | ["installation", "repositories"] => people::repositories(company, roots, query),
        ["repos", owner, name, rest @ ..] => {
            let found = company.find(&format!("{owner}/{name}"));
            found.map_or_else(Answer::not_found, |at| {
                Shapes::new(company, company.repository(at), roots).answer(rest, query)
            })
        }
        // Links between pages name repositories by number.
        ["repositories", id, rest @ ..] => {
            let found = id.parse().ok().and_then(|id| company.find_by_id(id));
            found.map_or_else(Answer::not_found, |at| {
                Shapes::new(company, company.repository(at), roots).answer(rest, query)
            })
        }
        _ => Answer::not_found(),
    }
}

impl<'a> Shapes<'a> {
    pub(crate) fn new(company: &'a Company, repository: &'a Repository, roots: &'a Roots) -> Self {
        let name = company.full_name(repository);
        let (api, html) = (format!("{}/repos/{name}", roots.api), format!("{}/{name}", roots.html));
        Self { company, repository, roots, api, html }
    }

    fn answer(&self, rest: &[&str], query: &Query) -> Answer {
        match rest {
            [] => Answer::One(self.repository()),
            ["commits" | "branches", ..] | ["releases" | "tags"] => self.answer_code(rest, query),
            ["pulls", ..] => self.answer_pulls(&rest[1..], query),
            ["issues", ..] => self.answer_issues(&rest[1..], query),
            ["actions" | "deployments", ..] if !self.repository.is_on_actions() => Self::answer_unused(rest),
            ["actions", rest @ ..] => self.answer_actions(rest, query),
            ["deployments", rest @ ..] => self.answer_deployments(rest, query),
            _ => Answer::not_found(),
        }
    }

    /// A repository that builds and deploys elsewhere has empty lists here.
    fn answer_unused(rest: &[&str]) -> Answer {
        match rest {
            ["actions", "runs"] => Answer::One(json!({"total_count": 0, "workflow_runs": []})),
            ["deployments"] => Answer::One(json!([])),
            _ => Answer::not_found(),
        }
    }
}

/// An address as `_links` has it.
fn link(href: &str) -> Value {
    json!({ "href": href })
}

/// An opaque id, as the GraphQL API has them.
fn node(kind: &str, id: u64) -> String {
    format!("{kind}_kwDOJ{id:x}")
}
