//! Where a dataset stands: the newest change of each repository in finished passes, and the page of the pass under way.

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;
use weir_sdk::walk::{self, Newest, Then, Walk};

/// Position of a dataset; its marks are in milliseconds.
pub(crate) type Position = Walk<Leaf>;
/// A page of a repository.
pub(crate) type Place = walk::Place<Leaf>;
/// A page that was read, and where to go on.
pub(crate) type Read = (Page<Position>, Then<Leaf>);

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leaf {
    /// Link to the page; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// What the pages before said of the times of the listing.
    pub(crate) newest: Newest,
}

/// Goes on to the next page of a listing without times, or leaves it.
pub(crate) fn follow(next: Option<String>) -> Then<Leaf> {
    Then::next_or_leave(next.map(|link| Leaf { link: Some(link), ..Leaf::default() }), None)
}
