//! A pass through a listing, repository by repository.
//!
//! A pass ends well only when every page of every repository was read: what it did not see counts as deleted.

use weir_sdk::prelude::*;
use weir_sdk::walk::Then;

use super::answer::{self, Head, Time};
use super::listing::{self, Bounds, Listing, Order, Way};
use super::{Leaf, Next, Place, Position, Read};
use crate::origin::Origin;
use crate::settings::{Deployment, Settings};

/// One pass through a listing.
pub(super) struct Pass<'r> {
    pub(super) run: &'r Run<Settings>,
    pub(super) deployment: Deployment,
    pub(super) listing: &'static Listing,
}

impl Pass<'_> {
    /// One page.
    pub(super) fn read(&self, place: &Place) -> Result<Read, Failure> {
        let mut bounds = self.bounds();
        if self.needs_branch(place) {
            match self.default_branch(place)? {
                Branch::Named(name) => bounds.branch = Some(name),
                Branch::None => return Ok(nothing()),
                Branch::Unreadable => return Ok(unreadable(place)),
            }
        }
        let answer = self.listing.request(self.run, self.deployment, place, &bounds).send_any()?;
        match answer.status() {
            404 | 410 => self.missing(&answer, place),
            _ => self.page(answer.accepted()?, place, &bounds),
        }
    }

    /// Cloud lists the commits of all branches unless it is told one.
    fn needs_branch(&self, place: &Place) -> bool {
        matches!(self.listing.way, Way::History) && self.deployment == Deployment::Cloud && place.page.next.is_none()
    }

    fn bounds(&self) -> Bounds {
        let since = self.run.floor(self.run.settings.since);
        Bounds { since, is_incremental: self.run.is_incremental(), branch: None }
    }

    fn default_branch(&self, place: &Place) -> Result<Branch, Failure> {
        let answer = self.run.get(listing::path(self.deployment, &place.scope, "")).send_any()?;
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
    fn missing(&self, answer: &Response, place: &Place) -> Result<Read, Failure> {
        let is_history = matches!(self.listing.way, Way::History);
        if is_history && place.last_mark.is_some() {
            // The head of the last pass is gone, as after a force push.
            return Ok((Page::empty(), Then::StartOver));
        }
        let exception: Option<String> = answer.pointer("/errors/0/exceptionName").ok().flatten();
        if is_history && exception.is_some_and(|name| name.ends_with("NoDefaultBranchException")) {
            return Ok(nothing());
        }
        if !self.listing.optional {
            return Ok(unreadable(place));
        }
        // Switched off, or the repository is gone altogether: only the repository itself tells.
        let repository = self.run.get(listing::path(self.deployment, &place.scope, "")).send_any()?;
        if repository.status() == 404 {
            return Ok(unreadable(place));
        }
        repository.accepted()?;
        Ok(nothing())
    }

    fn page(&self, answer: Response, place: &Place, bounds: &Bounds) -> Result<Read, Failure> {
        if self.listing.is_one_repository() {
            return Ok((self.extract(answer, place), Then::Leave(None)));
        }
        let next = answer::next(self.deployment, &answer)?;
        let text = answer.text()?;
        let heads = answer::heads(&text)?;
        let then = match self.listing.way {
            Way::Whole => place.page.clone().turn_or_leave(next, None),
            Way::ByChange => Self::by_change(place, next, &heads, bounds),
            Way::History => self.history(place, next, &heads, bounds),
            Way::NewestFirst(order) => self.newest_first(place, next, &heads, order, bounds),
        };
        let page = match self.listing.dataset {
            "pipelines" => Page::records(pipelines(&heads, &place.scope)),
            _ => self.extract(answer, place),
        };
        Ok((page, then))
    }

    fn extract(&self, answer: Response, place: &Place) -> Page<Position> {
        self.listing.extract(answer, self.deployment, &place.scope)
    }

    fn by_change(place: &Place, next: Option<Next>, heads: &[(&str, Head<'_>)], bounds: &Bounds) -> Then<Leaf, String> {
        let asked = Listing::changed_since(place, bounds);
        let times: Vec<_> = heads.iter().filter_map(|(_, head)| head.at(Time::Updated)).collect();
        let last = heads.iter().filter_map(|(_, head)| head.updated_text()).max().map(str::to_owned);
        let mark = place.page.mark.clone().max(last.clone());
        // Out of order, or a page full of one instant: the tool's own way to the next page is the safe one.
        let goes_on = times.is_sorted() && last != asked;
        let next = next.map(|link| if goes_on { last.map_or(link, Next::After) } else { link });
        Leaf { mark: mark.clone(), ..place.page.clone() }.turn_or_leave(next, mark)
    }

    fn history(
        &self,
        place: &Place,
        next: Option<Next>,
        heads: &[(&str, Head<'_>)],
        bounds: &Bounds,
    ) -> Then<Leaf, String> {
        let mut leaf = place.page.clone();
        if leaf.next.is_none() {
            leaf.mark = heads.first().and_then(|(_, head)| head.commit()).map(str::to_owned);
        }
        let floor = self.listing.floor(place, bounds);
        let newest = heads.iter().filter_map(|(_, head)| head.at(Time::Committed)).max();
        let is_below = floor.zip(newest).is_some_and(|(floor, newest)| newest < floor);
        let mark = leaf.mark.clone();
        leaf.turn_or_leave(next.filter(|_| !is_below), mark)
    }

    fn newest_first(
        &self,
        place: &Place,
        next: Option<Next>,
        heads: &[(&str, Head<'_>)],
        order: Order,
        bounds: &Bounds,
    ) -> Then<Leaf, String> {
        let mut leaf = place.page.clone();
        let times: Vec<i64> = heads.iter().filter_map(|(_, head)| head.at(order.time)).collect();
        let is_first = leaf.next.is_none() && !leaf.again;
        if is_first {
            leaf.newest.see(times.iter().copied());
        }
        leaf.newest.hold_back(heads.iter().filter_map(|(_, head)| order.unfinished(head)));
        // Only a listing that is in order says by one page that the others are older.
        let in_order = times.is_sorted_by(|newer, older| newer >= older);
        let oldest = times.last().filter(|_| in_order);
        let is_below = self.listing.floor(place, bounds).zip(oldest).is_some_and(|(floor, oldest)| *oldest < floor);
        let next = next.filter(|_| !is_below);
        if next.is_none() && !is_first && !leaf.again && !bounds.is_incremental {
            // What was changed meanwhile moved from a page not yet read to the top.
            return Then::Turn(Leaf { next: None, again: true, ..leaf });
        }
        let mark = leaf.newest.mark().map(|mark| mark.to_string());
        leaf.turn_or_leave(next, mark)
    }
}

/// There is nothing to list: an empty repository, or a feature that is switched off.
fn nothing() -> Read {
    (Page::empty(), Then::Leave(None))
}

/// The repository is not there, or not for these eyes.
fn unreadable(place: &Place) -> Read {
    let message = format!("`{}` cannot be read: it is not there, or the credentials may not see it", place.scope);
    (Page::empty(), Then::PutOff(Failure::forbidden("bitbucket.repository.unreadable", message)))
}

enum Branch {
    Named(String),
    /// The repository is empty.
    None,
    Unreadable,
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
