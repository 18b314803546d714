//! Where a dataset stands: the newest change of each repository in finished passes, and the page of the pass under way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Position of a dataset. Between passes only the marks are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Newest change seen, by repository, in milliseconds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) marks: BTreeMap<String, i64>,
    /// Where the pass under way stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Place>,
}

/// A page of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) repository: String,
    /// Link to the page; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// Mark to set when the repository is through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<i64>,
    /// Time of the oldest run that is not over; holds the mark back, so that the next pass comes by it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unfinished: Option<i64>,
}

/// Runs that are older than this and still not over hold nothing back, in milliseconds.
const UNFINISHED_AGE_MAX: i64 = 3 * 24 * 60 * 60_000;

impl Position {
    /// The page to read now; the first of the first repository when no pass is under way.
    pub(crate) fn place(&self, repositories: &[String]) -> Option<Place> {
        match &self.at {
            None => first_from(repositories, ""),
            // The list may have changed since: go on with the first one not yet passed.
            Some(place) if repositories.binary_search(&place.repository).is_err() => {
                first_from(repositories, &place.repository)
            }
            Some(place) => Some(place.clone()),
        }
    }

    /// Goes on behind a place, and keeps its mark when it was read to its end.
    pub(crate) fn leave(&mut self, place: &Place, repositories: &[String]) {
        if let Some(mark) = place.mark {
            let held = place.unfinished.map_or(mark, |unfinished| unfinished.clamp(mark - UNFINISHED_AGE_MAX, mark));
            self.marks.insert(place.repository.clone(), held);
        }
        let next = repositories.iter().find(|next| **next > place.repository);
        self.at = next.map(|next| Place { repository: next.clone(), ..Place::default() });
    }
}

fn first_from(repositories: &[String], name: &str) -> Option<Place> {
    let first = repositories.iter().find(|next| next.as_str() >= name)?;
    Some(Place { repository: first.clone(), ..Place::default() })
}
