//! Where a dataset stands: how far each project or repository was read in finished passes, and the page of the pass
//! under way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Position of a dataset. Between passes only the marks are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Up to which instant each scope was read, in milliseconds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    marks: BTreeMap<String, i64>,
    /// Where the pass under way stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Place>,
    /// Scopes this full pass could not read; tried once more at its end.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    skipped: BTreeSet<String>,
}

/// A page of a project or repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    /// "project" or "project/repository"; empty under a parent.
    pub(crate) scope: String,
    /// How to ask for the page; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Next>,
    /// Which of several listings of the scope is read.
    #[serde(skip_serializing_if = "is_first")]
    pub(crate) leg: usize,
    /// Mark of the last pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_mark: Option<i64>,
    /// Mark to keep when the scope is through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<i64>,
    /// Begin of the oldest element that is not over, in milliseconds; holds the mark back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unfinished: Option<i64>,
    /// Whether it is tried once more after it could not be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) retried: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_first(leg: &usize) -> bool {
    *leg == 0
}

/// How to ask for the page after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Next {
    /// A token the tool gave.
    Token(String),
    /// As many elements are passed over.
    Skip(u64),
    /// What has a greater id.
    Above(u64),
}

/// Runs that are older than this and still not over hold nothing back, in milliseconds.
const UNFINISHED_AGE_MAX: i64 = 3 * 24 * 60 * 60_000;

impl Place {
    /// The first page of a listing under a parent.
    pub(crate) fn under_parent(next: Option<Next>) -> Self {
        Self { next, ..Self::default() }
    }

    /// Notes an instant that was read.
    pub(crate) fn raise_mark(&mut self, at: Option<i64>) {
        self.mark = self.mark.max(at);
    }

    /// Notes the begin of an element that is not over.
    pub(crate) fn hold_back(&mut self, begun: Option<i64>) {
        self.unfinished = self.unfinished.into_iter().chain(begun).min();
    }

    /// The mark, no later than what is not over, unless that is stuck.
    fn held_mark(&self) -> Option<i64> {
        let mark = self.mark.or(self.last_mark)?;
        let recent = self.unfinished.filter(|begun| mark - begun <= UNFINISHED_AGE_MAX);
        Some(recent.map_or(mark, |begun| mark.min(begun)))
    }
}

impl Position {
    /// The page to read now; begins a pass when none is under way. None when there is no scope at all.
    pub(crate) fn place(&mut self, scopes: &[String]) -> Option<Place> {
        // The list may have changed since: go on with the first one not yet passed.
        let passed = |place: &Place| !place.retried && scopes.binary_search(&place.scope).is_err();
        match &self.at {
            None => self.enter(scopes.first().cloned()),
            Some(place) if passed(place) => {
                let next = scopes.iter().find(|name| **name > place.scope).cloned();
                self.enter(next);
            }
            Some(_) => {}
        }
        self.at.clone()
    }

    fn enter(&mut self, scope: Option<String>) {
        let place = |scope| Place { last_mark: self.marks.get(&scope).copied(), scope, ..Place::default() };
        self.at = scope.map(place);
    }

    /// Goes on with another page of the same scope.
    pub(crate) fn turn(&mut self, place: Place) {
        self.at = Some(place);
    }

    /// Keeps the mark of a scope that was read to its end.
    pub(crate) fn keep(&mut self, place: &Place) {
        if let Some(mark) = place.held_mark() {
            self.marks.insert(place.scope.clone(), mark);
        }
    }

    /// Goes on to the next scope, and after the last one to those that were skipped.
    pub(crate) fn leave(&mut self, scopes: &[String]) {
        let Some(place) = self.at.take() else { return };
        let next = scopes.iter().find(|name| !place.retried && **name > place.scope).cloned();
        if next.is_some() {
            self.enter(next);
            return;
        }
        let skipped = self.skipped.pop_first();
        self.enter(skipped);
        if let Some(place) = &mut self.at {
            place.retried = true;
        }
    }

    /// Puts a scope off to the end of the pass. False when it had been put off before.
    pub(crate) fn skip(&mut self, scope: &str) -> bool {
        let retried = self.at.as_ref().is_some_and(|place| place.retried);
        !retried && self.skipped.insert(scope.to_owned())
    }

    /// Whether no pass is under way.
    pub(crate) fn is_between_passes(&self) -> bool {
        self.at.is_none()
    }

    /// How to ask for the page of a listing under a parent.
    pub(crate) fn next(&self) -> Option<Next> {
        self.at.as_ref()?.next.clone()
    }

    /// A position in such a listing.
    pub(crate) fn at(next: Next) -> Self {
        Self { at: Some(Place::under_parent(Some(next))), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_over_holds_the_mark_back_unless_it_is_stuck() {
        let held =
            |unfinished| Place { mark: Some(UNFINISHED_AGE_MAX * 2), unfinished, ..Place::default() }.held_mark();
        assert_eq!(held(None), Some(UNFINISHED_AGE_MAX * 2));
        assert_eq!(held(Some(UNFINISHED_AGE_MAX)), Some(UNFINISHED_AGE_MAX));
        assert_eq!(held(Some(UNFINISHED_AGE_MAX - 1)), Some(UNFINISHED_AGE_MAX * 2));
    }
}
