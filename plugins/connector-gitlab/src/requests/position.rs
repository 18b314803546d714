//! Where a dataset stands: the newest change of each project in finished passes, and the page of the pass under way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Position of a dataset. Between passes only the marks are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Newest change seen, by project, in milliseconds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    marks: BTreeMap<String, i64>,
    /// Where the pass under way stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Place>,
    /// Projects this full pass could not read; tried once more at its end.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    unread: BTreeSet<String>,
}

/// A page of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Whose page; empty where one listing is all there is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) project: String,
    /// Change the page begins at, in milliseconds; none for that of the whole listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) floor: Option<i64>,
    /// Link to the page; none for the first from the floor on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// Newest change seen so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<i64>,
    /// Whether it is tried once more after it could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) retried: bool,
}

impl Place {
    fn of(project: String) -> Self {
        Self { project, ..Self::default() }
    }
}

impl Position {
    /// The page to read now; begins a pass when none is under way. None when there is no project at all.
    pub(crate) fn place(&mut self, projects: &[String]) -> Option<Place> {
        match &self.at {
            None => self.at = projects.first().cloned().map(Place::of),
            // The list may have changed since: go on with the first one not yet passed.
            Some(place) if !place.retried && projects.binary_search(&place.project).is_err() => {
                self.at = following(projects, &place.project);
            }
            Some(_) => {}
        }
        self.at.clone()
    }

    /// Newest change of a project that earlier passes saw.
    pub(crate) fn mark(&self, project: &str) -> Option<i64> {
        self.marks.get(project).copied()
    }

    /// Goes on to another page of the same project.
    pub(crate) fn turn(&mut self, place: Place) {
        self.at = Some(place);
    }

    /// Goes on to the next project, and after the last one to those that could not be read.
    pub(crate) fn leave(&mut self, projects: &[String]) {
        let Some(place) = self.at.take() else { return };
        if let Some(mark) = place.mark {
            self.marks.insert(place.project.clone(), mark);
        }
        let next = if place.retried { None } else { following(projects, &place.project) };
        self.at = next.or_else(|| self.unread.pop_first().map(|project| Place { retried: true, ..Place::of(project) }));
    }

    /// Goes on without what is left of a project; the next pass reads it again from where this one began.
    pub(crate) fn pass_over(&mut self, projects: &[String]) {
        if let Some(place) = &mut self.at {
            place.mark = None;
        }
        self.leave(projects);
    }

    /// Puts a project off to the end of the pass. False when it had been put off before.
    pub(crate) fn put_off(&mut self, place: &Place) -> bool {
        !place.retried && self.unread.insert(place.project.clone())
    }

    /// Whether no pass is under way.
    pub(crate) fn is_between_passes(&self) -> bool {
        self.at.is_none()
    }

    /// Link of a listing that is all there is.
    pub(crate) fn link(&self) -> Option<String> {
        self.at.as_ref()?.link.clone()
    }

    /// A position in such a listing.
    pub(crate) fn at_link(link: String) -> Self {
        Self { at: Some(Place { link: Some(link), ..Place::default() }), ..Self::default() }
    }
}

fn following(projects: &[String], project: &str) -> Option<Place> {
    projects.iter().find(|next| next.as_str() > project).cloned().map(Place::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_pass_goes_through_all_and_comes_back_to_the_unread() {
        let all = names(&["a/a", "b/b", "c/c"]);
        let (mut position, mut seen) = (Position::default(), Vec::new());
        while let Some(place) = position.place(&all) {
            if place.project == "a/a" && !place.retried {
                assert!(position.put_off(&place));
            }
            seen.push(place.project);
            position.leave(&all);
            if position.is_between_passes() {
                break;
            }
        }
        assert_eq!(seen, ["a/a", "b/b", "c/c", "a/a"]);
        assert_eq!(position, Position::default());
    }

    #[test]
    fn a_project_that_went_from_the_list_is_passed_over() {
        let mut position = Position::default();
        position.place(&names(&["a/a", "b/b", "c/c"]));
        position.leave(&names(&["a/a", "b/b", "c/c"]));
        assert_eq!(position.place(&names(&["a/a", "c/c"])).unwrap().project, "c/c");
        assert_eq!(position.place(&names(&["a/a"])), None);
    }
}
