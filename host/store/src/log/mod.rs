//! The log of an account: raw records and ingestion state, durable before they are acknowledged.
//!
//! A commit is one atomic step: its records and its puts are all there after a crash, or none of them.

mod error;
mod home;
mod limits;
mod reading;
mod rewrite;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use weir_model::{AccountId, RawRecord, Seq, StoredRecord, StreamId, Timestamp};

use crate::disk::Disk;
use crate::journal::{Change, Done, Journal, Patience, Pending, encode_commit};
use crate::keys::Keys;
pub use crate::raw::Copied;
use crate::raw::{Packer, Raw};
use crate::state::{Put, StateKey};
pub use error::{Blame, LogError, LogErrorKind, Retry};
pub(crate) use home::Home;
use home::RAW;
pub use limits::LogLimits;
pub(crate) use reading::Reading;
pub use reading::{Batch, ERASED, Lost};
pub use rewrite::{Fate, Rewrite};

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
    raw: Arc<Raw>,
    packer: Packer,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("account", &self.account).field("last", &self.last()).finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log and recovers what a crash left. Packing what was not packed goes on in the background.
    pub fn open(options: LogOptions) -> Result<Self, LogError> {
        let home = Home::open(options)?;
        let journals = Journal::generations(&home)?;
        let opened = Raw::open(&home, &journals)?;
        let raw = Arc::new(opened.raw);
        let journal = Arc::new(Journal::open(home.clone(), &opened.since)?);
        let packer = Packer::start(home.clone(), &journal, &raw, opened.closed)?;
        Ok(Self { account: home.account, limits: home.limits, journal, raw, packer })
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
        let last = self.last();
        while !reading.is_full() && reading.after() < last {
            let read = self.journal.read(&mut reading);
            let read = read.map_err(|error| LogError::io(format!("read the log of `{}`", self.account), error))?;
            // The journal first: a generation is served here before its journal is forgotten.
            if !read && !self.raw.read(&mut reading) {
                let next = self.first_after(reading.after().plus(1)).map_or(last, |first| Seq(first.0 - 1));
                reading.lose(next, "its generation is gone");
            }
        }
        Ok(reading.finish())
    }

    /// First record behind `seq` of any generation.
    fn first_after(&self, seq: Seq) -> Option<Seq> {
        let view = self.journal.view();
        let open = view.generations.iter().map(|generation| generation.first).filter(|&first| first > seq).min();
        drop(view);
        self.raw.first_after(seq).into_iter().chain(open).min()
    }

    /// Reads one record; none when there is none at `seq`, or it is lost.
    pub fn get(&self, seq: Seq) -> Result<Option<StoredRecord>, LogError> {
        let Some(after) = seq.0.checked_sub(1) else { return Ok(None) };
        let batch = self.read(Seq(after), 1, usize::MAX)?;
        Ok(batch.records.into_iter().next().filter(|record| record.seq == seq))
    }

    /// The value of a key, as of the last acknowledged put.
    pub fn state(&self, key: &StateKey) -> Result<Option<Vec<u8>>, LogError> {
        match self.journal.change(key) {
            Change::Set(value) => Ok(Some(value)),
            Change::Removed => Ok(None),
            Change::None => self.raw.base().get(key).map_err(|error| self.state_damaged(&error)),
        }
    }

    /// All keys that begin with the parts of `prefix`, in order.
    pub fn state_under(&self, prefix: &StateKey) -> Result<Vec<(StateKey, Vec<u8>)>, LogError> {
        // What changed is taken before the base, which may be replaced by one that holds it already.
        let changes = self.journal.changes_under(prefix);
        let mut values = self.raw.base().under(prefix).map_err(|error| self.state_damaged(&error))?;
        for (key, value) in changes {
            match value {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
        Ok(values.into_iter().collect())
    }

    /// The first `n` keys that begin with the parts of `prefix`, in order. What lies behind them costs nothing.
    pub fn state_first(&self, prefix: &StateKey, n: usize) -> Result<Vec<(StateKey, Vec<u8>)>, LogError> {
        loop {
            let base = self.raw.base();
            let (mut values, more) = self.journal.first_set(prefix, n);
            let end = values.last_key_value().map(|(key, _)| key.clone()).filter(|_| more);
            let unchanged = |key: &StateKey| {
                end.as_ref().is_none_or(|end| key <= end) && !values.contains_key(key) && !self.journal.is_changed(key)
            };
            let unchanged = base.first(prefix, n, unchanged).map_err(|error| self.state_damaged(&error))?;
            // A generation that was sealed meanwhile is forgotten by the journal: what it removed would be here again.
            if !Arc::ptr_eq(&base, &self.raw.base()) {
                continue;
            }
            values.extend(unchanged);
            return Ok(values.into_iter().take(n).collect());
        }
    }

    fn state_damaged(&self, error: &impl ToString) -> LogError {
        let kind = LogErrorKind::Damaged(error.to_string());
        LogError::new(format!("read the state of `{}`", self.account), kind)
    }

    /// Lets the next record come behind `seq`. For a log that has lost its end: whoever has processed more than it
    /// holds would otherwise miss the records that are given those positions again. The gap is reported as lost.
    pub fn raise(&self, seq: Seq) {
        self.journal.raise(seq);
    }

    /// Seals what is there now, and returns when it is verified.
    pub fn seal(&self) -> Result<(), LogError> {
        let newest = self.journal.view().generations.last().map_or(0, |generation| generation.number);
        self.journal.rotate();
        let sealed = || {
            let view = self.journal.view();
            view.generations.iter().all(|generation| generation.number > newest || generation.is_empty())
        };
        self.packer.wait(sealed).map_err(|error| {
            let kind = LogErrorKind::Damaged(error.to_string());
            LogError::new(format!("seal a generation of `{}`", self.account), kind)
        })
    }

    /// Takes out what is to go, changes what is to change, and gives the space of what was there back; how many records
    /// that are. The positions of those that went stay empty, with the reason [`ERASED`]. What was done before an error
    /// stays done; to do it again is fine. Nothing may be appended meanwhile.
    pub fn rewrite(&self, by: &dyn Rewrite) -> Result<u64, LogError> {
        self.seal()?;
        self.raw.rewrite(by).map_err(|error| {
            let kind = LogErrorKind::Damaged(error.to_string());
            LogError::new(format!("rewrite the log of `{}`", self.account), kind)
        })
    }

    /// Makes the folder `to` a copy that can be opened as this log: everything up to the moment of the call, sealed as it
    /// lies here, without any key. What it holds from an earlier copy is not copied again; what was erased since goes.
    pub fn copy(&self, to: &Path) -> Result<Copied, LogError> {
        self.seal()?;
        let doing = || format!("copy the log of `{}`", self.account);
        let copied = self.raw.copy(&to.join(RAW)).map_err(|error| {
            let kind = LogErrorKind::Damaged(error.to_string());
            LogError::new(doing(), kind)
        })?;
        self.raw.home().label(to).map_err(|error| LogError::io(doing(), error))?;
        Ok(copied)
    }

    /// Has `wake` called from the journal's thread after each durable group, with the last position.
    pub fn on_append(&self, wake: Box<dyn Fn(Seq) + Send + Sync>) {
        self.journal.on_append(wake);
    }

    /// How the log is.
    pub fn health(&self) -> LogHealth {
        let packed = self.packer.packed();
        let mut generations = self.raw.health();
        let view = self.journal.view();
        let open = view.generations.iter().filter(|generation| !generation.is_empty());
        generations.extend(open.map(|generation| GenerationHealth {
            number: generation.number,
            first: generation.first,
            last: generation.last,
            sealed: false,
            bytes: generation.bytes(),
            lost: generation.lost.clone(),
            quarantined: None,
        }));
        LogHealth {
            last: view.last(),
            generations,
            journal_bytes: view.generations.iter().map(crate::journal::Generation::bytes).sum(),
            n_unpacked: view.last().0.saturating_sub(packed.0),
            sync_us: self.journal.sync_us(),
            torn_bytes: self.journal.torn_bytes(),
            refused: self.journal.refused(),
            packing: self.packer.error(),
        }
    }

    /// Writes and packs what is queued, and ends.
    pub fn close(self) -> Result<(), LogError> {
        self.journal.close();
        self.packer.close();
        self.raw.shut();
        match self.packer.error() {
            None => Ok(()),
            Some(error) => {
                let kind = LogErrorKind::Damaged(error);
                Err(LogError::new(format!("close the log of `{}` cleanly", self.account), kind))
            }
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.journal.close();
        self.packer.abandon();
    }
}

#[cfg(test)]
mod tests;
