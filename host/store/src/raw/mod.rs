//! Raw records behind the journal: generations of sealed packs in sled, one folder and one manifest each.
//!
//! No read gives bytes whose seal does not verify. What is damaged is mended from its own bytes, and what cannot be
//! mended is reported lost while the rest serves.

mod base;
mod chunk;
mod copy;
mod manifest;
mod pack;
mod packer;
mod packing;
mod rewrite;
mod salvage;
mod sealed;
mod shelf;
mod verify;
mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use weir_model::Seq;

use crate::journal::Since;
use crate::keys::SealKey;
use crate::log::{GenerationHealth, Home, LogError, Reading};
pub(crate) use base::Base;
use chunk::EntrySeal;
pub use copy::Copied;
use manifest::{Ending, Manifest, folder_name, parse_folder};
pub(crate) use packer::Packer;
use sealed::Sealed;
use shelf::ShelfError;

fn entry_seal(home: &Home, generation: u64) -> EntrySeal {
    let key = SealKey::new(&home.keys.purpose(&format!("raw/{generation}")));
    EntrySeal { account: home.account.clone(), generation, key }
}

/// Folders of a generation's databases, oldest first.
fn folders_of(home: &Home, generation: u64) -> Result<Vec<String>, ShelfError> {
    let names = home.disk.list(&home.raw)?;
    let mut folders: Vec<_> = names.into_iter().filter_map(|name| Some((parse_folder(&name)?, name))).collect();
    folders.retain(|((number, _), _)| *number == generation);
    folders.sort();
    Ok(folders.into_iter().map(|(_, name)| name).collect())
}

/// A name that no folder of the generation has or had.
fn new_folder(home: &Home, generation: u64) -> Result<String, ShelfError> {
    let newest = folders_of(home, generation)?.last().and_then(|name| parse_folder(name)).map_or(0, |(_, n)| n);
    Ok(folder_name(generation, newest + 1))
}

/// Last record before a generation, by the manifests.
fn last_before(home: &Home, generation: u64) -> Result<Seq, ShelfError> {
    let mut last = Seq::ZERO;
    for name in home.disk.list(&home.raw)? {
        let number = Manifest::generation_of(&name).filter(|&number| number < generation);
        if let Some(number) = number
            && let Some(manifest) = Manifest::read(&*home.disk, &home.raw, number)?
        {
            last = last.max(manifest.last);
        }
    }
    Ok(last)
}

/// The sealed generations of an account.
pub(crate) struct Raw {
    home: Home,
    sealed: RwLock<BTreeMap<u64, Arc<Sealed>>>,
    /// Generations whose databases are open, the longest unused first.
    open: Mutex<VecDeque<u64>>,
    base: Mutex<Option<Arc<Base>>>,
    /// Generations without a whole manifest and without a way to make one.
    broken: Vec<GenerationHealth>,
}

/// What was found of the sealed generations, and how the active one ended.
pub(crate) struct Opened {
    pub(crate) raw: Raw,
    pub(crate) since: Since,
    pub(crate) closed: Option<Manifest>,
}

impl Raw {
    /// Reads the manifests. `journals` are the generations that still have a journal.
    pub(crate) fn open(home: &Home, journals: &BTreeSet<u64>) -> Result<Opened, LogError> {
        let io = |error| LogError::io("read the manifests of the raw log", error);
        let names = home.disk.list(&home.raw).map_err(io)?;
        let manifests = names.iter().filter_map(|name| Manifest::generation_of(name));
        let folders = names.iter().filter_map(|name| parse_folder(name)).map(|(generation, _)| generation);
        let generations: BTreeSet<u64> = manifests.chain(folders).collect();
        let mut sealed = BTreeMap::new();
        let (mut closed, mut broken) = (None, Vec::new());
        for generation in generations {
            match Manifest::read(&*home.disk, &home.raw, generation).map_err(io)? {
                Some(manifest) if manifest.format != manifest::FORMAT => {
                    return Err(LogError::new("read the raw log", crate::log::LogErrorKind::Format));
                }
                Some(manifest) if manifest.ending == Ending::Sealed => {
                    sealed.insert(generation, Arc::new(Sealed::new(home, manifest)));
                }
                Some(manifest) => closed = Some(manifest),
                None if journals.contains(&generation) => {}
                // Its journal is gone, so it had been sealed: the packs themselves tell what it was.
                None => match salvage::salvage(home, generation, None) {
                    Ok(manifest) => drop(sealed.insert(generation, Arc::new(Sealed::new(home, manifest)))),
                    Err(error) => broken.push(unreadable(generation, &error)),
                },
            }
        }
        let newest = sealed.values().next_back().map(|sealed| sealed.manifest());
        // A generation that was closed and then sealed by a crash in between is sealed.
        let closed = closed.filter(|closed| newest.as_ref().is_none_or(|newest| newest.generation < closed.generation));
        let newest_number = newest.as_ref().map_or(0, |newest| newest.generation);
        let since = Since {
            // The number of one that cannot be read is not given away again.
            generation: broken.iter().map(|broken: &GenerationHealth| broken.number).fold(newest_number, u64::max),
            last: newest.map_or(Seq::ZERO, |newest| newest.last),
            closed: closed.as_ref().and_then(|manifest| match manifest.ending {
                Ending::Closed(at) => Some((manifest.generation, at)),
                Ending::Sealed => None,
            }),
        };
        let raw = Self {
            home: home.clone(),
            sealed: RwLock::new(sealed),
            open: Mutex::default(),
            base: Mutex::default(),
            broken,
        };
        Ok(Opened { raw, since, closed })
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    fn list(&self) -> Vec<Arc<Sealed>> {
        self.sealed.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Continues `reading` with the generation that holds the next record. False: none here does.
    pub(crate) fn read(&self, reading: &mut Reading) -> bool {
        let next = reading.after().plus(1);
        let holds = |sealed: &&Arc<Sealed>| {
            let manifest = sealed.manifest();
            manifest.first <= next && next <= manifest.last
        };
        let Some(sealed) = self.list().iter().find(holds).cloned() else { return false };
        sealed.read(reading);
        self.used(sealed.manifest().generation);
        true
    }

    /// First record behind `seq` that a sealed generation is known to begin with.
    pub(crate) fn first_after(&self, seq: Seq) -> Option<Seq> {
        self.list().iter().map(|sealed| sealed.manifest().first).filter(|&first| first > seq).min()
    }

    /// Closes the generations that were not used for longest.
    fn used(&self, generation: u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|&other| other != generation);
        open.push_back(generation);
        while open.len() > self.home.limits.generations_open_max.max(1) {
            let oldest = open.pop_front();
            let sealed = self.sealed.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(sealed) = oldest.and_then(|oldest| sealed.get(&oldest)) {
                sealed.shut();
            }
        }
    }

    /// The state at the end of the last sealed generation.
    pub(crate) fn base(&self) -> Arc<Base> {
        let mut base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(base.get_or_insert_with(|| {
            let newest = self.list().pop();
            newest.map_or_else(Arc::default, |sealed| Arc::new(Base::load(sealed)))
        }))
    }

    /// Serves a generation that was just sealed, and its state, before its journal is forgotten.
    fn add(&self, manifest: Manifest) {
        let sealed = Arc::new(Sealed::new(&self.home, manifest));
        let generation = sealed.manifest().generation;
        let base = Arc::new(Base::load(Arc::clone(&sealed)));
        self.sealed.write().unwrap_or_else(PoisonError::into_inner).insert(generation, sealed);
        *self.base.lock().unwrap_or_else(PoisonError::into_inner) = Some(base);
        self.used(generation);
    }

    pub(crate) fn health(&self) -> Vec<GenerationHealth> {
        let mut health: Vec<_> = self.list().iter().map(|sealed| sealed_health(sealed)).collect();
        health.extend(self.broken.iter().cloned());
        health.sort_by_key(|generation| generation.number);
        health
    }

    /// Lets go of all databases.
    pub(crate) fn shut(&self) {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.list().iter().for_each(|sealed| sealed.shut());
    }
}

fn sealed_health(sealed: &Sealed) -> GenerationHealth {
    let manifest = sealed.manifest();
    let set_aside = manifest.set_aside.last().map(|folder| format!("mended; the damaged files are in `{folder}`"));
    GenerationHealth {
        number: manifest.generation,
        first: manifest.first,
        last: manifest.last,
        sealed: true,
        bytes: manifest.bytes,
        lost: manifest.lost.clone(),
        quarantined: sealed.broken().or(set_aside),
    }
}

fn unreadable(number: u64, error: &ShelfError) -> GenerationHealth {
    GenerationHealth {
        number,
        first: Seq::ZERO,
        last: Seq::ZERO,
        sealed: true,
        bytes: 0,
        lost: Vec::new(),
        quarantined: Some(error.to_string()),
    }
}
