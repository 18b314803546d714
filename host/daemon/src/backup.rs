//! A copy of an account that can be served again, taken while it is served, and how it is put back.
//!
//! It holds no key: without those of the data folder it is of no use to anybody, and whoever destroys them destroys it.
//! What is derived is not in it; it comes out the same from the raw records.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use weir_model::{AccountId, EventNumber, Timestamp};
use weir_store::disk::replace_file;
use weir_store::{Disk, OsDisk, Put};

use crate::account::Account;
use crate::audit::{self, Actor, Note, Outcome};
use crate::error::Fault;
use crate::forward::Epoch;
use crate::host::Host;
use crate::signing::{self, Purpose, checked_document};
use crate::sums::{self, Sum};
use crate::{clock, intake, state_keys};

/// The file that says what a backup consists of.
const MANIFEST: &str = "backup.json";
/// Folders of a data folder whose files are proofs, each replaced as a whole.
const PROOFS: [&str; 3] = ["decommissions", "erasures", "receipts"];
/// File that names the installation.
const INSTANCE: &str = "instance.json";
/// By how much numbers of events grow when a backup is put back: by more than anybody can have seen since it was taken.
const EVENTS_LEFT_OUT: u64 = 1 << 32;
/// The same for epochs of forwarding.
const EPOCHS_LEFT_OUT: u32 = 1 << 10;

/// What a backup consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// `weir-backup/1`.
    pub format: String,
    /// Whose data it is.
    pub account: AccountId,
    /// When it was taken.
    pub at: Timestamp,
    /// Sealed generations of the log.
    pub generations: u64,
    /// Those of them that were not in the folder before.
    pub new_generations: u64,
    /// Generations that could not be copied, because they are damaged where they are.
    pub damaged: Vec<String>,
    /// Key that signs it.
    pub public_key: String,
    /// Its files.
    pub files: BTreeMap<String, Sum>,
}

/// What was found of a backup.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// Whether every file is as it was written, and none is missing.
    pub whole: bool,
    /// Whose data it is.
    pub account: AccountId,
    /// When it was taken.
    pub at: Timestamp,
    /// Files that were read.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Takes a backup into the folder `to`, or brings the one that is there up to date; noted in the audit log.
pub fn take(account: &Account, data_dir: &Path, to: &Path, by: &Actor) -> Result<Backup, Fault> {
    let taken = write(account, data_dir, to);
    let note = Note::new("backup.write").by(by).about(to.display().to_string());
    let note = match &taken {
        Ok(backup) => note.after(json!({ "files": backup.files.len(), "generations": backup.generations })),
        Err(fault) => note.outcome(Outcome::Failed).after(json!({ "error": fault.chain() })),
    };
    account.audit.note(&account.id, note)?;
    taken
}

fn write(account: &Account, data_dir: &Path, to: &Path) -> Result<Backup, Fault> {
    OsDisk.create_dir(to).map_err(failed("create", to))?;
    let _alone = account.copies.take(to)?;
    let signer = account.audit.signer();
    let before = begun(account, to, &signer.public_key())?;
    let log = account_folder(&account.id);
    let copied = account.log.copy(&to.join(&log)).map_err(Fault::from_log)?;
    account.audit.copy(&audit::folder(to))?;
    copy_proofs(data_dir, to).map_err(failed("copy to", to))?;
    let unchanged = |name: &str| before.as_ref().and_then(|before| before.files.get(name)).filter(|_| is_sealed(name));
    let sum = |name: String| {
        let known = unchanged(&name).cloned();
        let sum = known.map_or_else(|| sums::sum(&to.join(&name)), Ok)?;
        Ok((name, sum))
    };
    let names = sums::names(to).map_err(failed("list", to))?.into_iter().filter(|name| name != MANIFEST);
    let files = names.map(sum).collect::<io::Result<_>>().map_err(failed("read", to))?;
    let backup = Backup {
        format: "weir-backup/1".to_owned(),
        account: account.id.clone(),
        at: clock::now(),
        generations: copied.generations,
        new_generations: copied.new,
        damaged: copied.damaged,
        public_key: signer.public_key(),
        files,
    };
    let text = signer.seal(Purpose::Backup, &json!(backup));
    replace_file(&OsDisk, &to.join(MANIFEST), text.as_bytes()).map_err(failed("write to", to))?;
    Ok(backup)
}

/// The backup that is in the folder already; an error when something else is.
fn begun(account: &Account, to: &Path, key: &str) -> Result<Option<Backup>, Fault> {
    // A first backup that was ended left no manifest, and begins anew.
    let is_ours = |name: &String| [MANIFEST, "accounts", "audit", INSTANCE].contains(&name.as_str()) || is_proof(name);
    let there = OsDisk.list(to).map_err(failed("list", to))?;
    if !there.iter().all(is_ours) {
        return Err(Fault::config(format!("{} is not empty and no backup", to.display()))
            .hint("choose a folder that is empty, or that of an earlier backup"));
    }
    if !there.iter().any(|name| name == MANIFEST) {
        return Ok(None);
    }
    let before = read(to, Some(key))?;
    if before.account != account.id {
        return Err(Fault::config(format!("{} is a backup of the account `{}`", to.display(), before.account))
            .hint("choose another folder"));
    }
    Ok(Some(before))
}

fn is_proof(name: &str) -> bool {
    PROOFS.contains(&name)
}

/// Whether a file is of a sealed generation: such a one is never written again under its name.
fn is_sealed(name: &str) -> bool {
    let folder = Path::new(name).parent().and_then(Path::parent);
    folder.is_some_and(|folder| folder.ends_with("raw"))
}

fn account_folder(account: &AccountId) -> PathBuf {
    Path::new("accounts").join(account.as_str())
}

fn copy_proofs(data_dir: &Path, to: &Path) -> io::Result<()> {
    let copy = |name: &Path| replace_file(&OsDisk, &to.join(name), &fs::read(data_dir.join(name))?);
    for folder in PROOFS {
        OsDisk.create_dir(&to.join(folder))?;
        for name in OsDisk.list(&data_dir.join(folder))?.iter().filter(|name| name.strip_suffix(".json").is_some()) {
            copy(&Path::new(folder).join(name))?;
        }
    }
    copy(Path::new(INSTANCE))
}

/// The manifest of a backup; checked with the key that it names itself when none is given.
pub fn read(dir: &Path, public_key: Option<&str>) -> Result<Backup, Fault> {
    let path = dir.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
    let wrong = |what: String| {
        Fault::config(format!("{} cannot be trusted: {what}", path.display())).hint("use another backup")
    };
    let value = checked_document(&text, Purpose::Backup, public_key).map_err(|what| wrong(what.to_owned()))?;
    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
}

/// Reads every file of a backup and compares it with the manifest.
pub fn check(dir: &Path, public_key: Option<&str>) -> Result<Checked, Fault> {
    let backup = read(dir, public_key)?;
    let known = backup.files.iter().map(|(name, sum)| (name.as_str(), sum)).collect();
    let mut problems = sums::problems(dir, MANIFEST, &known).map_err(failed("read", dir))?;
    problems.extend(backup.damaged);
    Ok(Checked {
        whole: problems.is_empty(),
        account: backup.account,
        at: backup.at,
        files: backup.files.len(),
        bytes: backup.files.values().map(|sum| sum.bytes).sum(),
        problems,
    })
}

/// Copies the keys of a data folder to `to`. Together with a backup they are everything; so they belong elsewhere.
pub fn copy_keys(data_dir: &Path, to: &Path) -> Result<Vec<String>, Fault> {
    let from = data_dir.join("keys");
    copy_files(&from, to, &OsDisk.list(&from).map_err(failed("list", &from))?)
}

/// Puts a backup and the keys it was made with into a data folder that is not there yet. What is derived is still to be
/// derived, by [`resume`].
pub fn restore(dir: &Path, keys: &Path, data_dir: &Path) -> Result<Backup, Fault> {
    if !OsDisk.list(data_dir).map_err(failed("list", data_dir))?.is_empty() {
        return Err(Fault::config(format!("{} is not empty", data_dir.display()))
            .hint("`--data-dir` names a folder that is not there yet"));
    }
    let key = signing::public_key(keys).ok_or_else(|| {
        Fault::config(format!("{} does not hold the keys of a data folder", keys.display()))
            .hint("`weir backup keys --to DIR` copied them; the backup itself holds none")
    })?;
    let checked = check(dir, Some(&key))?;
    if let Some(problem) = checked.problems.first() {
        return Err(Fault::config(format!("the backup in {} cannot be used: {problem}", dir.display()))
            .hint("`weir backup verify` lists all that is wrong"));
    }
    let backup = read(dir, Some(&key))?;
    copy_files(keys, &data_dir.join("keys"), &OsDisk.list(keys).map_err(failed("list", keys))?)?;
    let names: Vec<String> = backup.files.keys().filter(|name| *name != INSTANCE).cloned().collect();
    copy_files(dir, data_dir, &names)?;
    // What makes it a data folder comes last: one that was not finished is refused.
    copy_files(dir, data_dir, &[INSTANCE.to_owned()])?;
    Ok(backup)
}

/// Gives all events numbers that nobody has seen: whoever has seen events that happened after the backup was taken does
/// not take those that come now for the same, and hears the others again.
pub async fn resume(host: &Host, backup: &Backup) -> Result<(), Fault> {
    let account = &host.account;
    let last = account.derived().projection.reader().and_then(|reader| reader.last_event());
    let raised = EventNumber(last.map_err(Fault::from_derived)?.0 + EVENTS_LEFT_OUT);
    let floor = Put::set(state_keys::event_floor(), raised.0.to_be_bytes());
    let epoch = Epoch::of(account)?.later(EPOCHS_LEFT_OUT).begin(account)?;
    intake::keep(account, std::iter::once(floor).chain(epoch).collect()).await?;
    account.derived().projection.raise_events(raised).map_err(Fault::from_derived)?;
    let note = audit::by_hand("backup.restore", &format!("backup of {}", backup.at));
    audit::note(account, note).await
}

/// Copies files by their names, durable on return.
fn copy_files(from: &Path, to: &Path, names: &[String]) -> Result<Vec<String>, Fault> {
    for name in names {
        let (source, target) = (from.join(name), to.join(name));
        let copy = || {
            OsDisk.create_dir(target.parent().unwrap_or(to))?;
            fs::copy(&source, &target)?;
            OsDisk.sync_foreign(&target)?;
            OsDisk.sync_dir(target.parent().unwrap_or(to))
        };
        copy().map_err(failed("copy", &source))?;
    }
    Ok(names.to_vec())
}

fn failed<'a>(doing: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Fault + 'a {
    move |error| Fault::config(format!("cannot {doing} {}", path.display())).caused_by(error)
}
