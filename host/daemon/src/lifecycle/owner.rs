//! The owner key: made once, shown once, and able to confirm alone what one person asked for. Only its hash is kept.

use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};
use weir_store::Disk;
use weir_store::disk::{read_file, replace_file};

use crate::audit::sha256;
use crate::error::Fault;

const FILE: &str = "owner.hash";

/// Makes the owner key of a data folder and gives its text, which cannot be shown again.
pub fn make_owner_key(disk: &dyn Disk, data_dir: &Path) -> Result<String, Fault> {
    let path = data_dir.join("keys").join(FILE);
    let failed = |error: std::io::Error| Fault::host(format!("cannot use {}", path.display())).caused_by(error);
    if read_file(disk, &path).map_err(failed)?.is_some() {
        return Err(Fault::config("there is an owner key already")
            .hint("it was shown when it was made; without it somebody else confirms"));
    }
    let mut secret = [0; 32];
    SystemRandom::new().fill(&mut secret).map_err(|_| Fault::host("the system gives no random numbers"))?;
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("weir_owner_{secret}");
    replace_file(disk, &path, sha256(key.as_bytes()).as_bytes()).map_err(failed)?;
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
    Ok(hash == sha256(key.trim().as_bytes()).as_bytes())
}
