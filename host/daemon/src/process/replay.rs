//! Building everything derived again from the log, beside what is in use. Readers never see half: the new stores
//! take the place of the old in one step when they have caught up.

use std::sync::{Arc, PoisonError, RwLock};

use weir_model::Seq;
use weir_stages::correlate::CommitGraph;
use weir_store::Derived;

use super::{Processed, Processor, Target, definition};
use crate::account::Account;
use crate::error::Fault;
use crate::normaliser::Normaliser;

/// Rebuilds `account` from the first raw record. No event is fired again: their numbers come out the same, and what
/// has dealt with them keeps its position.
pub fn replay(
    account: &Arc<Account>,
    normaliser: Normaliser,
    progress: &mut dyn FnMut(Seq),
) -> Result<Processed, Fault> {
    let definition = definition(account.settings(), &account.context());
    let next = Derived::next(account.derived_folder(), &definition).map_err(Fault::from_derived)?;
    let graph = RwLock::new(CommitGraph::default());
    let mut processor = Processor::new(account.clone(), normaliser);
    let sum = processor.drain(&Target { derived: &next, graph: &graph }, progress)?;
    Derived::promote(account.derived_folder(), &next).map_err(Fault::from_derived)?;
    let watermark = next.projection.watermark().map_err(Fault::from_derived)?;
    account.swap_derived(next, graph.into_inner().unwrap_or_else(PoisonError::into_inner));
    account.announce(watermark);
    Ok(sum)
}
