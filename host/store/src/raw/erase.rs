//! Taking records out of sealed generations. A generation is written anew without them, and one rename of its manifest
//! puts that in place; then the old one goes. A kill on the way leaves the one or the other, and both whole.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use weir_model::{Seq, StoredRecord};

use super::base::Base;
use super::packing::{Packing, Rest};
use super::sealed::Sealed;
use super::shelf::ShelfError;
use super::{Raw, folders_of, new_folder};
use crate::journal::Changes;
use crate::log::{ERASED, Lost, Reading};

/// Records read at a time.
const READ_RECORDS: usize = 1024;
/// Bytes read at a time.
const READ_BYTES: usize = 4 << 20;

impl Raw {
    /// Takes out all records that are `unwanted`, which is asked once about each; how many.
    pub(crate) fn erase(&self, unwanted: &mut dyn FnMut(&StoredRecord) -> bool) -> Result<u64, ShelfError> {
        let mut n_erased = 0;
        for sealed in self.list() {
            n_erased += self.erase_from(&sealed, unwanted)?;
        }
        Ok(n_erased)
    }

    fn erase_from(
        &self,
        sealed: &Arc<Sealed>,
        unwanted: &mut dyn FnMut(&StoredRecord) -> bool,
    ) -> Result<u64, ShelfError> {
        let mut gaps = Gaps::default();
        let mut n_erased = 0;
        for_each(sealed, &mut gaps, |gaps, records| {
            for record in records {
                if unwanted(&record) {
                    gaps.add(record.seq, record.seq, ERASED);
                    n_erased += 1;
                }
            }
            Ok(())
        })?;
        if n_erased > 0 {
            self.rewrite(sealed, &gaps)?;
        }
        self.tidy(sealed.manifest().generation)?;
        Ok(n_erased)
    }

    /// Writes a generation anew without the records in `gaps`, with its state as it is.
    fn rewrite(&self, sealed: &Arc<Sealed>, gaps: &Gaps) -> Result<(), ShelfError> {
        let (home, old) = (&self.home, sealed.manifest());
        let folder = new_folder(home, old.generation)?;
        let mut packing = Packing::begin(home, old.generation, folder, Seq(old.first.0 - 1))?;
        for_each(sealed, &mut Gaps::default(), |_, records| {
            packing.take(home, records.into_iter().filter(|record| !gaps.hold(record.seq)).collect())
        })?;
        let (base, lost) = (Base::load(Arc::clone(sealed)), gaps.lost());
        let rest = Rest { first: old.first, last: old.last, lost: &lost, base: &base, changes: &Changes::default() };
        let manifest = packing.seal(home, &rest)?;
        let number = manifest.generation;
        let rewritten = Arc::new(Sealed::new(home, manifest));
        self.sealed.write().unwrap_or_else(PoisonError::into_inner).insert(number, rewritten);
        // It may be of the generation that is gone now; the next who asks loads it again.
        self.base.lock().unwrap_or_else(PoisonError::into_inner).take();
        sealed.shut();
        Ok(())
    }

    /// Removes every folder of a generation but the one in use: earlier ones, attempts that were cut short, and those that
    /// were set aside because they were damaged.
    fn tidy(&self, generation: u64) -> Result<(), ShelfError> {
        let current = self.list().into_iter().map(|sealed| sealed.manifest()).find(|one| one.generation == generation);
        let Some(current) = current else { return Ok(()) };
        for folder in folders_of(&self.home, generation)? {
            if folder != current.folder {
                self.home.disk.remove_dir(&self.home.raw.join(folder))?;
            }
        }
        Ok(self.home.disk.sync_dir(&self.home.raw)?)
    }
}

/// Walks over all records of a generation; what cannot be read is added to `gaps`.
fn for_each(
    sealed: &Sealed,
    gaps: &mut Gaps,
    mut visit: impl FnMut(&mut Gaps, Vec<StoredRecord>) -> Result<(), ShelfError>,
) -> Result<(), ShelfError> {
    let manifest = sealed.manifest();
    let mut after = Seq(manifest.first.0 - 1);
    while after < manifest.last {
        let mut reading = Reading::new(after, READ_RECORDS, READ_BYTES);
        sealed.read(&mut reading);
        let batch = reading.finish();
        if let Some(error) = sealed.broken() {
            return Err(ShelfError(format!("generation {} cannot be read: {error}", manifest.generation)));
        }
        for lost in &batch.lost {
            gaps.add(lost.first, lost.last, &lost.reason);
        }
        after = batch.next;
        visit(gaps, batch.records)?;
    }
    Ok(())
}

/// Positions without a record, by the first of each run.
#[derive(Debug, Default)]
struct Gaps(BTreeMap<Seq, (Seq, String)>);

impl Gaps {
    fn add(&mut self, first: Seq, last: Seq, reason: &str) {
        self.0.insert(first, (last, reason.to_owned()));
    }

    fn hold(&self, seq: Seq) -> bool {
        self.0.range(..=seq).next_back().is_some_and(|(_, (last, _))| seq <= *last)
    }

    /// Runs that follow each other are one, for what is missing is looked for by runs.
    fn lost(&self) -> Vec<Lost> {
        let mut runs: Vec<Lost> = Vec::new();
        for (&first, (last, reason)) in &self.0 {
            match runs.last_mut().filter(|run| run.last.plus(1) == first) {
                Some(run) => {
                    run.last = *last;
                    if run.reason != *reason {
                        run.reason = format!("{ERASED}, or lost before");
                    }
                }
                None => runs.push(Lost { first, last: *last, reason: reason.clone() }),
            }
        }
        runs
    }
}
