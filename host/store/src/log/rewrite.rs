//! What a rewriting of the log makes of what lies in it.

use weir_model::{RawRecord, StoredRecord};

use crate::state::StateKey;

/// What becomes of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate<T> {
    /// It stays as it is.
    Stay,
    /// It goes.
    Go,
    /// This takes its place.
    Become(T),
}

/// Decides over everything in a log. It may be asked more than once about the same, also after a kill, and answers the
/// same; what it has put in place itself, it lets stay.
pub trait Rewrite {
    /// What becomes of a record; its position, its stream and its time stay.
    fn record(&self, stored: &StoredRecord) -> Fate<RawRecord>;

    /// What becomes of a value of the state.
    fn value(&self, _key: &StateKey, _value: &[u8]) -> Fate<(StateKey, Vec<u8>)> {
        Fate::Stay
    }
}

/// Whoever only says which records go.
impl<F: Fn(&StoredRecord) -> bool> Rewrite for F {
    fn record(&self, stored: &StoredRecord) -> Fate<RawRecord> {
        if self(stored) { Fate::Go } else { Fate::Stay }
    }
}
