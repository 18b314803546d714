//! Listings of the REST API: one line per dataset, one way to read them all.

use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;
use weir_sdk::walk::Then;

use super::{Head, Leaf, PAGE, Place, Position, Read, runs};
use crate::origin::Origin;
use crate::settings::Settings;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How a dataset is listed in each repository.
pub(super) struct Listing {
    pub(super) dataset: &'static str,
    /// Path below the repository; empty for the repository itself.
    path: &'static [&'static str],
    query: &'static [(&'static str, &'static str)],
    /// Whether GitHub takes `since`.
    takes_since: bool,
    /// Pointer to the key, and what stands between repository and key; none when the key is unique by itself.
    key: (&'static str, Option<&'static str>),
    version: Option<&'static str>,
    /// Pointer to the time the listing is sorted by, newest first; none when it is not.
    pub(super) sorted_by: Option<&'static str>,
    /// How far before the last mark to read again, in milliseconds.
    overlap: i64,
}

const NEWEST_CHANGE_FIRST: &[(&str, &str)] = &[("sort", "updated"), ("direction", "desc")];
const ALL_NEWEST_CHANGE_FIRST: &[(&str, &str)] = &[("state", "all"), ("sort", "updated"), ("direction", "desc")];

const fn by_change(dataset: &'static str, path: &'static [&'static str]) -> Listing {
    Listing {
        dataset,
        path,
        query: NEWEST_CHANGE_FIRST,
        takes_since: true,
        key: ("/id", None),
        version: Some("/updated_at"),
        sorted_by: Some("/updated_at"),
        overlap: MINUTE,
    }
}

pub(super) const LISTINGS: &[Listing] = &[
    Listing { query: &[], sorted_by: None, ..by_change("repositories", &[]) },
    Listing {
        query: &[],
        key: ("/sha", Some("/")),
        version: Some("/commit/committer/date"),
        sorted_by: Some("/commit/committer/date"),
        // A commit may be pushed long after it was committed.
        overlap: DAY,
        ..by_change("commits", &["commits"])
    },
    Listing {
        query: ALL_NEWEST_CHANGE_FIRST,
        takes_since: false,
        key: ("/number", Some("#")),
        ..by_change("pulls", &["pulls"])
    },
    Listing { query: ALL_NEWEST_CHANGE_FIRST, key: ("/number", Some("#")), ..by_change("issues", &["issues"]) },
    by_change("issue-comments", &["issues", "comments"]),
    by_change("review-comments", &["pulls", "comments"]),
    Listing {
        query: &[],
        takes_since: false,
        sorted_by: Some("/created_at"),
        // Runs are listed by creation; one may be repeated some hours after. Later repeats come by webhook or full pass.
        overlap: 6 * HOUR,
        ..by_change("workflow-runs", &["actions", "runs"])
    },
    Listing {
        query: &[],
        takes_since: false,
        sorted_by: Some("/created_at"),
        // Statuses follow a deployment for a while, and each makes it newer without moving it up the list.
        overlap: DAY,
        ..by_change("deployments", &["deployments"])
    },
    Listing {
        query: &[],
        takes_since: false,
        sorted_by: Some("/published_at"),
        overlap: 7 * DAY,
        ..by_change("releases", &["releases"])
    },
    Listing {
        query: &[],
        takes_since: false,
        key: ("/name", Some("/")),
        version: None,
        sorted_by: None,
        ..by_change("tags", &["tags"])
    },
];

impl Listing {
    /// The request for a page. Only the first may come back as "nothing changed": of the newest changes that says all.
    pub(super) fn request<'r>(&self, run: &'r Run<Settings>, place: &Place) -> Call<'r> {
        if let Some(link) = &place.page.link {
            return run.follow(link);
        }
        let call = run.get(path(&place.scope, self.path));
        if self.path.is_empty() {
            return call.conditional(run.is_incremental());
        }
        let call = self.query.iter().fold(call, |call, (name, value)| call.query(name, value));
        let call = match self.floor(run, place).filter(|_| self.takes_since) {
            Some(floor) => call.query("since", instant(floor)),
            None => call,
        };
        call.query("per_page", PAGE).conditional(run.is_incremental())
    }

    /// The oldest time to read down to, in milliseconds.
    pub(super) fn floor(&self, run: &Run<Settings>, place: &Place) -> Option<i64> {
        let read = place.last_mark.map(|mark| mark - self.overlap);
        run.floor(run.settings.since).max(read)
    }

    /// The page an answer brings, and where to go on.
    pub(super) fn page(&self, run: &Run<Settings>, answer: Response, place: Place) -> Result<Read, Failure> {
        let floor = self.floor(run, &place);
        let next = answer.next_link();
        let (page, times) = match self.dataset {
            "repositories" => (one_repository(&answer)?, Times::default()),
            "workflow-runs" => runs::page(run, &answer, &place.scope)?,
            _ => {
                let times = self.times(&answer)?;
                (self.extract(answer, &place.scope), times)
            }
        };
        let mut newest = place.page.newest;
        if place.page.link.is_none() {
            newest.see(times.newest);
        }
        newest.hold_back(times.unfinished);
        let below_floor = floor.zip(times.oldest).is_some_and(|(floor, oldest)| oldest < floor);
        let next = next.filter(|_| !below_floor).map(|link| Leaf { link: Some(link), newest });
        Ok((page, Then::next_or_leave(next, newest.mark())))
    }

    fn extract(&self, answer: Response, repository: &str) -> Page<Position> {
        let (key, separator) = self.key;
        let prefix = separator.map(|separator| format!("{repository}{separator}")).unwrap_or_default();
        let page = Page::extract(answer, "").key(key).key_prefix(&prefix).context(&Origin::of(repository));
        self.version.into_iter().fold(page, Page::version)
    }

    /// The newest and the oldest time of a page, looked up on the host.
    fn times(&self, answer: &Response) -> Result<Times, Failure> {
        let Some(time) = self.sorted_by else { return Ok(Times::default()) };
        let at = |index: &str| -> Result<Option<i64>, Failure> {
            let found: Option<Timestamp> = answer.pointer(&format!("/{index}{time}"))?;
            Ok(found.map(Timestamp::ms))
        };
        let newest = at("0")?;
        // A page that is not full is the last one anyway.
        Ok(Times { newest, oldest: at("99")?.or(newest), unfinished: None })
    }
}

/// What a page says about times, in milliseconds.
#[derive(Default)]
pub(super) struct Times {
    pub(super) newest: Option<i64>,
    pub(super) oldest: Option<i64>,
    /// Creation of the oldest element that is not over.
    pub(super) unfinished: Option<i64>,
}

/// Path of a repository, and of what lies below it.
pub(super) fn path(repository: &str, below: &[&str]) -> String {
    let (owner, name) = repository.split_once('/').unwrap_or_default();
    address::path(["repos", owner, name].into_iter().chain(below.iter().copied()))
}

/// GitHub's spelling: whole seconds.
fn instant(ms: i64) -> String {
    Timestamp::from_ms(ms - ms.rem_euclid(1_000)).to_string().replace(".000Z", "Z")
}

/// A repository is a document of its own, so there is nothing for the host to cut.
fn one_repository(answer: &Response) -> Result<Page<Position>, Failure> {
    if answer.unchanged() {
        return Ok(Page::empty());
    }
    let text = answer.text()?;
    let head =
        Head::read(&text).map_err(|error| Failure::transient("github.repository.unreadable", error.to_string()))?;
    let id = head
        .id
        .quietly()
        .ok_or_else(|| Failure::transient("github.repository.unreadable", "the repository has no id"))?;
    let record = RawRecord::upsert(id.to_string(), text.as_bytes()).version(head.version("repositories"));
    Ok(Page::records(vec![record]))
}
