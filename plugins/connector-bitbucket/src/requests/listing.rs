//! The listings of a repository: one line per dataset and product, four ways through them.

use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;

use super::answer::{Head, Time};
use super::{Next, Place};
use crate::origin::Origin;
use crate::settings::{Deployment, Settings};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Elements of one page of Bitbucket Server, which gives at most a thousand.
pub(super) const SERVER_PAGE: &str = "100";

/// How a dataset is listed in each repository.
pub(super) struct Listing {
    pub(super) dataset: &'static str,
    /// Path below the repository; empty for the repository itself.
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
    /// Pointer to the key, and what stands between repository and key; none when the key is unique by itself.
    key: (&'static str, Option<&'static str>),
    version: Option<&'static str>,
    pub(super) way: Way,
    /// Whether a repository may do without: a feature that is switched off answers like something that is not there.
    pub(super) optional: bool,
}

/// In what order a listing is read and where it stops.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// From the first page to the last.
    Whole,
    /// Newest first, down to the mark less the overlap.
    NewestFirst(Order),
    /// Oldest change first, each page asked for by the last change of the one before. So what is changed meanwhile comes
    /// later in the same pass, and nothing moves from one page to another.
    ByChange,
    /// History of the default branch from its head, down to the head of the last pass.
    History,
}

/// What [`Way::NewestFirst`] goes by.
#[derive(Clone, Copy)]
pub(super) struct Order {
    /// Time the listing is sorted by.
    pub(super) time: Time,
    /// End of an element; one that has none yet is read again in the next pass. None where nothing ends.
    pub(super) end: Option<Time>,
    /// How far before the mark to read again, in milliseconds.
    overlap: i64,
}

impl Order {
    /// When something began that is not over, in milliseconds.
    pub(super) fn unfinished(self, head: &Head<'_>) -> Option<i64> {
        let end = self.end?;
        if head.at(end).is_none() { head.at(self.time) } else { None }
    }
}

impl Listing {
    const fn new(dataset: &'static str, path: &'static str, way: Way) -> Self {
        Self { dataset, path, query: &[], key: ("/uuid", None), version: None, way, optional: false }
    }
}

/// Every state; left out, only open ones are listed.
const PULLS: &[(&str, &str)] = &[
    ("state", "OPEN"),
    ("state", "MERGED"),
    ("state", "DECLINED"),
    ("state", "SUPERSEDED"),
    ("fields", "+values.participants,+values.reviewers"),
    ("pagelen", "50"),
];

const PIPELINES: Way = Way::NewestFirst(Order { time: Time::Created, end: Some(Time::Completed), overlap: 6 * HOUR });
const DEPLOYMENTS: Way = Way::NewestFirst(Order { time: Time::Started, end: Some(Time::Deployed), overlap: DAY });
/// By the commit, for a tag has no time of its own.
const TAGS: Way = Way::NewestFirst(Order { time: Time::Tagged, end: None, overlap: 30 * DAY });
const SERVER_PULLS: Way = Way::NewestFirst(Order { time: Time::Updated, end: None, overlap: MINUTE });

const CLOUD: &[Listing] = &[
    Listing { version: Some("/updated_on"), ..Listing::new("repositories", "", Way::Whole) },
    Listing {
        query: &[("pagelen", "100")],
        key: ("/hash", Some("/")),
        version: Some("/date"),
        ..Listing::new("commits", "commits", Way::History)
    },
    Listing {
        query: PULLS,
        key: ("/id", Some("#")),
        version: Some("/updated_on"),
        ..Listing::new("pulls", "pullrequests", Way::ByChange)
    },
    Listing {
        query: &[("sort", "-created_on"), ("pagelen", "100")],
        optional: true,
        ..Listing::new("pipelines", "pipelines/", PIPELINES)
    },
    Listing {
        query: &[
            ("sort", "-state.started_on"),
            ("fields", "+values.environment.name,+values.environment.environment_type.name"),
            ("pagelen", "100"),
        ],
        version: Some("/last_update_time"),
        optional: true,
        ..Listing::new("deployments", "deployments/", DEPLOYMENTS)
    },
    Listing {
        query: &[("pagelen", "100")],
        key: ("/id", Some("#")),
        version: Some("/updated_on"),
        optional: true,
        ..Listing::new("issues", "issues", Way::ByChange)
    },
    Listing {
        query: &[("sort", "-target.date"), ("pagelen", "100")],
        key: ("/name", Some("/")),
        ..Listing::new("tags", "refs/tags", TAGS)
    },
];

const SERVER: &[Listing] = &[
    Listing { key: ("/id", None), ..Listing::new("repositories", "", Way::Whole) },
    Listing {
        query: &[("limit", SERVER_PAGE)],
        key: ("/id", Some("/")),
        version: Some("/committerTimestamp"),
        ..Listing::new("commits", "commits", Way::History)
    },
    Listing {
        query: &[("state", "ALL"), ("order", "NEWEST"), ("limit", SERVER_PAGE)],
        key: ("/id", Some("#")),
        version: Some("/updatedDate"),
        ..Listing::new("pulls", "pull-requests", SERVER_PULLS)
    },
    Listing {
        query: &[("orderBy", "ALPHABETICAL"), ("limit", SERVER_PAGE)],
        key: ("/displayId", Some("/")),
        ..Listing::new("tags", "tags", Way::Whole)
    },
];

/// The listing of a dataset; none where the product has no such thing.
pub(super) fn find(deployment: Deployment, dataset: &str) -> Option<&'static Listing> {
    let listings = match deployment {
        Deployment::Cloud => CLOUD,
        Deployment::Server => SERVER,
    };
    listings.iter().find(|listing| listing.dataset == dataset)
}

/// Path of a repository, and of what lies below it.
pub(super) fn path(deployment: Deployment, repository: &str, below: &str) -> String {
    let (owner, slug) = repository.split_once('/').unwrap_or_default();
    let repository = match deployment {
        Deployment::Cloud => address::path(["repositories", owner, slug]),
        Deployment::Server => address::path(["rest", "api", "1.0", "projects", owner, "repos", slug]),
    };
    if below.is_empty() { repository } else { format!("{repository}/{below}") }
}

/// The bounds of a way through one repository.
#[derive(Default)]
pub(super) struct Bounds {
    /// Nothing older is asked for, in milliseconds.
    pub(super) since: Option<i64>,
    /// Whether the mark of the last pass counts.
    pub(super) is_incremental: bool,
    /// Branch that history is read of, where the tool must be told.
    pub(super) branch: Option<String>,
}

impl Listing {
    /// Whether the repository itself is read.
    pub(super) fn is_one_repository(&self) -> bool {
        self.path.is_empty()
    }

    /// The request for a page.
    pub(super) fn request<'r>(
        &self,
        run: &'r Run<Settings>,
        deployment: Deployment,
        place: &Place,
        bounds: &Bounds,
    ) -> Call<'r> {
        if let Some(Next::Link(link)) = &place.page.next {
            return run.follow(link);
        }
        let call = run.get(path(deployment, &place.scope, self.path));
        let call = self.query.iter().fold(call, |call, (name, value)| call.query(name, value));
        let call = self.bounded(call, deployment, place, bounds);
        match place.page.next {
            Some(Next::Start(start)) => call.query("start", start.to_string()),
            _ => call,
        }
    }

    fn bounded<'r>(&self, call: Call<'r>, deployment: Deployment, place: &Place, bounds: &Bounds) -> Call<'r> {
        let known = place.last_mark.as_ref();
        match (self.way, deployment) {
            (Way::Whole | Way::NewestFirst(_), _) => call,
            (Way::ByChange, _) => {
                let call = call.query("sort", "updated_on");
                match Self::changed_since(place, bounds) {
                    Some(since) => call.query("q", format!("updated_on>=\"{since}\"")),
                    None => call,
                }
            }
            (Way::History, Deployment::Cloud) => {
                let call = bounds.branch.iter().fold(call, |call, branch| call.query("include", branch));
                known.into_iter().fold(call, |call, head| call.query("exclude", head))
            }
            (Way::History, Deployment::Server) => {
                let call = known.into_iter().fold(call, |call, head| call.query("since", head));
                // Later pages begin at the same head, so that a push meanwhile moves nothing.
                let head = place.page.mark.as_ref().filter(|_| place.page.next.is_some());
                head.into_iter().fold(call, |call, head| call.query("until", head))
            }
        }
    }

    /// From which change on [`Way::ByChange`] asks.
    pub(super) fn changed_since(place: &Place, bounds: &Bounds) -> Option<String> {
        if let Some(Next::After(after)) = &place.page.next {
            return Some(after.clone());
        }
        let mark =
            place.last_mark.as_ref().and_then(|mark| mark.parse::<Timestamp>().ok()).map(|mark| mark.ms() - MINUTE);
        bounds.since.max(mark).map(|ms| Timestamp::from_ms(ms).to_string())
    }

    /// Down to which time [`Way::NewestFirst`] and [`Way::History`] read, in milliseconds.
    pub(super) fn floor(&self, place: &Place, bounds: &Bounds) -> Option<i64> {
        let Way::NewestFirst(order) = self.way else { return bounds.since };
        let last_mark = || place.last_mark.as_ref()?.parse().ok();
        let mark: Option<i64> = if place.page.again { place.page.newest.seen() } else { last_mark() };
        bounds.since.max(mark.map(|mark| mark - order.overlap))
    }

    /// The records of an answer, for the host to cut.
    pub(super) fn extract<C>(&self, answer: Response, deployment: Deployment, repository: &str) -> Page<C> {
        let (key, separator) = self.key;
        let prefix = separator.map(|separator| format!("{repository}{separator}")).unwrap_or_default();
        let (items, repository) = if self.is_one_repository() { ("", "") } else { ("/values", repository) };
        let page = Page::extract(answer, items).key(key).key_prefix(&prefix);
        let page = page.context(&Origin::of(deployment, repository));
        self.version.into_iter().fold(page, Page::version)
    }
}
