//! Where a dataset stands: the newest change of each repository in finished passes, and the page of the pass under way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Position of a dataset. Between passes only the marks are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Newest change seen, by repository, in milliseconds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    marks: BTreeMap<String, i64>,
    /// Where the pass under way stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Place>,
    /// Repositories this full pass could not read; tried once more at its end.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    skipped: BTreeSet<String>,
}

/// A page of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Whose page; empty in listings that are not read repository by repository.
    pub(crate) repository: String,
    /// Link to the page; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// Mark of the last pass, which this one is read down to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_mark: Option<i64>,
    /// Mark to set when the repository is through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<i64>,
    /// Creation of the oldest element that is not over; holds the mark back, so that the next pass comes by it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unfinished: Option<i64>,
    /// Whether it is tried once more after it could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    retried: bool,
}

/// Runs that are older than this and still not over hold nothing back, in milliseconds.
const UNFINISHED_AGE_MAX: i64 = 3 * 24 * 60 * 60_000;

impl Place {
    /// Notes the oldest element of a page that is not over.
    pub(crate) fn remember_unfinished(&mut self, unfinished: Option<i64>) {
        let recent = |unfinished: &i64| self.mark.is_some_and(|mark| mark - unfinished <= UNFINISHED_AGE_MAX);
        self.unfinished = self.unfinished.into_iter().chain(unfinished.filter(recent)).min();
    }
}

impl Position {
    /// The page to read now; begins a pass when none is under way. None when there is no repository at all.
    pub(crate) fn place(&mut self, repositories: &[String]) -> Option<Place> {
        // The list may have changed since: go on with the first one not yet passed.
        let passed = |place: &Place| !place.retried && repositories.binary_search(&place.repository).is_err();
        match &self.at {
            None => self.enter(repositories.first().cloned()),
            Some(place) if passed(place) => {
                let next = repositories.iter().find(|name| **name > place.repository).cloned();
                self.enter(next);
            }
            Some(_) => {}
        }
        self.at.clone()
    }

    fn enter(&mut self, repository: Option<String>) {
        let place = |repository| Place { last_mark: self.marks.get(&repository).copied(), repository, ..Place::default() };
        self.at = repository.map(place);
    }

    /// Goes on to the next page of the same repository.
    pub(crate) fn turn(&mut self, place: Place, link: String) {
        self.at = Some(Place { link: Some(link), ..place });
    }

    /// Keeps the mark of a repository that was read to its end.
    pub(crate) fn mark(&mut self, place: Place) {
        if let Some(mark) = place.mark {
            let held = place.unfinished.map_or(mark, |unfinished| mark.min(unfinished));
            self.marks.insert(place.repository, held);
        }
    }

    /// Goes on to the next repository, and after the last one to those that were skipped.
    pub(crate) fn leave(&mut self, repositories: &[String]) {
        let Some(place) = self.at.take() else { return };
        let next = repositories.iter().find(|name| !place.retried && **name > place.repository).cloned();
        match next {
            Some(next) => self.enter(Some(next)),
            None => {
                let skipped = self.skipped.pop_first();
                self.enter(skipped);
                self.at.iter_mut().for_each(|place| place.retried = true);
            }
        }
    }

    /// Puts a repository off to the end of the pass. False when it had been put off before.
    pub(crate) fn skip(&mut self, repository: &str) -> bool {
        let retried = self.at.as_ref().is_some_and(|place| place.retried);
        !retried && self.skipped.insert(repository.to_owned())
    }

    /// Whether no pass is under way.
    pub(crate) fn is_between_passes(&self) -> bool {
        self.at.is_none()
    }

    /// Link of a listing that is not read repository by repository.
    pub(crate) fn link(&self) -> Option<String> {
        self.at.as_ref()?.link.clone()
    }

    /// A position in such a listing.
    pub(crate) fn at_link(link: String) -> Self {
        Self { at: Some(Place { link: Some(link), ..Place::default() }), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_pass_goes_through_all_and_comes_back_to_the_skipped() {
        let all = names(&["a/a", "b/b", "c/c"]);
        let mut position = Position::default();
        let mut seen = Vec::new();
        for _ in 0..10 {
            let Some(place) = position.place(&all) else { break };
            if place.repository == "a/a" && !place.retried {
                assert!(position.skip("a/a"));
            }
            seen.push(place.repository);
            position.leave(&all);
            if position.is_between_passes() {
                break;
            }
        }
        assert_eq!(seen, ["a/a", "b/b", "c/c", "a/a"]);
        assert_eq!(position, Position::default());
    }

    #[test]
    fn a_repository_that_went_from_the_list_is_passed_over() {
        let mut position = Position::default();
        position.place(&names(&["a/a", "b/b", "c/c"]));
        position.leave(&names(&["a/a", "b/b", "c/c"]));
        let place = position.place(&names(&["a/a", "c/c"])).unwrap();
        assert_eq!(place.repository, "c/c");
        assert_eq!(position.place(&names(&["a/a"])), None);
    }
}
