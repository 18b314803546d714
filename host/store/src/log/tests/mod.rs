//! The log against a model of what was acknowledged.

mod copy;
mod crash;
mod damage;
mod limits;
mod model;
mod rewrite;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use weir_model::{AccountId, DatasetName, IntegrationName, RawRecord, Seq, StoredRecord, StreamId, Timestamp};

use super::{Appended, Commit, Log, LogError, LogLimits, LogOptions};
use crate::disk::{Disk, FaultyDisk, OsDisk};
use crate::keys::Keys;
use crate::state::{Put, StateKey};

/// A folder, a disk and keys to open logs with.
struct Rig {
    dir: tempfile::TempDir,
    keys: Arc<Keys>,
    disk: Arc<dyn Disk>,
    limits: LogLimits,
}

/// How often to try what is tried at random: `WEIR_FAULT_ROUNDS=50` makes it fifty times as often.
fn rounds(usual: u32) -> u32 {
    let factor = std::env::var("WEIR_FAULT_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    usual.saturating_mul(factor)
}

/// Limits at which everything happens soon.
fn tiny() -> LogLimits {
    LogLimits {
        frame_bytes: 512,
        segment_bytes_max: 4 << 10,
        pack_records_max: 4,
        pack_bytes_max: 2 << 10,
        pack_age_max: Duration::from_millis(20),
        generation_bytes_max: 1 << 40,
        generations_open_max: 2,
        ..LogLimits::default()
    }
}

impl Rig {
    fn new(disk: impl Disk + 'static) -> Self {
        // sled waits for the real disk all the time, and that is not what is tested: memory will do where there is some.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let account = AccountId::new("acme").unwrap();
        let keys = Arc::new(Keys::open_or_create(&dir.path().join("keys"), &account).unwrap());
        Self { dir, keys, disk: Arc::new(disk), limits: tiny() }
    }

    fn real() -> Self {
        Self::new(OsDisk)
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("acme")
    }

    fn try_open(&self) -> Result<Log, LogError> {
        Log::open(LogOptions {
            dir: self.path(),
            account: AccountId::new("acme").unwrap(),
            keys: Arc::clone(&self.keys),
            disk: Arc::clone(&self.disk),
            limits: self.limits.clone(),
        })
    }

    fn open(&self) -> Log {
        self.try_open().unwrap()
    }

    /// Folders of databases, by name.
    fn folders(&self) -> Vec<PathBuf> {
        let raw = self.path().join("raw");
        let names = OsDisk.list(&raw).unwrap();
        names.iter().map(|name| raw.join(name)).filter(|path| path.is_dir()).collect()
    }
}

fn stream(number: usize) -> StreamId {
    let integration = IntegrationName::new(format!("tool-{}", number % 2)).unwrap();
    StreamId { integration, dataset: DatasetName::new(format!("set-{}", number / 2)).unwrap() }
}

/// A commit of `n_records` whose content follows from `number`.
fn commit(number: u64, n_records: usize) -> Commit {
    let record = |index: usize| {
        let payload = format!("{{\"commit\":{number},\"index\":{index},\"text\":\"{}\"}}", "x".repeat(index * 40));
        (
            stream((usize::try_from(number).unwrap() + index) % 3),
            RawRecord::upsert(format!("key-{number}-{index}"), None, payload),
        )
    };
    let cursor = StateKey::new(&["cursor", &format!("{}", number % 4)]);
    let seen = StateKey::new(&["seen", &format!("delivery-{number}")]);
    Commit {
        records: (0..n_records).map(record).collect(),
        received_at: Timestamp::from_ms(1_700_000_000_000 + i64::try_from(number).unwrap() * 1000),
        puts: vec![Put::set(cursor, number.to_string()), Put::set(seen, "")],
    }
}

/// What must be in the log.
#[derive(Debug, Clone, Default)]
struct Expected {
    records: Vec<StoredRecord>,
    state: std::collections::BTreeMap<StateKey, Vec<u8>>,
}

impl Expected {
    fn last(&self) -> Seq {
        Seq(self.records.len() as u64)
    }

    fn add(&mut self, commit: &Commit, appended: Appended) {
        assert_eq!(appended.first, self.last().plus(1));
        self.assume(commit);
        assert_eq!(appended.last, self.last());
    }

    fn assume(&mut self, commit: &Commit) {
        for (stream, record) in &commit.records {
            let seq = self.last().plus(1);
            let stored =
                StoredRecord { seq, stream: stream.clone(), received_at: commit.received_at, record: record.clone() };
            self.records.push(stored);
        }
        for put in &commit.puts {
            match &put.value {
                Some(value) => drop(self.state.insert(put.key.clone(), value.clone())),
                None => drop(self.state.remove(&put.key)),
            }
        }
    }

    fn append(&mut self, log: &Log, commit: &Commit) {
        let appended = log.append(commit.clone()).unwrap();
        self.add(commit, appended);
    }

    /// Everything is there, nothing is lost, and nothing else is there.
    fn check(&self, log: &Log) {
        assert_eq!(log.last(), self.last());
        let (records, lost) = read_all(log, 7, 3000);
        assert_eq!(lost, []);
        assert_eq!(records, self.records);
        self.check_state(log);
    }

    fn check_state(&self, log: &Log) {
        let all = log.state_under(&StateKey::new::<&str>(&[])).unwrap();
        assert_eq!(all, self.state.clone().into_iter().collect::<Vec<_>>());
        for n in [0, 1, 3, all.len() + 1] {
            assert_eq!(log.state_first(&StateKey::new::<&str>(&[]), n).unwrap(), all[..n.min(all.len())]);
        }
        let cursor = StateKey::new(&["cursor"]);
        let cursors = log.state_under(&cursor).unwrap();
        assert!(cursors.iter().all(|(key, value)| self.state.get(key) == Some(value) && key.is_under(&cursor)));
        for (key, value) in self.state.iter().take(5) {
            assert_eq!(log.state(key).unwrap().as_ref(), Some(value));
        }
        assert_eq!(log.state(&StateKey::new(&["cursor", "none"])).unwrap(), None);
    }

    /// What is read is right, and what is not read is reported.
    fn check_damaged(&self, log: &Log) -> u64 {
        let (records, lost) = read_all(log, 100, 1 << 20);
        let mut n_lost = 0;
        let mut next = 1;
        let mut gaps = lost.iter().filter(|lost| lost.first <= lost.last).peekable();
        for record in &records {
            while let Some(gap) = gaps.next_if(|gap| gap.first.0 == next) {
                n_lost += gap.last.0 - gap.first.0 + 1;
                next = gap.last.0 + 1;
            }
            assert_eq!(record.seq.0, next, "a gap that was not reported");
            assert_eq!(Some(record), self.records.get(usize::try_from(next).unwrap() - 1), "wrong bytes");
            next += 1;
        }
        for gap in gaps {
            assert_eq!(gap.first.0, next);
            n_lost += gap.last.0 - gap.first.0 + 1;
            next = gap.last.0 + 1;
        }
        assert_eq!(log.last().0 + 1, next);
        // State is right, or an error, or what it was before; a value that was never put is none of these.
        for (key, value) in log.state_under(&StateKey::new(&["seen"])).unwrap_or_default() {
            assert_eq!(self.state.get(&key), Some(&value));
        }
        n_lost
    }
}

/// Reads the whole log in small steps.
fn read_all(log: &Log, records_max: usize, bytes_max: usize) -> (Vec<StoredRecord>, Vec<super::Lost>) {
    let (mut records, mut lost) = (Vec::new(), Vec::new());
    let mut after = Seq::ZERO;
    loop {
        let batch = log.read(after, records_max, bytes_max).unwrap();
        assert!(batch.records.len() <= records_max);
        records.extend(batch.records);
        lost.extend(batch.lost);
        if batch.next == after {
            return (records, lost);
        }
        after = batch.next;
    }
}

/// All files in and under a folder.
fn files_under(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_under(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_dir(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

#[test]
fn what_is_acknowledged_is_read_at_once_and_after_every_way_of_ending() {
    let rig = Rig::real();
    let mut expected = Expected::default();
    let log = rig.open();
    for number in 0..30 {
        expected.append(&log, &commit(number, 3));
    }
    expected.check(&log);
    log.seal().unwrap();
    expected.check(&log);
    for number in 30..40 {
        expected.append(&log, &commit(number, 2));
    }
    expected.check(&log);
    log.close().unwrap();

    let log = rig.open();
    expected.check(&log);
    expected.append(&log, &commit(40, 5));
    log.seal().unwrap();
    expected.append(&log, &commit(41, 5));
    drop(log);

    let log = rig.open();
    expected.check(&log);
    let health = log.health();
    let sealed: Vec<_> = health.generations.iter().map(|generation| (generation.number, generation.sealed)).collect();
    assert_eq!(sealed, [(1, true), (2, true), (3, false)]);
    assert_eq!(log.get(Seq(1)).unwrap().as_ref(), expected.records.first());
    assert_eq!(log.get(Seq(101)).unwrap().as_ref(), expected.records.get(100));
    assert_eq!(log.get(Seq(0)).unwrap(), None);
    assert_eq!(log.get(expected.last().plus(1)).unwrap(), None);
    log.close().unwrap();
}
