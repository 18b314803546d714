//! Listings of the REST API: one line per dataset, one way to read them all.
//!
//! What can be is read by time of change, oldest first, and each page begins at the newest change of the one before. So
//! what changes while a pass runs moves to the end and is read there, and what is deleted shifts nothing: pages by
//! number would lose what slips to a page already read, and grow slower the deeper they lie.

use serde::Deserialize;
use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;
use weir_sdk::walk::Then;

use super::{Leaf, PAGE, Place, Position, Read, deployments, pipelines, projects};
use crate::origin::Origin;
use crate::settings::Settings;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// How a dataset is listed in each project.
pub(super) struct Listing {
    pub(super) dataset: &'static str,
    /// Part of a project that can be turned off, as settings of projects name it.
    pub(super) feature: &'static str,
    /// Path below the project; empty for the project itself.
    path: &'static [&'static str],
    query: &'static [(&'static str, &'static str)],
    order: Order,
    /// Pointer to the key, and what stands between project and key; none when the key is unique by itself.
    key: (&'static str, Option<&'static str>),
    version: Option<&'static str>,
}

/// What GitLab lets us ask for.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    /// By time of change, from a time on.
    Changed,
    /// From a time on, newest first.
    Newest,
    /// All of it, newest first: an unchanged first page says all.
    WholeNewest,
    /// All of it.
    Whole,
}

const CHANGED_FIRST: &[(&str, &str)] = &[("order_by", "updated_at"), ("sort", "asc"), ("per_page", PAGE)];

const fn by_change(dataset: &'static str, feature: &'static str, path: &'static [&'static str]) -> Listing {
    Listing {
        dataset,
        feature,
        path,
        query: CHANGED_FIRST,
        order: Order::Changed,
        key: ("/id", None),
        version: Some("/updated_at"),
    }
}

const fn whole(dataset: &'static str, feature: &'static str, path: &'static [&'static str]) -> Listing {
    Listing { query: &[("per_page", PAGE)], order: Order::Whole, version: None, ..by_change(dataset, feature, path) }
}

pub(super) const LISTINGS: &[Listing] = &[
    Listing {
        query: &[
            ("include_subgroups", "true"),
            ("with_shared", "false"),
            ("order_by", "last_activity_at"),
            ("sort", "desc"),
            ("per_page", PAGE),
        ],
        order: Order::WholeNewest,
        version: Some("/last_activity_at"),
        ..whole("projects", "", &[])
    },
    whole("members", "", &["members", "all"]),
    Listing {
        query: &[("with_stats", "true"), ("per_page", PAGE)],
        order: Order::Newest,
        key: ("/id", Some("/")),
        version: Some("/committed_date"),
        ..by_change("commits", "repository", &["repository", "commits"])
    },
    Listing { key: ("/iid", Some("!")), ..by_change("merge-requests", "merge_requests", &["merge_requests"]) },
    // Each is asked for alone, and that many at once.
    Listing {
        query: &[("order_by", "updated_at"), ("sort", "asc"), ("per_page", "50")],
        ..by_change("pipelines", "builds", &["pipelines"])
    },
    by_change("deployments", "environments", &["deployments"]),
    Listing { key: ("/iid", Some("#")), ..by_change("issues", "issues", &["issues"]) },
    Listing {
        query: &[("order_by", "released_at"), ("sort", "desc"), ("per_page", PAGE)],
        order: Order::WholeNewest,
        key: ("/tag_name", Some("@")),
        ..whole("releases", "releases", &["releases"])
    },
    Listing {
        query: &[("order_by", "updated"), ("sort", "desc"), ("per_page", PAGE)],
        order: Order::WholeNewest,
        key: ("/name", Some("@")),
        ..whole("tags", "repository", &["repository", "tags"])
    },
];

impl Listing {
    /// The request for a page.
    pub(super) fn request<'r>(&self, run: &'r Run<Settings>, place: &Place) -> Call<'r> {
        if let Some(link) = &place.page.link {
            return run.follow(link);
        }
        let (root, project) = match place.scope.strip_suffix("/*") {
            Some(group) => (address::path(["groups", group, "projects"]), false),
            None => (address::path(["projects", place.scope.as_str()]), self.path.is_empty()),
        };
        if project {
            return run.get(root).conditional(run.is_incremental());
        }
        let path = root + &address::path(self.path.iter().copied());
        let call = self.query.iter().fold(run.get(path), |call, (name, value)| call.query(name, value));
        let since = match self.order {
            Order::Changed => "updated_after",
            Order::Newest => "since",
            Order::WholeNewest => return call.conditional(run.is_incremental()),
            Order::Whole => return call,
        };
        match self.floor(run, place) {
            Some(floor) => call.query(since, Timestamp::from_ms(floor).to_string()),
            None => call,
        }
    }

    /// The change to begin at, in milliseconds.
    fn floor(&self, run: &Run<Settings>, place: &Place) -> Option<i64> {
        // A commit may be pushed long after it was committed; a change may be written a moment after its time.
        let overlap = if self.order == Order::Newest { DAY } else { MINUTE };
        let read = place.last_mark.map(|mark| mark - overlap);
        run.floor(run.settings.since).max(read).max(place.page.floor)
    }

    /// The page an answer brings, and where to go on.
    pub(super) fn page(&self, run: &Run<Settings>, answer: Response, place: Place) -> Result<Read, Failure> {
        if let Some(group) = place.scope.strip_suffix("/*")
            && is_empty(&answer)?
        {
            return Err(projects::unseen(group));
        }
        let next = answer.next_link();
        let newest = if self.is_timed() { newest(&answer)? } else { None };
        let floor = self.floor(run, &place);
        let page = self.cut(run, answer, &place.scope)?;
        let mark = place.page.mark.max(newest);
        let next = next.map(|link| self.following(Leaf { mark, ..place.page }, link, newest, floor));
        Ok((page, Then::next_or_leave(next, mark)))
    }

    /// The next page: from the newest change on, and by its link only where a whole page is of one moment.
    fn following(&self, leaf: Leaf, link: String, newest: Option<i64>, floor: Option<i64>) -> Leaf {
        // A millisecond earlier, for "after" does not tell whether the moment itself is meant.
        let from = newest.map(|newest| newest - 1).filter(|from| floor.is_none_or(|floor| *from > floor));
        match from.filter(|_| self.order == Order::Changed) {
            Some(from) => Leaf { floor: Some(from), link: None, ..leaf },
            None => Leaf { link: Some(link), ..leaf },
        }
    }

    fn is_timed(&self) -> bool {
        matches!(self.order, Order::Changed | Order::Newest)
    }

    fn cut(&self, run: &Run<Settings>, answer: Response, project: &str) -> Result<Page<Position>, Failure> {
        match self.dataset {
            "pipelines" => return pipelines::page(run, &answer, project),
            "deployments" => return deployments::page(run, &answer, project),
            _ => {}
        }
        let (key, separator) = self.key;
        let prefix = separator.map(|separator| format!("{project}{separator}")).unwrap_or_default();
        let page = Page::extract(answer, "").key(key).key_prefix(&prefix);
        let page = self.version.into_iter().fold(page, Page::version);
        // A project names itself, and a member may be one of several projects.
        let is_placed = !matches!(self.dataset, "projects" | "members");
        Ok(if is_placed { page.context(&Origin::of(project)) } else { page })
    }
}

fn is_empty(answer: &Response) -> Result<bool, Failure> {
    let first: Option<serde_json::Value> = answer.pointer("/0")?;
    Ok(first.is_none() && !answer.unchanged())
}

/// Time of the newest element of a page, in milliseconds.
fn newest(answer: &Response) -> Result<Option<i64>, Failure> {
    #[derive(Deserialize)]
    struct Stamp {
        #[serde(default, alias = "committed_date")]
        updated_at: Instant,
    }
    if answer.unchanged() {
        return Ok(None);
    }
    let stamps: Vec<Stamp> = answer.json()?;
    Ok(stamps.iter().filter_map(|stamp| stamp.updated_at.quietly()).map(|time| time.ms()).max())
}
