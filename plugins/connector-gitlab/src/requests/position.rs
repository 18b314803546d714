//! Where a dataset stands: the newest change of each project in finished passes, and the page of the pass under way.

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;
use weir_sdk::walk::{self, Then, Walk};

/// Position of a dataset; its marks are in milliseconds.
pub(crate) type Position = Walk<Leaf>;
/// A page of a project.
pub(crate) type Place = walk::Place<Leaf>;
/// A page that was read, and where to go on.
pub(crate) type Read = (Page<Position>, Then<Leaf>);

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leaf {
    /// Change the page begins at, in milliseconds; none for that of the whole listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) floor: Option<i64>,
    /// Link to the page; none for the first from the floor on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// Newest change seen so far, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<i64>,
}
