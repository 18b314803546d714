//! A disk in memory that loses power, runs full and fails on command, always the same way for the same seed.
//!
//! What was not synced may survive a power loss, or half of it, or none: every write is kept apart until its file is
//! synced, every change of a name until its folder is. Files of other libraries are real ones; what of them was not
//! synced through here is undone when the power comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, OsDisk};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The step fails, and every later one, until `restart`.
    PowerLoss,
    /// This one step fails with an input/output error; of an append, half is written.
    Io,
    /// This step and all later ones that need space fail, until `free_space`; of an append, half is written.
    Full,
}

/// What a power loss leaves of that which was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// Nothing.
    Nothing,
    /// Each write with a chance of one half, in any order; the names up to some point.
    Half,
    /// All but the end of the last write of each file.
    Torn,
    /// All of it, as after the kill of a process.
    All,
}

/// A simulated disk.
#[derive(Debug, Clone)]
pub struct FaultyDisk {
    shared: Arc<Mutex<Simulation>>,
}

#[derive(Debug)]
struct Simulation {
    random: u64,
    n_steps: u64,
    fail_at: Option<(u64, Fault)>,
    dead: bool,
    full: bool,
    names: BTreeMap<PathBuf, Inode>,
    durable_names: BTreeMap<PathBuf, Inode>,
    pending_names: Vec<NameChange>,
    dirs: Vec<PathBuf>,
    foreign: Foreign,
}

/// Real files that another library writes, as they were when they were synced.
#[derive(Debug, Clone, Default)]
struct Foreign {
    contents: BTreeMap<PathBuf, Vec<u8>>,
    names: BTreeSet<PathBuf>,
}

type Inode = Arc<Mutex<Content>>;

#[derive(Debug, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

#[derive(Debug, Clone)]
enum NameChange {
    Link(PathBuf, Inode),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf),
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    inode: Inode,
}

/// What a step is to do, after its fault was looked up.
enum Verdict {
    Go,
    HalfThen(io::Error),
}

impl FaultyDisk {
    /// An empty disk whose faults follow from `seed`.
    pub fn new(seed: u64) -> Self {
        let simulation = Simulation {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            n_steps: 0,
            fail_at: None,
            dead: false,
            full: false,
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: Vec::new(),
            dirs: Vec::new(),
            foreign: Foreign::default(),
        };
        Self { shared: Arc::new(Mutex::new(simulation)) }
    }

    /// Lets the step number `step` from now (0 is the next) fail. A step is anything but a read.
    pub fn fail_at(&self, step: u64, fault: Fault) {
        let mut simulation = self.lock();
        simulation.fail_at = Some((simulation.n_steps + step, fault));
    }

    /// Forgets a planned fault and gives the disk space again.
    pub fn free_space(&self) {
        let mut simulation = self.lock();
        simulation.fail_at = None;
        simulation.full = false;
    }

    /// Steps so far.
    pub fn n_steps(&self) -> u64 {
        self.lock().n_steps
    }

    /// Whether the planned power loss has come.
    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// Takes the power away now, and gives the disk as it is found afterwards. The old one fails from here on.
    #[must_use]
    pub fn restart(&self, survival: Survival) -> Self {
        let mut simulation = self.lock();
        simulation.dead = true;
        let names = simulation.surviving_names(survival);
        let mut found = BTreeMap::new();
        for (path, inode) in names {
            let bytes = simulation.surviving_bytes(&lock(&inode), survival);
            found.insert(path, bytes);
        }
        if let Err(error) = simulation.restore_foreign(survival) {
            tracing::error!(%error, "cannot restore the real files of the simulated disk");
        }
        let after = Self::new(simulation.next_random());
        after.lock().dirs.clone_from(&simulation.dirs);
        after.lock().foreign.clone_from(&simulation.foreign);
        for (path, bytes) in found {
            after.put(&path, bytes);
        }
        after
    }

    /// Sets the durable content of a file, without a step.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let content = Content { now: bytes.clone(), durable: bytes, pending: Vec::new() };
        let inode: Inode = Arc::new(Mutex::new(content));
        let mut simulation = self.lock();
        simulation.names.insert(path.to_owned(), Arc::clone(&inode));
        simulation.durable_names.insert(path.to_owned(), inode);
    }

    /// Content of a file as a reader sees it now.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let simulation = self.lock();
        simulation.names.get(path).map(|inode| lock(inode).now.clone())
    }

    /// Paths of all files.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.lock().names.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Simulation> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a step and looks up what happens to it; a step that cannot be done by half fails whole.
    fn step(&self, needs_space: bool) -> io::Result<MutexGuard<'_, Simulation>> {
        let mut simulation = self.lock();
        match simulation.verdict(needs_space)? {
            Verdict::Go => Ok(simulation),
            Verdict::HalfThen(error) => Err(error),
        }
    }
}

fn lock(inode: &Inode) -> MutexGuard<'_, Content> {
    inode.lock().unwrap_or_else(PoisonError::into_inner)
}

fn dead() -> io::Error {
    io::Error::other("the power is gone")
}

fn full() -> io::Error {
    io::Error::from(io::ErrorKind::StorageFull)
}

impl Simulation {
    fn verdict(&mut self, needs_space: bool) -> io::Result<Verdict> {
        if self.dead {
            return Err(dead());
        }
        let step = self.n_steps;
        self.n_steps += 1;
        let due = self.fail_at.filter(|&(at, _)| at == step).map(|(_, fault)| fault);
        match due {
            Some(Fault::PowerLoss) => {
                self.dead = true;
                return Ok(Verdict::HalfThen(dead()));
            }
            Some(Fault::Io) => return Ok(Verdict::HalfThen(io::Error::from_raw_os_error(5))),
            Some(Fault::Full) => self.full = true,
            None => {}
        }
        Ok(if self.full && needs_space { Verdict::HalfThen(full()) } else { Verdict::Go })
    }

    /// xorshift64*: enough to choose what survives, and always the same.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next_random()).unwrap_or(0) % bound.max(1)
    }

    /// A journalling file system keeps changes of names in their order, so what survives is the first part of them.
    fn surviving_names(&mut self, survival: Survival) -> BTreeMap<PathBuf, Inode> {
        let n_kept = match survival {
            Survival::Nothing => 0,
            Survival::Half => self.below(self.pending_names.len() + 1),
            Survival::Torn | Survival::All => self.pending_names.len(),
        };
        let mut names = self.durable_names.clone();
        for change in &self.pending_names[..n_kept] {
            change.apply(&mut names);
        }
        names
    }

    fn surviving_bytes(&mut self, content: &Content, survival: Survival) -> Vec<u8> {
        let mut bytes = content.durable.clone();
        let n_changes = content.pending.len();
        for (index, change) in content.pending.iter().enumerate() {
            let last = index + 1 == n_changes;
            match (survival, change) {
                (Survival::Nothing, _) => {}
                (Survival::Half, _) if self.below(2) == 0 => {}
                (Survival::Torn, Change::Write { offset, bytes: written }) if last => {
                    let n_kept = self.below(written.len());
                    Change::Write { offset: *offset, bytes: written[..n_kept].to_vec() }.apply(&mut bytes);
                }
                _ => change.apply(&mut bytes),
            }
        }
        bytes
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Self::Truncate(length) => content.truncate(*length),
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, Inode>) {
        match self {
            Self::Link(path, inode) => {
                names.insert(path.clone(), Arc::clone(inode));
            }
            Self::Unlink(path) => {
                names.remove(path);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
        }
    }

    fn dir(&self) -> Option<&Path> {
        match self {
            Self::Link(path, _) | Self::Unlink(path) | Self::Rename(_, path) => path.parent(),
        }
    }
}

impl Simulation {
    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending_names.push(change);
    }
}

impl Simulation {
    /// Undoes what was not synced of the real files in our folders.
    fn restore_foreign(&mut self, survival: Survival) -> io::Result<()> {
        for dir in self.dirs.clone() {
            for path in real_entries(&dir)? {
                let is_lost = match survival {
                    Survival::Nothing => true,
                    Survival::Half => self.below(2) == 0,
                    Survival::Torn | Survival::All => false,
                };
                if is_lost && path.is_dir() && !self.dirs.contains(&path) {
                    self.foreign.restore(&path)?;
                }
            }
        }
        Ok(())
    }
}

impl Foreign {
    fn sync_names(&mut self, dir: &Path) -> io::Result<()> {
        self.names.retain(|path| path.parent() != Some(dir));
        self.names.extend(real_entries(dir)?);
        Ok(())
    }

    fn restore(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            if !self.names.contains(path) {
                return fs::remove_dir_all(path);
            }
            return real_entries(path)?.iter().try_for_each(|path| self.restore(path));
        }
        match self.contents.get(path).filter(|_| self.names.contains(path)) {
            Some(content) => fs::write(path, content),
            None => fs::remove_file(path),
        }
    }
}

fn real_entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let names = OsDisk.list(dir)?;
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut simulation = self.step(true)?;
        if simulation.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = Inode::default();
        simulation.change_name(NameChange::Link(path.to_owned(), Arc::clone(&inode)));
        Ok(Arc::new(FaultyFile { disk: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let simulation = self.lock();
        if simulation.dead {
            return Err(dead());
        }
        let inode = simulation.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(FaultyFile { disk: self.clone(), inode: Arc::clone(inode) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut simulation = self.step(false)?;
        if !simulation.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        simulation.change_name(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut simulation = self.step(false)?;
        if !simulation.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        simulation.change_name(NameChange::Unlink(path.to_owned()));
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut simulation = self.step(false)?;
        if !simulation.dirs.iter().any(|dir| dir == path) {
            simulation.dirs.push(path.to_owned());
        }
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let _simulation = self.step(false)?;
        OsDisk.remove_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let simulation = self.lock();
        if simulation.dead {
            return Err(dead());
        }
        let mut names = OsDisk.list(dir)?;
        let inside = simulation.names.keys().filter(|path| path.parent() == Some(dir));
        names.extend(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())));
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut simulation = self.step(false)?;
        let pending = std::mem::take(&mut simulation.pending_names);
        let (done, rest): (Vec<_>, Vec<_>) = pending.into_iter().partition(|change| change.dir() == Some(dir));
        for change in &done {
            change.apply(&mut simulation.durable_names);
        }
        simulation.pending_names = rest;
        simulation.foreign.sync_names(dir)
    }

    fn sync_foreign(&self, path: &Path) -> io::Result<()> {
        let mut simulation = self.step(false)?;
        let content = fs::read(path)?;
        simulation.foreign.contents.insert(path.to_owned(), content);
        Ok(())
    }
}

impl DiskFile for FaultyFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut simulation = self.disk.lock();
        let (n_written, result) = match simulation.verdict(true)? {
            Verdict::Go => (bytes.len(), Ok(())),
            Verdict::HalfThen(error) => (bytes.len() / 2, Err(error)),
        };
        let mut content = lock(&self.inode);
        let change = Change::Write { offset: content.now.len(), bytes: bytes[..n_written].to_vec() };
        change.apply(&mut content.now);
        content.pending.push(change);
        result
    }

    fn sync(&self) -> io::Result<()> {
        let _simulation = self.disk.step(false)?;
        let Content { now, durable, pending } = &mut *lock(&self.inode);
        durable.clone_from(now);
        pending.clear();
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if self.disk.is_dead() {
            return Err(dead());
        }
        let content = lock(&self.inode);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(content.now.len());
        let n_read = buffer.len().min(content.now.len() - offset);
        buffer[..n_read].copy_from_slice(&content.now[offset..offset + n_read]);
        Ok(n_read)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(lock(&self.inode).now.len() as u64)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let _simulation = self.disk.step(false)?;
        let change = Change::Truncate(usize::try_from(length).unwrap_or(usize::MAX));
        let mut content = lock(&self.inode);
        change.apply(&mut content.now);
        content.pending.push(change);
        Ok(())
    }
}
