//! Where a dataset stands: how far each repository was read in finished passes, and the page of the pass under way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Position of a dataset. Between passes only the marks are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// How far each repository was read; what it means is up to the [walk](super::listing::Walk) of the listing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    marks: BTreeMap<String, String>,
    /// Where the pass under way stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Place>,
    /// Repositories this full pass could not read; tried once more at its end.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    skipped: BTreeSet<String>,
}

/// A page of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    /// Whose page; empty in listings that are not read repository by repository.
    pub(crate) repository: String,
    /// How to ask for the page; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Next>,
    /// Mark of the last pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_mark: Option<String>,
    /// Mark to keep when the repository is through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<String>,
    /// Creation of the oldest element that is not over, in milliseconds; holds the mark back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unfinished: Option<i64>,
    /// Whether the top of the listing is read once more, for what moved there meanwhile.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) again: bool,
    /// Whether it is tried once more after it could not be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) retried: bool,
}

/// How to ask for the page after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Next {
    /// An address the tool gave.
    Link(String),
    /// An offset the tool gave.
    Start(u64),
    /// What was changed at this instant or later, in the tool's spelling.
    After(String),
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
        let place =
            |repository| Place { last_mark: self.marks.get(&repository).cloned(), repository, ..Place::default() };
        self.at = repository.map(place);
    }

    /// Goes on with another page of the same repository.
    pub(crate) fn turn(&mut self, place: Place) {
        self.at = Some(place);
    }

    /// Keeps the mark of a repository that was read to its end.
    pub(crate) fn keep(&mut self, repository: String, mark: Option<String>) {
        if let Some(mark) = mark {
            self.marks.insert(repository, mark);
        }
    }

    /// Forgets a mark the tool no longer knows, and reads the repository from its beginning.
    pub(crate) fn start_over(&mut self, repository: &str) {
        self.marks.remove(repository);
        if let Some(place) = &mut self.at {
            (place.last_mark, place.next) = (None, None);
        }
    }

    /// Goes on to the next repository, and after the last one to those that were skipped.
    pub(crate) fn leave(&mut self, repositories: &[String]) {
        let Some(place) = self.at.take() else { return };
        let next = repositories.iter().find(|name| !place.retried && **name > place.repository).cloned();
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

    /// Puts a repository off to the end of the pass. False when it had been put off before.
    pub(crate) fn skip(&mut self, repository: &str) -> bool {
        let retried = self.at.as_ref().is_some_and(|place| place.retried);
        !retried && self.skipped.insert(repository.to_owned())
    }

    /// Whether no pass is under way.
    pub(crate) fn is_between_passes(&self) -> bool {
        self.at.is_none()
    }

    /// The page of a listing that is not read repository by repository.
    pub(crate) fn next(&self) -> Option<&Next> {
        self.at.as_ref()?.next.as_ref()
    }

    /// A position in such a listing.
    pub(crate) fn at(next: Next) -> Self {
        Self { at: Some(Place { next: Some(next), ..Place::default() }), ..Self::default() }
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
        while let Some(place) = position.place(&all) {
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
