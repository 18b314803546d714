//! Where a dataset stands: the newest change seen in finished passes, and the place of the pass under way.

use serde::{Deserialize, Serialize};

/// Position of a dataset. Between passes only `mark` or `read_at` is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Newest change of an issue seen by finished passes, in milliseconds of Jira's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<i64>,
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

/// A minute in milliseconds: Jira's index may be no finer.
const MINUTE: i64 = 60_000;

/// What a page of a search on Server held.
pub(super) struct Seen<'a> {
    /// Ids in the order of the answer, each once.
    pub(super) ids: &'a [String],
    /// Newest change on the page, in milliseconds.
    pub(super) newest: Option<i64>,
    /// How many issues the search finds in all.
    pub(super) total: Option<u64>,
}

impl Place {
    /// Begins a search.
    pub(super) fn since(from: i64) -> Self {
        Self { from, ..Self::default() }
    }

    /// Notes the newest change of a page.
    pub(super) fn note(&mut self, newest: Option<i64>) {
        self.newest = self.newest.max(newest);
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
        let n_issues = u64::try_from(seen.ids.len()).unwrap_or(u64::MAX);
        if self.anchor.as_ref().is_some_and(|anchor| !seen.ids.contains(anchor)) {
            self.go_back(n_issues.max(BACK_MIN));
            return;
        }
        let reached = self.start.saturating_add(n_issues);
        if n_issues == 0 || seen.total.is_some_and(|total| reached >= total) {
            self.ended = true;
            return;
        }
        let minute = seen.newest.map_or(self.from, |newest| newest - newest.rem_euclid(MINUTE));
        if minute > self.from {
            (self.from, self.start, self.anchor) = (minute, 0, None);
            return;
        }
        // A page of one issue has no room for the anchor.
        let anchor = seen.ids.last().filter(|_| n_issues > 1);
        self.start = reached - u64::from(anchor.is_some());
        self.anchor = anchor.cloned();
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

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn the_next_search_begins_at_the_last_time_seen() {
        let mut place = Place::since(0);
        place.turn(&Seen { ids: &ids(&["1", "2"]), newest: Some(150_000), total: Some(9) });
        assert_eq!(place, Place::since(120_000));
    }

    #[test]
    fn within_a_minute_pages_overlap_and_a_lost_anchor_is_looked_for() {
        let mut place = Place::since(120_000);
        place.turn(&Seen { ids: &ids(&["1", "2", "3"]), newest: Some(150_000), total: Some(9) });
        assert_eq!((place.start, place.anchor.as_deref()), (2, Some("3")));
        place.turn(&Seen { ids: &ids(&["3", "4", "5"]), newest: Some(150_000), total: Some(9) });
        assert_eq!((place.start, place.anchor.as_deref()), (4, Some("5")));
        // Two issues before were changed meanwhile: 6 and 7 moved up and 5 is out of sight.
        place.turn(&Seen { ids: &ids(&["7", "8", "9"]), newest: Some(150_000), total: Some(9) });
        assert_eq!((place.start, place.anchor.as_deref()), (0, None));
    }

    #[test]
    fn a_search_ends_when_all_were_seen_and_not_when_the_anchor_is_lost() {
        let mut place = Place { start: 4, anchor: Some("5".to_owned()), ..Place::since(120_000) };
        place.turn(&Seen { ids: &[], newest: None, total: Some(4) });
        assert!(!place.ended);
        place.turn(&Seen { ids: &ids(&["1", "2", "3", "4"]), newest: Some(130_000), total: Some(4) });
        assert!(place.ended);
    }
}
