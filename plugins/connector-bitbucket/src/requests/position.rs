//! Where a dataset stands: how far each repository was read in finished passes, and the page of the pass under way.

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;
use weir_sdk::walk::{self, Newest, Then, Walk};

/// Position of a dataset; what its marks mean is up to the [way](super::listing::Way) of the listing.
pub(crate) type Position = Walk<Leaf, String>;
/// A page of a repository.
pub(crate) type Place = walk::Place<Leaf, String>;
/// A page that was read, and where to go on.
pub(crate) type Read = (Page<Position>, Then<Leaf, String>);

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leaf {
    /// How to ask for the page; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Next>,
    /// Mark to keep when the repository is through, where the listing does not go by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<String>,
    /// What was read of times so far.
    pub(crate) newest: Newest,
    /// Whether the top of the listing is read once more, for what moved there meanwhile.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) again: bool,
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

impl Leaf {
    /// Goes on to the next page, or leaves the listing with a mark.
    pub(crate) fn turn_or_leave(self, next: Option<Next>, mark: Option<String>) -> Then<Self, String> {
        Then::next_or_leave(next.map(|next| Self { next: Some(next), ..self }), mark)
    }
}
