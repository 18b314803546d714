//! Keys of an account: a key file wraps the account's data key, and from that every other key is derived.
//!
//! A data key lies on disk only wrapped, in a file of its own that is replaced by rename; destroying that file
//! destroys all that was ever sealed under it.

mod seal;

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use weir_model::AccountId;
use zeroize::Zeroizing;

use crate::disk::{Disk, OsDisk, read_file, replace_file};
pub(crate) use seal::{SEAL_BYTES, SealKey};

/// Bytes of every key here.
pub const KEY_BYTES: usize = 32;
/// Name of the file with the key that wraps all others.
pub const KEY_FILE: &str = "host.key";

/// Key bytes, wiped when they are dropped.
pub type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;

const SLOT_MAGIC: &[u8; 8] = b"WEIRKEY1";

/// Why the keys of an account cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There are slots but not the key that opens them.
    #[error("cannot open the keys in {}: {KEY_FILE} is missing; hint: put the file back from its backup", .0.display())]
    Missing(PathBuf),
    /// The key does not open the slot, or the slot is damaged; the seal cannot tell which.
    #[error("cannot open key slot {}: it is damaged, or {KEY_FILE} is not the key it was made with", .0.display())]
    Wrong(PathBuf),
    /// The key file is readable by others.
    #[error("key file {} can be read by others; hint: chmod 600 it", .0.display())]
    Exposed(PathBuf),
    /// The file is no key or slot of a known version.
    #[error("{} is no key file of a known version", .0.display())]
    Unknown(PathBuf),
    /// The system gave no random bytes.
    #[error("cannot make a key: the system gives no random bytes")]
    Random,
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The keys of one account.
pub struct Keys {
    account: AccountId,
    data_key: hkdf::Prk,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Keys {
    /// Opens the keys of `account` in the folder `dir`, with the key in its file `host.key`. Makes what is not
    /// there yet, but never a new key beside slots that need the old one.
    pub fn open_or_create(dir: &Path, account: &AccountId) -> Result<Self, KeyError> {
        Self::open_on(&OsDisk, dir, account)
    }

    /// Opens or creates the slot of `account` with a key that is kept elsewhere.
    pub fn with_host_key(dir: &Path, account: &AccountId, host_key: &KeyBytes) -> Result<Self, KeyError> {
        OsDisk.create_dir(dir).map_err(io_error("create", dir))?;
        Self::open_slot(&OsDisk, dir, account, host_key)
    }

    fn open_on(disk: &dyn Disk, dir: &Path, account: &AccountId) -> Result<Self, KeyError> {
        disk.create_dir(dir).map_err(io_error("create", dir))?;
        let host_key = open_host_key(disk, dir)?;
        Self::open_slot(disk, dir, account, &host_key)
    }

    fn open_slot(disk: &dyn Disk, dir: &Path, account: &AccountId, host_key: &KeyBytes) -> Result<Self, KeyError> {
        let path = dir.join(format!("{account}.slot"));
        let wrapping = SealKey::new(host_key);
        let aad = [SLOT_MAGIC, account.as_str().as_bytes()];
        let data_key = if let Some(slot) = read_file(disk, &path).map_err(io_error("read", &path))? {
            let sealed = slot.strip_prefix(SLOT_MAGIC).ok_or_else(|| KeyError::Unknown(path.clone()))?;
            let opened = wrapping.open(&aad, sealed).ok_or_else(|| KeyError::Wrong(path.clone()))?;
            key_bytes(&Zeroizing::new(opened)).ok_or(KeyError::Wrong(path))?
        } else {
            let data_key = random_key()?;
            let sealed = wrapping.seal(&aad, &data_key[..]).ok_or(KeyError::Random)?;
            let slot = [SLOT_MAGIC.as_slice(), &sealed].concat();
            replace_file(disk, &path, &slot).map_err(io_error("write", &path))?;
            data_key
        };
        let data_key = hkdf::Salt::new(hkdf::HKDF_SHA256, account.as_str().as_bytes()).extract(&data_key[..]);
        Ok(Self { account: account.clone(), data_key })
    }

    /// Whose keys these are.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Derives the key for one purpose: the same label gives the same key, different labels unrelated ones.
    ///
    /// # Panics
    /// Never: 32 bytes are within what HKDF gives.
    pub fn purpose(&self, label: &str) -> KeyBytes {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let info = [label.as_bytes()];
        let okm = self.data_key.expand(&info, hkdf::HKDF_SHA256).expect("32 bytes are within what HKDF gives");
        okm.fill(&mut key[..]).expect("the buffer has the length that was asked for");
        key
    }

    /// Destroys the slot of `account` in the folder `dir`: written over, removed, and durable so on return. What was
    /// sealed under its key can then be opened by nobody who has no copy of it. One that is not there is fine.
    pub fn destroy(disk: &dyn Disk, dir: &Path, account: &AccountId) -> io::Result<()> {
        // A draft is there when the process ended while the slot was written.
        for name in [format!("{account}.slot"), format!("{account}.draft")] {
            let path = dir.join(name);
            match overwrite(&path).and_then(|()| disk.remove(&path)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        disk.sync_dir(dir)
    }

    /// Names the data key without telling it.
    pub fn fingerprint(&self) -> String {
        use std::fmt::Write;
        self.purpose("fingerprint")[..8].iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

fn open_host_key(disk: &dyn Disk, dir: &Path) -> Result<KeyBytes, KeyError> {
    let path = dir.join(KEY_FILE);
    if let Some(bytes) = read_file(disk, &path).map_err(io_error("read", &path))? {
        let bytes = Zeroizing::new(bytes);
        check_mode(&path)?;
        return key_bytes(&bytes).ok_or(KeyError::Unknown(path));
    }
    let names = disk.list(dir).map_err(io_error("list", dir))?;
    if names.iter().any(|name| Path::new(name).extension().is_some_and(|extension| extension == "slot")) {
        return Err(KeyError::Missing(dir.to_owned()));
    }
    let key = random_key()?;
    replace_file(disk, &path, &key[..]).map_err(io_error("write", &path))?;
    Ok(key)
}

/// Writes random bytes over a file, in place.
fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).open(path)?;
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    io::Write::write_all(&mut file, &bytes)?;
    file.sync_all()
}

fn check_mode(path: &Path) -> Result<(), KeyError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => Err(KeyError::Exposed(path.to_owned())),
        _ => Ok(()),
    }
}

fn key_bytes(bytes: &[u8]) -> Option<KeyBytes> {
    bytes.try_into().ok().map(Zeroizing::new)
}

fn random_key() -> Result<KeyBytes, KeyError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    SystemRandom::new().fill(&mut key[..]).map_err(|_| KeyError::Random)?;
    Ok(key)
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::FaultyDisk;
    use crate::disk::faulty::{Fault, Survival};

    fn account(name: &str) -> AccountId {
        AccountId::new(name).unwrap()
    }

    #[test]
    fn the_same_slot_gives_the_same_keys_and_labels_differ() {
        let dir = tempfile::tempdir().unwrap();
        let first = Keys::open_or_create(dir.path(), &account("acme")).unwrap();
        let again = Keys::open_or_create(dir.path(), &account("acme")).unwrap();
        let other = Keys::open_or_create(dir.path(), &account("other")).unwrap();
        assert_eq!(first.purpose("raw"), again.purpose("raw"));
        assert_ne!(first.purpose("raw"), first.purpose("index"));
        assert_ne!(first.purpose("raw"), other.purpose("raw"));
        assert_eq!(first.fingerprint(), again.fingerprint());
    }

    #[test]
    fn a_missing_wrong_or_exposed_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        Keys::open_or_create(dir.path(), &account("acme")).unwrap();
        let file = dir.path().join(KEY_FILE);
        let key = std::fs::read(&file).unwrap();

        std::fs::remove_file(&file).unwrap();
        assert!(matches!(Keys::open_or_create(dir.path(), &account("acme")), Err(KeyError::Missing(_))));
        assert!(matches!(Keys::open_or_create(dir.path(), &account("new")), Err(KeyError::Missing(_))));
        assert!(!file.exists(), "no new key beside slots that need the old one");

        OsDisk.create(&file).unwrap().append(&[7; 32]).unwrap();
        assert!(matches!(Keys::open_or_create(dir.path(), &account("acme")), Err(KeyError::Wrong(_))));
        std::fs::write(&file, &key[..31]).unwrap();
        assert!(matches!(Keys::open_or_create(dir.path(), &account("acme")), Err(KeyError::Unknown(_))));
        std::fs::write(&file, &key).unwrap();
        Keys::open_or_create(dir.path(), &account("acme")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Keys::open_or_create(dir.path(), &account("acme")), Err(KeyError::Exposed(_))));
    }

    #[test]
    fn every_flipped_bit_of_a_slot_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        Keys::open_or_create(dir.path(), &account("acme")).unwrap();
        let file = dir.path().join("acme.slot");
        let slot = std::fs::read(&file).unwrap();
        for bit in 0..slot.len() * 8 {
            let mut damaged = slot.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&file, &damaged).unwrap();
            let error = Keys::open_or_create(dir.path(), &account("acme")).unwrap_err();
            assert!(matches!(error, KeyError::Wrong(_) | KeyError::Unknown(_)), "{error}");
        }
    }

    #[test]
    fn a_destroyed_slot_is_gone_and_the_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["acme", "other"] {
            Keys::open_or_create(dir.path(), &account(name)).unwrap();
        }
        std::fs::copy(dir.path().join("acme.slot"), dir.path().join("acme.draft")).unwrap();
        // Whoever holds the file open sees that its bytes are gone too.
        let held = std::fs::File::open(dir.path().join("acme.slot")).unwrap();
        let slot = std::fs::read(dir.path().join("acme.slot")).unwrap();
        let other = Keys::open_or_create(dir.path(), &account("other")).unwrap().fingerprint();
        for _ in 0..2 {
            Keys::destroy(&OsDisk, dir.path(), &account("acme")).unwrap();
        }
        let mut left = Vec::new();
        io::Read::read_to_end(&mut io::BufReader::new(held), &mut left).unwrap();
        assert!(left.len() == slot.len() && left[..8] != slot[..8], "{left:?}");
        assert_eq!(OsDisk.list(dir.path()).unwrap(), [KEY_FILE, "other.slot"]);
        assert_eq!(Keys::open_or_create(dir.path(), &account("other")).unwrap().fingerprint(), other);
    }

    #[test]
    fn a_power_loss_while_keys_are_made_leaves_none_or_whole_ones() {
        let dir = Path::new("/keys");
        for step in 0..40 {
            for survival in [Survival::Nothing, Survival::Half, Survival::Torn] {
                let disk = FaultyDisk::new(step);
                disk.fail_at(step, Fault::PowerLoss);
                let made = Keys::open_on(&disk, dir, &account("acme"));
                let disk = disk.restart(survival);
                let again = Keys::open_on(&disk, dir, &account("acme")).unwrap();
                if let Ok(made) = made {
                    assert_eq!(made.purpose("raw"), again.purpose("raw"));
                }
            }
        }
    }
}
