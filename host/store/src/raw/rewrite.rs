//! Taking records out of sealed generations, or putting others in their place. A generation is written anew, and one
//! rename of its manifest puts that in place; then the old one goes. A kill on the way leaves the one or the other, and
//! both whole.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use weir_model::{Seq, StoredRecord};

use super::base::Base;
use super::packing::{Packing, Rest};
use super::sealed::Sealed;
use super::shelf::ShelfError;
use super::{Raw, folders_of, new_folder};
use crate::journal::Changes;
use crate::log::{ERASED, Fate, Lost, Reading, Rewrite};

/// Records read at a time.
const READ_RECORDS: usize = 1024;
/// Bytes read at a time.
const READ_BYTES: usize = 4 << 20;

/// What a rewriting makes of one generation.
#[derive(Debug, Default)]
struct Plan {
    /// Positions that hold nothing readable, or will hold nothing.
    gaps: Gaps,
    /// What becomes of the state.
    changes: Changes,
    /// Records that go or change.
    n_records: u64,
}

impl Raw {
    /// Writes every generation anew of which anything is to go or to change; how many records that are.
    pub(crate) fn rewrite(&self, by: &dyn Rewrite) -> Result<u64, ShelfError> {
        let mut n_records = 0;
        for sealed in self.list() {
            let plan = plan(&sealed, by)?;
            if plan.n_records > 0 || !plan.changes.is_empty() {
                self.write_anew(&sealed, &plan, by)?;
            }
            self.tidy(sealed.manifest().generation)?;
            n_records += plan.n_records;
        }
        Ok(n_records)
    }

    fn write_anew(&self, sealed: &Arc<Sealed>, plan: &Plan, by: &dyn Rewrite) -> Result<(), ShelfError> {
        let (home, old) = (&self.home, sealed.manifest());
        let folder = new_folder(home, old.generation)?;
        let mut packing = Packing::begin(home, old.generation, folder, Seq(old.first.0 - 1))?;
        for_each(sealed, &mut Gaps::default(), |_, records| {
            packing.take(home, records.into_iter().filter_map(|stored| rewritten(stored, by)).collect())
        })?;
        let (base, lost) = (Base::load(Arc::clone(sealed)), plan.gaps.lost());
        let rest = Rest { first: old.first, last: old.last, lost: &lost, base: &base, changes: &plan.changes };
        let manifest = packing.seal(home, &rest)?;
        let number = manifest.generation;
        let written = Arc::new(Sealed::new(home, manifest));
        self.sealed.write().unwrap_or_else(PoisonError::into_inner).insert(number, written);
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

/// Asks about everything in a generation.
fn plan(sealed: &Arc<Sealed>, by: &dyn Rewrite) -> Result<Plan, ShelfError> {
    let mut plan = Plan { changes: changes(&Base::load(Arc::clone(sealed)), by), ..Plan::default() };
    let mut n_records = 0;
    for_each(sealed, &mut plan.gaps, |gaps, records| {
        for stored in records {
            let fate = by.record(&stored);
            n_records += u64::from(fate != Fate::Stay);
            if fate == Fate::Go {
                gaps.add(stored.seq, stored.seq, ERASED);
            }
        }
        Ok(())
    })?;
    plan.n_records = n_records;
    Ok(plan)
}

/// What becomes of the state at the end of a generation, as far as it can be read.
fn changes(base: &Base, by: &dyn Rewrite) -> Changes {
    let mut changes = Changes::new();
    for (key, value) in base.all_readable() {
        match by.value(&key, &value) {
            Fate::Stay => {}
            Fate::Go => drop(changes.insert(key, None)),
            Fate::Become((other, value)) => {
                changes.entry(key).or_insert(None);
                changes.insert(other, Some(value));
            }
        }
    }
    changes
}

fn rewritten(stored: StoredRecord, by: &dyn Rewrite) -> Option<StoredRecord> {
    match by.record(&stored) {
        Fate::Stay => Some(stored),
        Fate::Go => None,
        Fate::Become(record) => Some(StoredRecord { record, ..stored }),
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
