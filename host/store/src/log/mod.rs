//! The log of an account: raw records and ingestion state, durable before they are acknowledged.
//!
//! A commit is one atomic step: its records and its puts are all there after a crash, or none of them.

mod error;
mod limits;
mod reading;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use weir_model::{AccountId, RawRecord, Seq, StoredRecord, StreamId, Timestamp};

use crate::disk::Disk;
use crate::journal::{Done, Home, Journal, Patience, Pending, Since, encode_commit};
use crate::keys::Keys;
use crate::state::{Put, StateKey};
pub use error::{Blame, LogError, LogErrorKind, Retry};
pub use limits::LogLimits;
pub(crate) use reading::Reading;
pub use reading::{Batch, Lost};

/// How to open a log.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// Folder of the account.
    pub dir: PathBuf,
    /// Whose log it is.
    pub account: AccountId,
    /// The account's keys.
    pub keys: Arc<Keys>,
    /// The disk it is on.
    pub disk: Arc<dyn Disk>,
    /// When it acts.
    pub limits: LogLimits,
}

/// Records and changes of state that become durable together.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Records, in order.
    pub records: Vec<(StreamId, RawRecord)>,
    /// When they were accepted.
    pub received_at: Timestamp,
    /// Changes of state that go with them.
    pub puts: Vec<Put>,
}

/// Where the records of a commit went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Position of the first record.
    pub first: Seq,
    /// Position of the last; before `first` when there were none.
    pub last: Seq,
}

/// How a log is.
#[derive(Debug, Clone)]
pub struct LogHealth {
    /// Last durable record.
    pub last: Seq,
    /// All generations, in order.
    pub generations: Vec<GenerationHealth>,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// Records that wait to be packed.
    pub n_unpacked: u64,
    /// How long the last sync took, in microseconds.
    pub sync_us: u64,
    /// Bytes cut from the torn end of the journal when it was opened.
    pub torn_bytes: u64,
    /// Why appends are refused, if they are.
    pub refused: Option<LogError>,
    /// Why nothing is packed at present, if so. Appends and reads go on.
    pub packing: Option<String>,
}

impl LogHealth {
    /// Everything that is known to be lost.
    pub fn lost(&self) -> impl Iterator<Item = &Lost> {
        self.generations.iter().flat_map(|generation| &generation.lost)
    }
}

/// How a generation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationHealth {
    /// Its number.
    pub number: u64,
    /// Its first record.
    pub first: Seq,
    /// Its last record.
    pub last: Seq,
    /// Whether its packs are verified and final.
    pub sealed: bool,
    /// Bytes of its packs.
    pub bytes: u64,
    /// What is lost of it.
    pub lost: Vec<Lost>,
    /// Why it is set aside, if it is.
    pub quarantined: Option<String>,
}

/// The log of an account.
pub struct Log {
    account: AccountId,
    limits: LogLimits,
    journal: Arc<Journal>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("account", &self.account).field("last", &self.last()).finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log and recovers what a crash left.
    pub fn open(options: LogOptions) -> Result<Self, LogError> {
        let LogOptions { dir, account, keys, disk, limits } = options;
        let home = Home { disk, dir: dir.join("journal"), account: account.clone(), keys, limits: limits.clone() };
        let journal = Arc::new(Journal::open(home, Since::default())?);
        Ok(Self { account, limits, journal })
    }

    /// Appends a commit and returns when it is durable.
    pub fn append(&self, commit: Commit) -> Result<Appended, LogError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let done: Done = Box::new(move |result| {
            // The receiver is below and waits.
            let _ = sender.send(result);
        });
        self.hand_over(commit, done, Patience::Wait);
        receiver.recv().unwrap_or_else(|_| Err(self.closed()))
    }

    /// Appends a commit; `done` hears from the journal's thread when it is durable, and must be quick. A full queue
    /// is answered with `Busy` at once.
    pub fn submit(&self, commit: Commit, done: Box<dyn FnOnce(Result<Appended, LogError>) + Send>) {
        self.hand_over(commit, done, Patience::None);
    }

    fn hand_over(&self, commit: Commit, done: Done, patience: Patience) {
        if let Some(refusal) = self.limits.refusal(&commit) {
            return done(Err(LogError::new("append a commit", LogErrorKind::TooLarge(refusal))));
        }
        let mut encoded = Vec::new();
        encode_commit(&mut encoded, commit.received_at, &commit.records, &commit.puts);
        let n_records = u32::try_from(commit.records.len()).unwrap_or(u32::MAX);
        let pending = Pending { encoded, n_records, puts: commit.puts, received_at: commit.received_at, done };
        if let Err(pending) = self.journal.submit(pending, patience) {
            let error = self.journal.refused().unwrap_or_else(|| self.not_taken());
            (pending.done)(Err(error));
        }
    }

    fn not_taken(&self) -> LogError {
        let kind = if self.journal.is_closed() { LogErrorKind::Closed } else { LogErrorKind::Busy };
        LogError::new(format!("append to the log of `{}`", self.account), kind)
    }

    fn closed(&self) -> LogError {
        LogError::new(format!("append to the log of `{}`", self.account), LogErrorKind::Closed)
    }

    /// Position of the last durable record.
    pub fn last(&self) -> Seq {
        self.journal.last()
    }

    /// Reads records behind `after`, in order. Positions that hold no readable record are reported as lost.
    pub fn read(&self, after: Seq, records_max: usize, bytes_max: usize) -> Result<Batch, LogError> {
        let mut reading = Reading::new(after, records_max, bytes_max);
        let io = |error| LogError::io(format!("read the log of `{}`", self.account), error);
        while !reading.is_full() && reading.after() < self.last() {
            let before = reading.after();
            self.journal.read(&mut reading).map_err(io)?;
            if reading.after() == before {
                break;
            }
        }
        Ok(reading.finish())
    }

    /// Reads one record; none when there is none at `seq`, or it is lost.
    pub fn get(&self, seq: Seq) -> Result<Option<StoredRecord>, LogError> {
        let Some(after) = seq.0.checked_sub(1) else { return Ok(None) };
        let batch = self.read(Seq(after), 1, usize::MAX)?;
        Ok(batch.records.into_iter().next().filter(|record| record.seq == seq))
    }

    /// The value of a key, as of the last acknowledged put.
    pub fn state(&self, key: &StateKey) -> Result<Option<Vec<u8>>, LogError> {
        let view = self.journal.view();
        let changed = view.generations.iter().rev().find_map(|generation| generation.changes.get(key));
        Ok(changed.cloned().flatten())
    }

    /// All keys that begin with the parts of `prefix`, in order.
    pub fn state_under(&self, prefix: &StateKey) -> Result<Vec<(StateKey, Vec<u8>)>, LogError> {
        let view = self.journal.view();
        let mut found = std::collections::BTreeMap::new();
        for generation in &view.generations {
            for (key, value) in generation.changes.range(prefix.clone()..).take_while(|(key, _)| key.is_under(prefix)) {
                found.insert(key.clone(), value.clone());
            }
        }
        Ok(found.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
    }

    /// Has `wake` called from the journal's thread after each durable group, with the last position.
    pub fn on_append(&self, wake: Box<dyn Fn(Seq) + Send + Sync>) {
        self.journal.on_append(wake);
    }

    /// How the log is.
    pub fn health(&self) -> LogHealth {
        let view = self.journal.view();
        let generations = view.generations.iter().map(|generation| GenerationHealth {
            number: generation.number,
            first: generation.first,
            last: generation.last,
            sealed: false,
            bytes: 0,
            lost: generation.lost.clone(),
            quarantined: None,
        });
        LogHealth {
            last: view.last(),
            generations: generations.collect(),
            journal_bytes: view.generations.iter().map(crate::journal::Generation::bytes).sum(),
            n_unpacked: 0,
            sync_us: self.journal.sync_us(),
            torn_bytes: self.journal.torn_bytes(),
            refused: self.journal.refused(),
            packing: None,
        }
    }

    /// Writes what is queued and ends.
    pub fn close(self) -> Result<(), LogError> {
        self.journal.close();
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.journal.close();
    }
}
