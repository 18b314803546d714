//! The audit log: who did what, when, to what, with which outcome. Append-only, hash-chained, with signed checkpoints;
//! it lies outside of every account and outlives it.
//!
//! [`note`] returns when the entry is durable. So an act that is reported as done can be found here.

mod actor;
mod chain;
mod files;
mod read;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use weir_model::{AccountId, Timestamp};
use weir_store::Disk;

use crate::account::Account;
use crate::error::Fault;
use crate::hex::sha256;
use crate::signing::Signer;
use crate::{clock, tasks};
pub use actor::Actor;
pub use chain::{Checkpoint, Finding, Outcome, REDACT, RETIRE, Verified};
use chain::{Details, Entry, Texts, UNSIGNED_MAX};
use files::Files;
pub use read::{AuditPage, AuditParams, Noted, export, list, verify};

/// Longest value before or after that is kept as it is, in bytes of JSON; of a longer one its digest is.
const VALUE_BYTES_MAX: usize = 16 << 10;
/// Actions so frequent that a checkpoint for each would cost more than it proves.
const FREQUENT: [&str; 4] = ["propel.effect", "raw.read", "request", "session."];

/// What is to be noted.
#[derive(Debug, Clone)]
pub struct Note {
    action: &'static str,
    outcome: Outcome,
    actor: Option<Actor>,
    subject: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

impl Note {
    /// That `action` was done. Actions are two words, `key.create`.
    pub fn new(action: &'static str) -> Self {
        Self { action, outcome: Outcome::Done, actor: None, subject: None, before: None, after: None }
    }

    /// Who did it.
    #[must_use]
    pub fn by(mut self, actor: impl Into<Actor>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// What it was done to.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// How that was before. Never a secret.
    #[must_use]
    pub fn before(mut self, value: Value) -> Self {
        self.before = Some(small(value));
        self
    }

    /// How it is since. Never a secret.
    #[must_use]
    pub fn after(mut self, value: Value) -> Self {
        self.after = Some(small(value));
        self
    }

    /// That it ended otherwise than done.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

/// The value, or what tells it apart from others when it is long.
fn small(value: Value) -> Value {
    let text = value.to_string();
    if text.len() <= VALUE_BYTES_MAX {
        value
    } else {
        json!({ "sha256": sha256(text.as_bytes()), "bytes": text.len() })
    }
}

/// What the user who runs this process does by hand.
pub fn by_hand(action: &'static str, subject: &str) -> Note {
    Note::new(action).by(Actor::operator()).about(subject)
}

/// Notes something about an account, durable on return.
pub async fn note(account: &Account, note: Note) -> Result<(), Fault> {
    let (audit, id) = (account.audit.clone(), account.id.clone());
    tasks::blocking(move || audit.note(&id, note)).await
}

/// Notes several things about an account at once.
pub async fn notes(account: &Account, notes: Vec<Note>) -> Result<(), Fault> {
    let (audit, id) = (account.audit.clone(), account.id.clone());
    tasks::blocking(move || audit.notes(&id, notes)).await
}

/// The audit log of a data folder, open to be written. One process has it open at a time.
#[derive(Debug)]
pub struct Audit {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    signer: Signer,
    /// None until the first note, and after a failure: then the end is looked for again.
    files: Mutex<Option<Files>>,
}

/// Folder of the audit log.
pub fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("audit")
}

impl Audit {
    /// Opens the audit log of a data folder.
    pub fn open(disk: Arc<dyn Disk>, data_dir: &Path) -> Result<Arc<Self>, Fault> {
        let signer = Signer::open_or_create(&*disk, &data_dir.join("keys"))?;
        Ok(Arc::new(Self { disk, dir: folder(data_dir), signer, files: Mutex::default() }))
    }

    /// The key that signs its checkpoints, and receipts.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Notes something about an account, durable on return. Blocking, for milliseconds.
    pub fn note(&self, account: &AccountId, note: Note) -> Result<(), Fault> {
        self.notes(account, vec![note])
    }

    /// Notes several things, all or nothing unless the power goes: durable on return.
    pub fn notes(&self, account: &AccountId, notes: Vec<Note>) -> Result<(), Fault> {
        if notes.is_empty() {
            return Ok(());
        }
        let is_frequent = |note: &Note| FREQUENT.iter().any(|frequent| note.action.starts_with(frequent));
        let weighty = !notes.iter().all(is_frequent);
        self.with(|files| {
            files.make_room(&self.signer, notes.len() as u64)?;
            let entry = files.append(account, notes, clock::now())?;
            if weighty || files.n_unsigned >= UNSIGNED_MAX {
                files.sign(&self.signer, entry)?;
            }
            Ok(())
        })
    }

    /// Erases what may name people from all entries of an account, and says so in an entry of its own.
    pub fn redact(&self, account: &AccountId) -> Result<(), Fault> {
        self.note(account, Note::new(REDACT))?;
        self.erase_details(|details| details.account == account.as_str())
    }

    fn erase_details(&self, gone: impl Fn(&Details) -> bool) -> Result<(), Fault> {
        // The file is replaced: the one that is open is let go of before.
        let mut slot = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        slot.take();
        Files::erase_details(&*self.disk, &self.dir, gone).map_err(|error| self.failed(error))
    }

    /// How many entries of an account that were made before an instant say who did it.
    pub fn older(&self, account: &AccountId, before: Timestamp) -> Result<usize, Fault> {
        self.made_before(account, before).map(|(_, n)| n)
    }

    /// What was written is not changed by those who write meanwhile: nobody has to wait.
    fn made_before(&self, account: &AccountId, before: Timestamp) -> Result<(u64, usize), Fault> {
        Files::older(&*self.disk, &self.dir, account, before).map_err(|error| self.failed(error))
    }

    /// Erases what may name people from the entries of an account that were made before an instant, and says so in an
    /// entry of its own; how many those are.
    pub fn retire(&self, account: &AccountId, before: Timestamp) -> Result<usize, Fault> {
        let (until, n) = self.made_before(account, before)?;
        if n > 0 {
            self.note(account, Note::new(RETIRE).by(Actor::host("retention")).after(json!({ "until": until })))?;
            self.erase_details(|details| details.account == account.as_str() && details.sequence <= until)?;
        }
        Ok(n)
    }

    /// Copies its files, as they are between two entries, to the folder `to`.
    pub fn copy(&self, to: &Path) -> Result<(), Fault> {
        self.with(|_| Files::copy(&*self.disk, &self.dir, to))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Files) -> Result<T, std::io::Error>) -> Result<T, Fault> {
        let failed = |error| self.failed(error);
        let mut slot = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files = match slot.take() {
            Some(files) => files,
            None => Files::open(&*self.disk, &self.dir).map_err(failed)?,
        };
        let done = act(&mut files).map_err(failed)?;
        *slot = Some(files);
        Ok(done)
    }

    fn failed(&self, error: std::io::Error) -> Fault {
        Fault::host(format!("cannot write the audit log in {}", self.dir.display()))
            .hint("what is not noted is not done; see `weir audit verify`")
            .caused_by(error)
    }
}

#[cfg(test)]
mod tests;
