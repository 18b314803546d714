//! A sealed generation: never written again, opened when it is read, mended when it is damaged.
//!
//! sled is given its files only if they are byte for byte what was verified. If not, whatever packs can still be
//! found in them are put into a new folder, and only what is really gone is lost.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use weir_model::{Seq, StoredRecord};

use super::chunk::{EntryKey, EntrySeal};
use super::manifest::Manifest;
use super::pack::decode_pack;
use super::shelf::{Shelf, ShelfError};
use super::{entry_seal, salvage};
use crate::log::{Home, Reading};

/// A sealed generation.
#[derive(Debug)]
pub(crate) struct Sealed {
    home: Home,
    seal: EntrySeal,
    manifest: RwLock<Arc<Manifest>>,
    shelf: Mutex<Option<Arc<Opened>>>,
    /// Why it cannot be read at all.
    broken: Mutex<Option<ShelfError>>,
    /// Where the last read left off; the next one mostly goes on there.
    walk: Mutex<Option<Walk>>,
}

#[derive(Debug)]
struct Opened {
    shelf: Shelf,
    streams: Vec<u32>,
}

impl Opened {
    fn open(folder: &Path) -> Result<Self, ShelfError> {
        let shelf = Shelf::open(folder)?;
        Ok(Self { streams: shelf.streams()?, shelf })
    }
}

/// A walk over all streams at once, in the order of records.
#[derive(Debug)]
struct Walk {
    opened: Arc<Opened>,
    /// Last record that was dealt with.
    after: Seq,
    /// Unread records of each stream, by the position of the next one.
    heads: BTreeMap<Seq, Head>,
}

#[derive(Debug)]
struct Head {
    stream: u32,
    records: VecDeque<StoredRecord>,
    /// First record of the pack they come from.
    pack: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sealed {
    pub(crate) fn new(home: &Home, manifest: Manifest) -> Self {
        Self {
            home: home.clone(),
            seal: entry_seal(home, manifest.generation),
            manifest: RwLock::new(Arc::new(manifest)),
            shelf: Mutex::default(),
            broken: Mutex::default(),
            walk: Mutex::default(),
        }
    }

    pub(crate) fn manifest(&self) -> Arc<Manifest> {
        Arc::clone(&self.manifest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why it cannot be read, if it cannot.
    pub(crate) fn broken(&self) -> Option<String> {
        lock(&self.broken).as_ref().map(ToString::to_string)
    }

    /// Lets go of the database; the next read opens it again.
    pub(crate) fn shut(&self) {
        lock(&self.walk).take();
        lock(&self.shelf).take();
    }

    /// Runs a read; when it fails, the generation is mended and the read runs once more.
    pub(crate) fn run<T>(&self, read: impl Fn(&Shelf, &EntrySeal) -> Result<T, ShelfError>) -> Result<T, ShelfError> {
        self.with(|opened| read(&opened.shelf, &self.seal))
    }

    fn with<T>(&self, read: impl Fn(&Arc<Opened>) -> Result<T, ShelfError>) -> Result<T, ShelfError> {
        let attempt = || read(&self.opened()?);
        attempt().or_else(|error| {
            self.mend(&error)?;
            attempt().inspect_err(|error| *lock(&self.broken) = Some(error.clone()))
        })
    }

    fn opened(&self) -> Result<Arc<Opened>, ShelfError> {
        if let Some(error) = &*lock(&self.broken) {
            return Err(error.clone());
        }
        let mut slot = lock(&self.shelf);
        if let Some(opened) = &*slot {
            return Ok(Arc::clone(opened));
        }
        let manifest = self.manifest();
        if !manifest.matches_files(&self.home.raw)? {
            return Err(ShelfError("its files are not as they were when it was sealed".to_owned()));
        }
        let opened = Arc::new(Opened::open(&self.home.raw.join(&manifest.folder))?);
        *slot = Some(Arc::clone(&opened));
        Ok(opened)
    }

    fn mend(&self, cause: &ShelfError) -> Result<(), ShelfError> {
        let mut broken = lock(&self.broken);
        if let Some(error) = &*broken {
            return Err(error.clone());
        }
        self.shut();
        let old = self.manifest();
        tracing::error!(generation = old.generation, %cause, "a sealed generation is damaged and is mended");
        match salvage::salvage(&self.home, old.generation, Some(&old)) {
            Ok(manifest) => {
                *self.manifest.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(manifest);
                Ok(())
            }
            Err(error) => {
                tracing::error!(generation = old.generation, %error, "a sealed generation is set aside");
                *broken = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Continues `reading` with this generation's records.
    pub(crate) fn read(&self, reading: &mut Reading) {
        // Twice: once more after it was mended, from where the first attempt stopped.
        for _ in 0..2 {
            let walked = match self.with(|opened| Ok(Arc::clone(opened))) {
                Ok(opened) => self.walk(opened, reading),
                Err(error) => Err(error),
            };
            let Err(error) = walked else { return };
            if self.mend(&error).is_err() {
                break;
            }
        }
        let reason = self.broken().unwrap_or_default();
        reading.lose(self.manifest().last, &format!("its generation is set aside: {reason}"));
    }

    fn walk(&self, opened: Arc<Opened>, reading: &mut Reading) -> Result<(), ShelfError> {
        let kept = lock(&self.walk).take();
        let kept = kept.filter(|walk| walk.after == reading.after() && Arc::ptr_eq(&walk.opened, &opened));
        let mut walk = match kept {
            Some(walk) => walk,
            None => Walk::begin(&opened, &self.seal, reading.after())?,
        };
        let manifest = self.manifest();
        while let Some((seq, mut head)) = walk.heads.pop_first() {
            let Some(record) = head.records.pop_front() else { continue };
            if seq.0 > reading.after().0 + 1 {
                reading.lose(Seq(seq.0 - 1), lost_reason(&manifest, reading.after().plus(1)));
            }
            if !reading.wants(&record) {
                head.records.push_front(record);
                walk.heads.insert(seq, head);
                reading.fill();
                break;
            }
            reading.take(record);
            walk.go_on(&self.seal, head, seq)?;
        }
        if walk.heads.is_empty() {
            reading.lose(manifest.last, lost_reason(&manifest, reading.after().plus(1)));
        } else {
            walk.after = reading.after();
            *lock(&self.walk) = Some(walk);
        }
        Ok(())
    }
}

fn lost_reason(manifest: &Manifest, seq: Seq) -> &str {
    let known = manifest.lost.iter().find(|lost| lost.first <= seq && seq <= lost.last);
    known.map_or("its pack is damaged", |lost| &lost.reason)
}

impl Walk {
    fn begin(opened: &Arc<Opened>, seal: &EntrySeal, after: Seq) -> Result<Self, ShelfError> {
        let mut walk = Self { opened: Arc::clone(opened), after, heads: BTreeMap::new() };
        for &stream in &opened.streams {
            match opened.shelf.pack_at_or_before(stream, after.0 + 1)? {
                Some(pack) => walk.open_pack(seal, stream, pack, after)?,
                None => walk.next_pack(seal, stream, 0, after)?,
            }
        }
        Ok(walk)
    }

    /// Puts back a head whose first record was taken, or the next pack of its stream.
    fn go_on(&mut self, seal: &EntrySeal, head: Head, taken: Seq) -> Result<(), ShelfError> {
        match head.records.front().map(|record| record.seq) {
            Some(next) => {
                self.heads.insert(next, head);
                Ok(())
            }
            None => self.next_pack(seal, head.stream, head.pack, taken),
        }
    }

    fn next_pack(&mut self, seal: &EntrySeal, stream: u32, pack: u64, after: Seq) -> Result<(), ShelfError> {
        match self.opened.shelf.pack_after(stream, pack)? {
            Some(pack) => self.open_pack(seal, stream, pack, after),
            None => Ok(()),
        }
    }

    /// Takes the records of a pack behind `after`; if there are none, or the pack is damaged, those of the next.
    fn open_pack(&mut self, seal: &EntrySeal, stream: u32, mut pack: u64, after: Seq) -> Result<(), ShelfError> {
        let opened = Arc::clone(&self.opened);
        loop {
            let entry = opened.shelf.entry(EntryKey::pack(stream, pack))?.filter(|entry| entry.last > after.0);
            let records = entry.and_then(|entry| decode_pack(&seal.open(&entry)?)).unwrap_or_default();
            let records: VecDeque<_> = records.into_iter().filter(|record| record.seq > after).collect();
            if let Some(first) = records.front().map(|record| record.seq) {
                self.heads.insert(first, Head { stream, records, pack });
                return Ok(());
            }
            match opened.shelf.pack_after(stream, pack)? {
                Some(next) => pack = next,
                None => return Ok(()),
            }
        }
    }
}
