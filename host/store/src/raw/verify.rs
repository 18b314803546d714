//! Reads everything a generation holds and says what it is.

use std::collections::BTreeMap;

use ring::digest::{Context, SHA256};
use weir_model::{Seq, StreamId};

use super::chunk::{Assembly, Chunk, Entry, EntryKey, EntrySeal, Tree};
use super::pack::{decode_block, decode_pack};
use super::shelf::{Shelf, ShelfError};
use crate::codec::Input;

/// What a generation was found to hold.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) n_records: u64,
    pub(crate) n_packs: u64,
    pub(crate) bytes: u64,
    pub(crate) root: String,
    /// Last record found.
    pub(crate) last: Option<Seq>,
    /// Ranges from the first to the last asked for that are not there.
    pub(crate) missing: Vec<(Seq, Seq)>,
    /// Entries and chunks that do not verify.
    pub(crate) n_damaged: u64,
}

/// Names of the streams of a generation, by number; none for one whose packs are all damaged.
pub(crate) fn streams(shelf: &Shelf, seal: &EntrySeal) -> Result<BTreeMap<u32, Option<StreamId>>, ShelfError> {
    let mut streams = BTreeMap::new();
    for stream in shelf.streams()? {
        streams.insert(stream, name_of(shelf, seal, stream)?);
    }
    Ok(streams)
}

fn name_of(shelf: &Shelf, seal: &EntrySeal, stream: u32) -> Result<Option<StreamId>, ShelfError> {
    let mut pack = shelf.pack_after(stream, 0)?;
    while let Some(first) = pack {
        let entry = shelf.entry(EntryKey::pack(stream, first))?;
        if let Some(name) = entry.and_then(|entry| Input(&seal.open(&entry)?).stream()) {
            return Ok(Some(name));
        }
        pack = shelf.pack_after(stream, first)?;
    }
    Ok(None)
}

/// Walks over the whole generation. `last` is the record it must reach; none: however far it does.
pub(crate) fn verify(shelf: &Shelf, seal: &EntrySeal, first: Seq, last: Option<Seq>) -> Result<Verified, ShelfError> {
    let mut walk = Walk {
        seal,
        root: Context::new(&SHA256),
        seen: Vec::new(),
        n_chunks: 0,
        n_in_entries: 0,
        n_damaged: 0,
        n_packs: 0,
        bytes: 0,
    };
    for tree in Tree::ALL {
        let mut assembly = Assembly::default();
        shelf.for_each(tree, |key, value| walk.chunk(tree, &mut assembly, key, value))?;
    }
    Ok(walk.finish(first, last))
}

struct Walk<'a> {
    seal: &'a EntrySeal,
    root: Context,
    /// Runs of records, one or more for each pack.
    seen: Vec<(u64, u64)>,
    n_chunks: u64,
    n_in_entries: u64,
    n_damaged: u64,
    n_packs: u64,
    bytes: u64,
}

impl Walk<'_> {
    fn chunk(&mut self, tree: Tree, assembly: &mut Assembly, key: &[u8], value: &[u8]) {
        self.root.update(key);
        self.root.update(value);
        self.bytes += value.len() as u64;
        self.n_chunks += 1;
        let fits = |chunk: Chunk<'_>| chunk.key.tree == tree && chunk.key.chunk(chunk.number) == key;
        if !Chunk::decode(value).is_some_and(fits) {
            self.n_damaged += 1;
            return;
        }
        let Some(entry) = assembly.take(value) else { return };
        self.n_in_entries += u64::from(entry.n_chunks);
        if self.entry(&entry).is_none() {
            self.n_damaged += 1;
        }
    }

    fn entry(&mut self, entry: &Entry) -> Option<()> {
        let plain = self.seal.open(entry)?;
        match entry.key.tree {
            Tree::State => drop(decode_block(&plain)?),
            Tree::Raw => {
                let records = decode_pack(&plain)?;
                let ends = (records.first()?.seq.0, records.last()?.seq.0);
                if ends != (entry.key.minor, entry.last) {
                    return None;
                }
                self.n_packs += 1;
                for record in &records {
                    self.saw(record.seq.0);
                }
            }
        }
        Some(())
    }

    fn saw(&mut self, seq: u64) {
        match self.seen.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(seq) => *last = seq,
            _ => self.seen.push((seq, seq)),
        }
    }

    fn finish(mut self, first: Seq, last: Option<Seq>) -> Verified {
        self.seen.sort_unstable();
        let mut missing = Vec::new();
        let mut next = first.0;
        let mut n_records = 0;
        for &(run_first, run_last) in &self.seen {
            if run_first > next {
                missing.push((Seq(next), Seq(run_first - 1)));
            }
            n_records += run_last - run_first + 1;
            next = next.max(run_last + 1);
        }
        if let Some(last) = last.filter(|last| last.0 >= next) {
            missing.push((Seq(next), last));
        }
        let hex = |byte: &u8| format!("{byte:02x}");
        Verified {
            n_records,
            n_packs: self.n_packs,
            bytes: self.bytes,
            root: self.root.finish().as_ref().iter().map(hex).collect(),
            last: self.seen.last().map(|&(_, last)| Seq(last)),
            missing,
            n_damaged: self.n_damaged
                + (self.n_chunks - self.n_damaged.min(self.n_chunks)).saturating_sub(self.n_in_entries),
        }
    }
}
