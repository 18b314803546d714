//! Listings of the REST API: one line per dataset, one way to read them all.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;

use super::position::Place;
use super::{Head, PAGE, Position, page_or_end, runs};
use crate::origin::{Origin, number_after};
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
    pub(super) fn request<'r>(&self, run: &'r Run<Settings>, place: &Place) -> Result<Call<'r>, Failure> {
        if let Some(link) = &place.link {
            return Ok(run.follow(link));
        }
        let (owner, name) = place.repository.split_once('/').unwrap_or_default();
        let path = address::path(["repos", owner, name].into_iter().chain(self.path.iter().copied()));
        if self.path.is_empty() {
            return Ok(run.get(path).conditional(run.is_incremental()));
        }
        let call = self.query.iter().fold(run.get(path), |call, (name, value)| call.query(name, value));
        let call = match self.floor(run, place).filter(|_| self.takes_since) {
            Some(floor) => call.query("since", instant(floor)),
            None => call,
        };
        Ok(call.query("per_page", PAGE).conditional(run.is_incremental()))
    }

    /// The oldest time to read down to, in milliseconds.
    pub(super) fn floor(&self, run: &Run<Settings>, place: &Place) -> Option<i64> {
        let read = place.last_mark.filter(|_| run.is_incremental()).map(|mark| mark - self.overlap);
        run.floor(run.settings.since).max(read)
    }

    /// The page an answer brings, and where to go on.
    pub(super) fn page(
        &self,
        run: &Run<Settings>,
        answer: Response,
        mut place: Place,
        mut position: Position,
        repositories: &[String],
    ) -> Result<Page<Position>, Failure> {
        let repository = place.repository.clone();
        let floor = self.floor(run, &place);
        let next = answer.next_link();
        let (page, read) = match self.dataset {
            "repositories" => (one_repository(&answer)?, Read::default()),
            "workflow-runs" => runs::page(run, &answer, &repository)?,
            _ => {
                let read = self.read(&answer)?;
                (self.extract(answer, &repository), read)
            }
        };
        if place.link.is_none() {
            place.mark = read.newest.or(place.last_mark);
        }
        place.remember_unfinished(read.unfinished);
        let below_floor = floor.zip(read.oldest).is_some_and(|(floor, oldest)| oldest < floor);
        if let Some(link) = next.filter(|_| !below_floor) {
            position.turn(place, link);
        } else {
            position.mark(place);
            position.leave(repositories);
        }
        Ok(page_or_end(page, position))
    }

    fn extract(&self, answer: Response, repository: &str) -> Page<Position> {
        let (key, separator) = self.key;
        let prefix = separator.map(|separator| format!("{repository}{separator}")).unwrap_or_default();
        let page = Page::extract(answer, "").key(key).key_prefix(&prefix).context(&Origin::of(repository));
        self.version.into_iter().fold(page, Page::version)
    }

    /// The newest and the oldest time of a page, looked up on the host.
    fn read(&self, answer: &Response) -> Result<Read, Failure> {
        let Some(time) = self.sorted_by else { return Ok(Read::default()) };
        let at = |index: &str| -> Result<Option<i64>, Failure> {
            let found: Option<Timestamp> = answer.pointer(&format!("/{index}{time}"))?;
            Ok(found.map(Timestamp::ms))
        };
        let newest = at("0")?;
        // A page that is not full is the last one anyway.
        Ok(Read { newest, oldest: at("99")?.or(newest), unfinished: None })
    }
}

/// What a page says about times, in milliseconds.
#[derive(Default)]
pub(super) struct Read {
    pub(super) newest: Option<i64>,
    pub(super) oldest: Option<i64>,
    /// Creation of the oldest element that is not over.
    pub(super) unfinished: Option<i64>,
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

/// Goes on to the next page of a listing, or ends the pass.
pub(super) fn follow_or_end(page: Page<Position>, next: Option<String>) -> Page<Position> {
    match next {
        Some(link) => page.next(Position::at_link(link)),
        None => page.done_at(Position::default()),
    }
}

/// A page of what lies under a pull request, a run or a deployment.
pub(super) fn child(run: &Run<Settings>, position: &Position) -> Result<Page<Position>, Failure> {
    let parent = Parent::of(run)?;
    let call = match position.link() {
        Some(link) => run.follow(link),
        None => run.get(parent.path(&run.dataset)).query("per_page", PAGE),
    };
    let answer = call.send()?;
    let next = answer.next_link();
    let page = match run.dataset.as_str() {
        "jobs" => jobs(&answer, &parent)?,
        "pull-commits" => {
            let prefix = format!("{}/", parent.origin.numbered(parent.id));
            let page = Page::extract(answer, "").key("/sha").key_prefix(&prefix).version("/commit/committer/date");
            page.context(&parent.origin.pull(parent.id))
        }
        "reviews" => Page::extract(answer, "").version("/submitted_at").context(&parent.origin.pull(parent.id)),
        _ => Page::extract(answer, "").version("/created_at").context(&parent.origin.deployment(parent.id)),
    };
    Ok(follow_or_end(page, next))
}

/// Jobs are cut here and not by the host, for their version is the latest of three times.
fn jobs(answer: &Response, parent: &Parent) -> Result<Page<Position>, Failure> {
    #[derive(Deserialize)]
    struct Jobs<'a> {
        #[serde(borrow)]
        jobs: Vec<&'a RawValue>,
    }
    let text = answer.text()?;
    let unreadable = |error: serde_json::Error| Failure::transient("github.jobs.unreadable", error.to_string());
    let mut records = Vec::new();
    for job in serde_json::from_str::<Jobs<'_>>(&text).map_err(unreadable)?.jobs {
        let head = Head::read(job.get()).map_err(unreadable)?;
        let id = head.id.quietly().map(u64::to_string);
        let record = id.map_or_else(|| RawRecord::unreadable(job.get()), |id| RawRecord::upsert(id, job.get()));
        records.push(record.version(head.version("jobs")).context(&parent.origin));
    }
    Ok(Page::records(records))
}

/// The record a child dataset is read under.
struct Parent {
    origin: Origin<'static>,
    /// Number of the pull request, id of the run or deployment.
    id: u64,
    attempt: u64,
}

impl Parent {
    fn of(run: &Run<Settings>) -> Result<Self, Failure> {
        let missing =
            || Failure::internal("github.parent", format!("`{}` is read under a record it does not know", run.dataset));
        let parent = run.parent.as_ref().ok_or_else(missing)?;
        let origin: Origin<'_> =
            parent.context.as_deref().and_then(|json| serde_json::from_str(json).ok()).ok_or_else(missing)?;
        let (id, attempt) = match parent.key.split_once('/').filter(|_| run.dataset == "jobs") {
            Some((id, attempt)) => (id.parse().ok(), attempt.parse().ok()),
            None => (parent.key.parse().ok().or_else(|| number_after(&parent.key, "#")), Some(1)),
        };
        let origin = Origin::of(origin.repository.into_owned());
        Ok(Self { origin, id: id.ok_or_else(missing)?, attempt: attempt.ok_or_else(missing)? })
    }

    fn path(&self, dataset: &str) -> String {
        let (owner, name) = self.origin.repository.split_once('/').unwrap_or_default();
        let (id, attempt) = (self.id.to_string(), self.attempt.to_string());
        let below: &[&str] = match dataset {
            "pull-commits" => &["pulls", &id, "commits"],
            "reviews" => &["pulls", &id, "reviews"],
            "jobs" => &["actions", "runs", &id, "attempts", &attempt, "jobs"],
            _ => &["deployments", &id, "statuses"],
        };
        address::path(["repos", owner, name].into_iter().chain(below.iter().copied()))
    }
}
