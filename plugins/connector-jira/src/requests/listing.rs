//! Listings that are read whole: projects, statuses, users, boards and what lies under one thing.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;

use super::answer::accepted;
use super::position::Position;
use super::site::{Deployment, site};
use crate::issue::Under;
use crate::settings::Settings;

/// How long an incremental pass takes a listing as unchanged, in milliseconds. Jira cannot be asked what changed in one.
const FRESH_FOR: i64 = 15 * 60_000;
/// Elements of one page; the most that Jira gives of boards.
const PAGE: u64 = 50;
/// Users of one page.
const USERS_PAGE: u64 = 200;
/// Elements a page has in common with the one before, so that none is missed when others before it are deleted.
const OVERLAP: u64 = 5;
/// Projects read at once.
const PROJECTS_AT_ONCE: usize = 20;

/// Projects: those of the settings one by one, else all.
pub(super) fn projects(run: &Run<Settings>, position: &Position) -> Result<Page<Position>, Failure> {
    if is_fresh(run, position) {
        return Ok(Page::empty().done());
    }
    let deployment = site(run)?.deployment;
    if !run.settings.projects.is_empty() {
        return chosen_projects(run, deployment, position);
    }
    if deployment == Deployment::Server {
        let answer = accepted(run.get("/rest/api/2/project").send_any()?)?;
        return Ok(Page::extract(answer, "").key("/id").done_at(read(run)));
    }
    let call = run.get("/rest/api/3/project/search").query("orderBy", "key");
    pages(run, position, accepted(paged(call, position, PAGE).send_any()?)?, |page| page.key("/id"))
}

fn chosen_projects(
    run: &Run<Settings>,
    deployment: Deployment,
    position: &Position,
) -> Result<Page<Position>, Failure> {
    let start = usize::try_from(position.start.unwrap_or(0)).unwrap_or(usize::MAX);
    let keys = run.settings.projects.iter().skip(start).take(PROJECTS_AT_ONCE);
    let request =
        |key: &String| run.get(format!("{}/project/{}", deployment.api(), address::encode(key))).into_request();
    let requests: Vec<_> = keys.map(request).collect();
    let mut records = Vec::new();
    for answer in run.connection().send_all(&requests) {
        records.push(one_project(&accepted(answer?)?.text()?)?);
    }
    let reached = start.saturating_add(requests.len());
    let next = u64::try_from(reached).ok().filter(|_| reached < run.settings.projects.len());
    Ok(next_or_read(Page::records(records), run, next))
}

/// A project is a document of its own, so there is nothing for the host to cut.
fn one_project(json: &str) -> Result<RawRecord, Failure> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    let unreadable =
        |error: serde_json::Error| Failure::transient("jira.project.unreadable", format!("a project: {error}"));
    let head: Head<'_> = serde_json::from_str(json).map_err(unreadable)?;
    Ok(RawRecord::upsert(head.id, json))
}

/// Statuses of all workflows, in one answer.
pub(super) fn statuses(run: &Run<Settings>, position: &Position) -> Result<Page<Position>, Failure> {
    if is_fresh(run, position) {
        return Ok(Page::empty().done());
    }
    let answer = accepted(run.get(format!("{}/status", site(run)?.deployment.api())).send_any()?)?;
    Ok(Page::extract(answer, "").key("/id").done_at(read(run)))
}

/// Users. The list says nothing of its end but by a page without users, and Cloud leaves some out of a page.
pub(super) fn users(run: &Run<Settings>, position: &Position) -> Result<Page<Position>, Failure> {
    if is_fresh(run, position) {
        return Ok(Page::empty().done());
    }
    let (call, key) = match site(run)?.deployment {
        Deployment::Cloud => (run.get("/rest/api/3/users/search"), "/accountId"),
        Deployment::Server => {
            let call = run.get("/rest/api/2/user/search").query("username", ".").query("includeInactive", "true");
            (call, "/key")
        }
    };
    let answer = accepted(paged(call, position, USERS_PAGE).send_any()?)?;
    let users: Vec<IgnoredAny> = answer.pointer("")?.ok_or_else(|| unreadable("a page of users is no list"))?;
    let next = (!users.is_empty()).then(|| position.start.unwrap_or(0) + USERS_PAGE - OVERLAP);
    Ok(next_or_read(Page::extract(answer, "").key(key), run, next))
}

/// Boards. They have no time of change, so what lies under each is read again whenever they are.
pub(super) fn boards(run: &Run<Settings>, position: &Position) -> Result<Page<Position>, Failure> {
    if is_fresh(run, position) {
        return Ok(Page::empty().done());
    }
    let answer = accepted(paged(run.get("/rest/agile/1.0/board"), position, PAGE).send_any()?)?;
    pages(run, position, answer, |page| page.key("/id"))
}

#[derive(Deserialize)]
struct Board {
    #[serde(default)]
    name: Field<String>,
    #[serde(default, rename = "type")]
    kind: Field<String>,
    #[serde(default)]
    location: Nested<Location>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    #[serde(rename = "projectKey")]
    project: Field<String>,
}

/// Sprints of a board. A sprint may stand on several boards and is a record of each.
pub(super) fn sprints(run: &Run<Settings>, position: &Position) -> Result<Page<Position>, Failure> {
    let parent = parent(run)?;
    let unreadable = |error: serde_json::Error| {
        Failure::internal("jira.board.unreadable", format!("board `{}`: {error}", parent.key))
    };
    let board: Board = serde_json::from_slice(&parent.payload).map_err(unreadable)?;
    let kind = board.kind.quietly().map_or("", String::as_str);
    let project = board.location.inner().and_then(|location| location.project.quietly());
    if kind == "kanban" || project.is_some_and(|project| !run.settings.chooses(project)) {
        return Ok(Page::empty().done());
    }
    let call = run.get(format!("/rest/agile/1.0/board/{}/sprint", address::encode(&parent.key)));
    let answer = paged(call, position, PAGE).send_any()?;
    if answer.status() == 400 && kind != "scrum" {
        // A board of a simple project may be one without sprints, and only this says so.
        return Ok(Page::empty().done());
    }
    let (prefix, context) = (format!("{}/", parent.key), BoardOf { board: board.name.quietly().cloned() });
    pages(run, position, accepted(answer)?, |page| page.key("/id").key_prefix(&prefix).context(&context))
}

/// The board a sprint was found under: the context of its record.
#[derive(Serialize, Deserialize)]
pub(crate) struct BoardOf {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) board: Option<String>,
}

/// Links of an issue to other tools, in one answer.
pub(super) fn remote_links(run: &Run<Settings>) -> Result<Page<Position>, Failure> {
    let issue = &parent(run)?.key;
    let api = site(run)?.deployment.api();
    let answer = accepted(run.get(format!("{api}/issue/{}/remotelink", address::encode(issue))).send_any()?)?;
    let context = Under { issue: issue.into(), statuses: std::collections::BTreeMap::new() };
    Ok(Page::extract(answer, "").key("/id").key_prefix(&format!("{issue}/")).context(&context).done())
}

fn parent(run: &Run<Settings>) -> Result<&RawRecord, Failure> {
    let missing =
        || Failure::internal("jira.parent", format!("`{}` is read under a record it was not given", run.dataset));
    run.parent.as_ref().ok_or_else(missing)
}

/// Whether an incremental pass may leave a listing as it was read last.
fn is_fresh(run: &Run<Settings>, position: &Position) -> bool {
    let since = position.read_at.map(|read_at| run.run_at.ms() - read_at);
    run.is_incremental() && since.is_some_and(|since| (0..FRESH_FOR).contains(&since))
}

fn read(run: &Run<Settings>) -> Position {
    Position { read_at: Some(run.run_at.ms()), ..Position::default() }
}

fn paged<'c>(call: Call<'c>, position: &Position, size: u64) -> Call<'c> {
    call.query("startAt", position.start.unwrap_or(0).to_string()).query("maxResults", size.to_string())
}

/// A page that says whether it is the last; the size of a page is Jira's to choose.
fn pages(
    run: &Run<Settings>,
    position: &Position,
    answer: Response,
    cut: impl Fn(Page<Position>) -> Page<Position>,
) -> Result<Page<Position>, Failure> {
    let untold = || unreadable("a page does not say whether it is the last");
    let is_last: bool = answer.pointer("/isLast")?.ok_or_else(untold)?;
    let size: Option<u64> = answer.pointer("/maxResults")?;
    let size = size.unwrap_or(PAGE).max(1);
    let next = (!is_last).then(|| position.start.unwrap_or(0) + size - OVERLAP.min(size / 2));
    Ok(next_or_read(cut(Page::extract(answer, "/values")), run, next))
}

fn unreadable(what: &str) -> Failure {
    Failure::transient("jira.page.unreadable", what)
}

fn next_or_read(page: Page<Position>, run: &Run<Settings>, next: Option<u64>) -> Page<Position> {
    match next {
        Some(start) => page.next(Position { start: Some(start), ..Position::default() }),
        None => page.done_at(read(run)),
    }
}
