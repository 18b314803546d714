//! Everything an account has, in a folder or store that needs no Weir to be read: raw records with their bytes as they came,
//! entities, numbers, and a signed manifest with the digest of every file.
//!
//! A file is in the manifest only when it is whole and durable. So an export that was ended goes on where it was, and
//! one that was complete takes in what has come since.

mod files;
mod import;
mod parquet;
mod place;
mod raw;
mod sealing;
mod store;
mod tables;

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use weir_model::{AccountId, Seq, Timestamp};

use crate::account::Account;
use crate::audit::{Actor, Note, Outcome};
use crate::clock;
use crate::error::Fault;
use crate::lifecycle::pass;
use crate::signing::{Purpose, Signer, checked_document};
use crate::sums::{self, Sum};
use files::{Draft, MANIFEST, cannot};
pub use import::{Imported, import};
use place::Folder;
pub use place::{Place, To, open};
pub use sealing::Recipient;

/// Form of entities and numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// One JSON document a line.
    #[default]
    Jsonl,
    /// A table with a line of column names.
    Csv,
    /// A table with typed columns, for `DuckDB`, Spark, pandas and their like.
    Parquet,
}

/// What is to be written. Nothing chosen means everything.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    /// Raw records, and the state that is needed to take them in again.
    pub raw: bool,
    /// Entities as they are.
    pub entities: bool,
    /// Numbers of all metrics by day.
    pub metrics: bool,
    /// Form of the last two.
    pub format: Form,
    /// Who it is encrypted for; nobody: it is not.
    pub recipients: Vec<Recipient>,
}

impl Wanted {
    fn or_everything(self) -> Self {
        let nothing = !(self.raw || self.entities || self.metrics);
        Self { raw: self.raw || nothing, entities: self.entities || nothing, metrics: self.metrics || nothing, ..self }
    }
}

/// What an export consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// `weir-export/1`.
    pub format: String,
    /// Whose data it is.
    pub account: AccountId,
    /// When the last file was written.
    pub at: Timestamp,
    /// Whether everything that was wanted is there.
    pub complete: bool,
    /// Position up to which entities and numbers are derived.
    pub derived_up_to: Seq,
    /// Key that signs it.
    pub public_key: String,
    /// Digest of those it is encrypted for, who are known again by it and not named; none when it is not encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipients: Option<String>,
    /// The files, by name.
    pub files: Vec<FileSum>,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileSum {
    /// Its path in the folder.
    pub name: String,
    /// `raw`, `state`, `entities` or `metrics`.
    pub kind: String,
    /// Its lines, but for names of columns.
    pub lines: u64,
    /// Its bytes and their digest.
    #[serde(flatten)]
    pub sum: Sum,
    /// Position of its last raw record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Seq>,
}

impl Manifest {
    /// Lines of all files of a kind.
    pub fn lines(&self, kind: &str) -> u64 {
        self.files.iter().filter(|file| file.kind == kind).map(|file| file.lines).sum()
    }

    fn put(&mut self, file: FileSum) {
        self.files.retain(|other| other.name != file.name);
        self.files.push(file);
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// An export that is being written.
struct Writing<'a> {
    account: &'a Account,
    place: &'a dyn Place,
    recipients: &'a [Recipient],
    signer: &'a Signer,
    manifest: Manifest,
}

impl Writing<'_> {
    fn draft(&self, name: &str) -> Result<Draft, Fault> {
        let name = sealing::named(name, self.recipients);
        Draft::begin(self.place.begin(&name)?, name, self.recipients)
    }

    /// Puts a file that is whole into its place, then into the manifest. `last` is the position of its last raw record.
    fn finish(&mut self, draft: Draft, kind: &str, last: Option<Seq>) -> Result<(), Fault> {
        let (file, sum) = draft.finish(kind, last)?;
        self.place.keep(&sum.name, file)?;
        pass("export kept");
        self.manifest.put(sum);
        self.manifest.at = clock::now();
        self.keep()
    }

    fn keep(&self) -> Result<(), Fault> {
        let text = self.signer.seal(Purpose::Export, &json!(self.manifest));
        self.place.write(MANIFEST, text.as_bytes())
    }
}

/// Writes an export, or goes on with the one that is there, and notes it in the audit log. `progress` hears the position
/// in the log. Blocking.
pub fn noted(
    account: &Account,
    wanted: Wanted,
    place: &dyn Place,
    by: &Actor,
    progress: &mut dyn FnMut(Seq),
) -> Result<Manifest, Fault> {
    let note = Note::new("export.write").by(by).about(place.to_string());
    let recipients = wanted.recipients.clone();
    let written = export(account, wanted, place, progress);
    let note = match &written {
        Ok(manifest) => note.after(json!({
            "files": manifest.files.len(), "records": manifest.lines("raw"), "recipients": recipients,
        })),
        Err(fault) => note.outcome(Outcome::Failed).after(json!({ "error": fault.chain() })),
    };
    account.audit.note(&account.id, note)?;
    written
}

fn export(
    account: &Account,
    wanted: Wanted,
    place: &dyn Place,
    progress: &mut dyn FnMut(Seq),
) -> Result<Manifest, Fault> {
    let wanted = wanted.or_everything();
    let _alone = account.copies.take_named(place.prepare()?)?;
    let signer = account.audit.signer();
    let manifest = begun(account, place, &wanted.recipients, &signer.public_key())?;
    let mut writing = Writing { account, place, recipients: &wanted.recipients, signer, manifest };
    // The place is an export from now on, and not a complete one.
    writing.manifest.complete = false;
    writing.keep()?;
    if wanted.raw {
        raw::write(&mut writing, progress)?;
    }
    if wanted.entities {
        tables::write_entities(&mut writing, wanted.format)?;
    }
    if wanted.metrics {
        tables::write_metrics(&mut writing, wanted.format)?;
    }
    writing.manifest.complete = true;
    writing.keep()?;
    Ok(writing.manifest)
}

/// The manifest of an export that was begun, or of a new one.
fn begun(account: &Account, place: &dyn Place, recipients: &[Recipient], key: &str) -> Result<Manifest, Fault> {
    let recipients = sealing::digest(recipients);
    let Some(manifest) = manifest(place, Some(key))? else {
        place.must_be_empty()?;
        return Ok(Manifest {
            format: "weir-export/1".to_owned(),
            account: account.id.clone(),
            at: clock::now(),
            complete: false,
            derived_up_to: Seq::ZERO,
            public_key: key.to_owned(),
            recipients,
            files: Vec::new(),
        });
    };
    if manifest.account != account.id {
        return Err(Fault::config(format!("{place} is an export of the account `{}`", manifest.account))
            .hint("choose another folder"));
    }
    if manifest.recipients != recipients {
        let is = if manifest.recipients.is_some() { "is encrypted for others" } else { "is not encrypted" };
        return Err(Fault::config(format!("the export in {place} {is}"))
            .hint("name the recipients that it was begun with, or choose another folder"));
    }
    Ok(manifest)
}

/// The manifest of an export; checked with the key that it names itself when none is given. None where there is none.
fn manifest(place: &dyn Place, public_key: Option<&str>) -> Result<Option<Manifest>, Fault> {
    let Some(bytes) = place.read(MANIFEST)? else { return Ok(None) };
    let wrong = |what: String| {
        Fault::config(format!("{MANIFEST} of {place} cannot be trusted: {what}")).hint("export to another folder")
    };
    let text = String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
    let value = checked_document(&text, Purpose::Export, public_key).map_err(|what| wrong(what.to_owned()))?;
    serde_json::from_value(value).map(Some).map_err(|error| wrong(error.to_string()))
}

/// The manifest of an export in a folder, which must be there.
fn manifest_in(dir: &Path, public_key: Option<&str>) -> Result<Manifest, Fault> {
    let missing = || {
        Fault::config(format!("{} holds no export", dir.display()))
            .hint("name the folder that `manifest.json` is in; an export in a store is copied to a folder first")
    };
    manifest(&Folder(dir.to_owned()), public_key)?.ok_or_else(missing)
}

/// When the export in a place was finished last; none when it was not. Blocking.
pub fn finished_at(place: &dyn Place) -> Result<Option<Timestamp>, Fault> {
    Ok(manifest(place, None)?.filter(|manifest| manifest.complete).map(|manifest| manifest.at))
}

/// What was found of an export.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// Whether every file is as it was written, and none is missing.
    pub whole: bool,
    /// Whether everything that was wanted is there.
    pub complete: bool,
    /// Whose data it is.
    pub account: AccountId,
    /// Files that were read.
    pub files: usize,
    /// Raw records.
    pub records: u64,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Reads every file of an export and compares it with the manifest.
pub fn check(dir: &Path, public_key: Option<&str>) -> Result<Checked, Fault> {
    let manifest = manifest_in(dir, public_key)?;
    let known = manifest.files.iter().map(|file| (file.name.as_str(), &file.sum)).collect();
    let problems = sums::problems(dir, MANIFEST, &known).map_err(cannot("read", dir))?;
    Ok(Checked {
        whole: problems.is_empty(),
        complete: manifest.complete,
        files: manifest.files.len(),
        records: manifest.lines("raw"),
        account: manifest.account,
        problems,
    })
}
