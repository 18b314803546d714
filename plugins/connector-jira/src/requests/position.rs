//! Where a dataset stands: the newest change seen in finished passes, and the place of the pass under way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Position of a dataset. Between passes only `mark` and `recent`, or `read_at`, are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Newest change of an issue seen by finished passes, in milliseconds of Jira's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<i64>,
    /// Issues the last pass saw change shortly before its mark, with the time of their change in milliseconds; the next
    /// one meets them again.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) recent: BTreeMap<String, i64>,
    /// Where the search under way stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Place>,
    /// Issues whose list did not come whole with them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) waiting: Vec<Waiting>,
    /// First element of the next page of a listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<u64>,
    /// When a listing was last read to its end, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) read_at: Option<i64>,
}

/// A place in a search, which goes by time of change, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    /// Issues changed since then are searched, in milliseconds.
    pub(crate) from: i64,
    /// What Jira Cloud calls the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// First issue of the next page, on Server.
    pub(crate) start: u64,
    /// The issue that stood last on the page before, and must be met again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) anchor: Option<String>,
    /// Newest change seen in this pass, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) newest: Option<i64>,
    /// Issues that changed shortly before that.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) recent: BTreeMap<String, i64>,
    /// Whether the search came to its end.
    pub(crate) ended: bool,
}

/// An issue whose list is read page by page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// Its id.
    pub(crate) issue: String,
    /// First entry of the next page.
    pub(crate) start: u64,
}

/// How far before the newest change of the last pass to read again, in milliseconds: Jira's index lags behind.
pub(super) const OVERLAP: i64 = 5 * 60_000;
/// Most issues that are kept as recent; a cursor has little room.
const RECENT_MAX: usize = 500;
/// A minute in milliseconds: Jira's index may be no finer.
const MINUTE: i64 = 60_000;

/// What a page of a search on Server held.
pub(super) struct Seen<'a> {
    /// Issues in the order of the answer, each once, with the time of their last change in milliseconds.
    pub(super) issues: &'a [(String, i64)],
    /// How many issues the search finds in all.
    pub(super) total: Option<u64>,
}

impl Place {
    /// Begins a search.
    pub(super) fn since(from: i64) -> Self {
        Self { from, ..Self::default() }
    }

    /// Notes the changes of a page.
    pub(super) fn note(&mut self, changes: impl Iterator<Item = (String, i64)>) {
        self.recent.extend(changes);
        self.newest = self.newest.max(self.recent.values().max().copied());
        let recent_from = self.newest.map_or(i64::MIN, |newest| newest - OVERLAP);
        self.recent.retain(|_, updated| *updated >= recent_from);
        if self.recent.len() > RECENT_MAX {
            // They are read once more then, which costs only time.
            self.recent.clear();
        }
    }

    /// Goes on after a page of Jira Cloud.
    pub(super) fn follow(&mut self, token: Option<String>) {
        self.ended = token.is_none();
        self.token = token;
    }

    /// Goes on after a page of Jira Server, which counts pages by position. Issues that are changed or deleted while we
    /// read move the others up, so the next search begins at the last time seen; within one minute each page begins
    /// with the last issue of the one before, and when that is not there, we go back until it is.
    pub(super) fn turn(&mut self, seen: &Seen<'_>) {
        let n_issues = u64::try_from(seen.issues.len()).unwrap_or(u64::MAX);
        let met = |anchor: &String| seen.issues.iter().any(|(id, _)| id == anchor);
        if self.anchor.as_ref().is_some_and(|anchor| !met(anchor)) {
            self.go_back(n_issues.max(BACK_MIN));
            return;
        }
        let reached = self.start.saturating_add(n_issues);
        if n_issues == 0 || seen.total.is_some_and(|total| reached >= total) {
            self.ended = true;
            return;
        }
        let newest = seen.issues.iter().map(|(_, updated)| *updated).max().unwrap_or(0);
        let minute = newest - newest.rem_euclid(MINUTE);
        if minute > self.from {
            (self.from, self.start, self.anchor) = (minute, 0, None);
            return;
        }
        // A page of one issue has no room for the anchor.
        self.anchor = seen.issues.last().filter(|_| n_issues > 1).map(|(id, _)| id.clone());
        self.start = reached - u64::from(self.anchor.is_some());
    }

    fn go_back(&mut self, n_issues: u64) {
        self.start = self.start.saturating_sub(n_issues);
        if self.start == 0 {
            self.anchor = None;
        }
    }
}

/// Fewest issues to go back by.
const BACK_MIN: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of issues that changed at one time.
    fn turned(mut place: Place, ids: &[&str], updated: i64, total: u64) -> Place {
        let issues: Vec<_> = ids.iter().map(|id| ((*id).to_owned(), updated)).collect();
        place.turn(&Seen { issues: &issues, total: Some(total) });
        place
    }

    fn at(place: &Place) -> (u64, Option<&str>) {
        (place.start, place.anchor.as_deref())
    }

    #[test]
    fn the_next_search_begins_at_the_last_time_seen() {
        assert_eq!(turned(Place::since(0), &["1", "2"], 150_000, 9), Place::since(120_000));
    }

    #[test]
    fn within_a_minute_pages_overlap_and_a_lost_anchor_is_looked_for() {
        let place = turned(Place::since(120_000), &["1", "2", "3"], 150_000, 9);
        assert_eq!(at(&place), (2, Some("3")));
        let place = turned(place, &["3", "4", "5"], 150_000, 9);
        assert_eq!(at(&place), (4, Some("5")));
        // Two issues before were changed meanwhile: 6 and 7 moved up and 5 is out of sight.
        assert_eq!(at(&turned(place, &["7", "8", "9"], 150_000, 9)), (0, None));
    }

    #[test]
    fn a_search_ends_when_all_were_seen_and_not_when_the_anchor_is_lost() {
        let place = Place { start: 4, anchor: Some("5".to_owned()), ..Place::since(120_000) };
        let place = turned(place, &[], 0, 4);
        assert!(!place.ended);
        assert!(turned(place, &["1", "2", "3", "4"], 130_000, 4).ended);
    }

    #[test]
    fn only_few_issues_are_kept_as_recent() {
        let mut place = Place::since(0);
        place.note([("1".to_owned(), 0), ("2".to_owned(), OVERLAP), ("3".to_owned(), OVERLAP + 1)].into_iter());
        assert_eq!(place.recent.keys().collect::<Vec<_>>(), ["2", "3"]);
        place.note((0..1_000).map(|id| (id.to_string(), OVERLAP)));
        assert_eq!((place.recent.len(), place.newest), (0, Some(OVERLAP + 1)));
    }
}
