//! The durable folder of reports that the host has not acknowledged yet.
//!
//! One file per report, named by its position and kind, written beside and renamed. The batch under way is written down
//! before it is sent, so that a crash between sending and removing repeats the same batch under the same key. Invariant:
//! [`Spool::put`] has synced the report to disk when it returns, and only [`Spool::remove`] and [`Spool::bury`] take it away.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::report::Kind;

/// Where a spool is and how big it may grow.
#[derive(Debug, Clone)]
pub struct SpoolOptions {
    /// The folder; made when absent.
    pub dir: PathBuf,
    /// Size of all reports, dead letters included, above which new ones are refused.
    pub bytes_max: u64,
}

impl SpoolOptions {
    /// A spool of at most 1 GiB in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), bytes_max: 1 << 30 }
    }
}

/// Why a spool could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The bound is reached; what is older is kept.
    #[error("spool `{}` is full: {bytes} of {bytes_max} bytes wait for the host", dir.display())]
    Full {
        /// The folder.
        dir: PathBuf,
        /// Bytes in it.
        bytes: u64,
        /// Bytes allowed.
        bytes_max: u64,
    },
    /// Another process owns the folder.
    #[error("spool `{}` is in use by another process", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The disk failed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// How much waits in a spool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolDepth {
    /// Reports waiting.
    pub reports: usize,
    /// Their size, dead letters included.
    pub bytes: u64,
    /// Reports the host refused for good.
    pub dead: usize,
    /// Age of the oldest one waiting.
    pub oldest: Option<Duration>,
}

/// Reports of one kind that go out together, under one idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) kind: Kind,
    pub(crate) key: String,
    pub(crate) positions: Vec<u64>,
}

/// How much goes out together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchLimits {
    pub(crate) reports_max: usize,
    pub(crate) bytes_max: u64,
}

/// The folder, owned by one process at a time.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    bytes_max: u64,
    state: Mutex<State>,
    _lock: File,
}

#[derive(Debug, Default)]
struct State {
    /// By position, which is also the time of writing in microseconds.
    waiting: BTreeMap<u64, Waiting>,
    bytes: u64,
    dead: usize,
    last: u64,
    under_way: Option<Batch>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    kind: Kind,
    bytes: u64,
}

const LOCK: &str = "LOCK";
const UNDER_WAY: &str = "batch.json";
const DEAD: &str = "dead";
const UNFINISHED: &str = ".part";
/// End of the name of a report that is being left by a process that does not own the folder.
const LEFT: &str = ".left";
/// Age of one whose process has died for sure.
const LEFT_AGE_MAX: Duration = Duration::from_hours(1);

impl Spool {
    /// Opens the folder and takes up what a former process left in it.
    pub fn open(options: SpoolOptions) -> Result<Self, SpoolError> {
        let SpoolOptions { dir, bytes_max } = options;
        let dead = dir.join(DEAD);
        fs::create_dir_all(&dead).map_err(io_error("make folder", &dead))?;
        let lock = lock(&dir)?;
        let mut state = State::default();
        for entry in entries(&dir)? {
            state.take_up(&entry)?;
        }
        for entry in entries(&dead)? {
            state.bytes += entry.metadata().map_or(0, |meta| meta.len());
            state.dead += usize::from(entry.path().extension().is_some_and(|extension| extension == "json"));
        }
        state.under_way = read_under_way(&dir);
        let spool = Self { dir, bytes_max, state: Mutex::new(state), _lock: lock };
        spool.finish_removal()?;
        Ok(spool)
    }

    /// Keeps a report until the host has it. Durable on return.
    ///
    /// # Errors
    /// [`SpoolError::Full`] leaves the spool as it was: what is older stays, the caller keeps the report.
    pub fn put(&self, kind: Kind, report: &[u8]) -> Result<(), SpoolError> {
        let bytes = report.len() as u64;
        let mut state = self.state();
        if state.bytes.saturating_add(bytes) > self.bytes_max {
            return Err(SpoolError::Full { dir: self.dir.clone(), bytes: state.bytes, bytes_max: self.bytes_max });
        }
        let position = state.next_position();
        self.write(&file_name(position, kind), report)?;
        state.waiting.insert(position, Waiting { kind, bytes });
        state.bytes += bytes;
        Ok(())
    }

    /// Keeps a report in a spool that another process may own: the owner, or the next one, finds it when it opens the
    /// spool. Durable on return.
    ///
    /// # Errors
    /// [`SpoolError::Full`] as with [`Spool::put`].
    pub fn leave(options: &SpoolOptions, kind: Kind, report: &[u8]) -> Result<(), SpoolError> {
        let SpoolOptions { dir, bytes_max } = options;
        fs::create_dir_all(dir).map_err(io_error("make folder", dir))?;
        let bytes: u64 = entries(dir)?.iter().filter_map(|entry| Some(entry.metadata().ok()?.len())).sum();
        if bytes.saturating_add(report.len() as u64) > *bytes_max {
            return Err(SpoolError::Full { dir: dir.clone(), bytes, bytes_max: *bytes_max });
        }
        let left = dir.join(format!("{}-{}{LEFT}", now_us(), std::process::id()));
        let written = File::create_new(&left).and_then(|mut file| {
            file.write_all(report)?;
            file.sync_all()?;
            name_free(dir, &left, kind)?;
            File::open(dir)?.sync_all()
        });
        let _ = fs::remove_file(&left);
        written.map_err(io_error("write", &left))
    }

    /// Reports that wait in a folder, whoever owns it.
    pub fn waiting(dir: &Path) -> usize {
        let names = entries(dir).unwrap_or_default();
        names
            .iter()
            .filter(|entry| entry.file_name().to_str().is_some_and(|name| parse_file_name(name).is_some()))
            .count()
    }

    /// How much waits.
    pub fn depth(&self) -> SpoolDepth {
        let state = self.state();
        let oldest = state.waiting.keys().next().map(|first| Duration::from_micros(now_us().saturating_sub(*first)));
        SpoolDepth { reports: state.waiting.len(), bytes: state.bytes, dead: state.dead, oldest }
    }

    /// The batch to send now: the one under way, or the oldest reports of one kind, written down as under way.
    pub(crate) fn batch(&self, limits: BatchLimits) -> Result<Option<Batch>, SpoolError> {
        let mut state = self.state();
        if state.under_way.is_none() {
            let positions = state.oldest(limits);
            let Some(kind) = positions.first().map(|first| state.waiting[first].kind) else { return Ok(None) };
            self.set_under_way(&mut state, kind, positions)?;
        }
        Ok(state.under_way.clone())
    }

    /// The body of a batch: a JSON array of its reports, byte for byte.
    pub(crate) fn body(&self, batch: &Batch) -> Result<Vec<u8>, SpoolError> {
        let mut body = vec![b'['];
        for &position in &batch.positions {
            let path = self.dir.join(file_name(position, batch.kind));
            if body.len() > 1 {
                body.push(b',');
            }
            body.extend(fs::read(&path).map_err(io_error("read", &path))?);
        }
        body.push(b']');
        Ok(body)
    }

    /// Takes the batch under way out: the host has it.
    pub(crate) fn remove(&self, batch: &Batch) -> Result<(), SpoolError> {
        let mut state = self.state();
        for &position in &batch.positions {
            remove_if_there(&self.dir.join(file_name(position, batch.kind)))?;
            if let Some(waiting) = state.waiting.remove(&position) {
                state.bytes -= waiting.bytes;
            }
        }
        self.clear_under_way(&mut state)
    }

    /// Makes the first half of a refused batch the one under way, to find the report that is at fault.
    pub(crate) fn halve(&self, batch: &Batch) -> Result<(), SpoolError> {
        let half = batch.positions.len().div_ceil(2);
        self.set_under_way(&mut self.state(), batch.kind, batch.positions[..half].to_vec())
    }

    /// Puts a batch of one report, which the host refuses for good, aside with the reason.
    pub(crate) fn bury(&self, batch: &Batch, reason: &str) -> Result<(), SpoolError> {
        let mut state = self.state();
        for &position in &batch.positions {
            let name = file_name(position, batch.kind);
            let grave = self.dir.join(DEAD).join(&name);
            fs::rename(self.dir.join(&name), &grave).map_err(io_error("move", &grave))?;
            let note = grave.with_extension("why");
            fs::write(&note, reason).map_err(io_error("write", &note))?;
            state.waiting.remove(&position);
            state.bytes += reason.len() as u64;
            state.dead += 1;
        }
        self.clear_under_way(&mut state)
    }

    /// A batch with a missing report was acknowledged by the host before the crash: reports go only after that.
    fn finish_removal(&self) -> Result<(), SpoolError> {
        let Some(batch) = self.state().under_way.clone() else { return Ok(()) };
        let complete = batch.positions.iter().all(|position| self.state().waiting.contains_key(position));
        if complete { Ok(()) } else { self.remove(&batch) }
    }

    fn set_under_way(&self, state: &mut State, kind: Kind, positions: Vec<u64>) -> Result<(), SpoolError> {
        let mut batch = Batch { kind, key: String::new(), positions };
        batch.key = fingerprint(kind, &self.body(&batch)?, &batch.positions);
        let json = serde_json::to_vec(&batch).expect("a batch is numbers and plain text");
        self.write(UNDER_WAY, &json)?;
        state.under_way = Some(batch);
        Ok(())
    }

    fn clear_under_way(&self, state: &mut State) -> Result<(), SpoolError> {
        state.under_way = None;
        remove_if_there(&self.dir.join(UNDER_WAY))
    }

    /// Writes beside, syncs, renames, syncs the folder: the file is whole or absent.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
        let path = self.dir.join(name);
        let part = self.dir.join(format!("{name}{UNFINISHED}"));
        let written = File::create(&part).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            File::open(&self.dir)?.sync_all()
        });
        written.map_err(|source| {
            let _ = fs::remove_file(&part);
            io_error("write", &path)(source)
        })
    }

    /// A panic while the lock was held leaves numbers that are at most out of date, so poison is no reason to stop.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_up(&mut self, entry: &fs::DirEntry) -> Result<(), SpoolError> {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { return Ok(()) };
        if name.ends_with(UNFINISHED) || (name.ends_with(LEFT) && is_older(entry, LEFT_AGE_MAX)) {
            return remove_if_there(&entry.path());
        }
        if let Some((position, kind)) = parse_file_name(name) {
            let bytes = entry.metadata().map_err(io_error("read", &entry.path()))?.len();
            self.waiting.insert(position, Waiting { kind, bytes });
            self.bytes += bytes;
            self.last = self.last.max(position);
        }
        Ok(())
    }

    fn next_position(&mut self) -> u64 {
        self.last = now_us().max(self.last + 1);
        self.last
    }

    /// Positions of the oldest reports that are of one kind and within the limits; at least one if any waits.
    fn oldest(&self, limits: BatchLimits) -> Vec<u64> {
        let Some(first) = self.waiting.values().next() else { return Vec::new() };
        let mut bytes = 0;
        self.waiting
            .iter()
            .take(limits.reports_max.max(1))
            .take_while(|(_, waiting)| {
                let is_first = bytes == 0;
                bytes += waiting.bytes.max(1);
                waiting.kind == first.kind && (is_first || bytes <= limits.bytes_max)
            })
            .map(|(position, _)| *position)
            .collect()
    }
}

fn lock(dir: &Path) -> Result<File, SpoolError> {
    let path = dir.join(LOCK);
    let file = File::create(&path).map_err(io_error("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io_error("lock", &path)(source)),
    }
}

fn entries(dir: &Path) -> Result<Vec<fs::DirEntry>, SpoolError> {
    fs::read_dir(dir).and_then(Iterator::collect).map_err(io_error("list", dir))
}

/// A damaged or absent note only costs the key: its reports are still there and go out again under another one.
fn read_under_way(dir: &Path) -> Option<Batch> {
    serde_json::from_slice(&fs::read(dir.join(UNDER_WAY)).ok()?).ok()
}

fn remove_if_there(path: &Path) -> Result<(), SpoolError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(source)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn is_older(entry: &fs::DirEntry, age: Duration) -> bool {
    let modified = entry.metadata().and_then(|meta| meta.modified()).ok();
    modified.and_then(|at| at.elapsed().ok()).is_some_and(|passed| passed > age)
}

/// Gives a whole file the first position from now on that nobody has. A link never replaces, as a rename would.
fn name_free(dir: &Path, file: &Path, kind: Kind) -> io::Result<()> {
    let mut position = now_us();
    while let Err(error) = fs::hard_link(file, dir.join(file_name(position, kind))) {
        if error.kind() != io::ErrorKind::AlreadyExists {
            return Err(error);
        }
        position += 1;
    }
    Ok(())
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Io { action, path, source }
}

fn file_name(position: u64, kind: Kind) -> String {
    format!("{position:020}.{}.json", kind.name())
}

fn parse_file_name(name: &str) -> Option<(u64, Kind)> {
    let (position, kind) = name.strip_suffix(".json")?.split_once('.')?;
    Some((position.parse().ok()?, Kind::named(kind)?))
}

/// Positions are part of it: the same content sent again later, after other content, must not pass for a repeat.
fn fingerprint(kind: Kind, body: &[u8], positions: &[u64]) -> String {
    use std::fmt::Write as _;
    let mut content = format!("{}{positions:?}", kind.name()).into_bytes();
    content.extend_from_slice(body);
    digest(&SHA256, &content).as_ref()[..16].iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string does not fail");
        hex
    })
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BatchLimits = BatchLimits { reports_max: 2, bytes_max: 100 };

    fn open(dir: &Path, bytes_max: u64) -> Spool {
        Spool::open(SpoolOptions { dir: dir.to_owned(), bytes_max }).unwrap()
    }

    fn body(spool: &Spool, batch: &Batch) -> String {
        String::from_utf8(spool.body(batch).unwrap()).unwrap()
    }

    #[test]
    fn keeps_order_and_kinds_apart() {
        let dir = tempfile::tempdir().unwrap();
        let spool = open(dir.path(), 1000);
        for (kind, report) in [(Kind::Builds, "1"), (Kind::Builds, "2"), (Kind::Builds, "3"), (Kind::Commits, "4")] {
            spool.put(kind, report.as_bytes()).unwrap();
        }
        let mut sent = Vec::new();
        while let Some(batch) = spool.batch(LIMITS).unwrap() {
            sent.push(format!("{} {}", batch.kind.name(), body(&spool, &batch)));
            spool.remove(&batch).unwrap();
        }
        assert_eq!(sent, ["builds [1,2]", "builds [3]", "commits [4]"]);
        assert_eq!(spool.depth(), SpoolDepth::default());
    }

    #[test]
    fn refuses_what_is_beyond_its_bound_and_keeps_what_is_older() {
        let dir = tempfile::tempdir().unwrap();
        let spool = open(dir.path(), 3);
        spool.put(Kind::Builds, b"111").unwrap();
        let full = spool.put(Kind::Builds, b"2").unwrap_err();
        assert!(matches!(full, SpoolError::Full { bytes: 3, bytes_max: 3, .. }), "{full}");
        let batch = spool.batch(LIMITS).unwrap().unwrap();
        assert_eq!(body(&spool, &batch), "[111]");
        spool.remove(&batch).unwrap();
        spool.put(Kind::Builds, b"2").unwrap();
    }

    #[test]
    fn a_batch_survives_a_restart_with_its_key_and_does_not_grow() {
        let dir = tempfile::tempdir().unwrap();
        let spool = open(dir.path(), 1000);
        spool.put(Kind::Builds, b"1").unwrap();
        let before = spool.batch(LIMITS).unwrap().unwrap();
        spool.put(Kind::Builds, b"2").unwrap();
        drop(spool);
        fs::write(dir.path().join("00000000000000000009.builds.json.part"), "half").unwrap();
        let spool = open(dir.path(), 1000);
        assert_eq!(spool.batch(LIMITS).unwrap().unwrap(), before);
        assert_eq!(spool.depth().reports, 2);
    }

    #[test]
    fn a_crash_in_the_middle_of_removing_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        let spool = open(dir.path(), 1000);
        spool.put(Kind::Builds, b"1").unwrap();
        spool.put(Kind::Builds, b"2").unwrap();
        let batch = spool.batch(LIMITS).unwrap().unwrap();
        fs::remove_file(dir.path().join(file_name(batch.positions[0], Kind::Builds))).unwrap();
        drop(spool);
        let spool = open(dir.path(), 1000);
        assert_eq!((spool.depth().reports, spool.batch(LIMITS).unwrap()), (0, None));
    }

    #[test]
    fn one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let _spool = open(dir.path(), 1000);
        let second = Spool::open(SpoolOptions::new(dir.path()));
        assert!(matches!(second, Err(SpoolError::InUse { .. })));
    }

    #[test]
    fn equal_content_written_twice_has_two_keys() {
        let keys = [vec![1], vec![2]].map(|positions| fingerprint(Kind::Builds, b"[{}]", &positions));
        assert_ne!(keys[0], keys[1]);
    }
}
