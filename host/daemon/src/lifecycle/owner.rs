//! Who confirms: a second person, or whoever has the owner key. That is made once, shown once, and able to confirm alone
//! what one person asked for. Only its hash is kept.

use std::path::Path;

use weir_store::disk::{read_file, replace_file};
use weir_store::{Disk, OsDisk};

use super::request::{Confirmer, Refused};
use crate::audit::Actor;
use crate::error::Fault;
use crate::hex::{random_hex, sha256};

const FILE: &str = "owner.hash";

/// Makes the owner key of a data folder and gives its text, which cannot be shown again.
pub fn make_owner_key(disk: &dyn Disk, data_dir: &Path) -> Result<String, Fault> {
    let path = data_dir.join("keys").join(FILE);
    let failed = |error: std::io::Error| Fault::host(format!("cannot use {}", path.display())).caused_by(error);
    if read_file(disk, &path).map_err(failed)?.is_some() {
        return Err(Fault::config("there is an owner key already")
            .hint("it was shown when it was made; without it somebody else confirms"));
    }
    let key = format!("weir_owner_{}", random_hex::<32>()?);
    replace_file(disk, &path, sha256(&key).as_bytes()).map_err(failed)?;
    Ok(key)
}

/// Whether `key` is the owner key of a data folder.
pub fn is_owner(disk: &dyn Disk, data_dir: &Path, key: &str) -> Result<bool, Fault> {
    let path = data_dir.join("keys").join(FILE);
    let failed = |error: std::io::Error| Fault::host(format!("cannot read {}", path.display())).caused_by(error);
    let hash = read_file(disk, &path).map_err(failed)?;
    let hash = hash
        .ok_or_else(|| Fault::config("there is no owner key").hint("`weir decommission owner-key` makes it, once"))?;
    // Both are hashes of a random secret: an early end of the comparison tells nothing.
    Ok(hash == sha256(key.trim()).as_bytes())
}

/// Who confirms something, by the owner key when one is given.
pub(super) fn confirmer(data_dir: &Path, owner_key: Option<&str>, by: &Actor) -> Result<Confirmer, Refused> {
    let refused = |what: String, hint: &str| Refused { what, hint: hint.to_owned() };
    match owner_key {
        None => Ok(Confirmer::Person(by.who.clone())),
        Some(key) => match is_owner(&OsDisk, data_dir, key) {
            Ok(true) => Ok(Confirmer::Owner),
            Ok(false) => Err(refused("it is not the owner key".to_owned(), "it was shown when it was made")),
            Err(fault) => Err(refused(fault.chain(), "`weir decommission owner-key` makes it, once")),
        },
    }
}
