//! From a position to requests. Listings give what is newest first, and are read down to the mark of the last pass: what
//! is added meanwhile only comes again.

use std::rc::Rc;

use serde::Deserialize;
use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;
use weir_sdk::walk::Then;

use crate::entities::Origin;
use crate::position::{Leaf, Place, Position, Read};
use crate::settings::Settings;

/// Elements of one page; the most an instance gives unless told otherwise.
const PAGE: &str = "50";

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// What can be read.
pub(crate) const DATASETS: &[Dataset] = &[
    Dataset::new("repositories", &["repository"]),
    Dataset::new("commits", &["commit", "person"]),
    Dataset::new("pulls", &["change"]),
    Dataset::new("reviews", &["review"]).full_only().under("pulls"),
    Dataset::new("issues", &["work-item"]),
    // Instances drop old runs by themselves.
    Dataset::new("tasks", &["build"]).rotating(),
    Dataset::new("releases", &["artifact"]),
    Dataset::new("tags", &["commit"]),
];

/// How a dataset is listed in each repository.
struct Listing {
    dataset: &'static str,
    path: &'static [&'static str],
    query: &'static [(&'static str, &'static str)],
    /// Pointer to the elements.
    items: &'static str,
    /// Pointer to the key, and what stands between repository and key.
    key: (&'static str, &'static str),
    version: Option<&'static str>,
    /// How far before the last mark to read again, in milliseconds; none where the order does not follow a time.
    overlap: Option<i64>,
}

const LISTINGS: &[Listing] = &[
    listing("repositories", &[], "/id"),
    Listing {
        version: Some("/commit/committer/date"),
        // A commit may be pushed long after it was committed.
        overlap: Some(DAY),
        ..listing("commits", &["commits"], "/sha")
    },
    Listing {
        query: &[("state", "all"), ("sort", "recentupdate")],
        key: ("/number", "#"),
        overlap: Some(MINUTE),
        ..listing("pulls", &["pulls"], "")
    },
    Listing {
        query: &[("state", "all"), ("type", "issues")],
        key: ("/number", "#"),
        ..listing("issues", &["issues"], "")
    },
    Listing {
        items: "/workflow_runs",
        overlap: Some(6 * 60 * MINUTE),
        ..listing("tasks", &["actions", "tasks"], "/id")
    },
    Listing { version: None, overlap: Some(7 * DAY), ..listing("releases", &["releases"], "/tag_name") },
    Listing { version: None, ..listing("tags", &["tags"], "/name") },
];

const fn listing(dataset: &'static str, path: &'static [&'static str], key: &'static str) -> Listing {
    Listing { dataset, path, query: &[], items: "", key: (key, "@"), version: Some("/updated_at"), overlap: None }
}

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    if run.dataset == "reviews" {
        return position.step_whole(run, |place| reviews(run, &place));
    }
    let listing = LISTINGS.iter().find(|listing| listing.dataset == run.dataset);
    let listing = listing.ok_or_else(|| run.unknown_dataset())?;
    position.step(run, &repositories(run)?, |place| match listing.request(run, &place).send() {
        Err(refused) if refused.kind == FailureKind::Gone => Ok((Page::empty(), lacks(run, &place.scope, refused)?)),
        answer => listing.page(answer?, &place),
    })
}

/// A repository that is there and has no such listing has nothing to read: issues and Actions can be switched off, and an
/// empty one has no commits.
fn lacks(run: &Run<Settings>, repository: &str, refused: Failure) -> Result<Then<Leaf>, Failure> {
    let is_there = match run.get(path(repository, &[])).send() {
        Err(failure) if failure.kind == FailureKind::Gone => false,
        own => own?.pointer::<String>("/full_name")?.is_some(),
    };
    let lacks = is_there && run.dataset != "repositories";
    Ok(if lacks { Then::Leave(None) } else { Then::PutOff(refused) })
}

fn path(repository: &str, below: &[&str]) -> String {
    let (owner, name) = repository.split_once('/').unwrap_or_default();
    address::path(["repos", owner, name].into_iter().chain(below.iter().copied()))
}

impl Listing {
    fn request<'r>(&self, run: &'r Run<Settings>, place: &Place) -> Call<'r> {
        if let Some(link) = &place.page.link {
            return run.follow(link);
        }
        let call = self
            .query
            .iter()
            .fold(run.get(path(&place.scope, self.path)), |call, (name, value)| call.query(name, value));
        // Issues come by creation, but can be asked for by change.
        let since = self.floor(place).filter(|_| self.dataset == "issues");
        let call = since.into_iter().fold(call, |call, ms| call.query("since", Timestamp::from_ms(ms).to_string()));
        if self.path.is_empty() { call } else { call.query("limit", PAGE) }
    }

    /// The oldest change to read down to, in milliseconds.
    fn floor(&self, place: &Place) -> Option<i64> {
        place.last_mark.map(|mark| mark - self.overlap.unwrap_or(MINUTE))
    }

    fn page(&self, answer: Response, place: &Place) -> Result<Read, Failure> {
        let stamps = if self.path.is_empty() { Vec::new() } else { self.stamps(&answer)? };
        let times = || stamps.iter().filter_map(Stamp::ms);
        let mut newest = place.page.newest;
        newest.see(times());
        newest.hold_back(stamps.iter().filter(|stamp| !stamp.is_over()).filter_map(Stamp::ms));
        let floor = self.floor(place).filter(|_| self.overlap.is_some());
        let is_through = floor.is_some_and(|floor| times().any(|time| time < floor));
        let next = answer.next_link().filter(|_| !is_through).map(|link| Leaf { link: Some(link), newest });
        let (key, separator) = self.key;
        let page = Page::extract(answer, self.items).key(key).key_prefix(&format!("{}{separator}", place.scope));
        let page = self.version.into_iter().fold(page, Page::version).context(&Origin::of(&place.scope));
        Ok((page, Then::next_or_leave(next, newest.mark())))
    }

    fn stamps(&self, answer: &Response) -> Result<Vec<Stamp>, Failure> {
        let unreadable = || Failure::transient("gitea.answer.unreadable", "the answer is not the list asked for");
        // A list of nothing is null in some versions, beside a count of zero.
        let count: Option<u64> = answer.pointer("/total_count").ok().flatten();
        let stamps: Option<Vec<Stamp>> = answer.pointer(self.items)?;
        stamps.or_else(|| (count == Some(0)).then(Vec::new)).ok_or_else(unreadable)
    }
}

/// What an element says about its time.
#[derive(Deserialize)]
struct Stamp {
    #[serde(default)]
    updated_at: Instant,
    #[serde(default)]
    created_at: Instant,
    #[serde(default)]
    commit: Nested<Committed>,
    #[serde(default)]
    run_number: Field<u64>,
    #[serde(default)]
    status: Field<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Committed {
    committer: Nested<Dated>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Dated {
    date: Instant,
}

impl Stamp {
    /// The time a listing is ordered by, in milliseconds: runs by creation, commits by their own date, others by change.
    fn ms(&self) -> Option<i64> {
        let committed = self.commit.inner().and_then(|commit| commit.committer.quietly());
        let committed = committed.and_then(|committer| committer.0.date.quietly());
        let changed = if self.is_run() { None } else { self.updated_at.quietly() };
        changed.or(self.created_at.quietly()).or(committed).map(|time| time.ms())
    }

    fn is_run(&self) -> bool {
        self.run_number.quietly().is_some()
    }

    fn is_over(&self) -> bool {
        let waits = |status: &String| matches!(status.as_str(), "waiting" | "running" | "blocked");
        !self.is_run() || !self.status.quietly().is_some_and(waits)
    }
}

/// A page of the reviews of a pull request.
fn reviews(run: &Run<Settings>, place: &Place) -> Result<Read, Failure> {
    let parent = run.parent()?;
    let odd = || Failure::internal("gitea.parent", format!("`{}` is no key of a pull request", parent.key));
    let (repository, number) = parent.key.rsplit_once('#').ok_or_else(odd)?;
    let origin = Origin { pull: number.parse().ok(), ..Origin::of(repository) };
    let call = match &place.page.link {
        Some(link) => run.follow(link),
        None => run.get(path(repository, &["pulls", number, "reviews"])).query("limit", PAGE),
    };
    let answer = call.send()?;
    let next = answer.next_link().map(|link| Leaf { link: Some(link), ..Leaf::default() });
    let page = Page::extract(answer, "").version("/updated_at").context(&origin);
    Ok((page, Then::next_or_leave(next, None)))
}

/// The repositories to read, sorted; made once per reader.
fn repositories(run: &Run<Settings>) -> Result<Rc<Vec<String>>, Failure> {
    run.remember(|| {
        let given = run.settings.given_repositories()?;
        // Gogs has no version to tell, no pull requests in its API, and lists open issues when asked for all.
        if run.dataset != "repositories" && version(run.connection())?.is_none() {
            let message = "this is Gogs, or no API at all: take webhooks, and set datasets = [\"repositories\"]";
            return Err(Failure::config("gitea.gogs", message));
        }
        if given.is_empty() { of_organisation(run) } else { Ok(given) }
    })
}

fn version(connection: &Connection<'_>) -> Result<Option<String>, Failure> {
    match connection.get("/version").send() {
        Ok(answer) => answer.pointer("/version"),
        Err(failure) if failure.kind == FailureKind::Gone => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn organisation(settings: &Settings) -> Result<String, Failure> {
    let unset = || Failure::config("gitea.settings.repositories", "set `repositories` or `organisation`");
    Ok(address::path(["orgs", settings.organisation.as_deref().ok_or_else(unset)?, "repos"]))
}

fn of_organisation(run: &Run<Settings>) -> Result<Vec<String>, Failure> {
    #[derive(Deserialize)]
    struct Listed {
        full_name: String,
    }
    let mut repositories = Vec::new();
    let mut answer = run.get(organisation(&run.settings)?).query("limit", PAGE).send()?;
    loop {
        repositories.extend(answer.json::<Vec<Listed>>()?.into_iter().map(|listed| listed.full_name));
        match answer.next_link() {
            Some(link) => answer = run.follow(link).send()?,
            None => break,
        }
    }
    repositories.sort_unstable();
    repositories.dedup();
    let unseen = || Failure::forbidden("gitea.organisation.empty", "the organisation has no repository the token sees");
    if repositories.is_empty() { Err(unseen()) } else { Ok(repositories) }
}

/// Tries the connection: what it is, who we are, which repositories cannot be read.
pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let given = settings.given_repositories()?;
    let tool = version(connection)?.map_or_else(|| "Gogs".to_owned(), |version| format!("Gitea {version}"));
    let identity = connection.get("/user").send_any()?.pointer("/login").ok().flatten();
    if given.is_empty() {
        connection.get(organisation(settings)?).query("limit", "1").send()?;
    }
    let requests: Vec<_> =
        given.iter().take(50).map(|repository| connection.get(path(repository, &[])).into_request()).collect();
    let judge = |(name, answer): (&String, Result<Response, Failure>)| match answer {
        Err(failure) => Some(format!("{name}: {}", failure.message)),
        Ok(answer) => {
            let spelled: String = answer.pointer("/full_name").ok().flatten()?;
            (spelled != *name).then(|| format!("{name}: it is spelled `{spelled}`; write it so"))
        }
    };
    let missing = given.iter().zip(connection.send_all(&requests)).filter_map(judge).collect();
    Ok(Checkup { tool, identity, missing })
}
