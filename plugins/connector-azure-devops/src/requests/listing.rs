//! The listings of projects and repositories: one line per dataset.

use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;

use super::{Leaf, Next, Place};
use crate::origin::Origin;
use crate::settings::Settings;

const HOUR: i64 = 60 * 60_000;
const DAY: i64 = 24 * HOUR;

/// Version of the API that is asked for.
pub(super) const API: &str = "7.1";
/// Elements of one page.
const PAGE: u64 = 100;
const PAGE_TEXT: &str = "100";

/// Whose listing it is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Of {
    Project,
    Repository,
}

/// How the next page is asked for.
#[derive(Clone, Copy, PartialEq)]
enum Paging {
    /// There is one page.
    None,
    /// By a token in a header.
    Token,
    /// By passing over elements. New ones come first, so that none is missed.
    Skip,
}

/// How a dataset is listed.
pub(super) struct Listing {
    pub(super) dataset: &'static str,
    pub(super) of: Of,
    /// Path below the project or repository.
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
    paging: Paging,
    /// Name of the parameter for how many to give.
    top: &'static str,
    /// Name of the parameter for the earliest time, and how far before the last mark to read again.
    earliest: Option<(&'static str, i64)>,
    key: &'static str,
    version: Option<&'static str>,
}

pub(super) const LISTINGS: &[Listing] = &[
    Listing {
        dataset: "repositories",
        of: Of::Project,
        path: "_apis/git/repositories",
        query: &[],
        paging: Paging::None,
        top: "$top",
        earliest: None,
        key: "/id",
        version: None,
    },
    Listing {
        dataset: "commits",
        of: Of::Repository,
        path: "commits",
        query: &[],
        paging: Paging::Skip,
        top: "searchCriteria.$top",
        // A commit may be pushed long after it was committed.
        earliest: Some(("searchCriteria.fromDate", DAY)),
        key: "/commitId",
        version: Some("/committer/date"),
    },
    Listing {
        dataset: "pulls",
        of: Of::Repository,
        path: "pullrequests",
        query: &[],
        paging: Paging::Skip,
        top: "$top",
        earliest: Some(("searchCriteria.minTime", HOUR)),
        key: "/pullRequestId",
        // A pull request has no time of change, so that the time of reading counts.
        version: None,
    },
    Listing {
        dataset: "builds",
        of: Of::Project,
        path: "_apis/build/builds",
        query: &[("queryOrder", "queueTimeDescending")],
        paging: Paging::Token,
        top: "$top",
        earliest: Some(("minTime", 6 * HOUR)),
        key: "/id",
        version: Some("/lastChangedDate"),
    },
    Listing {
        dataset: "deployments",
        of: Of::Project,
        path: "_apis/release/deployments",
        query: &[("queryOrder", "descending")],
        paging: Paging::Token,
        top: "$top",
        earliest: Some(("minModifiedTime", HOUR)),
        key: "/id",
        version: Some("/lastModifiedOn"),
    },
];

/// What is asked for in a pass that only wants changes: pull requests have no time of change, so all that are open, and
/// those that were closed since. Closed ones first: one that is closed meanwhile is then found by the next pass.
const PULL_LEGS: &[&[(&str, &str)]] = &[
    &[("searchCriteria.status", "completed"), ("searchCriteria.queryTimeRangeType", "closed")],
    &[("searchCriteria.status", "abandoned"), ("searchCriteria.queryTimeRangeType", "closed")],
    &[("searchCriteria.status", "active")],
];

impl Listing {
    /// Whether there is another listing of the same scope to read after this one.
    pub(super) fn has_leg(&self, place: &Place, leg: usize) -> bool {
        self.dataset == "pulls" && is_by_legs(place) && leg < PULL_LEGS.len()
    }

    /// The request for a page.
    pub(super) fn request<'r>(&self, run: &'r Run<Settings>, place: &Place) -> Call<'r> {
        let call = run.get(format!("{}/{}", base(self.of, &place.scope), self.path));
        let call = self.query.iter().fold(call, |call, (name, value)| call.query(name, value));
        let call = match self.dataset {
            "pulls" if is_by_legs(place) => PULL_LEGS[place.page.leg.min(PULL_LEGS.len() - 1)]
                .iter()
                .fold(call, |call, (name, value)| call.query(name, value)),
            "pulls" => call.query("searchCriteria.status", "all"),
            _ => call,
        };
        let call = match self.earliest(run, place) {
            Some((name, at)) => call.query(name, at.to_string()),
            None => call,
        };
        let call = if self.paging == Paging::None { call } else { call.query(self.top, PAGE_TEXT) };
        let call = match &place.page.next {
            Some(Next::Token(token)) => call.query("continuationToken", token),
            Some(Next::Skip(skip)) => call.query(&self.top.replace("top", "skip"), skip.to_string()),
            _ => call,
        };
        call.query("api-version", API)
    }

    /// The earliest time to ask for, and the name of its parameter.
    fn earliest(&self, run: &Run<Settings>, place: &Place) -> Option<(&'static str, Timestamp)> {
        let (name, overlap) = self.earliest?;
        let since = run.floor(run.settings.since);
        if self.dataset == "pulls" && !(is_by_legs(place) && place.page.leg + 1 < PULL_LEGS.len()) {
            // Asked for by the time they were made; what is open counts however old it is.
            return since.filter(|_| !is_by_legs(place)).map(|since| (name, Timestamp::from_ms(since)));
        }
        let mark = place.last_mark.map(|mark| mark - overlap);
        since.max(mark).map(|at| (name, Timestamp::from_ms(at)))
    }

    /// Where the page after this one is.
    pub(super) fn next(&self, answer: &Response, leaf: &Leaf, n_elements: usize) -> Option<Next> {
        let skipped = if let Some(Next::Skip(skipped)) = leaf.next { skipped } else { 0 };
        match self.paging {
            Paging::None => None,
            Paging::Token => super::answer::token(answer),
            Paging::Skip => (u64::try_from(n_elements).ok()? >= PAGE).then_some(Next::Skip(skipped + PAGE)),
        }
    }

    /// The records of an answer, for the host to cut.
    pub(super) fn extract<C>(&self, answer: Response, scope: &str) -> Page<C> {
        let (project, repository) = split(scope);
        let origin = Origin::of(project);
        let (origin, prefix) = match (repository, self.dataset) {
            (Some(repository), "pulls") => (origin.repository(repository), format!("{scope}!")),
            (Some(repository), _) => (origin.repository(repository), format!("{scope}/")),
            (None, "repositories") => (origin, String::new()),
            (None, _) => (origin, format!("{project}/")),
        };
        let page = Page::extract(answer, "/value").key(self.key).key_prefix(&prefix).context(&origin);
        self.version.into_iter().fold(page, Page::version)
    }
}

/// Whether a pass over pull requests reads only what may have changed; the first one has nothing to go by.
fn is_by_legs(place: &Place) -> bool {
    place.last_mark.is_some()
}

/// The project of a scope, and the repository if it is one's.
pub(super) fn split(scope: &str) -> (&str, Option<&str>) {
    scope.split_once('/').map_or((scope, None), |(project, repository)| (project, Some(repository)))
}

/// Path of a project, or of a repository in it.
pub(super) fn base(of: Of, scope: &str) -> String {
    match (of, split(scope)) {
        (Of::Repository, (project, Some(repository))) => {
            address::path([project, "_apis", "git", "repositories", repository])
        }
        (_, (project, _)) => address::path([project]),
    }
}
