//! The files of decommissionings and receipts, outside of every account, each replaced by rename.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use weir_model::{AccountId, Timestamp};
use weir_store::disk::{read_file, replace_file};
use weir_store::{Disk, OsDisk};

use super::request::{Decommission, State};
use crate::error::Fault;

/// Folder of the files of decommissionings.
const DECOMMISSIONS: &str = "decommissions";

/// Where they lie.
#[derive(Debug, Clone)]
pub struct Folder {
    data_dir: PathBuf,
}

impl Folder {
    /// Those of a data folder.
    pub fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned() }
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// All decommissionings, the newest first.
    pub fn list(&self) -> Result<Vec<Decommission>, Fault> {
        self.documents(DECOMMISSIONS, |one: &Decommission| one.requested.at)
    }

    /// One of them.
    pub fn get(&self, id: Uuid) -> Result<Decommission, Fault> {
        self.document(DECOMMISSIONS, id)
    }

    /// Keeps one, durable on return.
    pub fn put(&self, one: &Decommission) -> Result<(), Fault> {
        self.keep(DECOMMISSIONS, one.id, one)
    }

    /// Whether anything can be kept at all: writes something, and removes it.
    pub fn try_to_write(&self) -> Result<(), Fault> {
        let path = self.data_dir.join(DECOMMISSIONS).join("trial");
        self.write(&path, b"trial")?;
        OsDisk.remove(&path).map_err(|error| failed("remove", &path, error))
    }

    /// The receipt of one, as text.
    pub fn receipt(&self, id: Uuid) -> Result<Option<String>, Fault> {
        let path = self.receipt_path(id);
        let bytes = read_file(&OsDisk, &path).map_err(|error| failed("read", &path, error))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Keeps a receipt, durable on return.
    pub fn put_receipt(&self, id: Uuid, text: &str) -> Result<(), Fault> {
        self.write(&self.receipt_path(id), text.as_bytes())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        let dir = path.parent().unwrap_or(&self.data_dir);
        OsDisk.create_dir(dir).map_err(|error| failed("create", dir, error))?;
        replace_file(&OsDisk, path, bytes).map_err(|error| failed("write", path, error))
    }

    /// A document of a kind.
    pub(super) fn document<T: DeserializeOwned>(&self, kind: &str, id: Uuid) -> Result<T, Fault> {
        let path = self.data_dir.join(kind).join(format!("{id}.json"));
        let bytes = read_file(&OsDisk, &path).map_err(|error| failed("read", &path, error))?;
        let missing = || Fault::config(format!("there is no {id} among the {kind}")).hint("look at the list of them");
        parsed(&path, &bytes.ok_or_else(missing)?)
    }

    /// Documents of a kind, the newest first.
    pub(super) fn documents<T: DeserializeOwned>(
        &self,
        kind: &str,
        at: impl Fn(&T) -> Timestamp,
    ) -> Result<Vec<T>, Fault> {
        let dir = self.data_dir.join(kind);
        let names = OsDisk.list(&dir).map_err(|error| failed("list", &dir, error))?;
        let mut all = Vec::new();
        for name in names.iter().filter(|name| name.strip_suffix(".json").is_some()) {
            let path = dir.join(name);
            let bytes = read_file(&OsDisk, &path).map_err(|error| failed("read", &path, error))?;
            all.push(parsed(&path, &bytes.unwrap_or_default())?);
        }
        all.sort_by_key(|one| std::cmp::Reverse(at(one)));
        Ok(all)
    }

    /// Keeps a document of a kind, durable on return.
    pub(super) fn keep(&self, kind: &str, id: Uuid, document: &impl Serialize) -> Result<(), Fault> {
        let text = serde_json::to_vec_pretty(document).expect("it is JSON");
        self.write(&self.data_dir.join(kind).join(format!("{id}.json")), &text)
    }

    /// Where the receipt of one lies.
    pub fn receipt_path(&self, id: Uuid) -> PathBuf {
        self.data_dir.join("receipts").join(format!("{id}.json"))
    }

    /// The decommissioning of an account that has begun, if one has.
    pub fn begun(&self, account: &AccountId) -> Result<Option<Decommission>, Fault> {
        Ok(self.list()?.into_iter().find(|one| one.account == *account && one.state.has_begun()))
    }
}

fn parsed<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        Fault::host(format!("{} is damaged", path.display())).caused_by(error).hint("restore it from a backup")
    })
}

fn failed(doing: &str, path: &Path, error: std::io::Error) -> Fault {
    Fault::host(format!("cannot {doing} {}", path.display())).caused_by(error)
}

/// Refuses an account whose decommissioning has begun: no new key may take the place of the one that was destroyed.
pub fn refuse_if_gone(folder: &Folder, account: &AccountId) -> Result<(), Fault> {
    match folder.begun(account)? {
        None => Ok(()),
        Some(one) if one.state == State::Completed => Err(Fault::config(format!(
            "the account `{account}` was decommissioned"
        ))
        .hint(format!("its receipt is {}; a new account needs another name", folder.receipt_path(one.id).display()))),
        Some(_) => Err(Fault::config(format!("the account `{account}` is being decommissioned"))
            .hint("`weir decommission run` goes on with it")),
    }
}
