//! The files of decommissionings and receipts, outside of every account, each replaced by rename.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use weir_model::{AccountId, Timestamp};
use weir_store::disk::{read_file, replace_file};
use weir_store::{Disk, OsDisk};

use super::request::{Decommission, State};
use crate::error::Fault;

/// Where they lie.
#[derive(Debug, Clone)]
pub struct Folder {
    disk: Arc<dyn Disk>,
    data_dir: PathBuf,
}

impl Folder {
    /// Those of a data folder.
    pub fn new(disk: Arc<dyn Disk>, data_dir: &Path) -> Self {
        Self { disk, data_dir: data_dir.to_owned() }
    }

    /// The disk it is on.
    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// All decommissionings, the newest first.
    pub fn list(&self) -> Result<Vec<Decommission>, Fault> {
        list_of(&self.data_dir, "decommissions", |one: &Decommission| one.requested.at)
    }

    /// One of them.
    pub fn get(&self, id: Uuid) -> Result<Decommission, Fault> {
        let path = self.path(id);
        let bytes = read_file(&*self.disk, &path).map_err(|error| failed("read", &path, error))?;
        let bytes = bytes.ok_or_else(|| {
            Fault::config(format!("there is no decommissioning {id}")).hint("`weir decommission status` lists them")
        })?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Fault::host(format!("{} is damaged", path.display())).caused_by(error).hint("restore it from a backup")
        })
    }

    /// Keeps one, durable on return.
    pub fn put(&self, one: &Decommission) -> Result<(), Fault> {
        put_in(&self.data_dir, "decommissions", one.id, one)
    }

    /// The receipt of one, as text.
    pub fn receipt(&self, id: Uuid) -> Result<Option<String>, Fault> {
        let path = self.receipt_path(id);
        let bytes = read_file(&*self.disk, &path).map_err(|error| failed("read", &path, error))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Keeps a receipt, durable on return.
    pub fn put_receipt(&self, id: Uuid, text: &str) -> Result<(), Fault> {
        self.write(&self.receipt_path(id), text.as_bytes())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        let dir = path.parent().unwrap_or(&self.data_dir);
        self.disk.create_dir(dir).map_err(|error| failed("create", dir, error))?;
        replace_file(&*self.disk, path, bytes).map_err(|error| failed("write", path, error))
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.data_dir.join("decommissions").join(format!("{id}.json"))
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

/// Documents in a folder of a data folder, the newest first.
pub(super) fn list_of<T: DeserializeOwned>(
    data_dir: &Path,
    folder: &str,
    at: impl Fn(&T) -> Timestamp,
) -> Result<Vec<T>, Fault> {
    let dir = data_dir.join(folder);
    let names = OsDisk.list(&dir).map_err(|error| failed("list", &dir, error))?;
    let mut all = Vec::new();
    for name in names.iter().filter(|name| name.strip_suffix(".json").is_some()) {
        let path = dir.join(name);
        let bytes = read_file(&OsDisk, &path).map_err(|error| failed("read", &path, error))?.unwrap_or_default();
        let damaged = |error| Fault::host(format!("{} is damaged", path.display())).caused_by(error);
        all.push(serde_json::from_slice(&bytes).map_err(damaged)?);
    }
    all.sort_by_key(|one| std::cmp::Reverse(at(one)));
    Ok(all)
}

/// Keeps a document in a folder of a data folder, durable on return.
pub(super) fn put_in(data_dir: &Path, folder: &str, id: Uuid, document: &impl Serialize) -> Result<(), Fault> {
    let dir = data_dir.join(folder);
    OsDisk.create_dir(&dir).map_err(|error| failed("create", &dir, error))?;
    let path = dir.join(format!("{id}.json"));
    let text = serde_json::to_vec_pretty(document).expect("it is JSON");
    replace_file(&OsDisk, &path, &text).map_err(|error| failed("write", &path, error))
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
