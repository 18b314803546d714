//! One sled database in its folder, kept so that it can be trusted.
//!
//! sled's `flush` is no fsync, its creation is not synced, and damaged files can make it panic. So every sync here
//! is followed by our own, and every call is caught: after an error the shelf is given up, never used again.

use std::any::Any;
use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::chunk::{Assembly, Entry, EntryKey, KeyValue, Tree};
use crate::disk::{Disk, sync_parent};

/// sled's cache for one database, in bytes. Its default of 1 GiB is the memory that people complain about; what is
/// read in its order, mostly once, needs little, and several databases are open at a time.
const CACHE_BYTES: u64 = 8 << 20;
/// How long sled may take to open or let go of a file.
const PATIENCE: Duration = Duration::from_mins(1);
/// Chunks of one batch.
const BATCH_CHUNKS: usize = 1000;

/// sled failed, panicked or did not answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ShelfError(pub(crate) String);

impl From<sled::Error> for ShelfError {
    fn from(error: sled::Error) -> Self {
        Self(format!("sled: {error}"))
    }
}

impl From<std::io::Error> for ShelfError {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// An open sled database with the trees of a generation.
pub(crate) struct Shelf {
    dir: PathBuf,
    /// There until the shelf is closed.
    db: Option<Database>,
    failed: AtomicBool,
}

type Database = (sled::Db, [sled::Tree; 2]);

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Shelf {
    /// Creates a database in a folder that is not there yet, durable with all its files.
    pub(crate) fn create(disk: &dyn Disk, dir: &Path) -> Result<Self, ShelfError> {
        let shelf = Self::open(dir)?;
        shelf.flush()?;
        sync_files(disk, dir)?;
        sync_parent(disk, dir)?;
        Ok(shelf)
    }

    /// Opens the database in a folder.
    pub(crate) fn open(dir: &Path) -> Result<Self, ShelfError> {
        let (sender, receiver) = sync_channel(1);
        let path = dir.to_owned();
        let open = move || {
            let opened = contained(|| open_db(&path));
            // Nobody may wait any more; then the database is let go of here.
            let _ = sender.send(opened);
        };
        std::thread::Builder::new().name("weir-sled-open".to_owned()).spawn(open)?;
        let db = receiver.recv_timeout(PATIENCE).map_err(|error| match error {
            RecvTimeoutError::Timeout => ShelfError("sled does not come to an end opening its files".to_owned()),
            RecvTimeoutError::Disconnected => ShelfError("sled died opening its files".to_owned()),
        })??;
        Ok(Self { dir: dir.to_owned(), db: Some(db), failed: AtomicBool::new(false) })
    }

    fn db(&self) -> Result<&Database, ShelfError> {
        self.db.as_ref().ok_or_else(|| ShelfError("the database is closed".to_owned()))
    }

    fn tree(&self, tree: Tree) -> Result<&sled::Tree, ShelfError> {
        let (_, [raw, state]) = self.db()?;
        Ok(match tree {
            Tree::Raw => raw,
            Tree::State => state,
        })
    }

    /// Runs one use of sled; a panic in it becomes an error and gives the shelf up.
    fn with<T>(&self, run: impl FnOnce() -> Result<T, ShelfError>) -> Result<T, ShelfError> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(ShelfError("sled failed before".to_owned()));
        }
        contained(run).inspect_err(|_| self.failed.store(true, Ordering::Relaxed))
    }

    /// Puts chunks into a tree. They are durable after the next `sync`.
    pub(crate) fn insert(&self, tree: Tree, chunks: &[KeyValue]) -> Result<(), ShelfError> {
        self.with(|| {
            for part in chunks.chunks(BATCH_CHUNKS) {
                let mut batch = sled::Batch::default();
                for (key, value) in part {
                    batch.insert(key.as_slice(), value.as_slice());
                }
                self.tree(tree)?.apply_batch(batch)?;
            }
            Ok(())
        })
    }

    fn flush(&self) -> Result<(), ShelfError> {
        self.with(|| self.db()?.0.flush().map(drop).map_err(ShelfError::from))
    }

    /// Makes durable what was inserted.
    pub(crate) fn sync(&self, disk: &dyn Disk) -> Result<(), ShelfError> {
        self.flush()?;
        Ok(disk.sync_foreign(&self.dir.join("db"))?)
    }

    /// The entry filed under `key`, if its chunks are all there and whole.
    pub(crate) fn entry(&self, key: EntryKey) -> Result<Option<Entry>, ShelfError> {
        self.with(|| {
            let mut assembly = Assembly::default();
            for item in self.tree(key.tree)?.range(key.chunk(0)..=key.chunk(u16::MAX)) {
                if let Some(entry) = assembly.take(&item?.1) {
                    return Ok((entry.key == key).then_some(entry));
                }
            }
            Ok(None)
        })
    }

    /// First record of the last pack of `stream` that begins at `seq` or before.
    pub(crate) fn pack_at_or_before(&self, stream: u32, seq: u64) -> Result<Option<u64>, ShelfError> {
        let range = EntryKey::pack(stream, 0).chunk(0)..=EntryKey::pack(stream, seq).chunk(u16::MAX);
        self.with(|| Ok(self.tree(Tree::Raw)?.range(range).next_back().transpose()?.and_then(|(key, _)| minor(&key))))
    }

    /// First record of the first pack of `stream` that begins after `seq`.
    pub(crate) fn pack_after(&self, stream: u32, seq: u64) -> Result<Option<u64>, ShelfError> {
        let Some(next) = seq.checked_add(1) else { return Ok(None) };
        let range = EntryKey::pack(stream, next).chunk(0)..=EntryKey::pack(stream, u64::MAX).chunk(u16::MAX);
        self.with(|| Ok(self.tree(Tree::Raw)?.range(range).next().transpose()?.and_then(|(key, _)| minor(&key))))
    }

    /// Numbers of the streams that have packs, in order.
    pub(crate) fn streams(&self) -> Result<Vec<u32>, ShelfError> {
        self.with(|| {
            let mut streams = Vec::new();
            let mut next = Some(0);
            while let Some(stream) = next {
                let found = self.tree(Tree::Raw)?.range(EntryKey::pack(stream, 0).chunk(0)..).next().transpose()?;
                let found = found.and_then(|(key, _)| major(&key));
                streams.extend(found);
                next = found.and_then(|found| found.checked_add(1));
            }
            Ok(streams)
        })
    }

    /// Walks over all chunks of a tree, in the order of their keys.
    pub(crate) fn for_each(&self, tree: Tree, mut visit: impl FnMut(&[u8], &[u8])) -> Result<(), ShelfError> {
        self.with(|| {
            for item in self.tree(tree)? {
                let (key, value) = item?;
                visit(&key, &value);
            }
            Ok(())
        })
    }

    /// Makes everything durable, lets go of the database and waits until its files are free.
    pub(crate) fn close(mut self, disk: &dyn Disk) -> Result<(), ShelfError> {
        self.sync(disk)?;
        let db = self.db.take();
        contained(|| {
            drop(db);
            Ok(())
        })?;
        wait_until_free(&self.dir.join("db"))
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let db = self.db.take();
        if self.failed.load(Ordering::Relaxed) {
            // sled's own end may panic again or hang after an error. What this leaks is bounded by the error's rarity.
            std::mem::forget(db);
        } else {
            let _ = contained(|| {
                drop(db);
                Ok(())
            });
        }
    }
}

fn major(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(key.get(..4)?.try_into().ok()?))
}

fn minor(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(4..12)?.try_into().ok()?))
}

fn open_db(dir: &Path) -> Result<Database, ShelfError> {
    let started = Instant::now();
    let db = loop {
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(CACHE_BYTES)
            .mode(sled::Mode::LowSpace)
            .flush_every_ms(None)
            .use_compression(false);
        match config.open() {
            // The thread that closed it last may still be letting go.
            Err(sled::Error::Io(error)) if is_locked(&error) && started.elapsed() < PATIENCE => pause(),
            other => break other?,
        }
    };
    let tree = |tree: Tree| db.open_tree(tree.name());
    let trees = [tree(Tree::Raw)?, tree(Tree::State)?];
    Ok((db, trees))
}

fn is_locked(error: &std::io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

fn wait_until_free(file: &Path) -> Result<(), ShelfError> {
    let file = File::open(file)?;
    let started = Instant::now();
    while file.try_lock().is_err() {
        if started.elapsed() > PATIENCE {
            return Err(ShelfError("sled does not let go of its files".to_owned()));
        }
        pause();
    }
    Ok(())
}

fn pause() {
    std::thread::sleep(Duration::from_millis(1));
}

/// Makes all files of a folder and their names durable.
pub(crate) fn sync_files(disk: &dyn Disk, dir: &Path) -> Result<(), ShelfError> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { disk.sync_dir(&path)? } else { disk.sync_foreign(&path)? }
    }
    Ok(disk.sync_dir(dir)?)
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs what may panic on damaged bytes. The panic becomes an error and is not printed.
pub(crate) fn contained<T>(run: impl FnOnce() -> Result<T, ShelfError>) -> Result<T, ShelfError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                loud(panic);
            }
        }));
    });
    let outer = QUIET.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    QUIET.set(outer);
    outcome.unwrap_or_else(|panic| Err(ShelfError(format!("panic: {}", message(&*panic)))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("of unknown reason")
}
