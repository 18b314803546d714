//! Searches for issues that changed, and the long lists that did not come whole with them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use super::answer::accepted;
use super::part::{ENTRIES_PAGE, Part, Taken, count};
use super::position::{OVERLAP, Place, Position, Seen, Waiting};
use super::site::{Deployment, Site, site};
use crate::issue::{Issue, Listed};
use crate::settings::Settings;

/// One page of a part of issues.
pub(super) fn page(run: &Run<Settings>, part: Part, mut position: Position) -> Result<Page<Position>, Failure> {
    let site = site(run)?;
    if part == Part::CustomFields && site.roles.fields().is_empty() {
        return Ok(Page::empty().done());
    }
    if let Some(waiting) = position.waiting.pop() {
        let records = list(run, part, &site, waiting, &mut position)?;
        return Ok(go_on(Page::records(records), position));
    }
    let mut place = match position.at.take() {
        Some(place) => place,
        None => Place::since(floor(run, position.mark)),
    };
    let text = search(run, part, &site, &place)?;
    let found = Found::read(&text)?;
    let read = found.read_issues(part, &site, &run.settings, &position.recent)?;
    place.note(read.issues.iter().cloned());
    match site.deployment {
        Deployment::Cloud => place.follow(found.next(&place)?),
        Deployment::Server => {
            place.turn(&Seen { issues: &read.issues, total: found.total.quietly().copied() });
        }
    }
    position.waiting = read.waiting;
    position.at = Some(place);
    Ok(go_on(Page::records(read.records), position))
}

/// Goes on, or ends the pass where the search has ended and no list is left to read.
fn go_on(page: Page<Position>, position: Position) -> Page<Position> {
    let over = position.waiting.is_empty() && position.at.as_ref().is_some_and(|place| place.ended);
    if !over {
        return page.next(position);
    }
    let Place { newest, recent, .. } = position.at.unwrap_or_default();
    page.done_at(Position { mark: newest.max(position.mark), recent, ..Position::default() })
}

/// The oldest change to read, in milliseconds.
fn floor(run: &Run<Settings>, mark: Option<i64>) -> i64 {
    let read = mark.filter(|_| run.is_incremental()).map(|mark| mark - OVERLAP);
    run.floor(run.settings.since).max(read).unwrap_or(0).max(0)
}

fn search(run: &Run<Settings>, part: Part, site: &Site, place: &Place) -> Result<String, Failure> {
    let path = site.deployment.api();
    let call = match site.deployment {
        Deployment::Cloud => run.get(format!("{path}/search/jql")),
        Deployment::Server => run.get(format!("{path}/search")).query("startAt", place.start.to_string()),
    };
    let call = part.ask(
        call.query("jql", jql(&run.settings, place.from)).query("maxResults", part.page_size()),
        site,
        &run.settings,
    );
    let call = match &place.token {
        Some(token) => call.query("nextPageToken", token),
        None => call,
    };
    let answer = call.send_any()?;
    if answer.status() == 400 && place.token.is_some() {
        return Err(Failure::cursor_expired("jira.token.expired", "Jira no longer knows the page to go on with"));
    }
    Ok(accepted(answer)?.text()?)
}

/// The search as JQL. A time in it is a number of milliseconds, for texts are read in the time zone of the account.
pub(super) fn jql(settings: &Settings, from: i64) -> String {
    let projects: Vec<_> = settings.projects.iter().map(|key| format!("\"{key}\"")).collect();
    let projects = (!projects.is_empty()).then(|| format!("project in ({})", projects.join(", ")));
    let filter = settings.jql.as_ref().map(|jql| format!("({jql})"));
    let conditions = [projects, filter, Some(format!("updated >= {from}"))];
    let conditions: Vec<_> = conditions.into_iter().flatten().collect();
    format!("{} ORDER BY updated ASC, key ASC", conditions.join(" AND "))
}

/// A page of found issues.
#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow)]
    issues: Vec<&'a RawValue>,
    #[serde(default)]
    total: Field<u64>,
    #[serde(default, rename = "nextPageToken")]
    token: Field<String>,
    #[serde(default, rename = "isLast")]
    is_last: Field<bool>,
}

/// What a page of found issues brings.
#[derive(Default)]
struct Read {
    records: Vec<RawRecord>,
    /// Each once, with the time of its last change in milliseconds.
    issues: Vec<(String, i64)>,
    waiting: Vec<Waiting>,
}

impl<'a> Found<'a> {
    fn read(text: &'a str) -> Result<Self, Failure> {
        serde_json::from_str(text).map_err(|error| unreadable("a page of issues", &error))
    }

    /// The next page on Cloud.
    fn next(&self, place: &Place) -> Result<Option<String>, Failure> {
        let token = self.token.quietly().filter(|_| self.is_last.quietly() != Some(&true));
        if token.is_some() && token == place.token.as_ref() {
            return Err(Failure::transient("jira.token.circle", "Jira names a page as the one after itself"));
        }
        Ok(token.cloned())
    }

    /// Takes the issues that are not known yet.
    fn read_issues(
        &self,
        part: Part,
        site: &Site,
        settings: &Settings,
        known: &BTreeMap<String, i64>,
    ) -> Result<Read, Failure> {
        let mut read = Read::default();
        for json in &self.issues {
            let issue: Issue<'_> = serde_json::from_str(json.get()).map_err(|error| unreadable("an issue", &error))?;
            let Some(id) = issue.id.quietly() else {
                read.records.push(RawRecord::unreadable(json.get()));
                continue;
            };
            if read.issues.iter().any(|(seen, _)| seen == id.as_ref()) {
                continue;
            }
            let updated = issue.updated_ms();
            read.issues.push((id.to_string(), updated.unwrap_or(0)));
            if updated.is_some() && known.get(id.as_ref()).copied() == updated {
                continue;
            }
            match part.take(&issue, id, site, settings) {
                Taken::Whole(records) => read.records.extend(records),
                Taken::InPart => read.waiting.push(Waiting { issue: id.to_string(), start: 0 }),
            }
        }
        Ok(read)
    }
}

/// A page of a list that did not come whole with its issue.
fn list(
    run: &Run<Settings>,
    part: Part,
    site: &Site,
    waiting: Waiting,
    position: &mut Position,
) -> Result<Vec<RawRecord>, Failure> {
    let path = part.list_path(site.deployment, &waiting.issue);
    let answer = match (part, site.deployment) {
        (Part::Changelogs, Deployment::Server) => run.get(path).query("fields", "updated").query("expand", "changelog"),
        _ => run.get(path).query("startAt", waiting.start.to_string()).query("maxResults", ENTRIES_PAGE.to_string()),
    };
    let answer = answer.send_any()?;
    if matches!(answer.status(), 404 | 410) {
        // Deleted since it was found, and its list with it.
        return Ok(Vec::new());
    }
    let text = accepted(answer)?.text()?;
    let listed = read_list(&text)?;
    // Server gives the whole list whatever is asked for.
    let first = listed.start.quietly().copied().unwrap_or(waiting.start);
    let skip = usize::try_from(waiting.start.saturating_sub(first)).unwrap_or(usize::MAX);
    let records = part.records(&listed, skip, &waiting.issue, site, &run.settings);
    let reached = waiting.start.saturating_add(count(&records));
    let incomplete =
        || Failure::transient("jira.list.incomplete", format!("`{}` has more than Jira gives", waiting.issue));
    let total = listed.total.quietly().ok_or_else(incomplete)?;
    if reached < *total {
        if records.is_empty() {
            return Err(incomplete());
        }
        position.waiting.push(Waiting { start: reached, ..waiting });
    }
    Ok(records)
}

fn read_list(text: &str) -> Result<Listed<'_>, Failure> {
    #[derive(Deserialize)]
    struct Whole<'a> {
        #[serde(borrow)]
        changelog: Listed<'a>,
    }
    let listed = serde_json::from_str::<Whole<'_>>(text).map(|whole| whole.changelog);
    listed.or_else(|_| serde_json::from_str(text)).map_err(|error| unreadable("a list of an issue", &error))
}

fn unreadable(what: &str, error: &serde_json::Error) -> Failure {
    Failure::transient("jira.unreadable", format!("{what} cannot be read: {error}"))
}
