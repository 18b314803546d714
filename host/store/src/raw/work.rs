//! What the packing thread does: takes what is durable in the journal, packs it, and seals generations that are full.
//!
//! A generation in doubt is dropped and begun again from its journal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_model::Seq;

use super::manifest::{Manifest, parse_folder};
use super::packer::{Signal, Stop};
use super::packing::{Packing, Rest};
use super::shelf::{ShelfError, contained};
use super::{Raw, folders_of, new_folder};
use crate::journal::{Changes, ClosedAt, Generation, Journal};
use crate::log::{Home, Lost, Reading};

/// Records taken from the journal at a time.
const READ_RECORDS: usize = 1024;
/// Bytes taken from the journal at a time.
const READ_BYTES: usize = 4 << 20;
/// First pause after a failure; it doubles up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_LONGEST: Duration = Duration::from_mins(1);

/// What the thread works with.
pub(super) struct Work {
    home: Home,
    journal: Arc<Journal>,
    raw: Arc<Raw>,
    signal: Arc<Signal>,
    closed: Option<Manifest>,
    packing: Option<Packing>,
    /// Generation for whose end a new one was asked for.
    rotated: Option<u64>,
}

/// The oldest generation that is not sealed.
struct Stage {
    number: u64,
    first: Seq,
    last: Seq,
    /// A newer one takes the appends, so this one is complete.
    complete: bool,
    /// Damage was found in its journal.
    damaged: bool,
    journal_bytes: u64,
    changes_bytes: u64,
    age_ms: u64,
    end: Option<ClosedAt>,
}

impl Stage {
    fn new(generation: &Generation, complete: bool) -> Self {
        let age = generation.started_at.zip(generation.latest_at).and_then(|(from, to)| to.since(from));
        Self {
            number: generation.number,
            first: generation.first,
            last: generation.last,
            complete,
            damaged: !generation.lost.is_empty(),
            journal_bytes: generation.bytes(),
            changes_bytes: generation.changes_bytes,
            age_ms: age.map_or(0, |age| age.0),
            end: generation.end(),
        }
    }
}

impl Work {
    pub(super) fn new(
        home: Home,
        journal: Arc<Journal>,
        raw: Arc<Raw>,
        signal: Arc<Signal>,
        closed: Option<Manifest>,
    ) -> Self {
        Self { home, journal, raw, signal, closed, packing: None, rotated: None }
    }

    /// Works until it is stopped.
    pub(super) fn run(&mut self) {
        let mut pause = PAUSE_FIRST;
        if let Err(error) = self.tidy() {
            tracing::warn!(%error, "cannot remove what an earlier packing left");
        }
        loop {
            let idle = self.home.limits.pack_age_max.max(Duration::from_millis(10));
            let stop = self.signal.wait(if self.signal.failed() { pause } else { idle });
            if stop == Some(Stop::AtOnce) {
                break;
            }
            let outcome = contained(|| self.round(stop));
            pause = if outcome.is_ok() { PAUSE_FIRST } else { (pause * 2).min(PAUSE_LONGEST) };
            self.note(outcome);
            if stop.is_some() {
                break;
            }
        }
        self.signal.end();
    }

    fn note(&mut self, outcome: Result<(), ShelfError>) {
        if let Err(error) = &outcome {
            tracing::warn!(account = %self.home.account, %error, "packing failed; it begins again from the journal");
            // The shelf is in doubt. Its folder is tidied away with the next start of a generation.
            self.packing = None;
        }
        self.signal.note(outcome.err(), self.packing.as_ref().map(|packing| packing.drained));
    }

    fn round(&mut self, stop: Option<Stop>) -> Result<(), ShelfError> {
        let until = stop.map(|_| Instant::now() + self.home.limits.close_patience);
        while let Some(stage) = self.stage() {
            if !self.drain(&stage, until)? {
                return Ok(());
            }
            if stage.complete {
                self.seal(&stage)?;
            } else if stop.is_some() {
                return self.close(&stage);
            } else {
                return self.settle(&stage);
            }
        }
        Ok(())
    }

    fn stage(&self) -> Option<Stage> {
        let view = self.journal.view();
        let oldest = view.generations.first()?;
        let complete = view.generations.len() > 1;
        (complete || !oldest.is_empty()).then(|| Stage::new(oldest, complete))
    }

    /// Takes in all that is durable; false when it was stopped before.
    fn drain(&mut self, stage: &Stage, until: Option<Instant>) -> Result<bool, ShelfError> {
        let (home, journal) = (self.home.clone(), Arc::clone(&self.journal));
        loop {
            let packing = self.packing_of(stage)?;
            if packing.drained >= stage.last {
                return Ok(true);
            }
            let mut reading = Reading::new(packing.drained, READ_RECORDS, READ_BYTES);
            journal.read(&mut reading)?;
            let batch = reading.finish();
            if batch.next == packing.drained {
                return Err(ShelfError("the journal does not give what it holds".to_owned()));
            }
            let records = batch.records.into_iter().filter(|record| record.seq <= stage.last);
            packing.take(&home, records.collect())?;
            packing.drained = batch.next.min(stage.last);
            let late = until.is_some_and(|until| Instant::now() >= until);
            if late || self.signal.stops_at_once() {
                return Ok(false);
            }
        }
    }

    /// The packing of this generation: the one at hand, the one that was closed, or a new one.
    fn packing_of(&mut self, stage: &Stage) -> Result<&mut Packing, ShelfError> {
        let at_hand = self.packing.take().filter(|packing| packing.generation == stage.number);
        let packing = match at_hand {
            Some(packing) => packing,
            None => match self.resume(stage) {
                Some(packing) => packing,
                None => self.begin(stage)?,
            },
        };
        Ok(self.packing.insert(packing))
    }

    /// Begins in a new folder. Older ones go first: on a full disk they may be what is in the way. And before them the
    /// manifest, for a seal that failed at its last step may have left one that points to them.
    fn begin(&self, stage: &Stage) -> Result<Packing, ShelfError> {
        self.unmark(stage.number)?;
        let folder = new_folder(&self.home, stage.number)?;
        for older in folders_of(&self.home, stage.number)? {
            self.home.disk.remove_dir(&self.home.raw.join(older))?;
        }
        Packing::begin(&self.home, stage.number, folder, Seq(stage.first.0 - 1))
    }

    /// Goes on where a clean end left off. Any doubt: none, and the generation is packed anew.
    fn resume(&mut self, stage: &Stage) -> Option<Packing> {
        let closed = self.closed.take().filter(|closed| closed.generation == stage.number)?;
        let fits = closed.first == stage.first && closed.last <= stage.last;
        let removed = self.unmark(stage.number);
        let resumed = match (fits, removed) {
            (true, Ok(())) => Packing::resume(&self.home, closed),
            (false, _) => Err(ShelfError("it does not fit its journal".to_owned())),
            (_, Err(error)) => Err(error),
        };
        match resumed {
            Ok(packing) => {
                if stage.damaged {
                    // Its packs are whole and its journal is not: now is the time to seal it.
                    self.rotate(stage);
                }
                Some(packing)
            }
            Err(error) => {
                tracing::warn!(generation = stage.number, %error, "a generation is packed anew from its journal");
                None
            }
        }
    }

    /// From here on the database is not clean: the mark that says so goes first.
    fn unmark(&self, generation: u64) -> Result<(), ShelfError> {
        match self.home.disk.remove(&self.home.raw.join(Manifest::name(generation))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(self.home.disk.sync_dir(&self.home.raw)?),
        }
    }

    fn settle(&mut self, stage: &Stage) -> Result<(), ShelfError> {
        let limits = &self.home.limits;
        let Some(packing) = &mut self.packing else { return Ok(()) };
        let full = packing.bytes >= limits.generation_bytes_max
            || stage.journal_bytes >= limits.generation_journal_bytes_max
            || stage.changes_bytes >= limits.generation_state_bytes_max
            || stage.age_ms >= limits.generation_age_ms_max;
        if full {
            self.rotate(stage);
            return Ok(());
        }
        packing.pack_old(&self.home)
    }

    /// Asks for a new generation, once.
    fn rotate(&mut self, stage: &Stage) {
        if self.rotated.replace(stage.number) != Some(stage.number) {
            self.journal.rotate();
        }
    }

    fn seal(&mut self, stage: &Stage) -> Result<(), ShelfError> {
        let Some(packing) = self.packing.take() else { return Ok(()) };
        let base = self.raw.base();
        let (changes, lost) = self.rest_of(stage.number);
        let rest = Rest { first: stage.first, last: stage.last, lost: &lost, base: &base, changes: &changes };
        let manifest = packing.seal(&self.home, &rest)?;
        self.raw.add(manifest);
        // If this fails, the next start removes them.
        if let Err(error) = self.journal.forget(stage.number) {
            tracing::warn!(%error, "segments of a sealed generation stay behind");
        }
        Ok(())
    }

    fn rest_of(&self, number: u64) -> (Changes, Vec<Lost>) {
        let view = self.journal.view();
        let generation = view.generations.iter().find(|generation| generation.number == number);
        generation.map_or_else(Default::default, |generation| (generation.changes(), generation.lost.clone()))
    }

    /// Leaves the active generation so that the next start goes on with it.
    fn close(&mut self, stage: &Stage) -> Result<(), ShelfError> {
        let (Some(packing), Some(end)) = (self.packing.take(), stage.end) else { return Ok(()) };
        if self.journal.refused().is_some() {
            // Nobody knows where that journal ends.
            return Ok(());
        }
        packing.close(&self.home, stage.first, end)
    }

    /// Removes folders that no manifest of a sealed generation names.
    fn tidy(&self) -> Result<(), ShelfError> {
        for sealed in self.raw.list() {
            let manifest = sealed.manifest();
            for folder in folders_of(&self.home, manifest.generation)? {
                let older = parse_folder(&folder) < parse_folder(&manifest.folder);
                if older && !manifest.set_aside.contains(&folder) {
                    self.home.disk.remove_dir(&self.home.raw.join(folder))?;
                }
            }
        }
        Ok(())
    }
}
