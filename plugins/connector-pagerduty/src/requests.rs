//! From a position to requests. A full pass walks incidents by creation, in windows of half a year; an incremental one
//! walks the log of the account and fetches each incident it names, since incidents cannot be asked for by change.

use std::collections::BTreeSet;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;
use weir_sdk::walk::{Then, Walk};

use crate::Settings;

/// Elements of one page; the most there are.
const PAGE: u64 = 100;
/// Elements of one listing that can be reached.
const REACH: u64 = 10_000;
/// Requests sent at once.
const REQUESTS_MAX: usize = 64;
/// Longest span of time that may be asked for, in milliseconds: six months, of which the shortest has 181 days.
const WINDOW: i64 = 180 * DAY;
/// How far ahead of our clock theirs may be.
const AHEAD: i64 = 2 * DAY;
/// How far before the newest known log entry the log is read again: entries become visible in another order than they
/// were made.
const OVERLAP: i64 = 5 * 60_000;
const DAY: i64 = 24 * 60 * 60_000;

/// Where a dataset stands; its mark is the newest log entry when the last pass began, in milliseconds.
pub(crate) type Position = Walk<Option<Leaf>>;
/// A page that was read, and where to go on.
type Read = (Page<Position>, Then<Option<Leaf>>);

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leaf {
    /// Newest log entry when the pass began, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<i64>,
    /// Where the window begins, in milliseconds.
    since: i64,
    /// Elements before the page.
    offset: u64,
    /// How many there were in all at the page before, where that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

impl Leaf {
    fn next_page(self) -> Self {
        Self { offset: self.offset + PAGE, ..self }
    }

    fn window_from(self, since: i64) -> Self {
        Self { since, offset: 0, ..self }
    }

    /// Goes on to the next page if there is one, or leaves the listing.
    fn then(self, has_more: bool) -> Then<Option<Self>> {
        let mark = self.newest;
        Then::next_or_leave(has_more.then(|| Some(self.next_page())), mark)
    }
}

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    position.step_whole(run, |place| match (run.dataset.as_str(), place.last_mark) {
        ("incidents", Some(mark)) => changed_incidents(run, place.page.unwrap_or_default(), mark),
        ("incidents", None) => all_incidents(run, place.page),
        ("log-entries", _) => log_entries(run, place.page.unwrap_or_default()),
        ("users", _) => users(run, place.page.unwrap_or_default()),
        _ => Err(run.unknown_dataset()),
    })
}

/// A page of the incidents by creation. They are never deleted and sort by what never changes, so pages stay put.
fn all_incidents(run: &Run<Settings>, leaf: Option<Leaf>) -> Result<Read, Failure> {
    let Some(leaf) = leaf.map_or_else(|| begin(run), |leaf| Ok(Some(leaf)))? else {
        return Ok((Page::empty(), Then::Leave(None)));
    };
    let until = (leaf.since + WINDOW).min(run.run_at.ms() + AHEAD);
    let call = run.get("/incidents").query("since", spelled(leaf.since)).query("until", spelled(until));
    let call = paged(of_services(call, &run.settings).query("sort_by", "created_at:asc"), leaf.offset);
    let answer = call.send()?;
    let has_more = has_more(&answer)?;
    let last: Option<Timestamp> = answer.pointer(&format!("/incidents/{}/created_at", PAGE - 1))?;
    let page = Page::extract(answer, "/incidents").version("/updated_at");
    if has_more && leaf.offset + 2 * PAGE <= REACH {
        return Ok((page, leaf.then(true)));
    }
    if has_more {
        let last = last.map(Timestamp::ms).filter(|last| *last > leaf.since);
        let since =
            last.ok_or_else(|| Failure::poison("pagerduty.incidents.too-many", "too many incidents at once"))?;
        return Ok((page, Then::Turn(Some(leaf.window_from(since)))));
    }
    if until < run.run_at.ms() + AHEAD {
        // Whether the end of a window belongs to it is not told, so the next one begins a second before.
        return Ok((page, Then::Turn(Some(leaf.window_from(until - 1_000)))));
    }
    Ok((page, leaf.then(false)))
}

/// Where a full pass begins: at the time asked for, else at the oldest incident; none when there is no incident.
fn begin(run: &Run<Settings>) -> Result<Option<Leaf>, Failure> {
    let log: Log = run.get("/log_entries").query("limit", "1").send()?.json()?;
    let since = match run.floor(run.settings.since) {
        Some(since) => Some(since),
        None => oldest(run)?,
    };
    Ok(since.map(|since| Leaf { newest: log.newest(), since, ..Leaf::default() }))
}

fn oldest(run: &Run<Settings>) -> Result<Option<i64>, Failure> {
    let call = of_services(run.get("/incidents").query("date_range", "all"), &run.settings);
    let answer = call.query("sort_by", "created_at:asc").query("limit", "1").send()?;
    is_list(&answer, "/incidents")?;
    Ok(answer.pointer::<Timestamp>("/incidents/0/created_at")?.map(Timestamp::ms))
}

/// Entries of the log of the account, of which only what they speak of is read.
#[derive(Deserialize)]
struct Log {
    log_entries: Vec<LogHead>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LogHead {
    created_at: Instant,
    incident: Nested<Head>,
}

/// The few fields by which an incident is judged.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    id: Field<String>,
    created_at: Instant,
    updated_at: Instant,
    service: Nested<ServiceHead>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceHead {
    id: Field<String>,
}

impl Log {
    fn newest(&self) -> Option<i64> {
        self.log_entries.iter().filter_map(|entry| entry.created_at.quietly()).map(|at| at.ms()).max()
    }

    fn incidents(&self) -> BTreeSet<&str> {
        let incidents = self.log_entries.iter().filter_map(|entry| entry.incident.quietly());
        incidents.filter_map(|incident| incident.0.id.quietly()).map(String::as_str).collect()
    }
}

/// The incidents that a page of the log names. The log comes newest first, so what is added moves nothing out of sight.
fn changed_incidents(run: &Run<Settings>, leaf: Leaf, mark: i64) -> Result<Read, Failure> {
    if leaf.offset + PAGE > REACH {
        let message = "more happened since the last pass than the log can be asked for; everything is read again";
        return Err(Failure::cursor_expired("pagerduty.log.out-of-reach", message));
    }
    let call = run.get("/log_entries").query("since", spelled(mark - OVERLAP));
    let answer = paged(call.query("until", spelled(run.run_at.ms() + AHEAD)), leaf.offset).send()?;
    let has_more = has_more(&answer)?;
    let log: Log = answer.json()?;
    let page = Page::records(fetch(run, &log.incidents())?);
    Ok((page, Leaf { newest: leaf.newest.or_else(|| log.newest()), ..leaf }.then(has_more)))
}

fn fetch(run: &Run<Settings>, ids: &BTreeSet<&str>) -> Result<Vec<RawRecord>, Failure> {
    let request = |id: &&str| run.get(address::path(["incidents", *id])).into_request();
    let requests: Vec<_> = ids.iter().map(request).collect();
    let mut records = Vec::new();
    for requests in requests.chunks(REQUESTS_MAX) {
        for answer in run.connection().send_all(requests) {
            match answer {
                Ok(answer) => records.extend(fetched(run, &answer)?),
                // The log names incidents that the key may not see, too.
                Err(failure) if matches!(failure.kind, FailureKind::Gone | FailureKind::Forbidden) => {}
                Err(failure) => return Err(failure),
            }
        }
    }
    Ok(records)
}

/// One incident as the listing has it; none when it is not wanted.
fn fetched(run: &Run<Settings>, answer: &Response) -> Result<Option<RawRecord>, Failure> {
    let incident: Option<Box<RawValue>> = answer.pointer("/incident")?;
    let incident = incident.ok_or_else(|| unreadable("an incident is missing from it"))?;
    let head: Head = serde_json::from_str(incident.get()).map_err(|error| unreadable(&error.to_string()))?;
    let service = head.service.inner().and_then(|service| service.id.quietly());
    let is_early = run.settings.since.zip(head.created_at.ms()).is_some_and(|(since, created)| created < since.ms());
    if is_early || !run.settings.chooses(service.map(String::as_str)) {
        return Ok(None);
    }
    let id = head.id.quietly().ok_or_else(|| unreadable("an incident has no id"))?;
    Ok(Some(RawRecord::upsert(id, incident.get()).version(head.updated_at.ms())))
}

/// A page of the log of one incident, kept whole: only together its entries say which acknowledgement came first.
fn log_entries(run: &Run<Settings>, leaf: Leaf) -> Result<Read, Failure> {
    let incident = &run.parent()?.key;
    let answer = paged(run.get(address::path(["incidents", incident, "log_entries"])), leaf.offset).send()?;
    is_list(&answer, "/log_entries")?;
    let has_more = has_more(&answer)? && leaf.offset + 2 * PAGE <= REACH;
    let key = if leaf.offset == 0 { incident.clone() } else { format!("{incident}/{}", leaf.offset) };
    let page = Page::records(vec![RawRecord::upsert(key, answer.text()?).context(&Parent { incident })]);
    Ok((page, leaf.then(has_more)))
}

/// What the answer does not say: which incident it is about.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Parent<'a> {
    #[serde(borrow)]
    pub(crate) incident: &'a str,
}

/// A page of the users. When somebody came or went meanwhile, pages have moved, and the listing begins anew.
fn users(run: &Run<Settings>, leaf: Leaf) -> Result<Read, Failure> {
    let answer = paged(run.get("/users").query("total", "true"), leaf.offset).send()?;
    let has_more = has_more(&answer)?;
    let total: Option<u64> = answer.pointer("/total")?;
    let page = Page::extract(answer, "/users");
    if leaf.offset > 0 && total != leaf.total {
        return Ok((page, Then::Turn(Some(Leaf { total, ..Leaf::default() }))));
    }
    Ok((page, Leaf { total, ..leaf }.then(has_more)))
}

fn of_services<'r>(call: Call<'r>, settings: &Settings) -> Call<'r> {
    settings.services.iter().fold(call, |call, service| call.query("service_ids[]", service))
}

fn paged(call: Call<'_>, offset: u64) -> Call<'_> {
    call.query("limit", PAGE.to_string()).query("offset", offset.to_string())
}

fn has_more(answer: &Response) -> Result<bool, Failure> {
    answer.pointer("/more")?.ok_or_else(|| unreadable("it does not say whether there is more"))
}

fn is_list(answer: &Response, pointer: &str) -> Result<(), Failure> {
    let list: Option<Vec<IgnoredAny>> = answer.pointer(pointer)?;
    list.map(|_| ()).ok_or_else(|| unreadable(&format!("no list lies at `{pointer}`")))
}

fn unreadable(what: &str) -> Failure {
    Failure::transient("pagerduty.answer", format!("the answer is not readable: {what}"))
}

/// Whole seconds, as `PagerDuty` spells them.
fn spelled(ms: i64) -> String {
    Timestamp::from_ms(ms - ms.rem_euclid(1_000)).to_string().replace(".000Z", "Z")
}

/// What each listing is read for.
const LISTINGS: &[(&str, &str)] = &[
    ("/incidents", "incidents"),
    ("/log_entries", "log entries (what changed, acknowledgements)"),
    ("/users", "users"),
];

/// Whose key it is, and what it may not read. A key of an account is nobody's.
pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let mut missing = Vec::new();
    for (path, what) in LISTINGS {
        match connection.get(*path).query("limit", "1").send() {
            Ok(_) => {}
            Err(failure) if failure.kind == FailureKind::Forbidden => missing.push(format!("{what}: the key may not")),
            Err(failure) => return Err(failure),
        }
    }
    for service in &settings.services {
        if let Err(failure) = connection.get(address::path(["services", service])).send() {
            missing.push(format!("service {service}: {}", failure.message));
        }
    }
    let me = connection.get("/users/me").send();
    let identity = me.and_then(|answer| answer.pointer("/user/email")).ok().flatten();
    Ok(Checkup { tool: "PagerDuty".to_owned(), identity, missing })
}
