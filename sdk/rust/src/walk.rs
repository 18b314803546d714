//! Position of a dataset that is read scope by scope, such as repository by repository, each page by page.
//!
//! A scope that cannot be read does not stop the others. A full pass reads the others too, but does not end well, for its
//! end would count everything of that scope as deleted.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use weir_sdk::address;
//! use weir_sdk::prelude::*;
//! use weir_sdk::walk::{Then, Walk};
//!
//! struct Settings {
//!     projects: Vec<String>,
//! }
//!
//! /// A page of the tickets of a project; the cursor is a `Walk<Leaf>`.
//! #[derive(Clone, Default, Serialize, Deserialize)]
//! struct Leaf {
//!     link: Option<String>,
//! }
//!
//! fn step(run: &Run<Settings>, position: Walk<Leaf>) -> Result<Page<Walk<Leaf>>, Failure> {
//!     position.step(run, &run.settings.projects, |place| {
//!         let call = match &place.page.link {
//!             Some(link) => run.follow(link),
//!             None => run.get(address::path(["projects", &place.scope, "tickets"])),
//!         };
//!         let answer = match call.send() {
//!             Err(failure) if failure.kind == FailureKind::Gone => return Ok((Page::empty(), Then::PutOff(failure))),
//!             answer => answer?,
//!         };
//!         let next = answer.next_link().map(|link| Leaf { link: Some(link) });
//!         Ok((Page::extract(answer, "/tickets"), Then::next_or_leave(next, None)))
//!     })
//! }
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::connector::Run;
use crate::failure::Failure;
use crate::log;
use crate::page::Page;

/// Position of a dataset: `P` is how to ask for a page, `M` how far a scope was read. Between passes only the marks are
/// set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk<P, M = i64> {
    /// How far each scope was read.
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    marks: BTreeMap<String, M>,
    /// Where the pass under way stands.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    at: Option<At<P>>,
    /// Scopes this full pass could not read; tried once more at its end.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    skipped: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct At<P> {
    scope: String,
    page: P,
    /// Whether it is tried once more after it could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    retried: bool,
}

/// A page to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<P, M = i64> {
    /// Whose page it is; empty where there is only one scope.
    pub scope: String,
    /// How to ask for it; the default for the first of a scope.
    pub page: P,
    /// How far earlier passes read the scope; none in a full pass, which reads all of it.
    pub last_mark: Option<M>,
}

/// Where to go on after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then<P, M = i64> {
    /// With another page of the same scope.
    Turn(P),
    /// With the next scope: this one was read to its end, as far as the mark. Without a mark the one before stays.
    Leave(Option<M>),
    /// With the next scope: this one cannot be read. A full pass tries it once more at its end, and fails so if it still
    /// cannot.
    PutOff(Failure),
    /// With the first page of the same scope: the tool no longer knows the mark, as after a rewritten history.
    StartOver,
}

impl<P, M> Then<P, M> {
    /// Goes on with another page of the scope, and where there is none leaves it.
    pub fn next_or_leave(next: Option<P>, mark: Option<M>) -> Self {
        next.map_or(Self::Leave(mark), Self::Turn)
    }
}

impl<P, M> Default for Walk<P, M> {
    fn default() -> Self {
        Self { marks: BTreeMap::new(), at: None, skipped: BTreeSet::new() }
    }
}

impl<P: Clone + Default, M: Clone> Walk<P, M> {
    /// Reads one page and goes on, or ends the pass when all scopes are read. They may come in any order, and others than
    /// last time: a pass goes through them by name.
    pub fn step<S>(
        mut self,
        run: &Run<S>,
        scopes: &[String],
        read: impl FnOnce(Place<P, M>) -> Result<(Page<Self>, Then<P, M>), Failure>,
    ) -> Result<Page<Self>, Failure> {
        let Some(at) = self.enter(scopes) else { return Ok(Page::empty().done_at(self)) };
        let last_mark = self.marks.get(&at.scope).filter(|_| run.is_incremental()).cloned();
        let (page, then) = read(Place { scope: at.scope.clone(), page: at.page.clone(), last_mark })?;
        self.at = match then {
            Then::Turn(page) => Some(At { page, ..at }),
            Then::Leave(mark) => {
                self.marks.extend(mark.map(|mark| (at.scope.clone(), mark)));
                self.after(&at, scopes)
            }
            Then::PutOff(failure) => {
                self.put_off(run, &at, failure)?;
                self.after(&at, scopes)
            }
            Then::StartOver => {
                self.marks.remove(&at.scope);
                Some(At { page: P::default(), ..at })
            }
        };
        Ok(if self.at.is_none() { page.done_at(self) } else { page.next(self) })
    }

    /// The same for a dataset that has but one scope, such as one under a parent record.
    pub fn step_whole<S>(
        self,
        run: &Run<S>,
        read: impl FnOnce(Place<P, M>) -> Result<(Page<Self>, Then<P, M>), Failure>,
    ) -> Result<Page<Self>, Failure> {
        self.step(run, &[String::new()], read)
    }

    /// Where the pass under way stands; begins one when there is none. None when there is no scope at all.
    fn enter(&mut self, scopes: &[String]) -> Option<At<P>> {
        match self.at.take() {
            None => first(scopes.iter()),
            Some(at) if at.retried || scopes.contains(&at.scope) => Some(at),
            // The list has changed since: go on with the first one not yet passed.
            Some(at) => self.after(&at, scopes),
        }
    }

    /// The next scope, and after the last one those that were skipped.
    fn after(&mut self, at: &At<P>, scopes: &[String]) -> Option<At<P>> {
        let next = if at.retried { None } else { first(scopes.iter().filter(|scope| **scope > at.scope)) };
        next.or_else(|| self.skipped.pop_first().map(|scope| At { scope, page: P::default(), retried: true }))
    }

    fn put_off<S>(&mut self, run: &Run<S>, at: &At<P>, failure: Failure) -> Result<(), Failure> {
        if run.is_incremental() {
            log::warn("skipped what cannot be read", &[("scope", &at.scope), ("why", &failure.message)]);
            return Ok(());
        }
        if at.retried {
            return Err(failure);
        }
        self.skipped.insert(at.scope.clone());
        Ok(())
    }
}

fn first<'a, P: Default>(scopes: impl Iterator<Item = &'a String>) -> Option<At<P>> {
    scopes.min().map(|scope| At { scope: scope.clone(), page: P::default(), retried: false })
}

/// The mark of a listing of things that begin and end, such as builds, while it is read: the newest of their times, held
/// back by the oldest that is not over, so that the next pass comes by it again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Newest {
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<i64>,
}

/// How much older than the newest a thing may be and hold the mark back, in milliseconds: later it is taken for stuck.
const UNFINISHED_AGE_MAX: i64 = 3 * 24 * 60 * 60_000;

impl Newest {
    /// Notes times, in milliseconds.
    pub fn see(&mut self, times: impl IntoIterator<Item = i64>) {
        self.seen = self.seen.into_iter().chain(times).max();
    }

    /// Notes when things began that are not over, in milliseconds.
    pub fn hold_back(&mut self, begun: impl IntoIterator<Item = i64>) {
        let seen = self.seen;
        let is_recent = |begun: &i64| seen.is_none_or(|seen| seen - begun <= UNFINISHED_AGE_MAX);
        self.unfinished = self.unfinished.into_iter().chain(begun.into_iter().filter(is_recent)).min();
    }

    /// The newest time, in milliseconds.
    pub fn seen(&self) -> Option<i64> {
        self.seen
    }

    /// The mark to leave the scope with, in milliseconds; none when nothing was seen.
    pub fn mark(&self) -> Option<i64> {
        let seen = self.seen?;
        let holding = self.unfinished.filter(|begun| seen - begun <= UNFINISHED_AGE_MAX);
        Some(holding.map_or(seen, |begun| seen.min(begun)))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::OnceCell;
    use std::rc::Rc;

    use weir_model::Timestamp;

    use super::*;
    use crate::connector::Pass;
    use crate::mock::{self, Cassette};

    type Position = Walk<u8>;
    type Read = (Page<Position>, Then<u8>);

    fn run(pass: Pass) -> Run<()> {
        Run {
            dataset: "builds".to_owned(),
            parent: None,
            settings: (),
            pass,
            run_at: Timestamp::from_ms(0),
            since: None,
            connection: mock::connection(&Rc::new(Cassette::default())),
            memo: OnceCell::new(),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Walks to the end of a pass, or to its failure; the places in order.
    fn walk(
        pass: Pass,
        scopes: &[&str],
        read: impl Fn(&Place<u8>) -> Read,
    ) -> (Vec<Place<u8>>, Result<Position, String>) {
        let (run, scopes) = (run(pass), names(scopes));
        let (mut position, mut places) = (Position::default(), Vec::new());
        loop {
            let stepped = position.step(&run, &scopes, |place| {
                places.push(place.clone());
                Ok(read(&place))
            });
            match stepped {
                Err(failure) => return (places, Err(failure.code)),
                Ok(Page { cursor: Some(cursor), .. }) => position = cursor,
                Ok(Page { cursor: None, .. }) => return (places, Err("no cursor".to_owned())),
            }
            if position.at.is_none() {
                return (places, Ok(position));
            }
        }
    }

    fn scopes(places: &[Place<u8>]) -> Vec<&str> {
        places.iter().map(|place| place.scope.as_str()).collect()
    }

    fn leave(mark: impl Into<Option<i64>>) -> Read {
        (Page::empty(), Then::Leave(mark.into()))
    }

    fn put_off() -> Read {
        (Page::empty(), Then::PutOff(Failure::forbidden("gone", "it is gone")))
    }

    #[test]
    fn pages_are_turned_and_marks_kept() {
        let (places, position) = walk(Pass::Full, &["b", "a"], |place| match place.page {
            0 => (Page::empty(), Then::Turn(1)),
            _ => leave(7),
        });
        let at = |scope: &str, page| Place { scope: scope.to_owned(), page, last_mark: None };
        assert_eq!(places, [at("a", 0), at("a", 1), at("b", 0), at("b", 1)]);
        assert_eq!(serde_json::to_string(&position).unwrap(), r#"{"Ok":{"marks":{"a":7,"b":7}}}"#);
    }

    #[test]
    fn a_full_pass_comes_back_to_what_could_not_be_read_and_fails_if_it_still_cannot() {
        let (places, position) =
            walk(Pass::Full, &["a", "b", "c"], |place| if place.scope == "a" { put_off() } else { leave(None) });
        assert_eq!((scopes(&places), position), (vec!["a", "b", "c", "a"], Err("gone".to_owned())));
    }

    #[test]
    fn an_incremental_pass_does_without_what_cannot_be_read() {
        let (places, position) = walk(Pass::Incremental, &["a", "b"], |_| put_off());
        assert_eq!((scopes(&places), position), (vec!["a", "b"], Ok(Position::default())));
        assert!(mock::logged()[0].contains("it is gone"));
    }

    #[test]
    fn marks_count_in_incremental_passes_alone_and_are_forgotten_when_the_tool_does() {
        let position = || Position { marks: [("a".to_owned(), 7)].into(), ..Position::default() };
        let mark = |pass| {
            let mut mark = None;
            let page = position().step(&run(pass), &names(&["a"]), |place| {
                mark = place.last_mark;
                Ok((Page::empty(), Then::StartOver))
            });
            (mark, page.unwrap().cursor.unwrap().marks.len())
        };
        assert_eq!(mark(Pass::Incremental), (Some(7), 0));
        assert_eq!(mark(Pass::Full), (None, 0));
    }

    #[test]
    fn a_scope_that_went_from_the_list_is_passed_over() {
        let run = run(Pass::Full);
        let page = Position::default().step(&run, &names(&["a", "b", "c"]), |_| Ok(leave(None)));
        let position = page.unwrap().cursor.unwrap();
        let read = |scopes: &[&str]| {
            let mut read = None;
            let page = position.clone().step(&run, &names(scopes), |place| {
                read = Some(place.scope);
                Ok(leave(None))
            });
            (read, page.unwrap().done)
        };
        assert_eq!(read(&["a", "c"]), (Some("c".to_owned()), true));
        assert_eq!(read(&["a"]), (None, true));
    }

    #[test]
    fn what_is_not_over_holds_the_mark_back_unless_it_is_stuck() {
        let seen = UNFINISHED_AGE_MAX * 2;
        let mark = |begun: &[i64]| {
            let mut newest = Newest::default();
            newest.see([1, seen]);
            newest.hold_back(begun.iter().copied());
            newest.mark()
        };
        assert_eq!(mark(&[]), Some(seen));
        assert_eq!(mark(&[UNFINISHED_AGE_MAX]), Some(UNFINISHED_AGE_MAX));
        assert_eq!(mark(&[UNFINISHED_AGE_MAX - 1]), Some(seen));
        assert_eq!(mark(&[UNFINISHED_AGE_MAX - 1, seen - 5]), Some(seen - 5));
        assert_eq!(Newest::default().mark(), None);
    }
}
