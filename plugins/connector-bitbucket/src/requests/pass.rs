//! A pass through a listing, repository by repository.
//!
//! A pass ends well only when every page of every repository was read: what it did not see counts as deleted.

use weir_sdk::prelude::*;

use super::answer::{self, Head, Time};
use super::listing::{self, Bounds, Listing, Order, Walk};
use super::position::{Next, Place, Position};
use super::repositories;
use crate::origin::Origin;
use crate::settings::{Deployment, Settings};

/// Runs that are older than this and still not over hold nothing back, in milliseconds.
const UNFINISHED_AGE_MAX: i64 = 3 * 24 * 60 * 60_000;

/// One page.
pub(super) fn step(
    run: &Run<Settings>,
    deployment: Deployment,
    listing: &'static Listing,
    mut position: Position,
) -> Result<Page<Position>, Failure> {
    let repositories = repositories::repositories(run, deployment)?;
    let Some(place) = position.place(&repositories) else {
        return Ok(Page::empty().done_at(position));
    };
    let pass = Pass { run, deployment, listing };
    match pass.read(place.clone())? {
        Read::Page(page, step) => {
            match step {
                Step::Turn(place) => position.turn(place),
                Step::Leave(mark) => {
                    position.keep(place.repository, mark);
                    position.leave(&repositories);
                }
            }
            Ok(page_or_end(*page, position))
        }
        Read::Nothing => {
            position.leave(&repositories);
            Ok(page_or_end(Page::empty(), position))
        }
        Read::MarkGone => {
            position.start_over(&place.repository);
            Ok(Page::empty().next(position))
        }
        Read::Unreadable => {
            skip(run, &mut position, &place.repository)?;
            position.leave(&repositories);
            Ok(page_or_end(Page::empty(), position))
        }
    }
}

/// Goes on, or ends the pass when no repository is left.
fn page_or_end(page: Page<Position>, position: Position) -> Page<Position> {
    if position.is_between_passes() { page.done_at(position) } else { page.next(position) }
}

/// One repository that cannot be read does not stop the others. A full pass reads the others too, but does not end well,
/// for its end would count everything of this one as deleted.
fn skip(run: &Run<Settings>, position: &mut Position, repository: &str) -> Result<(), Failure> {
    let message = format!("`{repository}` cannot be read: it is not there, or the credentials may not see it");
    if run.is_incremental() {
        weir_sdk::log::warn("skipped a repository that cannot be read", &[("repository", repository)]);
        return Ok(());
    }
    if position.skip(repository) { Ok(()) } else { Err(Failure::forbidden("bitbucket.repository.unreadable", message)) }
}

/// What became of a request.
enum Read {
    Page(Box<Page<Position>>, Step),
    /// There is nothing to list: an empty repository, or a feature that is switched off.
    Nothing,
    /// The mark of the last pass is no longer known, as after a force push.
    MarkGone,
    /// The repository is not there, or not for these eyes.
    Unreadable,
}

/// Where to go on.
enum Step {
    /// With another page of the repository.
    Turn(Place),
    /// With the next repository; this one was read as far as the mark.
    Leave(Option<String>),
}

struct Pass<'r> {
    run: &'r Run<Settings>,
    deployment: Deployment,
    listing: &'static Listing,
}

impl Pass<'_> {
    fn read(&self, place: Place) -> Result<Read, Failure> {
        let mut bounds = self.bounds();
        if self.needs_branch(&place) {
            match self.default_branch(&place)? {
                Branch::Named(name) => bounds.branch = Some(name),
                Branch::None => return Ok(Read::Nothing),
                Branch::Unreadable => return Ok(Read::Unreadable),
            }
        }
        let answer = self.listing.request(self.run, self.deployment, &place, &bounds).send_any()?;
        match answer.status() {
            404 | 410 => self.missing(&answer, &place, &bounds),
            _ => self.page(answer.accepted()?, place, &bounds),
        }
    }

    /// Cloud lists the commits of all branches unless it is told one.
    fn needs_branch(&self, place: &Place) -> bool {
        matches!(self.listing.walk, Walk::History) && self.deployment == Deployment::Cloud && place.next.is_none()
    }

    fn bounds(&self) -> Bounds {
        let since = self.run.floor(self.run.settings.since);
        Bounds { since, is_incremental: self.run.is_incremental(), branch: None }
    }

    fn default_branch(&self, place: &Place) -> Result<Branch, Failure> {
        let answer = self.run.get(listing::path(self.deployment, &place.repository, "")).send_any()?;
        if answer.status() == 404 {
            return Ok(Branch::Unreadable);
        }
        let answer = answer.accepted()?;
        // A page for people in place of the repository must not pass for an empty one.
        let named: Option<String> = answer.pointer("/full_name")?;
        named.ok_or_else(|| Failure::transient("bitbucket.repository.unfit", "a repository has no name"))?;
        Ok(answer.pointer("/mainbranch/name")?.map_or(Branch::None, Branch::Named))
    }

    /// What an answer "not there" means.
    fn missing(&self, answer: &Response, place: &Place, bounds: &Bounds) -> Result<Read, Failure> {
        let is_history = matches!(self.listing.walk, Walk::History);
        if is_history && bounds.is_incremental && place.last_mark.is_some() {
            return Ok(Read::MarkGone);
        }
        let exception: Option<String> = answer.pointer("/errors/0/exceptionName").ok().flatten();
        if is_history && exception.is_some_and(|name| name.ends_with("NoDefaultBranchException")) {
            return Ok(Read::Nothing);
        }
        if !self.listing.optional {
            return Ok(Read::Unreadable);
        }
        // Switched off, or the repository is gone altogether: only the repository itself tells.
        let repository = self.run.get(listing::path(self.deployment, &place.repository, "")).send_any()?;
        if repository.status() == 404 {
            return Ok(Read::Unreadable);
        }
        repository.accepted()?;
        Ok(Read::Nothing)
    }

    fn page(&self, answer: Response, place: Place, bounds: &Bounds) -> Result<Read, Failure> {
        if self.listing.is_one_repository() {
            return Ok(Read::Page(Box::new(self.extract(answer, &place)), Step::Leave(None)));
        }
        let next = answer::next(self.deployment, &answer)?;
        let text = answer.text()?;
        let heads = answer::heads(&text)?;
        let step = match self.listing.walk {
            Walk::Whole => turn_or_leave(place.clone(), next, None),
            Walk::ByChange => Self::by_change(place.clone(), next, &heads, bounds),
            Walk::History => self.history(place.clone(), next, &heads, bounds),
            Walk::NewestFirst(order) => self.newest_first(place.clone(), next, &heads, order, bounds),
        };
        let page = match self.listing.dataset {
            "pipelines" => Page::records(pipelines(&heads, &place.repository)),
            _ => self.extract(answer, &place),
        };
        Ok(Read::Page(Box::new(page), step))
    }

    fn extract(&self, answer: Response, place: &Place) -> Page<Position> {
        self.listing.extract(answer, self.deployment, &place.repository)
    }

    fn by_change(mut place: Place, next: Option<Next>, heads: &[(&str, Head<'_>)], bounds: &Bounds) -> Step {
        let asked = Listing::changed_since(&place, bounds);
        let times: Vec<_> = heads.iter().filter_map(|(_, head)| head.at(Time::Updated)).collect();
        let last = heads.iter().filter_map(|(_, head)| head.updated_text()).max().map(str::to_owned);
        if place.mark.as_ref() < last.as_ref() {
            place.mark.clone_from(&last);
        }
        // Out of order, or a page full of one instant: the tool's own way to the next page is the safe one.
        let goes_on = times.is_sorted() && last != asked;
        let next = next.map(|link| if goes_on { last.map_or(link, Next::After) } else { link });
        let mark = place.mark.clone().or_else(|| place.last_mark.clone());
        turn_or_leave(place, next, mark)
    }

    fn history(&self, mut place: Place, next: Option<Next>, heads: &[(&str, Head<'_>)], bounds: &Bounds) -> Step {
        if place.next.is_none() {
            let head = heads.first().and_then(|(_, head)| head.commit());
            place.mark = head.map(str::to_owned).or_else(|| place.last_mark.clone());
        }
        let floor = self.listing.floor(&place, bounds);
        let newest = heads.iter().filter_map(|(_, head)| head.at(Time::Committed)).max();
        let is_below = floor.zip(newest).is_some_and(|(floor, newest)| newest < floor);
        let mark = place.mark.clone();
        turn_or_leave(place, next.filter(|_| !is_below), mark)
    }

    fn newest_first(
        &self,
        mut place: Place,
        next: Option<Next>,
        heads: &[(&str, Head<'_>)],
        order: Order,
        bounds: &Bounds,
    ) -> Step {
        let times: Vec<i64> = heads.iter().filter_map(|(_, head)| head.at(order.time)).collect();
        let newest = times.iter().max().map(i64::to_string);
        let is_first = place.next.is_none() && !place.again;
        if is_first {
            place.mark = newest.or_else(|| place.last_mark.clone());
        }
        place.hold_back(heads, order);
        // Only a listing that is in order says by one page that the others are older.
        let in_order = times.is_sorted_by(|newer, older| newer >= older);
        let oldest = times.last().filter(|_| in_order);
        let is_below = self.listing.floor(&place, bounds).zip(oldest).is_some_and(|(floor, oldest)| *oldest < floor);
        let next = next.filter(|_| !is_below);
        if next.is_none() && !is_first && !place.again && !bounds.is_incremental {
            // What was changed meanwhile moved from a page not yet read to the top.
            return Step::Turn(Place { next: None, again: true, ..place });
        }
        let mark = place.held_mark();
        turn_or_leave(place, next, mark)
    }
}

enum Branch {
    Named(String),
    /// The repository is empty.
    None,
    Unreadable,
}

fn turn_or_leave(place: Place, next: Option<Next>, mark: Option<String>) -> Step {
    match next {
        Some(next) => Step::Turn(Place { next: Some(next), ..place }),
        None => Step::Leave(mark),
    }
}

impl Place {
    /// Notes the oldest element that is not over.
    fn hold_back(&mut self, heads: &[(&str, Head<'_>)], order: Order) {
        let Some(end) = order.end else { return };
        let unfinished =
            heads.iter().filter(|(_, head)| head.at(end).is_none()).filter_map(|(_, head)| head.at(order.time));
        let mark = self.mark.as_ref().and_then(|mark| mark.parse::<i64>().ok());
        let recent = |at: &i64| mark.is_some_and(|mark| mark - at <= UNFINISHED_AGE_MAX);
        self.unfinished = self.unfinished.into_iter().chain(unfinished.filter(recent)).min();
    }

    /// The mark, no later than what is not over.
    fn held_mark(&self) -> Option<String> {
        let mark: i64 = self.mark.as_ref()?.parse().ok()?;
        Some(self.unfinished.map_or(mark, |unfinished| mark.min(unfinished)).to_string())
    }
}

/// Pipelines are cut here and not by the host, for their version is the later of two times.
fn pipelines(heads: &[(&str, Head<'_>)], repository: &str) -> Vec<RawRecord> {
    let record = |(json, head): &(&str, Head<'_>)| {
        let record = head.uuid.quietly().map(|uuid| RawRecord::upsert(uuid.as_ref(), *json));
        let record = record.unwrap_or_else(|| RawRecord::unreadable(*json));
        let version = head.at(Time::Completed).max(head.at(Time::Created));
        record.version(version).context(&Origin::of(Deployment::Cloud, repository))
    };
    heads.iter().map(record).collect()
}
