//! The generation that is being packed: records come in order, packs go into its shelf.
//!
//! Its journal is complete until it is sealed, so at any doubt it is thrown away and packed again.

use std::collections::BTreeMap;
use std::time::Instant;

use weir_model::{Seq, StoredRecord, StreamId};

use super::base::Base;
use super::chunk::{EntryKey, EntrySeal, KeyValue, Tree};
use super::manifest::{Ending, FORMAT, Manifest, file_sums, settle};
use super::pack::{encode_blocks, encode_pack};
use super::shelf::{Shelf, ShelfError};
use super::{entry_seal, verify};
use crate::journal::{Changes, ClosedAt};
use crate::log::{Home, Lost};

/// Packs that go to sled in one batch, followed by a sync.
const BATCH_PACKS: usize = 60;

/// A generation in the making.
pub(crate) struct Packing {
    pub(crate) generation: u64,
    /// Last record taken in.
    pub(crate) drained: Seq,
    /// Bytes of values so far.
    pub(crate) bytes: u64,
    folder: String,
    shelf: Shelf,
    seal: EntrySeal,
    streams: BTreeMap<StreamId, u32>,
    n_streams: u32,
    piles: BTreeMap<u32, Pile>,
    piled_bytes: usize,
    batch: Vec<KeyValue>,
    n_batched: usize,
}

/// Records of a stream that wait to be a pack.
struct Pile {
    records: Vec<StoredRecord>,
    bytes: usize,
    began: Instant,
}

/// What is sealed, beside the packs.
pub(crate) struct Rest<'a> {
    pub(crate) first: Seq,
    pub(crate) last: Seq,
    pub(crate) lost: &'a [Lost],
    pub(crate) base: &'a Base,
    pub(crate) changes: &'a Changes,
}

impl Packing {
    /// Begins a generation in a new folder.
    pub(crate) fn begin(home: &Home, generation: u64, folder: String, after: Seq) -> Result<Self, ShelfError> {
        let shelf = Shelf::create(&*home.disk, &home.raw.join(&folder))?;
        Ok(Self::new(home, generation, folder, shelf, after))
    }

    fn new(home: &Home, generation: u64, folder: String, shelf: Shelf, drained: Seq) -> Self {
        Self {
            generation,
            drained,
            bytes: 0,
            folder,
            shelf,
            seal: entry_seal(home, generation),
            streams: BTreeMap::new(),
            n_streams: 0,
            piles: BTreeMap::new(),
            piled_bytes: 0,
            batch: Vec::new(),
            n_batched: 0,
        }
    }

    /// Goes on with a generation that was closed cleanly. The manifest must be gone from the disk by now.
    pub(crate) fn resume(home: &Home, manifest: Manifest) -> Result<Self, ShelfError> {
        if !manifest.matches_files(&home.raw)? {
            return Err(ShelfError("its files are not as they were when it was closed".to_owned()));
        }
        let shelf = Shelf::open(&home.raw.join(&manifest.folder))?;
        let mut packing = Self::new(home, manifest.generation, manifest.folder, shelf, manifest.last);
        packing.bytes = manifest.bytes;
        let streams = verify::streams(&packing.shelf, &packing.seal)?;
        packing.n_streams = streams.last_key_value().map_or(0, |(number, _)| number + 1);
        packing.streams = streams.into_iter().filter_map(|(number, stream)| Some((stream?, number))).collect();
        Ok(packing)
    }

    /// Takes the next records.
    pub(crate) fn take(&mut self, home: &Home, records: Vec<StoredRecord>) -> Result<(), ShelfError> {
        for record in records {
            self.drained = record.seq;
            let stream = self.stream(&record.stream)?;
            let size = record.record.size();
            self.piled_bytes += size;
            let pile = self.piles.entry(stream).or_insert_with(Pile::new);
            pile.bytes += size;
            pile.records.push(record);
            let limits = &home.limits;
            if pile.records.len() >= limits.pack_records_max || pile.bytes >= limits.pack_bytes_max {
                self.pack(home, stream)?;
            }
            if self.piled_bytes > limits.packing_bytes_max {
                self.pack_where(home, |_| true)?;
            }
        }
        Ok(())
    }

    /// Packs what has waited too long.
    pub(crate) fn pack_old(&mut self, home: &Home) -> Result<(), ShelfError> {
        let age_max = home.limits.pack_age_max;
        self.pack_where(home, |pile| pile.began.elapsed() >= age_max)?;
        self.put(home)
    }

    fn pack_where(&mut self, home: &Home, wanted: impl Fn(&Pile) -> bool) -> Result<(), ShelfError> {
        let streams: Vec<u32> = self.piles.iter().filter(|(_, pile)| wanted(pile)).map(|(&stream, _)| stream).collect();
        streams.into_iter().try_for_each(|stream| self.pack(home, stream))
    }

    fn stream(&mut self, stream: &StreamId) -> Result<u32, ShelfError> {
        if let Some(&number) = self.streams.get(stream) {
            return Ok(number);
        }
        let number = self.n_streams;
        self.n_streams = number.checked_add(1).ok_or_else(|| ShelfError("too many streams".to_owned()))?;
        self.streams.insert(stream.clone(), number);
        Ok(number)
    }

    fn sealed(&mut self, key: EntryKey, last: u64, plain: &[u8]) -> Result<Vec<KeyValue>, ShelfError> {
        let chunks = self.seal.seal(key, last, plain);
        let chunks = chunks.ok_or_else(|| ShelfError("an entry cannot be sealed".to_owned()))?;
        self.bytes += chunks.iter().map(|(_, value)| value.len() as u64).sum::<u64>();
        Ok(chunks)
    }

    fn pack(&mut self, home: &Home, stream: u32) -> Result<(), ShelfError> {
        let Some(pile) = self.piles.remove(&stream) else { return Ok(()) };
        self.piled_bytes -= pile.bytes;
        let (Some(first), Some(last)) = (pile.records.first(), pile.records.last()) else { return Ok(()) };
        let (key, last) = (EntryKey::pack(stream, first.seq.0), last.seq.0);
        let chunks = self.sealed(key, last, &encode_pack(&first.stream, &pile.records))?;
        self.batch.extend(chunks);
        self.n_batched += 1;
        if self.n_batched >= BATCH_PACKS { self.put(home) } else { Ok(()) }
    }

    fn put(&mut self, home: &Home) -> Result<(), ShelfError> {
        if self.n_batched == 0 {
            return Ok(());
        }
        self.shelf.insert(Tree::Raw, &self.batch)?;
        self.shelf.sync(&*home.disk)?;
        self.batch.clear();
        self.n_batched = 0;
        Ok(())
    }

    fn pack_all(&mut self, home: &Home) -> Result<(), ShelfError> {
        self.pack_where(home, |_| true)?;
        self.put(home)
    }

    /// Ends the process's work on it; `at` is where the journal ended, and all of that is taken in.
    pub(crate) fn close(mut self, home: &Home, first: Seq, at: ClosedAt) -> Result<(), ShelfError> {
        self.pack_all(home)?;
        let folder = home.raw.join(&self.folder);
        self.shelf.close(&*home.disk)?;
        super::shelf::sync_files(&*home.disk, &folder)?;
        let manifest = Manifest {
            format: FORMAT,
            generation: self.generation,
            ending: Ending::Closed(at),
            folder: self.folder,
            first,
            last: self.drained,
            n_records: 0,
            n_packs: 0,
            bytes: self.bytes,
            root: String::new(),
            files: file_sums(&folder)?,
            lost: Vec::new(),
            set_aside: Vec::new(),
        };
        Ok(manifest.write(&*home.disk, &home.raw)?)
    }

    /// Ends the generation: everything is packed, read back and verified before the manifest says so.
    pub(crate) fn seal(mut self, home: &Home, rest: &Rest<'_>) -> Result<Manifest, ShelfError> {
        self.pack_all(home)?;
        let mut lost = rest.lost.to_vec();
        self.put_state(rest, &mut lost)?;
        self.shelf.sync(&*home.disk)?;
        let verified = verify::verify(&self.shelf, &self.seal, rest.first, Some(rest.last))?;
        let explained = |&(first, last): &(Seq, Seq)| lost.iter().any(|lost| lost.first <= first && last <= lost.last);
        if verified.n_damaged > 0 || !verified.missing.iter().all(explained) {
            return Err(ShelfError("its packs are not what went into them".to_owned()));
        }
        let lost = lost.into_iter().map(|lost| still_lost(lost, &verified.missing)).collect();
        let files = settle(&*home.disk, self.shelf, &home.raw.join(&self.folder))?;
        let manifest = Manifest {
            format: FORMAT,
            generation: self.generation,
            ending: Ending::Sealed,
            folder: self.folder,
            first: rest.first,
            last: rest.last,
            n_records: verified.n_records,
            n_packs: verified.n_packs,
            bytes: verified.bytes,
            root: verified.root,
            files,
            lost,
            set_aside: Vec::new(),
        };
        manifest.write(&*home.disk, &home.raw)?;
        Ok(manifest)
    }

    /// Writes the state as it is at the end of this generation.
    fn put_state(&mut self, rest: &Rest<'_>, lost: &mut Vec<Lost>) -> Result<(), ShelfError> {
        let mut state = match rest.base.all() {
            Ok(state) => state,
            Err(error) => {
                let before = Seq(rest.first.0.saturating_sub(1));
                lost.push(Lost { first: rest.first, last: before, reason: format!("state was lost: {error}") });
                rest.base.all_readable()
            }
        };
        for (key, value) in rest.changes {
            match value {
                Some(value) => drop(state.insert(key.clone(), value.clone())),
                None => drop(state.remove(key)),
            }
        }
        let mut blocks = Vec::new();
        encode_blocks(state.into_iter(), |bytes| blocks.push(bytes));
        // Every block says how many there are, so that none can go missing unnoticed; not even the only one.
        let n_blocks = blocks.len() as u64;
        for (number, block) in (0..).zip(blocks) {
            let chunks = self.sealed(EntryKey::block(number), n_blocks, &block)?;
            self.shelf.insert(Tree::State, &chunks)?;
        }
        Ok(())
    }
}

impl Pile {
    fn new() -> Self {
        Self { records: Vec::new(), bytes: 0, began: Instant::now() }
    }
}

/// Records that were lost from the journal may have been packed before. Then only changes of state are lost.
fn still_lost(lost: Lost, missing: &[(Seq, Seq)]) -> Lost {
    let is_missing = missing.iter().any(|&(first, last)| first <= lost.last && lost.first <= last);
    if is_missing { lost } else { Lost { last: Seq(lost.first.0 - 1), ..lost } }
}
