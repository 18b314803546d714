//! Building everything derived again from the log, beside what is in use. Readers never see half: the new stores
//! take the place of the old in one step when they have caught up. Killed on the way it leaves nothing, and begins again.

use std::sync::{Arc, PoisonError, RwLock};

use weir_model::{EventNumber, Seq};
use weir_stages::correlate::CommitGraph;
use weir_store::Derived;

use super::neighbours::Neighbours;
use super::{Derivation, Processed, Processor, Target, definition};
use crate::account::{Account, Rebuilding};
use crate::clock;
use crate::error::Fault;
use crate::normaliser::Normaliser;
use crate::state_keys;

/// Rebuilds `account` from the first raw record. No event is fired again: their numbers come out the same, and what
/// has dealt with them keeps its position.
pub fn replay(
    account: &Arc<Account>,
    normaliser: Normaliser,
    progress: &mut dyn FnMut(Seq),
) -> Result<Processed, Fault> {
    Processor::new(account.clone(), normaliser).derive_again(progress)
}

impl Processor {
    /// Where records were erased there are fewer events than there were. Those who have dealt with the last one wait for
    /// a higher number, so the last one keeps its own.
    fn keep_numbers(&self, next: &Derived) -> Result<(), Fault> {
        let floor = self.account.log.state(&state_keys::event_floor()).map_err(Fault::from_log)?;
        let Some(floor) = floor.and_then(|bytes| <[u8; 8]>::try_from(bytes.as_slice()).ok()) else { return Ok(()) };
        let in_use = self.account.derived().projection.reader().and_then(|reader| reader.last_event());
        // What is in use may be damaged, and be built again because of that.
        let last = in_use.map_or(0, |last| last.0).max(u64::from_be_bytes(floor));
        next.projection.raise_events(EventNumber(last)).map_err(Fault::from_derived)
    }

    pub(super) fn derive_again(&mut self, progress: &mut dyn FnMut(Seq)) -> Result<Processed, Fault> {
        let account = self.account.clone();
        let began_at = clock::now();
        let result = self.build_beside(&mut |at| {
            account.note_rebuilding(Some(Rebuilding { began_at, at }));
            progress(at);
        });
        account.note_rebuilding(None);
        result
    }

    fn build_beside(&mut self, progress: &mut dyn FnMut(Seq)) -> Result<Processed, Fault> {
        let account = self.account.clone();
        let next = Derived::next(account.derived_folder(), &definition(account.settings(), &account.context()));
        let next = next.map_err(Fault::from_derived)?;
        account.derived().projection.rest();
        next.projection.hurry().map_err(Fault::from_derived)?;
        let graph = RwLock::new(CommitGraph::default());
        // What is remembered is of the stores in use.
        self.derivation = Derivation { neighbours: Neighbours::of_nothing(), ..Derivation::default() };
        let sum = self.drain(&Target { derived: &next, graph: &graph, is_unseen: true }, progress)?;
        self.keep_numbers(&next)?;
        next.projection.settle().map_err(Fault::from_derived)?;
        Derived::promote(account.derived_folder(), &next).map_err(Fault::from_derived)?;
        let watermark = next.projection.watermark().map_err(Fault::from_derived)?;
        account.swap_derived(next, graph.into_inner().unwrap_or_else(PoisonError::into_inner));
        account.announce(watermark);
        Ok(sum)
    }
}
