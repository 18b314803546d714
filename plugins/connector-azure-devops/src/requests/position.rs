//! Where a dataset stands: how far each project or repository was read in finished passes, and the page of the pass
//! under way.

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;
use weir_sdk::walk::{self, Newest, Then, Walk};

/// Position of a dataset, by "project" or "project/repository"; its marks are in milliseconds.
pub(crate) type Position = Walk<Leaf>;
/// A page of a project or repository.
pub(crate) type Place = walk::Place<Leaf>;
/// A page that was read, and where to go on.
pub(crate) type Read = (Page<Position>, Then<Leaf>);

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leaf {
    /// How to ask for the page; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Next>,
    /// Which of several listings of the scope is read.
    pub(crate) leg: usize,
    /// What was read of times so far.
    pub(crate) newest: Newest,
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

impl Leaf {
    /// The page after this one, if there is one.
    pub(crate) fn turned(self, next: Option<Next>) -> Option<Self> {
        next.map(|next| Self { next: Some(next), ..self })
    }
}
