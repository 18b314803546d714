//! Signatures of this installation: Ed25519, with a key of its own that leaves the data folder only as its public half.
//!
//! What is signed is bound to a purpose, so that a signature of one thing is never one of another.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde_json::Value;
use weir_store::Disk;
use weir_store::disk::{read_file, replace_file};

use crate::error::Fault;

/// File of the key, among the keys of the data folder.
const KEY_FILE: &str = "signing.key";
/// File of its public half, beside it.
const PUBLIC_FILE: &str = "signing.pub";

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// How far the audit log has come.
    Checkpoint,
    /// What was erased.
    Receipt,
    /// What an export consists of.
    Export,
    /// What a backup consists of.
    Backup,
    /// Who published a plugin.
    Plugin,
}

impl Purpose {
    fn bind(self, text: &[u8]) -> Vec<u8> {
        let name = match self {
            Self::Checkpoint => "weir checkpoint 1\n",
            Self::Receipt => "weir receipt 1\n",
            Self::Export => "weir export 1\n",
            Self::Backup => "weir backup 1\n",
            Self::Plugin => "weir plugin 1\n",
        };
        [name.as_bytes(), text].concat()
    }
}

/// The key that signs.
pub struct Signer {
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("public", &self.public_key()).finish()
    }
}

impl Signer {
    /// Opens the key in the folder `keys`, or makes one.
    pub fn open_or_create(disk: &dyn Disk, keys: &Path) -> Result<Self, Fault> {
        let path = keys.join(KEY_FILE);
        let failed = |error: std::io::Error| cannot_use(&path, error);
        disk.create_dir(keys).map_err(failed)?;
        let signer = match Self::open(disk, &path)? {
            Some(signer) => signer,
            None => Self::create(disk, &path)?,
        };
        let public = keys.join(PUBLIC_FILE);
        let known = read_file(disk, &public).map_err(failed)?;
        if known.as_deref() != Some(signer.public_key().as_bytes()) {
            replace_file(disk, &public, signer.public_key().as_bytes()).map_err(failed)?;
        }
        Ok(signer)
    }

    /// Opens the key in the file `path`, if there is one.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Option<Self>, Fault> {
        let pkcs8 = read_file(disk, path).map_err(|error| cannot_use(path, error))?;
        pkcs8.map(|pkcs8| Self::of(&pkcs8, path)).transpose()
    }

    /// Makes a key and keeps it in the file `path`.
    pub fn create(disk: &dyn Disk, path: &Path) -> Result<Self, Fault> {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let pkcs8 = made.map_err(|_| Fault::host("the system gives no random numbers"))?;
        replace_file(disk, path, pkcs8.as_ref()).map_err(|error| cannot_use(path, error))?;
        Self::of(pkcs8.as_ref(), path)
    }

    fn of(pkcs8: &[u8], path: &Path) -> Result<Self, Fault> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|error| {
            Fault::host(format!("{} is no signing key", path.display()))
                .hint("restore it from a backup; what another key signs cannot be told from a forgery")
                .caused_by(error.to_string())
        })?;
        Ok(Self { pair })
    }

    /// Its public half, in base64.
    pub fn public_key(&self) -> String {
        STANDARD.encode(self.pair.public_key().as_ref())
    }

    /// A signature, in base64.
    pub fn sign(&self, purpose: Purpose, text: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(&purpose.bind(text)).as_ref())
    }
}

fn cannot_use(path: &Path, error: std::io::Error) -> Fault {
    Fault::host(format!("cannot use {}", path.display())).caused_by(error)
}

/// Stands before the signature of a document, which is its last member.
const MARK: &str = ",\n  \"signature\": \"";
/// Stands behind it.
const END: &str = "\"\n}\n";

impl Signer {
    /// A JSON object as text, with a signature over all of the text before it as its last member.
    pub fn seal(&self, purpose: Purpose, body: &Value) -> String {
        let text = serde_json::to_string_pretty(body).unwrap_or_default();
        let text = text.strip_suffix("\n}").unwrap_or(&text).to_owned();
        let signature = self.sign(purpose, text.as_bytes());
        text + MARK + &signature + END
    }
}

/// The members of a document that [`Signer::seal`] wrote, if it is so byte for byte. It is checked with the key it names
/// itself when none is given; that proves only that it was not altered since.
pub fn checked_document(text: &str, purpose: Purpose, public_key: Option<&str>) -> Result<Value, &'static str> {
    let parts = text.rsplit_once(MARK).and_then(|(body, rest)| Some((body, rest.strip_suffix(END)?)));
    let (body, signature) = parts.ok_or("it has no signature, or its end was changed")?;
    let mut value: Value = serde_json::from_str(text).map_err(|_| "it is no JSON")?;
    let named = value["public_key"].as_str().unwrap_or_default().to_owned();
    if !verifies(public_key.unwrap_or(&named), purpose, body.as_bytes(), signature) {
        return Err("it was changed, or another key signed it");
    }
    if let Some(members) = value.as_object_mut() {
        members.remove("signature");
    }
    Ok(value)
}

/// The public key of the installation in the folder `keys`, if it has signed before.
pub fn public_key(keys: &Path) -> Option<String> {
    std::fs::read_to_string(keys.join(PUBLIC_FILE)).ok().map(|text| text.trim().to_owned())
}

/// Whether `signature` is one of `text` by the holder of `public_key`; both are base64.
pub fn verifies(public_key: &str, purpose: Purpose, text: &[u8], signature: &str) -> bool {
    let (Ok(key), Ok(signature)) = (STANDARD.decode(public_key.trim()), STANDARD.decode(signature)) else {
        return false;
    };
    UnparsedPublicKey::new(&ED25519, key).verify(&purpose.bind(text), &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_store::OsDisk;

    #[test]
    fn a_signature_is_of_one_key_one_purpose_and_one_text() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::open_or_create(&OsDisk, dir.path()).unwrap();
        let (signature, key) = (signer.sign(Purpose::Receipt, b"text"), signer.public_key());
        let again = Signer::open_or_create(&OsDisk, dir.path()).unwrap();
        assert_eq!((again.public_key(), public_key(dir.path())), (key.clone(), Some(key.clone())));
        assert!(verifies(&key, Purpose::Receipt, b"text", &signature));
        assert!(!verifies(&key, Purpose::Checkpoint, b"text", &signature));
        assert!(!verifies(&key, Purpose::Receipt, b"texts", &signature));
        let other = tempfile::tempdir().unwrap();
        let other = Signer::open_or_create(&OsDisk, other.path()).unwrap().public_key();
        assert!(!verifies(&other, Purpose::Receipt, b"text", &signature));
        assert!(!verifies("", Purpose::Receipt, b"text", "no base64"));
    }
}
